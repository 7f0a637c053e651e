//! The two directions of a relay, for Python: what is called for each message.
//!
//! It finds the direction that is meant, and decides nothing. It stands here and
//! not in Python because finding it there takes as long as all the rest of a
//! small message. Both directions are reached through shared references, so an
//! object that is in use by another thread is a `RuntimeError` there.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::raw::message::message_state;
use crate::relay::direction::RelayDirection;

/// The engine behind ``wsdefrag.WebSocketRelay``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct Relay {
    client: Py<RelayDirection>,
    server: Py<RelayDirection>,
    /// What notes the events; a `wsdefrag.record.Record`.
    record: Py<PyAny>,
    /// Whether it keeps messages.
    keeps: bool,
}

impl Relay {
    fn direction<'py>(
        &self,
        py: Python<'py>,
        from_client: bool,
    ) -> PyResult<PyRefMut<'py, RelayDirection>> {
        let direction = if from_client { &self.client } else { &self.server };
        Ok(direction.bind(py).try_borrow_mut()?)
    }

    /// The direction that an event happened in.
    fn direction_of<'py>(
        &self,
        event: &Bound<'py, PyAny>,
    ) -> PyResult<PyRefMut<'py, RelayDirection>> {
        let from_client = match message_state(event)? {
            Some(message) => Ok(message.from_client),
            None => event.getattr("from_client").and_then(|side| side.extract()),
        };
        if let Ok(from_client) = from_client {
            return self.direction(event.py(), from_client);
        }
        let class = event.get_type().name()?;
        let text = format!("event must be one that receive_data gave, not {class}");
        Err(PyTypeError::new_err(text))
    }
}

#[pymethods]
impl Relay {
    #[new]
    #[pyo3(signature = (*, client, server, record, keeps))]
    const fn new(
        client: Py<RelayDirection>,
        server: Py<RelayDirection>,
        record: Py<PyAny>,
        keeps: bool,
    ) -> Self {
        Self { client, server, record, keeps }
    }

    /// Take the next bytes of one side.
    ///
    /// Args:
    ///     data: Any number of bytes; neither changed nor kept.
    ///     from_client: Whether the client sent them.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     What happened, in order. What is wrong on the wire is a ``ProtocolViolation`` and is
    ///     not raised.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If this direction has ended by ``receive_eof``.
    #[pyo3(signature = (data, *, from_client, timestamp = None))]
    fn receive_data<'py>(
        &self,
        data: &Bound<'py, PyAny>,
        from_client: bool,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = data.py();
        let events = self.direction(py, from_client)?.receive_events(data, timestamp)?;
        let Some(last) = events.len().checked_sub(1) else { return Ok(events) };
        // A Close is a last event, or next to last.
        if self.keeps || message_state(&events.get_item(last)?)?.is_none() {
            self.record.bind(py).call_method1("note", (&events,))?;
        }
        Ok(events)
    }

    /// Send an event on, as it came or as it was edited.
    ///
    /// Events that still wait for a decision before it are dropped. A message whose ``dropped`` is
    /// set, and everything behind a Close that was sent the same way, is dropped too. A
    /// ``ProtocolViolation`` and an ``Incomplete`` have nothing to send, and decide nothing.
    ///
    /// Args:
    ///     event: One that ``receive_data`` gave. Of a message, ``content`` and ``type`` may have
    ///         been changed.
    ///
    /// Raises:
    ///     TypeError: If it is no event.
    ///     ValueError: If the event waits for no decision, if the message cannot be sent as it was
    ///         edited, or if the mode is not ``"messages"``. Nothing is changed then.
    fn forward(&self, event: &Bound<'_, PyAny>) -> PyResult<()> {
        self.direction_of(event)?.forward(event)
    }

    /// Keep an event, and all before it that wait for a decision, from the other side.
    ///
    /// Args:
    ///     event: One that ``receive_data`` gave. A message's ``dropped`` is set.
    ///
    /// Raises:
    ///     TypeError: If it is no event.
    ///     ValueError: If the event waits for no decision, or if the mode is not ``"messages"``.
    fn drop(&self, event: &Bound<'_, PyAny>) -> PyResult<()> {
        RelayDirection::drop(&mut *self.direction_of(event)?, event)
    }

    /// Take all that waits to be sent to one side.
    ///
    /// Args:
    ///     to_client: Whether to the client.
    ///
    /// Returns:
    ///     The bytes for its connection; empty if there are none.
    #[pyo3(signature = (*, to_client))]
    fn data_to_send(&self, py: Python<'_>, to_client: bool) -> PyResult<Py<PyBytes>> {
        self.direction(py, !to_client)?.data_to_send(py)
    }

    /// The direction of what the client sends.
    #[getter]
    fn client(&self, py: Python<'_>) -> Py<RelayDirection> {
        self.client.clone_ref(py)
    }

    /// The direction of what the server sends.
    #[getter]
    fn server(&self, py: Python<'_>) -> Py<RelayDirection> {
        self.server.clone_ref(py)
    }
}
