//! One direction of a relay, for Python.
//!
//! Where messages are decided on, each event waits in `undecided`, with how it
//! stood on the wire, until the caller has decided on it or on a later one.
//! Elsewhere frames go on while they are read, and only messages that the
//! caller put in wait (`waiting`), until the message that is passing has passed.
//!
//! - `logs` has one for each event that was made and not delivered yet
//! - nothing here runs Python code while its books are half written
//! - `undecided_bytes` is the sum of what the undecided hold

use std::collections::VecDeque;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use wsdefrag_core::relay::{
    Control, Edit, FrameLog, Outbound, Pace, PassThrough, Passing, Recorder, Recording,
};
use wsdefrag_core::write::encoder::Settings as Sending;
use wsdefrag_core::{Fragmenter, Refusal, Settings};

use crate::budget::{Account, Budget};
use crate::errors;
use crate::params::{PyDeflateParams, PyFragmenter, PyLimits, PyStrictness};
use crate::raw::buffer::with_bytes;
use crate::raw::message::{mark_dropped, mark_injected, message_state};
use crate::read::event::{Wanted, is_final};
use crate::read::reading::Reading;
use crate::relay::unsent::{Appending, Unsent};
use crate::write::encoder::parse_code;

/// An event that the caller has not decided on.
struct Undecided {
    event: Py<PyAny>,
    /// A message's content as it came.
    content: Option<Py<PyBytes>>,
    log: FrameLog,
}

impl Undecided {
    fn held(&self, py: Python<'_>) -> usize {
        self.log.held() + self.content.as_ref().map_or(0, |content| content.as_bytes(py).len())
    }
}

/// How frames get from the one side to the other.
enum Way {
    /// By decision.
    Messages { recorder: Recorder, logs: VecDeque<FrameLog>, undecided: VecDeque<Undecided> },
    /// By themselves.
    PassThrough { pass_through: PassThrough, waiting: Vec<Py<PyAny>> },
}

/// One direction of ``wsdefrag.WebSocketRelay``.
#[pyclass(subclass, module = "wsdefrag._native")]
pub(crate) struct RelayDirection {
    reading: Reading,
    way: Way,
    outbound: Outbound,
    unsent: Unsent,
    undecided_bytes: usize,
    account: Option<Account>,
}

impl RelayDirection {
    /// Bytes that are held on behalf of the sender.
    fn held(&self) -> usize {
        let passing = match &self.way {
            Way::Messages { recorder, .. } => recorder.held(),
            Way::PassThrough { pass_through, .. } => pass_through.held(),
        };
        let read = self.reading.engine.bytes_buffered();
        read + passing + self.undecided_bytes + self.unsent.len()
    }

    /// Charges the budget with what is held now.
    #[inline]
    fn settle(&mut self) {
        let held = if self.account.is_some() { self.held() } else { 0 };
        if let Some(account) = &mut self.account {
            account.settle(held);
        }
    }

    /// Gives up the logs of events that will not be delivered: there was no memory to.
    fn align(&mut self, py: Python<'_>) {
        let Way::Messages { logs, .. } = &mut self.way else { return };
        if logs.is_empty() {
            return;
        }
        let lost = logs.len().saturating_sub(self.reading.undelivered(py));
        self.outbound.altered(logs.drain(..lost).collect::<Vec<_>>().iter());
    }

