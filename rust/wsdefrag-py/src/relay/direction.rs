//! One direction of a relay, for Python: what a caller sees of it, and what the
//! relay has it do.
//!
//! Every rule is the core's. Here bytes are read and written in Python's memory,
//! events get their objects, and the budget is charged with what is held.
//!
//! - nothing here runs Python code while the core's books are half written
//! - the account is charged with `held()` after every call

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use wsdefrag_core::Refusal;
use wsdefrag_core::relay::{Completing, Control, Message, Pace, PassThrough, Relay};

use crate::budget::{Account, Budget};
use crate::errors;
use crate::raw::message::{
    MessageState, mark_dropped, mark_injected, message_state, take_released,
};
use crate::read::event::{Wanted, is_final};
use crate::read::reading::Reading;
use crate::relay::held::PyHeld;
use crate::relay::options::Leg;
use crate::relay::unsent::{Appending, Unsent};
use crate::relay::way::Way;

/// One direction of a relay; read-only.
///
/// ``from_client`` and ``from_server`` of a ``WebSocketRelay`` and of a ``PassThroughRelay`` are of
/// this class. It cannot be constructed.
///
/// Attributes:
///     error: The violation that ended what comes in, or None.
///     close_received: The ``Close`` event that came in, or None.
///     close_sent: Whether a Close was sent on to the other side, forwarded or the caller's own.
///     recompresses: Whether messages that come compressed are compressed again, or not at all.
///     bytes_received: All bytes taken so far.
///     bytes_buffered: Bytes held: of what is not complete, not decided on, or not taken to be
///         sent.
///     bytes_discarded: Bytes after a Close, or from the offending frame's first byte on.
///     tolerated: How often each rule that is switched off was broken, by the name of its field
///         in ``Strictness``.
///
/// Example:
///     >>> import wsdefrag
///     >>> relay = wsdefrag.WebSocketRelay()
///     >>> relay.receive_data(b"\x81\x05he", from_client=False)
///     []
///     >>> relay.from_server.bytes_buffered
///     4
#[pyclass(module = "wsdefrag")]
pub(crate) struct RelayDirection {
    reading: Reading,
    way: Way,
    unsent: Unsent,
    account: Option<Account>,
}

/// What a call for the wrong kind of relay would be.
const UNREACHABLE: &str = "only a relay that decides has events that wait";

impl RelayDirection {
    /// One whose events wait for decisions.
    pub(crate) fn deciding(leg: Leg, budget: Option<&Bound<'_, Budget>>) -> Self {
        let way = Way::Deciding(Relay::new(&leg.settings, leg.outbound));
        Self::new(Reading::new(leg.settings), way, budget)
    }

    /// One whose frames go on by themselves.
    pub(crate) fn passing(leg: Leg, pace: Pace, budget: Option<&Bound<'_, Budget>>) -> Self {
        let way = Way::Passing(PassThrough::new(pace, leg.outbound));
        Self::new(Reading::passing(leg.settings), way, budget)
    }

    fn new(reading: Reading, way: Way, budget: Option<&Bound<'_, Budget>>) -> Self {
        let account = budget.map(|budget| budget.get().account());
        Self { reading, way, unsent: Unsent::default(), account }
    }

    /// Bytes that are held on behalf of the sender.
    fn held(&self) -> usize {
        self.reading.engine.bytes_buffered() + self.way.held() + self.unsent.len()
    }

    /// Charges the budget with what is held now.
    #[inline]
    fn settle(&mut self) {
        if self.account.is_some() {
            let held = self.held();
            if let Some(account) = &mut self.account {
                account.settle(held);
            }
        }
    }

