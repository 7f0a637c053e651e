//! Collects the engine's events of one call in the list that Python gets.
//!
//! Each event becomes an object at once. That runs no Python code, and of the objects made while
//! the input is borrowed none is tracked by the garbage collector, so no collection starts there
//! either. A `ProtocolViolation` is tracked, and is made after the input is released.
//!
//! An event for which there is no memory ends its direction with `OutOfMemory`, at its own frame.

use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyList, PyString};
use wsdefrag_core::{Error, Event, OutOfMemory, Sink};

use crate::classes::{DataclassRef, message_class};
use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::raw::bytes::copied_bytes;
use crate::raw::event::new_event;
use crate::raw::event_fields;
use crate::raw::event_kind::kind_of;
use crate::raw::message::{MessageClass, new_message};
use crate::raw::number::{float, integer};
use crate::read::event_value::{Detail, EventValues, Kind};

static VIOLATION: DataclassRef = DataclassRef::new("wsdefrag.events", "ProtocolViolation");

/// Whether an event reports the end of a direction, and so was in no frame.
pub(crate) fn is_final(event: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(kind_of(event) == Some(Kind::Incomplete) || VIOLATION.is_class_of(event)?)
}

/// The content of an `OpaqueMessage`; `None` for another event.
pub(crate) fn opaque_content(event: &Bound<'_, PyAny>) -> Option<Py<PyBytes>> {
    match event_fields::values(event)?.detail {
        Detail::Opaque { content, .. } => Some(content.unbind()),
        _ => None,
    }
}

/// The event of a violation.
pub(crate) fn violation<'py>(
    py: Python<'py>,
    error: &Error,
    from_client: bool,
    timestamp: f64,
) -> PyResult<Bound<'py, PyAny>> {
    let attributes = [
        (intern!(py, "error"), errors::violation(py, error)?),
        (intern!(py, "from_client"), PyBool::new(py, from_client).to_owned().into_any()),
        (intern!(py, "timestamp"), float(py, timestamp)?),
        (intern!(py, "offset"), integer(py, error.offset)?),
    ];
    VIOLATION.make(py, &attributes)
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

/// The Close of a direction.
pub(crate) struct Closed {
    pub(crate) code: u16,
    pub(crate) event: Py<PyAny>,
}

/// The engine's sink for one call.
pub(crate) struct PySink<'py> {
    pub(crate) memory: PyMemory<'py>,
    /// The events that earlier calls could not return, then those of this call.
    events: Bound<'py, PyList>,
    /// The Close event, even if only messages are wanted.
    pub(crate) closed: Option<Closed>,
    class: &'py MessageClass,
    from_client: bool,
    wanted: Wanted,
    /// Whether messages are forwarded before the caller gets them.
    sent: bool,
    /// Whether messages are events; otherwise they are only counted.
    pub(crate) reports_messages: bool,
    /// Messages of this call.
    pub(crate) messages: u64,
    /// The name of an agreed extension that is unknown.
    pub(crate) extension: Option<Py<PyString>>,
    /// The caller's time; without one, the clock is read at the first event.
    timestamp: Option<f64>,
}

impl<'py> PySink<'py> {
    pub(crate) fn new(
        events: Bound<'py, PyList>,
        from_client: bool,
        wanted: Wanted,
        timestamp: Option<f64>,
        sent: bool,
    ) -> PyResult<Self> {
        let py = events.py();
        Ok(Self {
            memory: PyMemory::new(py),
            events,
            closed: None,
            class: message_class(py)?,
            from_client,
            wanted,
            sent,
            reports_messages: true,
            messages: 0,
            extension: None,
            timestamp,
        })
    }

    /// Adds the event of a violation.
    pub(crate) fn violation(&mut self, error: &Error) -> PyResult<()> {
        if self.wanted == Wanted::Messages {
            return Ok(());
        }
        let timestamp = self.seconds();
        self.events.append(violation(self.memory.py, error, self.from_client, timestamp)?)
    }

    /// Adds the event of an incomplete message or frame.
    pub(crate) fn incomplete(&mut self, offset: u64, detail: Detail<'py>) -> PyResult<()> {
        let event = self.make(offset, detail)?;
        self.events.append(event)
    }

    /// The list of all events.
    pub(crate) fn finish(self) -> Bound<'py, PyList> {
        self.events
    }

    #[inline]
    fn seconds(&mut self) -> f64 {
        *self.timestamp.get_or_insert_with(now)
    }

    #[inline]
    fn make(&mut self, offset: u64, detail: Detail<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (from_client, timestamp) = (self.from_client, self.seconds());
        new_event(self.memory.py, EventValues { detail, from_client, timestamp, offset })
    }

    /// Makes an event that is not a message, and adds it if it is wanted.
    #[inline]
    fn report(&mut self, offset: u64, detail: Detail<'py>) -> PyResult<Bound<'py, PyAny>> {
        let event = self.make(offset, detail)?;
        if self.wanted == Wanted::Everything {
            self.events.append(&event)?;
        }
        Ok(event)
    }

    #[inline]
    fn take(&mut self, offset: u64, event: Event<'_, PyContent>) -> PyResult<()> {
        let py = self.memory.py;
        if matches!(event, Event::Message { .. } | Event::Opaque { .. } | Event::Uncollected { .. })
        {
            self.messages += 1;
            if !self.reports_messages {
                return Ok(());
            }
        }
        match event {
            // Only a passive direction produces this event.
            Event::Damaged { .. } => {}
            Event::Uncollected { opcode, length, .. } => {
                self.report(
                    offset,
                    Detail::Uncollected(opcode, integer(py, length)?.cast_into()?),
                )?;
            }
            Event::Message { opcode, content, .. } => {
                let (timestamp, content) = (self.seconds(), content.into_bytes(py)?);
                let (class, sent) = (self.class, self.sent);
                let message =
                    new_message(py, class, opcode, self.from_client, content, timestamp, sent)?;
                self.events.append(message)?;
            }
            Event::Ping(_) | Event::Pong(_) if self.wanted == Wanted::Messages => {}
            Event::Ping(payload) => {
                self.report(offset, Detail::Ping(copied_bytes(py, payload)?))?;
            }
            Event::Pong(payload) => {
                self.report(offset, Detail::Pong(copied_bytes(py, payload)?))?;
            }
            Event::Opaque { opcode, content, rsv, .. } => {
                if let Some(extension) = &self.extension {
                    let extension = extension.bind(py).clone();
                    let content = content.into_bytes(py)?.into_bound(py);
                    let rsv = rsv.into();
                    self.report(offset, Detail::Opaque { opcode, content, rsv, extension })?;
                }
            }
            Event::Close(close) => {
                let reason = PyString::from_bytes(py, close.reason.as_bytes())?;
                let event = self.report(offset, Detail::Close(close.code, reason))?.unbind();
                self.closed = Some(Closed { code: close.code, event });
            }
        }
        Ok(())
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
        // Making these objects fails only for lack of memory.
        self.take(offset, event).map_err(|_| OutOfMemory)
    }
}