    fn feed<'py>(
        &mut self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = data.py();
        let Self { reading, way, outbound, unsent, account, .. } = self;
        match way {
            Way::Messages { recorder, logs, .. } => {
                reading.feed(data, timestamp, Wanted::Everything, account, |engine, bytes, sink| {
                    unsent.expect(bytes.len());
                    let before = logs.len();
                    engine.receive_data(bytes, &mut Recording { sink, recorder, logs });
                    for place in sink.lost.drain(..).rev() {
                        outbound.altered(logs.remove(before + place).iter());
                    }
                })
            }
            Way::PassThrough { pass_through, .. } => {
                reading.feed(data, timestamp, Wanted::Everything, account, |engine, bytes, sink| {
                    unsent.expect(bytes.len());
                    let immutable = sink.memory.immutable_input;
                    let output = &mut Appending { py, unsent, immutable };
                    engine
                        .receive_data(bytes, &mut Passing { sink, pass_through, outbound, output });
                })
            }
        }
    }

    /// Brings the books up to date when something has come in, also where `events` were kept back.
    fn received<'py>(
        &mut self,
        py: Python<'py>,
        events: PyResult<Bound<'py, PyList>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let taken_over = events.and_then(|events| self.take_over(&events).map(|()| events));
        self.tidy(py);
        self.settle();
        taken_over
    }

    /// Has the events that were delivered wait for decisions.
    fn take_over(&mut self, events: &Bound<'_, PyList>) -> PyResult<()> {
        let py = events.py();
        let Way::Messages { logs, undecided, .. } = &mut self.way else { return Ok(()) };
        for (event, log) in events.iter().zip(logs.drain(..)) {
            let content = message_state(&event)?.map(|message| message.content.unbind());
            let waiting = Undecided { event: event.unbind(), content, log };
            self.undecided_bytes += waiting.held(py);
            undecided.push_back(waiting);
        }
        Ok(())
    }

    /// Looks after what waits, when something has come in: drops what will never be whole, and what
    /// will never find its place.
    fn tidy(&mut self, py: Python<'_>) {
        let over = self.reading.is_over();
        match &mut self.way {
            Way::Messages { recorder, .. } if over => recorder.forget(),
            Way::Messages { .. } => {}
            Way::PassThrough { pass_through, waiting } => {
                if !pass_through.has_waiting() {
                    waiting.clear();
                }
                if over {
                    pass_through.end();
                }
                if self.outbound.is_closed() || pass_through.is_broken_off() {
                    self.drop_waiting(py);
                }
            }
        }
    }

    /// Gives up the messages that wait for their place.
    fn drop_waiting(&mut self, py: Python<'_>) {
        let Way::PassThrough { pass_through, waiting } = &mut self.way else { return };
        if pass_through.drop_waiting() {
            for message in waiting.drain(..) {
                mark_dropped(message.bind(py));
            }
        }
    }

    /// Where frames go on by themselves and the way out is closed: how many of the messages to come
    /// are whole there all the same, because the Close waits for their last frame.
    fn whole_behind_close(&self) -> Option<usize> {
        match &self.way {
            Way::PassThrough { pass_through, .. } if self.outbound.is_closed() => {
                Some(usize::from(pass_through.is_finishing()))
            }
            _ => None,
        }
    }

    /// Lets the first `count` events go that wait for a decision.
    fn let_go(&mut self, py: Python<'_>, count: usize, dropped: bool) {
        let Way::Messages { undecided, .. } = &mut self.way else { return };
        for waiting in undecided.drain(..count) {
            self.undecided_bytes -= waiting.held(py);
            if dropped {
                mark_dropped(waiting.event.bind(py));
            }
        }
    }

    /// The place of `event` among those that wait for a decision; none if it has no bytes to send.
    fn place(&self, event: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
        let Way::Messages { undecided, .. } = &self.way else {
            return Err(PyValueError::new_err("in this mode frames are forwarded by themselves"));
        };
        match undecided.iter().position(|waiting| waiting.event.is(event)) {
            None if !is_final(event)? => Err(PyValueError::new_err(
                "this event waits for no decision: there was one, or it is not of this relay",
            )),
            place => Ok(place),
        }
    }

    fn forward_at(&mut self, event: &Bound<'_, PyAny>, place: usize) -> PyResult<()> {
        let py = event.py();
        let state = message_state(event)?;
        let dropped = state.as_ref().is_some_and(|message| message.dropped);
        if dropped || self.outbound.is_closed() {
            self.drop_at(py, place);
            return Ok(());
        }
        let Way::Messages { undecided, .. } = &mut self.way else { return Ok(()) };
        let before = self.outbound.recompresses();
        self.outbound.altered(undecided.range(..place).map(|waiting| &waiting.log));
        let Undecided { content, log, .. } = &mut undecided[place];
        let output = &mut Appending { py, unsent: &mut self.unsent, immutable: true };
        let written = match (content, &state) {
            (Some(content), Some(message)) => {
                let (came, now) = (content.as_bytes(py), message.content.as_bytes());
                let same = content.is(&message.content) || came == now;
                if same && message.opcode == log.opcode() {
                    self.outbound.forward(log, now, output)
                } else {
                    let edit = Edit { opcode: message.opcode, content: now, length: came.len() };
                    self.outbound.forward_edited(log, edit, output)
                }
            }
            _ => self.outbound.forward(log, &[], output),
        };
        if let Err(refusal) = written {
            self.outbound.set_recompresses(before);
            return Err(errors::raise_refusal(refusal));
        }
        if place > 0 {
            self.let_go(py, place, true);
        }
        self.let_go(py, 1, false);
        Ok(())
    }

    /// Drops the event at `place` and all before it.
    fn drop_at(&mut self, py: Python<'_>, place: usize) {
        if let Way::Messages { undecided, .. } = &self.way {
            self.outbound.altered(undecided.range(..=place).map(|waiting| &waiting.log));
        }
        self.let_go(py, place + 1, true);
    }

    /// Sends a control frame of the caller's.
    fn put(&mut self, py: Python<'_>, control: Control<'_>) -> PyResult<()> {
        let output = &mut Appending { py, unsent: &mut self.unsent, immutable: false };
        let written = match &mut self.way {
            Way::Messages { .. } => self.outbound.control(control, output),
            Way::PassThrough { pass_through, .. } => {
                pass_through.put(&mut self.outbound, control, output)
            }
        };
        self.settle();
        written.map_err(errors::raise_refusal)
    }

    fn put_message(&mut self, message: &Bound<'_, PyAny>, compress: Option<bool>) -> PyResult<()> {
        let py = message.py();
        let Some(state) = message_state(message)? else {
            return Err(PyTypeError::new_err("only a WebSocketMessage can be injected"));
        };
        let content = state.content.as_bytes();
        let output = &mut Appending { py, unsent: &mut self.unsent, immutable: true };
        let written: Result<bool, Refusal> = match &mut self.way {
            Way::Messages { .. } => {
                self.outbound.inject(state.opcode, content, compress, output).map(|()| false)
            }
            Way::PassThrough { pass_through, .. } => {
                pass_through.inject(&mut self.outbound, state.opcode, content, compress, output)
            }
        };
        let waits = written.map_err(errors::raise_refusal)?;
        if let (Way::PassThrough { waiting, .. }, true) = (&mut self.way, waits) {
            waiting.push(message.clone().unbind());
        }
        mark_injected(message);
        Ok(())
    }
}

