//! What the engine reports in one call, on its way to Python.
//!
//! Messages become objects at once: that runs no Python code. Everything else
//! is of a class defined in Python, so it is kept as plain values with its place
//! in the list, and made an object when the input is no longer borrowed. If
//! that raises, which an interrupt may cause at any time, the [`Batch`] is kept
//! and delivered by the next call.

use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use wsdefrag_core::{Error, Event, Sink};

use crate::classes::{PyClassRef, message_class};
use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::opcodes::opcode_member;
use crate::raw::message::{MessageClass, new_message};
use crate::read::ending::Cut;

static PING: PyClassRef = PyClassRef::new("wsdefrag.events", "Ping");
static PONG: PyClassRef = PyClassRef::new("wsdefrag.events", "Pong");
static CLOSE: PyClassRef = PyClassRef::new("wsdefrag.events", "Close");
static VIOLATION: PyClassRef = PyClassRef::new("wsdefrag.events", "ProtocolViolation");
static INCOMPLETE: PyClassRef = PyClassRef::new("wsdefrag.events", "Incomplete");

/// Whether an event says how a direction ended, and came in no frame.
pub(crate) fn is_final(event: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = event.py();
    Ok(event.is_instance(VIOLATION.get(py)?)? || event.is_instance(INCOMPLETE.get(py)?)?)
}

/// The clock's time, in seconds since the epoch.
pub(crate) fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |since| since.as_secs_f64())
}

/// Which events a call gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Messages,
    Everything,
}

/// What an event that is not a message says.
pub(crate) enum Report {
    Ping(Box<[u8]>),
    Pong(Box<[u8]>),
    Close(u16, Box<str>),
    Violation(Error),
    Incomplete(Cut),
}

/// A report, with what all events carry.
pub(crate) struct Reported {
    report: Report,
    from_client: bool,
    timestamp: f64,
    offset: u64,
}

impl Reported {
    /// The code of a Close.
    pub(crate) const fn close_code(&self) -> Option<u16> {
        match self.report {
            Report::Close(code, _) => Some(code),
            _ => None,
        }
    }

    /// The Python object that says it.
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (from_client, timestamp, offset) = (self.from_client, self.timestamp, self.offset);
        match &self.report {
            Report::Ping(payload) => {
                PING.get(py)?.call1((PyBytes::new(py, payload), from_client, timestamp, offset))
            }
            Report::Pong(payload) => {
                PONG.get(py)?.call1((PyBytes::new(py, payload), from_client, timestamp, offset))
            }
            Report::Close(code, reason) => {
                CLOSE.get(py)?.call1((*code, &**reason, from_client, timestamp, offset))
            }
            Report::Violation(error) => {
                let exception = errors::violation(py, error)?;
                VIOLATION.get(py)?.call1((exception, from_client, timestamp, offset))
            }
            Report::Incomplete(cut) => {
                let opcode = opcode_member(py, cut.opcode)?;
                let content = cut.content.bind(py);
                INCOMPLETE.get(py)?.call1((opcode, content, from_client, timestamp, offset))
            }
        }
    }
}

/// Events in order, some of them still to be made objects.
pub(crate) struct Batch {
    events: Py<PyList>,
    /// Each with its place in the list, which `None` holds for it.
    reported: Vec<(usize, Reported)>,
}

impl Batch {
    /// How many there are.
    pub(crate) fn len(&self, py: Python<'_>) -> usize {
        self.events.bind(py).len()
    }

    /// This one and, behind it, another.
    fn join(mut self, later: Self, py: Python<'_>) -> PyResult<Self> {
        let events = self.events.bind(py);
        let shift = events.len();
        events.call_method1("extend", (later.events,))?;
        let moved = later.reported.into_iter().map(|(place, one)| (place + shift, one));
        self.reported.extend(moved);
        Ok(self)
    }

    /// The list, with every place filled, or only its messages. Can be called again if it failed.
    fn deliver<'py>(&mut self, py: Python<'py>, wanted: Wanted) -> PyResult<Bound<'py, PyList>> {
        let events = self.events.bind(py);
        if wanted == Wanted::Everything {
            let objects: PyResult<Vec<_>> =
                self.reported.iter().map(|(_, reported)| reported.object(py)).collect();
            for ((place, _), object) in self.reported.iter().zip(objects?) {
                events.set_item(*place, object)?;
            }
        } else {
            for (place, _) in self.reported.iter().rev() {
                events.del_item(*place)?;
            }
        }
        self.reported.clear();
        Ok(events.clone())
    }
}

