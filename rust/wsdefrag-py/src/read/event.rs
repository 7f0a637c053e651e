//! Collects the engine's events of one call and delivers them to Python.
//!
//! Message objects are created at once, which runs no Python code. The other
//! event
//! classes are defined in Python, so their events are stored as plain values
//! with
//! their index in the list. The objects are created after the input is
//! released. If
//! that raises, for example because of an interrupt, the [`Batch`] is kept and
//! the
//! next call delivers it.
//!
//! - the list contains `None` at each index in `reported`

use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use wsdefrag_core::{Error, Event, Opcode, OutOfMemory, Sink};

use crate::classes::{PyClassRef, message_class};
use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::opcodes::opcode_member;
use crate::raw::message::{MessageClass, new_message};
use crate::read::ending::Truncated;

static PING: PyClassRef = PyClassRef::new("wsdefrag.events", "Ping");
static PONG: PyClassRef = PyClassRef::new("wsdefrag.events", "Pong");
static CLOSE: PyClassRef = PyClassRef::new("wsdefrag.events", "Close");
static OPAQUE: PyClassRef = PyClassRef::new("wsdefrag.events", "OpaqueMessage");
static VIOLATION: PyClassRef = PyClassRef::new("wsdefrag.events", "ProtocolViolation");
static INCOMPLETE: PyClassRef = PyClassRef::new("wsdefrag.events", "Incomplete");

/// Whether an event reports the end of a direction, and so was in no frame.
pub(crate) fn is_final(event: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = event.py();
    Ok(event.is_instance(VIOLATION.get(py)?)? || event.is_instance(INCOMPLETE.get(py)?)?)
}

/// The content of an `OpaqueMessage`; `None` for another event.
pub(crate) fn opaque_content(event: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyBytes>>> {
    if !event.is_exact_instance(OPAQUE.get(event.py())?) {
        return Ok(None);
    }
    Ok(Some(event.getattr("content")?.cast_into::<PyBytes>()?.unbind()))
}

/// The current time, in seconds since the epoch.
pub(crate) fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |since| since.as_secs_f64())
}

/// Which events a call returns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Messages,
    Everything,
}

/// The data of an event that is not a message.
pub(crate) enum Report {
    Ping(Box<[u8]>),
    Pong(Box<[u8]>),
    Close(u16, Box<str>),
    Opaque(Opaque),
    Violation(Error),
    Incomplete(Truncated),
}

/// A message of an unknown extension.
pub(crate) struct Opaque {
    opcode: Opcode,
    content: Py<PyBytes>,
    rsv: u8,
    extension: Option<Py<PyString>>,
}

/// A report with the fields that all events have.
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

    /// The Python object of the event.
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
            Report::Opaque(Opaque { opcode, content, rsv, extension }) => {
                let fields = (
                    opcode_member(py, *opcode)?,
                    content.bind(py),
                    *rsv,
                    extension.as_ref().map(|name| name.bind(py)),
                    from_client,
                    timestamp,
                    offset,
                );
                OPAQUE.get(py)?.call1(fields)
            }
            Report::Violation(error) => {
                let exception = errors::violation(py, error)?;
                VIOLATION.get(py)?.call1((exception, from_client, timestamp, offset))
            }
            Report::Incomplete(truncated) => {
                let opcode = opcode_member(py, truncated.opcode)?;
                let content = truncated.content.bind(py);
                INCOMPLETE.get(py)?.call1((opcode, content, from_client, timestamp, offset))
            }
        }
    }
}

/// Events in order; some are not objects yet.
pub(crate) struct Batch {
    events: Py<PyList>,
    /// Events that are not objects yet, with their index in the list.
    reported: Vec<(usize, Reported)>,
}

impl Batch {
    /// Number of events.
    pub(crate) fn len(&self, py: Python<'_>) -> usize {
        self.events.bind(py).len()
    }

    /// Appends a later batch.
    fn join(mut self, later: Self, py: Python<'_>) -> PyResult<Self> {
        let events = self.events.bind(py);
        let shift = events.len();
        events.call_method1("extend", (later.events,))?;
        let moved = later.reported.into_iter().map(|(index, one)| (index + shift, one));
        self.reported.extend(moved);
        Ok(self)
    }

    /// Returns the list with all objects, or only its messages. Can be called again after a
    /// failure.
    fn deliver<'py>(&mut self, py: Python<'py>, wanted: Wanted) -> PyResult<Bound<'py, PyList>> {
        let events = self.events.bind(py);
        if wanted == Wanted::Everything {
            let objects: PyResult<Vec<_>> =
                self.reported.iter().map(|(_, reported)| reported.object(py)).collect();
            for ((index, _), object) in self.reported.iter().zip(objects?) {
                events.set_item(*index, object)?;
            }
        } else {
            for (index, _) in self.reported.iter().rev() {
                events.del_item(*index)?;
            }
        }
        self.reported.clear();
        Ok(events.clone())
    }
}

/// Returns the events in `undelivered`, followed by those of `sink`. If this fails, all of them
/// stay in `undelivered`.
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
    /// The Close event, even if only messages are wanted.
    pub(crate) closed: Option<Reported>,
    class: &'py MessageClass,
    from_client: bool,
    wanted: Wanted,
    /// Whether messages are forwarded before the caller gets them.
    sent: bool,
    /// The name of an agreed extension that is unknown.
    pub(crate) extension: Option<Py<PyString>>,
    /// The caller's time; without one, the clock is read at the first event.
    timestamp: Option<f64>,
    /// The indices, among all events of the call, of events lost for lack of memory.
    pub(crate) lost: Vec<usize>,
    /// The first exception of a lost event.
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
            extension: None,
            timestamp,
            lost: Vec::new(),
            failure: None,
        })
    }

    /// Adds an event that is not a message. The event is lost if there is no memory for it.
    pub(crate) fn report(&mut self, offset: u64, report: Report) {
        let (from_client, timestamp) = (self.from_client, self.seconds());
        let with = |report| Reported { report, from_client, timestamp, offset };
        if let Report::Close(code, reason) = &report {
            self.closed = Some(with(Report::Close(*code, reason.clone())));
        }
        if self.wanted == Wanted::Messages {
            return;
        }
        let index = self.events.len();
        if self.keep(Ok(self.memory.py.None().into_bound(self.memory.py))) {
            self.reported.push((index, with(report)));
        }
    }

    #[inline]
    fn seconds(&mut self) -> f64 {
        *self.timestamp.get_or_insert_with(now)
    }

    /// Adds an event; returns whether that succeeded.
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
    fn event(&mut self, offset: u64, event: Event<'_, PyContent>) -> Result<(), OutOfMemory> {
        self.take(offset, event);
        Ok(())
    }
}

impl PySink<'_> {
    fn take(&mut self, offset: u64, event: Event<'_, PyContent>) {
        let report = match event {
            // Only a passive direction produces this event.
            Event::Damaged { .. } => return,
            Event::Opaque { opcode, content, rsv, .. } => {
                match content.into_bytes(self.memory.py) {
                    Ok(content) => {
                        let py = self.memory.py;
                        let extension = self.extension.as_ref().map(|name| name.clone_ref(py));
                        Report::Opaque(Opaque { opcode, content, rsv, extension })
                    }
                    Err(failure) => return self.lose(failure),
                }
            }
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
