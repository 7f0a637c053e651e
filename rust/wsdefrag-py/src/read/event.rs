//! Collects the engine's events of one call in the list that Python gets.
//!
//! Each event becomes an object at once. That runs no Python code, and of the objects made while
//! the input is borrowed none is tracked by the garbage collector, so no collection starts there
//! either. A `ProtocolViolation` is tracked, and is made after the input is released.
//!
//! - an event for whose object there is no memory is `lost`, and its `failure` is raised

use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::IntoPyObjectExt;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyList, PyString};
use wsdefrag_core::{Error, Event, Sink};

use crate::classes::{DataclassRef, message_class};
use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::raw::bytes::copied_bytes;
use crate::raw::event::new_event;
use crate::raw::event_type;
use crate::raw::message::{MessageClass, new_message};
use crate::read::event_value::{Detail, EventValues, Kind};

static VIOLATION: DataclassRef = DataclassRef::new("wsdefrag.events", "ProtocolViolation");

/// Whether an event reports the end of a direction, and so was in no frame.
pub(crate) fn is_final(event: &Bound<'_, PyAny>) -> PyResult<bool> {
    let is_incomplete = event_type::kind_of(event)? == Some(Kind::Incomplete);
    Ok(is_incomplete || VIOLATION.is_class_of(event)?)
}

/// The content of an `OpaqueMessage`; `None` for another event.
pub(crate) fn opaque_content(event: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyBytes>>> {
    match event_type::values(event)? {
        Some(EventValues { detail: Detail::Opaque { content, .. }, .. }) => {
            Ok(Some(content.unbind()))
        }
        _ => Ok(None),
    }
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
    /// `None` if there was no memory for it.
    pub(crate) event: Option<Py<PyAny>>,
}

/// The engine's sink for one call.
pub(crate) struct PySink<'py> {
    pub(crate) memory: PyMemory<'py>,
    /// The events that earlier calls could not return, then those of this call.
    events: Bound<'py, PyList>,
    /// Number of events of earlier calls.
    earlier: usize,
    /// The Close event, even if only messages are wanted.
    pub(crate) closed: Option<Closed>,
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
        events: Bound<'py, PyList>,
        from_client: bool,
        wanted: Wanted,
        timestamp: Option<f64>,
        sent: bool,
    ) -> PyResult<Self> {
        let py = events.py();
        Ok(Self {
            memory: PyMemory::new(py),
            earlier: events.len(),
            events,
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

    /// Adds the event of a violation.
    pub(crate) fn violation(&mut self, error: &Error) -> PyResult<()> {
        if self.wanted == Wanted::Messages {
            return Ok(());
        }
        let py = self.memory.py;
        let attributes = [
            (intern!(py, "error"), errors::violation(py, error)?),
            (intern!(py, "from_client"), PyBool::new(py, self.from_client).to_owned().into_any()),
            (intern!(py, "timestamp"), PyFloat::new(py, self.seconds()).into_any()),
            (intern!(py, "offset"), error.offset.into_bound_py_any(py)?),
        ];
        self.events.append(VIOLATION.make(py, &attributes)?)
    }

    /// Adds the event of an incomplete message or frame.
    pub(crate) fn incomplete(&mut self, offset: u64, detail: Detail<'py>) -> PyResult<()> {
        let event = self.make(offset, detail)?;
        self.events.append(event)
    }

    /// The list of all events, and the exception of the first that was lost.
    pub(crate) fn finish(self) -> (Bound<'py, PyList>, PyResult<()>) {
        (self.events, self.failure.map_or(Ok(()), Err))
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
    fn report(&mut self, offset: u64, detail: PyResult<Detail<'py>>) -> Option<Bound<'py, PyAny>> {
        match detail.and_then(|detail| self.make(offset, detail)) {
            Ok(event) => {
                if self.wanted == Wanted::Everything {
                    self.keep(Ok(event.clone()));
                }
                Some(event)
            }
            Err(failure) => {
                self.lose(failure);
                None
            }
        }
    }

    /// Adds an event.
    #[inline]
    fn keep(&mut self, event: PyResult<Bound<'py, PyAny>>) {
        if let Err(failure) = event.and_then(|event| self.events.append(event)) {
            self.lose(failure);
        }
    }

    #[cold]
    fn lose(&mut self, failure: PyErr) {
        self.lost.push(self.events.len() - self.earlier + self.lost.len());
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
        let py = self.memory.py;
        match event {
            // Only a passive direction produces this event.
            Event::Damaged { .. } => {}
            Event::Message { opcode, content, .. } => {
                let timestamp = self.seconds();
                let message = content.into_bytes(py).and_then(|content| {
                    let (class, sent) = (self.class, self.sent);
                    new_message(py, class, opcode, self.from_client, content, timestamp, sent)
                });
                self.keep(message);
            }
            Event::Ping(_) | Event::Pong(_) if self.wanted == Wanted::Messages => {}
            Event::Ping(payload) => {
                self.report(offset, copied_bytes(py, payload).map(Detail::Ping));
            }
            Event::Pong(payload) => {
                self.report(offset, copied_bytes(py, payload).map(Detail::Pong));
            }
            Event::Opaque { opcode, content, rsv, .. } => {
                let Some(extension) = &self.extension else { return };
                let extension = extension.bind(py).clone();
                let detail = content.into_bytes(py).map(|content| {
                    let content = content.into_bound(py);
                    Detail::Opaque { opcode, content, rsv: rsv.into(), extension }
                });
                self.report(offset, detail);
            }
            Event::Close(close) => {
                let reason = PyString::from_bytes(py, close.reason.as_bytes());
                let detail = reason.map(|reason| Detail::Close(close.code, reason));
                let event = self.report(offset, detail).map(Bound::unbind);
                self.closed = Some(Closed { code: close.code, event });
            }
        }
    }
}
