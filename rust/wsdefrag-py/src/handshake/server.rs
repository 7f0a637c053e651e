//! The server's side of a handshake, for Python.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use wsdefrag_core::handshake::server;

use crate::errors;
use crate::exclusive::Exclusive;
use crate::handshake::heads::{RequestValues, request_values, tolerated};
use crate::params::PyDeflateParams;
use crate::raw::buffer::with_bytes;

/// The engine of ``wsdefrag.handshake.ServerHandshake``.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct ServerHandshake(Exclusive<server::ServerHandshake>);

#[pymethods]
impl ServerHandshake {
    #[new]
    #[pyo3(signature = (*, max_head_size, strict))]
    fn new(max_head_size: usize, strict: bool) -> Self {
        let engine = server::ServerHandshake::new(max_head_size, strict);
        Self(Exclusive::new("ServerHandshake", engine))
    }

    /// Receive the client's next bytes.
    ///
    /// Returns:
    ///     Whether the head of the request is complete.
    ///
    /// Raises:
    ///     HandshakeFailed: If the request breaks a rule.
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    fn receive_data(&self, data: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = data.py();
        self.0.with(py, |engine| {
            let received = with_bytes(data, |input| {
                engine.receive_data(input.bytes).map(|head| head.is_some())
            })?;
            received.map_err(|error| errors::raise_handshake(py, &error))
        })
    }

    /// End the client's bytes.
    ///
    /// Raises:
    ///     HandshakeFailed: If the request is not complete, or breaks a rule.
    fn receive_eof(&self, py: Python<'_>) -> PyResult<()> {
        self.0.with(py, |engine| {
            engine.receive_eof().map_err(|error| errors::raise_handshake(py, &error))
        })
    }

    /// Method, target, version, fields and bytes of the request; None before its head is complete.
    #[getter]
    fn request<'py>(&self, py: Python<'py>) -> PyResult<Option<RequestValues<'py>>> {
        self.0.with(py, |engine| Ok(engine.request().map(|request| request_values(py, request))))
    }

    /// Make the head of a 101 that accepts the request.
    ///
    /// Raises:
    ///     ValueError: If there is no request, it has been answered, or it does not allow the answer.
    #[pyo3(signature = (*, subprotocol, deflate, fields))]
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 makes the vector")]
    fn accept<'py>(
        &self,
        py: Python<'py>,
        subprotocol: Option<&str>,
        deflate: Option<PyDeflateParams>,
        fields: Vec<(String, Vec<u8>)>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.0.with(py, |engine| {
            let head = engine.accept(subprotocol, deflate.map(Into::into), &fields);
            let head = head.map_err(|error| errors::raise_invalid_head(&error))?;
            Ok(PyBytes::new(py, &head))
        })
    }

    /// Make a response that refuses the request.
    ///
    /// Raises:
    ///     ValueError: If the request has been answered, or an argument is invalid.
    #[pyo3(signature = (*, status, reason, fields, body))]
    #[expect(clippy::needless_pass_by_value, reason = "PyO3 makes the vector")]
    fn reject<'py>(
        &self,
        py: Python<'py>,
        status: Option<u16>,
        reason: Option<&str>,
        fields: Vec<(String, Vec<u8>)>,
        body: Option<&[u8]>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.0.with(py, |engine| {
            let response = engine.reject(status, reason, &fields, body);
            let response = response.map_err(|error| errors::raise_invalid_head(&error))?;
            Ok(PyBytes::new(py, &response))
        })
    }

    /// Remove and return the bytes after the head.
    fn take_leftover<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.0.with(py, |engine| Ok(PyBytes::new(py, &engine.take_leftover())))
    }

    /// What ended the handshake; None if nothing did.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.with(py, |engine| {
            engine.failure().map(|error| errors::handshake_failed(py, error)).transpose()
        })
    }

    /// How often each fault was tolerated.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.0.with(py, |engine| tolerated(py, engine.tolerated()))
    }

    /// Bytes that are kept: of an incomplete head, or after the head.
    #[getter]
    fn bytes_buffered(&self, py: Python<'_>) -> PyResult<usize> {
        self.0.with(py, |engine| Ok(engine.bytes_buffered()))
    }
}
