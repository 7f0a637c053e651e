//! One direction of a relay, for Python.

#![expect(clippy::disallowed_macros, reason = "a text has at most 200 characters")]

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::exclusive::Exclusive;
use crate::read::pair::KeepsEvents;
use crate::relay::state::RelayState;

/// One direction of a relay; read-only.
///
/// It is the class of ``from_client`` and ``from_server`` of a ``WebSocketRelay`` or a
/// ``PassThroughRelay``, and cannot be constructed.
///
/// Attributes:
///     error: The violation that ended the reading of this direction, or None.
///     close_received: The ``Close`` event that was received, or None.
///     close_sent: Whether a Close was sent to the other side, forwarded or injected.
///     recompresses: Whether received compressed messages are compressed again or sent
///         uncompressed.
///     messages_received: Number of complete messages received.
///     bytes_received: Number of bytes received.
///     bytes_buffered: Bytes held: incomplete, waiting for a decision, or not yet taken to be
///         sent.
///     bytes_discarded: Bytes after a Close, or from the first byte of the offending frame on.
///     tolerated: How often each switched-off rule was broken, by the name of its field in
///         ``Strictness``.
///
/// Example:
///     >>> import wsdefrag
///     >>> relay = wsdefrag.WebSocketRelay()
///     >>> relay.receive_data(b"\x81\x05he", from_client=False)
///     []
///     >>> relay.from_server.bytes_buffered
///     4
#[pyclass(frozen, module = "wsdefrag")]
pub(crate) struct RelayDirection(pub(crate) Exclusive<RelayState>);

impl RelayDirection {
    /// A direction of a relay of this class.
    pub(crate) const fn new(class: &'static str, state: RelayState) -> Self {
        Self(Exclusive::new(class, state))
    }
}

#[pymethods]
impl RelayDirection {
    /// The violation that ended the reading of this direction, a new object each time, or None.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.with(py, |state| state.reading.error(py))
    }

    /// The ``Close`` event that was received, or None.
    #[getter]
    fn close_received<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.with(py, |state| Ok(state.reading.close(py)))
    }

    /// Whether a Close was sent to the other side.
    #[getter]
    fn close_sent(&self, py: Python<'_>) -> PyResult<bool> {
        self.0.with(py, |state| Ok(state.forwarding.outbound().is_closed()))
    }

    /// Whether received compressed messages are compressed again or sent uncompressed.
    #[getter]
    fn recompresses(&self, py: Python<'_>) -> PyResult<bool> {
        self.0.with(py, |state| Ok(state.forwarding.outbound().recompresses()))
    }

    /// Number of complete messages received.
    #[getter]
    fn messages_received(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |state| Ok(state.reading.messages()))
    }

    /// Number of bytes received.
    #[getter]
    fn bytes_received(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |state| Ok(state.reading.engine.bytes_received()))
    }

    /// Bytes held: incomplete, waiting for a decision, or not yet taken to be sent.
    #[getter]
    pub(crate) fn bytes_buffered(&self, py: Python<'_>) -> PyResult<usize> {
        self.0.with(py, |state| Ok(state.held()))
    }

    /// Bytes after a Close, or from the first byte of the offending frame on.
    #[getter]
    fn bytes_discarded(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |state| Ok(state.reading.engine.bytes_discarded()))
    }

    /// How often each switched-off rule was broken, by the name of its field in ``Strictness``.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.0.with(py, |state| state.reading.tolerated(py))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.0.with(py, |state| {
            let mut shown = state.reading.summary(state.held());
            let outbound = state.forwarding.outbound();
            if outbound.is_closed() {
                shown += " close_sent";
            }
            if outbound.recompresses() {
                shown += " recompresses";
            }
            Ok(format!("<RelayDirection {shown}>"))
        })
    }
}

impl KeepsEvents for RelayDirection {
    fn keep(&self, events: Bound<'_, PyList>) -> PyResult<()> {
        self.0.with(events.py(), |state| {
            state.reading.keep(events);
            Ok(())
        })
    }
}
