//! The relay whose caller decides on each message, for Python.

#![expect(clippy::disallowed_macros, reason = "a short text")]

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;

use crate::panics;
use crate::raw::event_fields;
use crate::raw::message::message_state;
use crate::read::record::Record;
use crate::relay::direction::RelayDirection;
use crate::relay::options::Options;
use crate::relay::pair::Relay;
use crate::relay::state::RelayState;

/// The engine of ``wsdefrag.WebSocketRelay``.
#[pyclass(subclass, frozen, extends = Relay, module = "wsdefrag._native")]
pub(crate) struct DecidingRelay;

/// The direction of an event.
#[inline]
fn direction_of<'a>(relay: &'a Relay, event: &Bound<'_, PyAny>) -> PyResult<&'a RelayDirection> {
    let from_client = match message_state(event)? {
        Some(message) => Ok(message.from_client),
        None => direction_attribute(event),
    };
    if let Ok(from_client) = from_client {
        return Ok(relay.direction(from_client));
    }
    let class = event.get_type().name()?;
    let text = format!("event must be one that receive_data returned, not {class}");
    Err(PyTypeError::new_err(text))
}

/// The ``from_client`` of an event that is not a message.
fn direction_attribute(event: &Bound<'_, PyAny>) -> PyResult<bool> {
    if let Some(values) = event_fields::values(event) {
        return Ok(values.from_client);
    }
    event.getattr(intern!(event.py(), "from_client"))?.extract()
}

#[pymethods]
impl DecidingRelay {
    #[new]
    #[pyo3(signature = (options, *, websocket, retain))]
    fn new(
        py: Python<'_>,
        options: Options<'_>,
        websocket: Py<PyAny>,
        retain: Option<usize>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let (budget, timeouts) = (options.budget.clone(), options.timeouts);
        let directions = options
            .directions(py)
            .map(|direction| RelayState::deciding(direction, budget.as_ref()))
            .map(|state| RelayDirection::new("WebSocketRelay", state));
        let relay = Relay::of(py, directions, timeouts.into(), Record::new(websocket, retain))?;
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
        panics::caught(event.py(), || {
            let direction = direction_of(relay.as_super().get(), event)?;
            direction.0.with(event.py(), |state| state.forward(event))
        })
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
        panics::caught(event.py(), || {
            let direction = direction_of(relay.as_super().get(), event)?;
            direction.0.with(event.py(), |state| state.discard(event))
        })
    }
}