/// Marks the messages that came too late to go on, which are all but the first `whole`.
fn drop_behind_close(events: &Bound<'_, PyList>, whole: usize) -> PyResult<()> {
    let mut seen = 0;
    for event in events.iter() {
        if message_state(&event)?.is_some() {
            seen += 1;
            if seen > whole {
                mark_dropped(&event);
            }
        }
    }
    Ok(())
}

#[pymethods]
impl RelayDirection {
    #[new]
    #[pyo3(signature = (
        *,
        from_client,
        mode,
        deflate,
        deflate_out,
        limits,
        strictness,
        utf8_strict,
        fresh_keys,
        fragmenter,
        compress_from,
        compression_level,
        budget,
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are the relay's, which are keywords")]
    fn new(
        from_client: bool,
        mode: &str,
        deflate: Option<PyDeflateParams>,
        deflate_out: Option<PyDeflateParams>,
        limits: PyLimits,
        strictness: PyStrictness,
        utf8_strict: bool,
        fresh_keys: bool,
        fragmenter: PyFragmenter,
        compress_from: u64,
        compression_level: u8,
        budget: Option<&Bound<'_, Budget>>,
    ) -> PyResult<Self> {
        let settings = Settings {
            from_client,
            deflate: deflate.map(Into::into),
            limits: limits.into(),
            strictness: strictness.with_utf8(utf8_strict),
        };
        let sending = Sending {
            from_client,
            deflate: deflate_out.map(Into::into),
            compress_from,
            level: compression_level,
            check_utf8: utf8_strict,
        };
        let pass_through =
            |pace| Way::PassThrough { pass_through: PassThrough::new(pace), waiting: Vec::new() };
        let way = match mode {
            "frames" => pass_through(Pace::Frames),
            "cut-through" => pass_through(Pace::Bytes),
            _ => Way::Messages {
                recorder: Recorder::new(&settings),
                logs: VecDeque::new(),
                undecided: VecDeque::new(),
            },
        };
        let fragmenter = Fragmenter::from(fragmenter);
        let outbound = Outbound::new(sending, settings.deflate, fragmenter, fresh_keys);
        if matches!(way, Way::PassThrough { .. }) && outbound.recompresses() {
            return Err(PyValueError::new_err(format!(
                "mode {mode:?} passes compressed messages on as they come, which the parameters of \
                 the other side do not allow"
            )));
        }
        Ok(Self {
            reading: Reading::new(settings),
            way,
            outbound,
            unsent: Unsent::default(),
            undecided_bytes: 0,
            account: budget.map(|budget| budget.get().account()),
        })
    }

