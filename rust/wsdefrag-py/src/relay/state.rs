//! The state of one direction of a relay.
//!
//! The core decides. This module reads and writes in Python's memory, creates the event objects,
//! and charges the budget with the bytes held.
//!
//! - no Python code runs while the state of the core is partly updated
//! - the charge is `held()` after every call

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use wsdefrag_core::relay::{Completing, Control, Message, Pace, PassThrough, Relay, Side};
use wsdefrag_core::{Collection, Refusal};

use crate::budget::{Budget, Charge};
use crate::errors;
use crate::raw::buffer::Source;
use crate::raw::bytes::bytes_of;
use crate::raw::event_kind::kind_of;
use crate::raw::message::{
    MessageState, mark_dropped, mark_injected, message_state, take_released,
};
use crate::read::event::{Wanted, is_final};
use crate::read::event_value::Kind;
use crate::read::reading::Reading;
use crate::relay::forwarding::Forwarding;
use crate::relay::held::PyHeld;
use crate::relay::options::DirectionOptions;
use crate::relay::unsent::{Appending, Unsent};

/// One direction of a relay.
pub(crate) struct RelayState {
    pub(crate) reading: Reading,
    pub(crate) forwarding: Forwarding,
    unsent: Unsent,
    charge: Option<Charge>,
    /// Bytes that the caller has taken.
    taken: u64,
}

/// Only a relay whose caller decides is asked for waiting events.
const UNREACHABLE: &str = "only a relay that decides has events that wait";

impl RelayState {
    /// A direction whose events wait for decisions.
    pub(crate) fn deciding(
        direction: DirectionOptions,
        budget: Option<&Bound<'_, Budget>>,
    ) -> Self {
        let DirectionOptions { settings, outbound, extension } = direction;
        let forwarding = Forwarding::Deciding(Relay::new(&settings, outbound));
        Self::new(Reading::new(settings).with_extension(extension), forwarding, budget)
    }

    /// A direction whose frames are forwarded while they are read.
    pub(crate) fn passing(
        direction: DirectionOptions,
        pace: Pace,
        collect_up_to: Option<u64>,
        reports_messages: bool,
        budget: Option<&Bound<'_, Budget>>,
    ) -> Self {
        let DirectionOptions { mut settings, outbound, extension } = direction;
        let pass_through =
            PassThrough::new(pace, outbound).with_longest_held(settings.limits.max_frame_size);
        let mut collection = Collection::Nothing;
        if let Some(most) = collect_up_to {
            let limit = settings.limits.max_message_size.unwrap_or(most);
            settings.limits.max_message_size = Some(limit.min(most));
            collection = Collection::WithinLimits;
        }
        let mut reading = Reading::passing(settings, collection).with_extension(extension);
        if !reports_messages {
            reading = reading.counting();
        }
        Self::new(reading, Forwarding::PassThrough(pass_through), budget)
    }

    fn new(reading: Reading, forwarding: Forwarding, budget: Option<&Bound<'_, Budget>>) -> Self {
        let charge = budget.map(|budget| budget.get().charge());
        Self { reading, forwarding, unsent: Unsent::default(), charge, taken: 0 }
    }

    /// Bytes held: incomplete, waiting for a decision, or not yet taken to be sent.
    pub(crate) fn held(&self) -> usize {
        self.reading.engine.bytes_buffered() + self.forwarding.held() + self.unsent.len()
    }

    /// Charges the budget with the bytes held now.
    #[inline]
    fn settle(&mut self) {
        if self.charge.is_some() {
            let held = self.held();
            if let Some(charge) = &mut self.charge {
                charge.settle(held);
            }
        }
    }