    /// Takes the next bytes; the events of this call.
    pub(crate) fn receive<'py>(
        &mut self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = data.py();
        self.forget_lost(py);
        let Self { reading, way, unsent, account } = self;
        let everything = Wanted::Everything;
        let events = match way {
            Way::Deciding(relay) => {
                reading.feed(data, timestamp, everything, account, |engine, bytes, sink| {
                    unsent.expect(bytes.len());
                    let before = relay.recorded();
                    engine.receive_data(bytes, &mut relay.recording(sink));
                    for place in sink.lost.drain(..).rev() {
                        relay.lose(before + place);
                    }
                })
            }
            Way::Passing(pass_through) => {
                let completing = pass_through.completing();
                reading
                    .feed(data, timestamp, everything, account, |engine, bytes, sink| {
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

    /// Ends the direction; what was left incomplete.
    pub(crate) fn end<'py>(
        &mut self,
        py: Python<'py>,
        timestamp: f64,
    ) -> PyResult<Bound<'py, PyList>> {
        self.forget_lost(py);
        let events = self.reading.end_events(py, Some(timestamp));
        self.received(py, events)
    }

    /// Gives up what was noted of events that will not be delivered: there was no memory to.
    fn forget_lost(&mut self, py: Python<'_>) {
        if let Way::Deciding(relay) = &mut self.way
            && relay.recorded() > 0
        {
            relay.lose_all_but(self.reading.undelivered(py));
        }
    }

    /// Brings the books up to date when something has come in, also where `events` were kept back.
    fn received<'py>(
        &mut self,
        py: Python<'py>,
        events: PyResult<Bound<'py, PyList>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let over = self.reading.is_over();
        let output = &mut Appending { py, unsent: &mut self.unsent, immutable: false };
        let held = self.way.received(events.as_ref().ok(), over, output);
        self.settle();
        held.and(events)
    }

    /// The place of `event` among those that wait for a decision; none if it waits for none, which
    /// the caller may not know.
    fn place(&self, event: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
        let Way::Deciding(relay) = &self.way else { unreachable!("{UNREACHABLE}") };
        let place = relay.place(|held| held.event.is(event));
        if place.is_some() || take_released(event) || is_final(event)? {
            return Ok(place);
        }
        Err(PyValueError::new_err(
            "this event waits for no decision: there was one, or it is not of this relay",
        ))
    }

    pub(crate) fn forward(&mut self, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(place) = self.place(event)? else { return Ok(()) };
        let state = message_state(event)?;
        let now = state
            .as_ref()
            .map(|message| Message { opcode: message.opcode, content: message.content.as_bytes() });
        let Way::Deciding(relay) = &mut self.way else { unreachable!("{UNREACHABLE}") };
        let output = &mut Appending { py: event.py(), unsent: &mut self.unsent, immutable: true };
        let written = relay.forward(place, now, output);
        self.settle();
        written.map_err(errors::raise_refusal)
    }

    pub(crate) fn discard(&mut self, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(place) = self.place(event)? else { return Ok(()) };
        let Way::Deciding(relay) = &mut self.way else { unreachable!("{UNREACHABLE}") };
        relay.discard(place);
        self.settle();
        Ok(())
    }

    /// Sends a control frame of the caller's.
    pub(crate) fn control(&mut self, py: Python<'_>, control: Control<'_>) -> PyResult<()> {
        self.put_in(py, false, |way, output| way.control(control, output))
    }

    /// Sends a Close of the caller's; whether it does.
    pub(crate) fn close(
        &mut self,
        py: Python<'_>,
        code: Option<u16>,
        reason: &str,
    ) -> PyResult<bool> {
        self.put_in(py, false, |way, output| way.close(code, reason, output))
    }

    /// Sends a message of the caller's.
    pub(crate) fn inject(
        &mut self,
        message: &Bound<'_, PyAny>,
        state: MessageState<'_>,
        compress: Option<bool>,
    ) -> PyResult<()> {
        let MessageState { opcode, content, .. } = state;
        let held = PyHeld { event: message.clone().unbind(), content: Some(content.unbind()) };
        self.put_in(message.py(), true, |way, output| way.inject(held, opcode, compress, output))?;
        mark_injected(message);
        Ok(())
    }

    fn put_in<'py, R>(
        &mut self,
        py: Python<'py>,
        immutable: bool,
        write: impl FnOnce(&mut Way, &mut Appending<'_, 'py>) -> Result<R, Refusal>,
    ) -> PyResult<R> {
        let output = &mut Appending { py, unsent: &mut self.unsent, immutable };
        let written = write(&mut self.way, output);
        self.settle();
        written.map_err(errors::raise_refusal)
    }

    /// The mode that frames go on by themselves in.
    pub(crate) const fn mode(&self) -> Option<&'static str> {
        self.way.mode()
    }

    /// The kind of what ended what comes in.
    pub(crate) fn error_name(&self) -> Option<&'static str> {
        self.reading.engine.error().map(|error| error.kind.name())
    }

    /// Takes all that waits to be sent.
    pub(crate) fn take(&mut self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        if let Way::Deciding(relay) = &mut self.way {
            relay.release();
        }
        let data = self.unsent.take(py);
        self.settle();
        data
    }
}

/// Marks the messages that came too late to go on.
fn mark_late(events: &Bound<'_, PyList>, mut completing: Completing) {
    if completing.all_go_on() {
        return;
    }
    for event in events.iter() {
        if matches!(message_state(&event), Ok(Some(_))) && !completing.goes_on() {
            mark_dropped(&event);
        }
    }
}

#[pymethods]
impl RelayDirection {
    /// What ended what comes in, a new object each time; None if nothing has.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.reading.error(py)
    }

    /// The Close that came in.
    #[getter]
    fn close_received<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.reading.close(py)
    }

    /// Whether a Close was sent on to the other side.
    #[getter]
    const fn close_sent(&self) -> bool {
        self.way.outbound().is_closed()
    }

    /// Whether messages that come compressed are compressed again, or not at all.
    #[getter]
    const fn recompresses(&self) -> bool {
        self.way.outbound().recompresses()
    }

    /// All bytes taken so far.
    #[getter]
    const fn bytes_received(&self) -> u64 {
        self.reading.engine.bytes_received()
    }

    /// Bytes held: of what is not complete, not decided on, or not taken to be sent.
    #[getter]
    pub(crate) fn bytes_buffered(&self) -> usize {
        self.held()
    }

    /// Bytes after a Close, or from the offending frame's first byte on.
    #[getter]
    fn bytes_discarded(&self) -> u64 {
        self.reading.engine.bytes_discarded()
    }

    /// How often each rule that is switched off was broken, by its name in ``Strictness``.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.reading.tolerated(py)
    }

    fn __repr__(&self) -> String {
        let mut shown = self.reading.summary(self.held());
        if self.close_sent() {
            shown += " close_sent";
        }
        if self.recompresses() {
            shown += " recompresses";
        }
        format!("<RelayDirection {shown}>")
    }
}