    /// Take the next bytes and give everything that happened.
    ///
    /// Args:
    ///     data: Any number of bytes; neither changed nor kept.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     What happened, in order; a violation is the last event and comes once.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If the direction has ended.
    #[pyo3(signature = (data, *, timestamp = None))]
    pub(crate) fn receive_events<'py>(
        &mut self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.align(data.py());
        let whole = self.whole_behind_close();
        let events = self.feed(data, timestamp);
        let events = self.received(data.py(), events)?;
        if let Some(whole) = whole {
            drop_behind_close(&events, whole)?;
        }
        Ok(events)
    }

    /// Say that the direction has ended; may be called again.
    ///
    /// Args:
    ///     timestamp: When it ended, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     An ``Incomplete`` if the bytes stopped inside a header, a frame or a message, else
    ///     nothing.
    #[pyo3(signature = (*, timestamp = None))]
    fn receive_eof_events<'py>(
        &mut self,
        py: Python<'py>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.align(py);
        let events = self.reading.end_events(py, timestamp);
        self.received(py, events)
    }

    /// Send an event to the other side, as it came or as it was edited.
    ///
    /// What still waits for a decision before it is dropped. A message whose ``dropped`` is set,
    /// and everything behind a Close that was sent this way, is dropped. A ``ProtocolViolation``
    /// and an ``Incomplete`` have nothing to send.
    ///
    /// Args:
    ///     event: One that ``receive_events`` gave.
    ///
    /// Raises:
    ///     ValueError: If it waits for no decision, if the message cannot be sent as it was edited,
    ///         or if frames are forwarded by themselves. Nothing is changed then.
    pub(crate) fn forward(&mut self, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(place) = self.place(event)? else { return Ok(()) };
        let result = self.forward_at(event, place);
        self.settle();
        result
    }

    /// Keep an event, and all before it that wait for a decision, from the other side.
    ///
    /// Args:
    ///     event: One that ``receive_events`` gave. A message's ``dropped`` is set.
    ///
    /// Raises:
    ///     ValueError: If it waits for no decision, or if frames are forwarded by themselves.
    pub(crate) fn drop(&mut self, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(place) = self.place(event)? else { return Ok(()) };
        self.drop_at(event.py(), place);
        self.settle();
        Ok(())
    }

    /// Send a message of the caller's, at the next border between messages.
    ///
    /// Args:
    ///     message: A ``WebSocketMessage``; its ``injected`` is set.
    ///     compress: Whether to compress it; None for what ``compress_from`` says, but not at all
    ///         where compressed messages go on as they came and refer to earlier ones.
    ///
    /// Raises:
    ///     TypeError: If it is not a ``WebSocketMessage``.
    ///     ValueError: If the message cannot be sent here; the error says why.
    #[pyo3(signature = (message, *, compress = None))]
    fn inject(&mut self, message: &Bound<'_, PyAny>, compress: Option<bool>) -> PyResult<()> {
        let result = self.put_message(message, compress);
        self.settle();
        result
    }

    /// Send a ping of the caller's, at the next border between frames (RFC 6455 section 5.5.2).
    ///
    /// Args:
    ///     payload: At most 125 bytes.
    ///
    /// Raises:
    ///     TypeError: If the payload does not offer the buffer protocol.
    ///     ValueError: If it is too long, after a Close, or inside a frame that will never be
    ///         whole.
    fn ping(&mut self, payload: &Bound<'_, PyAny>) -> PyResult<()> {
        with_bytes(payload, |input| self.put(payload.py(), Control::Ping(input.bytes)))?
    }

    /// Send a pong of the caller's, at the next border between frames (RFC 6455 section 5.5.3).
    ///
    /// Args:
    ///     payload: At most 125 bytes.
    ///
    /// Raises:
    ///     TypeError: If the payload does not offer the buffer protocol.
    ///     ValueError: If it is too long, after a Close, or inside a frame that will never be
    ///         whole.
    fn pong(&mut self, payload: &Bound<'_, PyAny>) -> PyResult<()> {
        with_bytes(payload, |input| self.put(payload.py(), Control::Pong(input.bytes)))?
    }

    /// Send a Close of the caller's, behind which nothing is sent this way.
    ///
    /// It goes at the next border between frames. Messages that wait to be injected are dropped.
    ///
    /// Args:
    ///     code: The close code; None for a frame without one, which is read as 1005.
    ///     reason: Why, for people; at most 123 bytes of UTF-8, and only with a code.
    ///
    /// Returns:
    ///     Whether it is or will be sent. False where a Close was sent before, and where the way
    ///     out stands inside a frame that will never be whole: nothing but the end of the
    ///     connection can follow there. One that waits for the end of a frame is not sent if that
    ///     never comes.
    ///
    /// Raises:
    ///     ValueError: If the code may not be sent (RFC 6455 section 7.4), or the reason is too
    ///         long or stands alone.
    #[pyo3(signature = (code = None, reason = ""))]
    fn send_close(
        &mut self,
        py: Python<'_>,
        code: Option<&Bound<'_, PyAny>>,
        reason: &str,
    ) -> PyResult<bool> {
        let code = code.map(parse_code).transpose()?;
        let blocked = match &self.way {
            Way::Messages { .. } => false,
            Way::PassThrough { pass_through, .. } => pass_through.is_blocked(),
        };
        if blocked || self.outbound.is_closed() {
            return Ok(false);
        }
        self.put(py, Control::Close(code, reason))?;
        self.drop_waiting(py);
        self.settle();
        Ok(true)
    }

    /// Take all that waits to be sent to the other side.
    ///
    /// Returns:
    ///     The bytes, for its connection; empty if there are none.
    pub(crate) fn data_to_send(&mut self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        let data = self.unsent.take(py);
        self.settle();
        data
    }

    /// What ended what comes in, a new object each time; None if nothing has.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.reading.error(py)
    }

    /// The Close that came in.
    #[getter]
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.reading.close(py)
    }

    /// Whether a Close was sent to the other side.
    #[getter]
    const fn closed(&self) -> bool {
        self.outbound.is_closed()
    }

    /// Whether messages that come compressed are compressed anew, or not at all.
    #[getter]
    const fn recompresses(&self) -> bool {
        self.outbound.recompresses()
    }

    /// All bytes taken so far.
    #[getter]
    const fn bytes_received(&self) -> u64 {
        self.reading.engine.bytes_received()
    }

    /// Bytes held: of what is not complete, not decided on, or not taken to be sent.
    #[getter]
    fn bytes_buffered(&self) -> usize {
        self.held()
    }

    /// Bytes behind a Close, or from the offending frame's first byte on.
    #[getter]
    fn bytes_discarded(&self) -> u64 {
        self.reading.engine.bytes_discarded()
    }

    /// How often each rule that is switched off was broken, by its name in ``Strictness``.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.reading.tolerated(py)
    }
}
