//! A bystander at a handshake, for Python.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use wsdefrag_core::handshake::tap;

use crate::errors;
use crate::exclusive::Exclusive;
use crate::handshake::heads::{
    RequestValues, ResponseValues, deflate_values, request_values, response_values, tolerated,
};
use crate::params::DeflateFields;
use crate::raw::buffer::with_bytes;

/// The engine of ``wsdefrag.handshake.HandshakeTap``.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct HandshakeTap(Exclusive<tap::HandshakeTap>);

#[pymethods]
impl HandshakeTap {
    #[new]
    #[pyo3(signature = (*, max_head_size, strict))]
    fn new(max_head_size: usize, strict: bool) -> Self {
        let engine = tap::HandshakeTap::new(max_head_size, strict);
        Self(Exclusive::new("HandshakeTap", engine))
    }

    /// Receive the next bytes of one side.
    ///
    /// Returns:
    ///     Those of the bytes that follow the head.
    ///
    /// Raises:
    ///     HandshakeFailed: If the head cannot be read.
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    #[pyo3(signature = (data, *, from_client))]
    fn receive_data<'py>(
        &self,
        data: &Bound<'py, PyAny>,
        from_client: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let py = data.py();
        self.0.with(py, |engine| {
            with_bytes(data, |input| {
                let rest = engine.receive_data(input.bytes, from_client);
                rest.map(|rest| PyBytes::new(py, rest))
            })?
            .map_err(|error| errors::raise_handshake(py, &error))
        })
    }

    /// End one side's bytes.
    ///
    /// Raises:
    ///     HandshakeFailed: If its head is not complete, or cannot be read.
    #[pyo3(signature = (*, from_client))]
    fn receive_eof(&self, py: Python<'_>, from_client: bool) -> PyResult<()> {
        self.0.with(py, |engine| {
            engine.receive_eof(from_client).map_err(|error| errors::raise_handshake(py, &error))
        })
    }

    /// Method, target, version, fields and bytes of the request; None before its head is complete.
    #[getter]
    fn request<'py>(&self, py: Python<'py>) -> PyResult<Option<RequestValues<'py>>> {
        self.0.with(py, |engine| Ok(engine.request().map(|request| request_values(py, request))))
    }

    /// Status, reason, version, fields and bytes of the final response, or None.
    #[getter]
    fn response<'py>(&self, py: Python<'py>) -> PyResult<Option<ResponseValues<'py>>> {
        self.0
            .with(py, |engine| Ok(engine.response().map(|response| response_values(py, response))))
    }

    /// Whether a WebSocket begins after the heads; None while it is not known.
    #[getter]
    fn is_websocket(&self, py: Python<'_>) -> PyResult<Option<bool>> {
        self.0.with(py, |engine| Ok(engine.is_websocket()))
    }

    /// The fields of the ``DeflateParams`` that were agreed on.
    #[getter]
    fn deflate(&self, py: Python<'_>) -> PyResult<Option<DeflateFields>> {
        self.0.with(py, |engine| Ok(deflate_values(engine.deflate())))
    }

    /// The names of other extensions that the server accepted.
    #[getter]
    fn foreign_extensions(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.0.with(py, |engine| Ok(engine.foreign_extensions()))
    }

    /// How often each fault of one side was tolerated.
    #[pyo3(signature = (*, from_client))]
    fn tolerated<'py>(&self, py: Python<'py>, from_client: bool) -> PyResult<Bound<'py, PyDict>> {
        self.0.with(py, |engine| tolerated(py, engine.tolerated(from_client)))
    }
}
