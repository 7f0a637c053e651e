//! The client's side of a handshake, for Python.

#![expect(clippy::disallowed_methods, reason = "what the caller gives, and a few heads")]

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use wsdefrag_core::deflate::offer::DeflateOffer;
use wsdefrag_core::handshake::client;
use wsdefrag_core::handshake::response::Response;

use crate::errors;
use crate::exclusive::Exclusive;
use crate::handshake::heads::{ResponseValues, deflate_values, response_values, tolerated};
use crate::params::{DeflateFields, PyDeflateOffer};
use crate::raw::buffer::with_bytes;

/// The engine of ``wsdefrag.handshake.ClientHandshake``.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct ClientHandshake(Exclusive<client::ClientHandshake>);

#[pymethods]
impl ClientHandshake {
    #[new]
    #[pyo3(signature = (
        *, host, target, key, origin, subprotocols, offers, fields, max_head_size, strict
    ))]
    #[expect(
        clippy::needless_pass_by_value,
        clippy::too_many_arguments,
        reason = "PyO3 makes the vectors; the arguments are keywords"
    )]
    fn new(
        host: &str,
        target: &str,
        key: &str,
        origin: Option<&str>,
        subprotocols: Vec<String>,
        offers: Vec<PyDeflateOffer>,
        fields: Vec<(String, Vec<u8>)>,
        max_head_size: usize,
        strict: bool,
    ) -> PyResult<Self> {
        let deflate: Vec<DeflateOffer> = offers.into_iter().map(Into::into).collect();
        let asking = client::Asking {
            host,
            target,
            key,
            origin,
            subprotocols: &subprotocols,
            deflate: &deflate,
            fields: &fields,
        };
        let engine = client::ClientHandshake::new(&asking, max_head_size, strict)
            .map_err(|error| errors::raise_invalid_head(&error))?;
        Ok(Self(Exclusive::new("ClientHandshake", engine)))
    }

    /// Remove and return the head of the request.
    fn data_to_send<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.0.with(py, |engine| Ok(PyBytes::new(py, &engine.data_to_send())))
    }

    /// Receive the server's next bytes.
    ///
    /// Returns:
    ///     Whether the head of the final response is complete.
    ///
    /// Raises:
    ///     HandshakeFailed: If a response breaks a rule.
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

    /// End the server's bytes.
    ///
    /// Raises:
    ///     HandshakeFailed: If there is no final response, or one breaks a rule.
    fn receive_eof(&self, py: Python<'_>) -> PyResult<()> {
        self.0.with(py, |engine| {
            engine.receive_eof().map_err(|error| errors::raise_handshake(py, &error))
        })
    }

    /// Status, reason, version, fields and bytes of the final response, or None.
    #[getter]
    fn response<'py>(&self, py: Python<'py>) -> PyResult<Option<ResponseValues<'py>>> {
        self.0
            .with(py, |engine| Ok(engine.response().map(|response| response_values(py, response))))
    }

    /// The responses before the final one.
    #[getter]
    fn informational<'py>(&self, py: Python<'py>) -> PyResult<Vec<ResponseValues<'py>>> {
        self.0.with(py, |engine| {
            Ok(engine
                .informational()
                .iter()
                .map(|response| response_values(py, response))
                .collect())
        })
    }

    /// The subprotocol of the final response.
    #[getter]
    fn subprotocol(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.0.with(py, |engine| {
            let accepting = engine.response().filter(|response| response.switches());
            Ok(accepting.and_then(Response::subprotocol))
        })
    }

    /// The fields of the ``DeflateParams`` that were agreed on.
    #[getter]
    fn deflate(&self, py: Python<'_>) -> PyResult<Option<DeflateFields>> {
        self.0.with(py, |engine| Ok(deflate_values(engine.deflate())))
    }

    /// Remove and return the bytes after the final head.
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

    /// Bytes that are kept: of an incomplete head, or after the final one.
    #[getter]
    fn bytes_buffered(&self, py: Python<'_>) -> PyResult<usize> {
        self.0.with(py, |engine| Ok(engine.bytes_buffered()))
    }
}