/// Delivers what an earlier call could not, if anything, and then what `sink` took; what cannot be
/// delivered now either is left in `undelivered`.
pub(crate) fn deliver<'py>(
    py: Python<'py>,
    undelivered: &mut Option<Batch>,
    sink: PySink<'py>,
    wanted: Wanted,
) -> PyResult<Bound<'py, PyList>> {
    let PySink { events, reported, failure, .. } = sink;
    let mut batch = Batch { events: events.unbind(), reported };
    if let Some(earlier) = undelivered.take() {
        batch = earlier.join(batch, py)?;
    }
    match failure.map_or_else(|| batch.deliver(py, wanted), Err) {
        Ok(events) => Ok(events),
        Err(failure) => {
            *undelivered = Some(batch);
            Err(failure)
        }
    }
}

/// The engine's sink for one call.
pub(crate) struct PySink<'py> {
    pub(crate) memory: PyMemory<'py>,
    events: Bound<'py, PyList>,
    reported: Vec<(usize, Reported)>,
    /// The close frame, also where only messages are wanted.
    pub(crate) closed: Option<Reported>,
    class: &'py MessageClass,
    from_client: bool,
    wanted: Wanted,
    /// Whether messages have been sent on when the caller gets them.
    sent: bool,
    /// The caller's, or the clock's, read when it is first needed.
    timestamp: Option<f64>,
    /// The places, among all events of the call, of those that there was no memory for.
    pub(crate) lost: Vec<usize>,
    /// The first exception that they raised.
    failure: Option<PyErr>,
}

impl<'py> PySink<'py> {
    pub(crate) fn new(
        py: Python<'py>,
        from_client: bool,
        wanted: Wanted,
        timestamp: Option<f64>,
        sent: bool,
    ) -> PyResult<Self> {
        Ok(Self {
            memory: PyMemory::new(py),
            events: PyList::empty(py),
            reported: Vec::new(),
            closed: None,
            class: message_class(py)?,
            from_client,
            wanted,
            sent,
            timestamp,
            lost: Vec::new(),
            failure: None,
        })
    }

    /// Adds an event that is not a message, unless there is no memory for it.
    pub(crate) fn report(&mut self, offset: u64, report: Report) {
        let (from_client, timestamp) = (self.from_client, self.seconds());
        let with = |report| Reported { report, from_client, timestamp, offset };
        if let Report::Close(code, reason) = &report {
            self.closed = Some(with(Report::Close(*code, reason.clone())));
        }
        if self.wanted == Wanted::Messages {
            return;
        }
        let place = self.events.len();
        if self.keep(Ok(self.memory.py.None().into_bound(self.memory.py))) {
            self.reported.push((place, with(report)));
        }
    }

    #[inline]
    fn seconds(&mut self) -> f64 {
        *self.timestamp.get_or_insert_with(now)
    }

    /// Adds an event; whether that went well.
    #[inline]
    fn keep(&mut self, event: PyResult<Bound<'py, PyAny>>) -> bool {
        let kept = event.and_then(|event| self.events.append(event));
        kept.map_err(|failure| self.lose(failure)).is_ok()
    }

    #[cold]
    fn lose(&mut self, failure: PyErr) {
        self.lost.push(self.events.len() + self.lost.len());
        self.failure.get_or_insert(failure);
    }
}

impl<'py> Sink for PySink<'py> {
    type Memory = PyMemory<'py>;

    #[inline]
    fn memory(&mut self) -> &mut PyMemory<'py> {
        &mut self.memory
    }

    #[inline]
    fn event(&mut self, offset: u64, event: Event<'_, PyContent>) {
        let report = match event {
            // Only a passive direction gives it.
            Event::Damaged { .. } => return,
            Event::Opaque { .. } => return,
            Event::Message { opcode, content, .. } => {
                let timestamp = self.seconds();
                let py = self.memory.py;
                let message = content.into_bytes(py).and_then(|content| {
                    let (class, sent) = (self.class, self.sent);
                    new_message(py, class, opcode, self.from_client, content, timestamp, sent)
                });
                self.keep(message);
                return;
            }
            Event::Ping(payload) => Report::Ping(payload.into()),
            Event::Pong(payload) => Report::Pong(payload.into()),
            Event::Close(close) => Report::Close(close.code, close.reason.into()),
        };
        self.report(offset, report);
    }
}
