//! One direction, for Python: returns messages and raises violations.

use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::errors;
use crate::params::{PyDeflateParams, PyLimits, PyStrictness};
use crate::read::event::Wanted;
use crate::read::state::{DirectionState, settings};

/// The engine of ``wsdefrag.MessageReassembler``.
#[pyclass(subclass, frozen, extends = DirectionState, module = "wsdefrag._native")]
pub(crate) struct MessageReassembler;

#[pymethods]
impl MessageReassembler {
    #[new]
    #[pyo3(signature = (*, from_client, deflate, limits, strictness))]
    fn new(
        from_client: bool,
        deflate: Option<PyDeflateParams>,
        limits: PyLimits,
        strictness: PyStrictness,
    ) -> PyClassInitializer<Self> {
        let settings = settings(from_client, deflate, limits, strictness);
        let state = DirectionState::new("MessageReassembler", settings, None);
        PyClassInitializer::from(state).add_subclass(Self)
    }

    /// Receive the next bytes and return the messages that they complete.
    ///
    /// Args:
    ///     data: Any number of bytes; they are neither changed nor kept.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     The completed messages, in order. A violation in these bytes ends the list and sets
    ///     ``error``; the next call raises it.
    ///
    /// Raises:
    ///     ProtocolError: If earlier bytes broke a rule.
    ///     LimitExceeded: If earlier bytes exceeded a limit.
    ///     OutOfMemory: If memory was refused for earlier bytes.
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If the direction has ended.
    #[pyo3(signature = (data, *, timestamp = None))]
    fn receive_data<'py>(
        this: &Bound<'_, Self>,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        this.as_super().get().0.with(data.py(), |reading| {
            let failed_before = reading.engine.error().copied();
            let messages = reading.feed(
                data,
                timestamp,
                Wanted::Messages,
                &mut None,
                |engine, bytes, sink| {
                    engine.receive_data(bytes, sink);
                },
            )?;
            match failed_before {
                Some(error) if messages.is_empty() => Err(errors::raise(data.py(), &error)),
                _ => Ok(messages),
            }
        })
    }

    /// End the direction; may be called again.
    ///
    /// Raises:
    ///     ProtocolError: If earlier bytes broke a rule.
    ///     LimitExceeded: If earlier bytes exceeded a limit.
    ///     OutOfMemory: If memory was refused for earlier bytes.
    ///     IncompleteMessage: If the bytes stopped inside a header, a frame or a message.
    fn receive_eof(this: &Bound<'_, Self>, py: Python<'_>) -> PyResult<()> {
        this.as_super().get().0.with(py, |reading| reading.end(py))
    }
}

/// Panic while a reassembler is used, to show what becomes of it; for tests.
#[pyfunction]
#[expect(clippy::panic, reason = "it is its purpose")]
pub(crate) fn panic_inside(reassembler: &Bound<'_, MessageReassembler>) -> PyResult<()> {
    let state = &reassembler.as_super().get().0;
    state.with(reassembler.py(), |_| panic!("on purpose"))
}
