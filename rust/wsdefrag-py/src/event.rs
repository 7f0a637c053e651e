//! Python objects of what the engine reports.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use std::time::{SystemTime, UNIX_EPOCH};

use wsdefrag_core::{Error, Event, Sink};

use crate::classes::{PyClassRef, message_class, opcode_member};
use crate::content::{PyContent, PyMemory};
use crate::ending::Cut;
use crate::errors;
use crate::raw::{MessageClass, new_message};

static PING: PyClassRef = PyClassRef::new("wsdefrag.events", "Ping");
static PONG: PyClassRef = PyClassRef::new("wsdefrag.events", "Pong");
static CLOSE: PyClassRef = PyClassRef::new("wsdefrag.events", "Close");
static VIOLATION: PyClassRef = PyClassRef::new("wsdefrag.events", "ProtocolViolation");
static INCOMPLETE: PyClassRef = PyClassRef::new("wsdefrag.events", "Incomplete");

/// The time of one call: the caller's, or the clock's, read when it is first needed.
#[derive(Clone, Copy)]
pub(crate) struct Clock(pub(crate) Option<f64>);

impl Clock {
    #[inline]
    pub(crate) fn seconds(&mut self) -> f64 {
        *self.0.get_or_insert_with(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(0.0, |since| since.as_secs_f64())
        })
    }
}

/// Which events a call gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Messages,
    Everything,
}

/// A control frame that waits for its Python object.
enum Control {
    Ping(Box<[u8]>),
    Pong(Box<[u8]>),
    Close(u16, String),
}

/// The engine's sink for one call: a list of Python objects.
pub(crate) struct PySink<'py> {
    pub(crate) memory: PyMemory<'py>,
    pub(crate) events: Bound<'py, PyList>,
    /// Control frames, with the place of each in the list and its offset.
    controls: Vec<(usize, u64, Control)>,
    class: &'py MessageClass,
    from_client: bool,
    wanted: Wanted,
    clock: Clock,
    /// The first exception that making an object raised. What follows is lost with it, so the
    /// call that owns this sink raises it.
    failure: Option<PyErr>,
}

impl<'py> PySink<'py> {
    pub(crate) fn new(
        py: Python<'py>,
        from_client: bool,
        wanted: Wanted,
        timestamp: Option<f64>,
    ) -> PyResult<Self> {
        Ok(Self {
            memory: PyMemory::new(py),
            events: PyList::empty(py),
            controls: Vec::new(),
            class: message_class(py)?,
            from_client,
            wanted,
            clock: Clock(timestamp),
            failure: None,
        })
    }

    /// Ends the call: its events, or the exception that making them raised.
    pub(crate) fn finish(self) -> PyResult<Bound<'py, PyList>> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.events),
        }
    }

    /// Adds a `ProtocolViolation`.
    pub(crate) fn violation(&mut self, error: &Error) -> PyResult<()> {
        let exception = errors::violation(self.memory.py, error)?;
        let fields = (exception, self.from_client, self.clock.seconds(), error.offset);
        self.events.append(VIOLATION.get(self.memory.py)?.call1(fields)?)
    }

    /// Adds an `Incomplete`.
    pub(crate) fn incomplete(&mut self, cut: &Cut) -> PyResult<()> {
        let py = self.memory.py;
        let opcode = opcode_member(py, cut.opcode as u8)?;
        let content = cut.content.bind(py);
        let fields = (opcode, content, self.from_client, self.clock.seconds(), cut.offset);
        self.events.append(INCOMPLETE.get(py)?.call1(fields)?)
    }

    #[inline]
    fn add(&mut self, offset: u64, event: Event<'_, PyContent>) -> PyResult<()> {
        let py = self.memory.py;
        let Event::Message { opcode, content } = event else {
            return self.add_control(offset, &event);
        };
        let content = content.into_bytes(py)?;
        let timestamp = self.clock.seconds();
        let message = new_message(py, self.class, opcode, self.from_client, content, timestamp)?;
        self.events.append(message)
    }

    /// Keeps a control frame's place in the list. Making its object runs Python code, which may
    /// not happen while the input is borrowed.
    #[cold]
    fn add_control(&mut self, offset: u64, event: &Event<'_, PyContent>) -> PyResult<()> {
        let (event, wanted) = match *event {
            Event::Ping(payload) => (Control::Ping(payload.into()), self.wanted),
            Event::Pong(payload) => (Control::Pong(payload.into()), self.wanted),
            Event::Close(ref close) => {
                let reason = close.reason.to_owned();
                (Control::Close(close.code, reason), Wanted::Everything)
            }
            Event::Message { .. } => unreachable!("messages have a path of their own"),
        };
        if wanted == Wanted::Everything {
            self.controls.push((self.events.len(), offset, event));
            self.events.append(self.memory.py.None())?;
        }
        Ok(())
    }

    /// Puts the objects of control frames into their places; the close event, if there was one.
    pub(crate) fn place_controls(&mut self) -> PyResult<Option<Py<PyAny>>> {
        let py = self.memory.py;
        let mut closed = None;
        for (place, offset, control) in std::mem::take(&mut self.controls) {
            let (from_client, timestamp) = (self.from_client, self.clock.seconds());
            let object = match control {
                Control::Ping(payload) => PING.get(py)?.call1((
                    PyBytes::new(py, &payload),
                    from_client,
                    timestamp,
                    offset,
                )),
                Control::Pong(payload) => PONG.get(py)?.call1((
                    PyBytes::new(py, &payload),
                    from_client,
                    timestamp,
                    offset,
                )),
                Control::Close(code, reason) => {
                    let close =
                        CLOSE.get(py)?.call1((code, reason, from_client, timestamp, offset))?;
                    closed = Some(close.clone().unbind());
                    if self.wanted == Wanted::Messages {
                        // Nothing stands behind a close.
                        self.events.del_item(place)?;
                        break;
                    }
                    Ok(close)
                }
            }?;
            self.events.set_item(place, object)?;
        }
        Ok(closed)
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
        if let Err(failure) = self.add(offset, event) {
            self.failure.get_or_insert(failure);
        }
    }
}
