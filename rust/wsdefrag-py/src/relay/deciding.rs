//! The relay whose caller decides on each message, for Python.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::raw::message::message_state;
use crate::relay::direction::RelayDirection;
use crate::relay::options::Options;
use crate::relay::pair::Relay;

/// The engine of ``wsdefrag.WebSocketRelay``.
#[pyclass(subclass, frozen, extends = Relay, module = "wsdefrag._native")]
pub(crate) struct DecidingRelay;

/// The direction of an event.
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
    let text = format!("event must be one that receive_data returned, not {class}");
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
        let directions = options
            .directions(py)
            .map(|direction| RelayDirection::deciding(direction, budget.as_ref()));
        let relay = Relay::of(py, directions, record, keeps)?;
        Ok(PyClassInitializer::from(relay).add_subclass(Self))
    }

    /// Forward an event to the other side, unchanged or edited.
    ///
    /// Earlier events that wait for a decision are dropped. A message whose ``dropped`` is set is
    /// dropped too, and so is every event after a Close was sent in the same direction.
    /// ``ProtocolViolation`` and ``Incomplete`` have nothing to send; forwarding them has no
    /// effect.
    ///
    /// Args:
    ///     event: An event that ``receive_data`` returned. The ``content`` and ``type`` of a message
    ///         may have been changed.
    ///
    /// Raises:
    ///     TypeError: If ``event`` is not an event.
    ///     ValueError: If the event does not wait for a decision, or if the edited message cannot
    ///         be sent. Nothing is changed then.
    fn forward(relay: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        direction_of(relay.as_super().get(), event)?.forward(event)
    }

    /// Drop an event and all earlier events that wait for a decision.
    ///
    /// Args:
    ///     event: An event that ``receive_data`` returned. The ``dropped`` of a message is set.
    ///
    /// Raises:
    ///     TypeError: If ``event`` is not an event.
    ///     ValueError: If the event does not wait for a decision.
    fn discard(relay: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        direction_of(relay.as_super().get(), event)?.discard(event)
    }
}
