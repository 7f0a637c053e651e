//! The relay whose caller decides on whole messages, for Python.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::raw::message::message_state;
use crate::relay::direction::RelayDirection;
use crate::relay::options::Options;
use crate::relay::pair::Relay;

/// The engine of ``wsdefrag.WebSocketRelay``.
#[pyclass(subclass, frozen, extends = Relay, module = "wsdefrag._native")]
pub(crate) struct DecidingRelay;

/// The direction that an event happened in.
#[inline]
fn direction_of<'py>(
    relay: &Relay,
    event: &Bound<'py, PyAny>,
) -> PyResult<PyRefMut<'py, RelayDirection>> {
    let from_client = match message_state(event)? {
        Some(message) => Ok(message.from_client),
        None => event.getattr("from_client").and_then(|side| side.extract()),
    };
    if let Ok(from_client) = from_client {
        return relay.direction(event.py(), from_client);
    }
    let class = event.get_type().name()?;
    let text = format!("event must be one that receive_data gave, not {class}");
    Err(PyTypeError::new_err(text))
}

#[pymethods]
impl DecidingRelay {
    #[new]
    #[pyo3(signature = (options, *, record, keeps))]
    fn new(
        py: Python<'_>,
        options: Options<'_>,
        record: Py<PyAny>,
        keeps: bool,
    ) -> PyResult<PyClassInitializer<Self>> {
        let budget = options.budget.clone();
        let directions = options.legs().map(|leg| RelayDirection::deciding(leg, budget.as_ref()));
        let relay = Relay::of(py, directions, record, keeps)?;
        Ok(PyClassInitializer::from(relay).add_subclass(Self))
    }

    /// Send an event on, as it came or as it was edited.
    ///
    /// Events that still wait for a decision before it are dropped. A message whose ``dropped`` is
    /// set, and everything after a Close that was sent the same way, is dropped too. A
    /// ``ProtocolViolation`` and an ``Incomplete`` have nothing to send, and decide nothing.
    ///
    /// Args:
    ///     event: One that ``receive_data`` gave. Of a message, ``content`` and ``type`` may have
    ///         been changed.
    ///
    /// Raises:
    ///     TypeError: If it is no event.
    ///     ValueError: If the event waits for no decision, or if the message cannot be sent as it
    ///         was edited. Nothing is changed then.
    fn forward(relay: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        direction_of(relay.as_super().get(), event)?.forward(event)
    }

    /// Keep an event, and all before it that wait for a decision, from the other side.
    ///
    /// Args:
    ///     event: One that ``receive_data`` gave. A message's ``dropped`` is set.
    ///
    /// Raises:
    ///     TypeError: If it is no event.
    ///     ValueError: If the event waits for no decision.
    fn discard(relay: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        direction_of(relay.as_super().get(), event)?.discard(event)
    }
}