    /// Receives the next bytes; returns the events of this call.
    #[inline]
    pub(crate) fn receive<'py>(
        &mut self,
        data: &impl Source<'py>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = data.py();
        let Self { reading, forwarding, unsent, charge, .. } = self;
        let everything = Wanted::Everything;
        let events = match forwarding {
            Forwarding::Deciding(relay) => {
                reading.feed(data, timestamp, everything, charge, |engine, bytes, sink| {
                    unsent.expect(bytes.len());
                    engine.receive_data(bytes, &mut relay.recording(sink));
                })
            }
            Forwarding::PassThrough(pass_through) => {
                let completing = pass_through.completing();
                reading
                    .feed(data, timestamp, everything, charge, |engine, bytes, sink| {
                        unsent.expect(bytes.len());
                        let immutable = sink.memory.immutable_input;
                        let mut output = Appending { py, unsent, immutable };
                        engine.receive_data(bytes, &mut pass_through.passing(sink, &mut output));
                    })
                    .inspect(|events| mark_late(events, completing))
            }
        };
        self.received(py, events)
    }

    /// Ends the direction; returns the event for an incomplete message or frame.
    pub(crate) fn end<'py>(
        &mut self,
        py: Python<'py>,
        timestamp: f64,
    ) -> PyResult<Bound<'py, PyList>> {
        let events = self.reading.end_events(py, Some(timestamp));
        self.received(py, events)
    }

    /// Updates the state after a read, even if `events` could not be delivered.
    fn received<'py>(
        &mut self,
        py: Python<'py>,
        events: PyResult<Bound<'py, PyList>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let over = self.reading.is_over();
        let output = &mut Appending { py, unsent: &mut self.unsent, immutable: false };
        let held = self.forwarding.received(events.as_ref().ok(), over, output);
        self.settle();
        held.and(events)
    }

    /// The index of `event` in the queue; `None` if it was released or is never queued. Raises for
    /// any other object.
    fn index(&self, event: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
        let Forwarding::Deciding(relay) = &self.forwarding else { unreachable!("{UNREACHABLE}") };
        let index = relay.index(|held| held.event.is(event));
        if index.is_some() || take_released(event) || is_final(event)? {
            return Ok(index);
        }
        Err(PyValueError::new_err(
            "this event does not wait for a decision: it was decided on, or it belongs to another relay",
        ))
    }

    pub(crate) fn forward(&mut self, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(index) = self.index(event)? else { return Ok(()) };
        let state = message_state(event)?;
        let now = state
            .as_ref()
            .map(|message| Message { opcode: message.opcode, content: message.content.as_bytes() });
        let Forwarding::Deciding(relay) = &mut self.forwarding else {
            unreachable!("{UNREACHABLE}")
        };
        let output = &mut Appending { py: event.py(), unsent: &mut self.unsent, immutable: true };
        let written = relay.forward(index, now, output);
        self.settle();
        written.map_err(errors::raise_refusal)
    }

    pub(crate) fn discard(&mut self, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(index) = self.index(event)? else { return Ok(()) };
        let Forwarding::Deciding(relay) = &mut self.forwarding else {
            unreachable!("{UNREACHABLE}")
        };
        relay.discard(index);
        self.settle();
        Ok(())
    }

    /// Injects a control frame.
    pub(crate) fn control(&mut self, py: Python<'_>, control: Control<'_>) -> PyResult<()> {
        self.send(py, false, |forwarding, output| forwarding.control(control, output))
    }

    /// Injects a ping, unless it cannot be sent any more.
    pub(crate) fn keepalive(&mut self, py: Python<'_>) -> PyResult<()> {
        let ping = Control::Ping(b"");
        self.send(py, false, |forwarding, output| match forwarding.control(ping, output) {
            Err(Refusal::AfterClose | Refusal::AfterUnfinished) => Ok(()),
            sent => sent,
        })
    }

    /// Injects a Close; returns whether it is sent.
    pub(crate) fn close(
        &mut self,
        py: Python<'_>,
        code: Option<u16>,
        reason: &str,
    ) -> PyResult<bool> {
        self.send(py, false, |forwarding, output| forwarding.close(code, reason, output))
    }

    /// Injects a message.
    pub(crate) fn inject(
        &mut self,
        message: &Bound<'_, PyAny>,
        state: MessageState<'_>,
        compress: Option<bool>,
    ) -> PyResult<()> {
        let MessageState { opcode, content, .. } = state;
        let held = PyHeld { event: message.clone().unbind(), content: Some(content.unbind()) };
        self.send(message.py(), true, |forwarding, output| {
            forwarding.inject(held, opcode, compress, output)
        })?;
        mark_injected(message);
        Ok(())
    }

    fn send<'py, R>(
        &mut self,
        py: Python<'py>,
        immutable: bool,
        write: impl FnOnce(&mut Forwarding, &mut Appending<'_, 'py>) -> Result<R, Refusal>,
    ) -> PyResult<R> {
        let output = &mut Appending { py, unsent: &mut self.unsent, immutable };
        let written = write(&mut self.forwarding, output);
        self.settle();
        written.map_err(errors::raise_refusal)
    }

    /// The mode of a pass-through; `None` if the caller decides.
    pub(crate) const fn mode(&self) -> Option<&'static str> {
        self.forwarding.mode()
    }

    /// The kind of the error that ended the reading.
    pub(crate) fn error_name(&self) -> Option<&'static str> {
        self.reading.engine.error().map(|error| error.kind.name())
    }

    /// Takes all bytes to be sent, if there are any.
    #[inline]
    pub(crate) fn take_ready(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyBytes>>> {
        if self.unsent.ready() > 0 { self.take(py).map(Some) } else { Ok(None) }
    }

    /// Takes all bytes to be sent.
    pub(crate) fn take(&mut self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        if let Forwarding::Deciding(relay) = &mut self.forwarding {
            relay.release();
        }
        let data = self.unsent.take(py);
        if let Ok(data) = &data {
            self.taken += bytes_of(data).len() as u64;
        }
        self.settle();
        data
    }

    /// What the deadlines of the connection ask about the receiver of this direction, `to`, and about
    /// its sender.
    pub(crate) fn add_to_sides(&self, sender: &mut Side, to: &mut Side) {
        sender.received = self.reading.engine.bytes_received();
        sender.ended = self.reading.has_ended();
        to.waiting = self.unsent.ready();
        to.taken = self.taken;
        to.close_sent = self.forwarding.outbound().is_closed();
    }
}

/// Marks the messages that were not forwarded because a Close was sent.
fn mark_late(events: &Bound<'_, PyList>, mut completing: Completing) {
    if completing.all_go_on() {
        return;
    }
    for event in events.iter() {
        let is_other = matches!(kind_of(&event), Some(Kind::Opaque | Kind::Uncollected));
        let is_message = is_other || matches!(message_state(&event), Ok(Some(_)));
        if is_message && !completing.goes_on() {
            mark_dropped(&event);
        }
    }
}
