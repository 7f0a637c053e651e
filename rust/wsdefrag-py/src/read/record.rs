//! The record of a connection: its messages, and how it ended, in a `wsdefrag.WebSocketData`.
//!
//! The end is set once and never changed. A Close frame sets code, reason and time. The end of a stream
//! without a Close frame sets code 1006 (RFC 6455 section 7.1.5), the time, and no reason. A violation
//! sets nothing, because it does not close the connection.
//!
//! No Python code runs here while `messages` is a list. So an interrupt comes before an event is
//! recorded or after the caller has it, and no event is recorded twice.
//!
//! - `len(messages) <= retain` after each call, where `retain` is a number

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyList, PySlice};

use crate::errors::ABNORMAL_CLOSURE;
use crate::raw::event_fields;
use crate::raw::list::empty_list;
use crate::raw::message::message_state;
use crate::raw::number::{float, integer};
use crate::raw::python;
use crate::read::event_value::{Detail, EventValues};

/// How a connection ended.
struct End<'py> {
    by_client: bool,
    code: u16,
    /// A `str` or `None`.
    reason: Bound<'py, PyAny>,
    timestamp: f64,
}

/// Updates a `WebSocketData` with the events of a connection.
pub(crate) struct Record {
    pub(crate) websocket: Py<PyAny>,
    /// How many messages are kept, the newest ones; `None` keeps all.
    retain: Option<usize>,
}

impl Record {
    pub(crate) const fn new(websocket: Py<PyAny>, retain: Option<usize>) -> Self {
        Self { websocket, retain }
    }

    /// Adds events of one direction.
    #[inline]
    pub(crate) fn note(&self, events: &Bound<'_, PyList>) -> PyResult<()> {
        let Some(last) = events.len().checked_sub(1) else { return Ok(()) };
        if !is_message(&events.get_item(last)?)? {
            self.note_close(events)?;
        }
        if self.retain == Some(0) { Ok(()) } else { self.add(events) }
    }

    /// Adds the end of a direction without a Close frame.
    pub(crate) fn note_eof(&self, py: Python<'_>, by_client: bool, timestamp: f64) -> PyResult<()> {
        let reason = py.None().into_bound(py);
        self.end(py, End { by_client, code: ABNORMAL_CLOSURE, reason, timestamp })
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.websocket)
    }

    /// Takes the end from a Close among the events.
    fn note_close(&self, events: &Bound<'_, PyList>) -> PyResult<()> {
        for event in events.iter() {
            let Some(EventValues { detail, from_client, timestamp, .. }) =
                event_fields::values(&event)
            else {
                continue;
            };
            if let Detail::Close(code, reason) = detail {
                let reason = reason.into_any();
                self.end(event.py(), End { by_client: from_client, code, reason, timestamp })?;
            }
        }
        Ok(())
    }

    /// Adds the messages among the events.
    fn add(&self, events: &Bound<'_, PyList>) -> PyResult<()> {
        let py = events.py();
        let messages = python::attribute(self.websocket.bind(py), intern!(py, "messages"))?;
        let new = messages_of(events)?;
        let Ok(list) = messages.cast_exact::<PyList>() else {
            return self.add_to_other(&messages, &new);
        };
        let kept = list.len();
        list.set_slice(kept, kept, &new)?;
        match self.retain {
            Some(retain) if list.len() > retain => list.del_slice(0, list.len() - retain),
            _ => Ok(()),
        }
    }

    /// Adds messages to what the caller has put in the place of the list.
    #[cold]
    fn add_to_other<'py>(
        &self,
        messages: &Bound<'py, PyAny>,
        new: &Bound<'py, PyList>,
    ) -> PyResult<()> {
        let py = messages.py();
        python::call_method(messages, intern!(py, "extend"), &(new,).into_pyobject(py)?)?;
        let Some(retain) = self.retain else { return Ok(()) };
        let excess = messages.len()?.saturating_sub(retain);
        if excess > 0 {
            let first = PySlice::new(py, 0, excess.cast_signed(), 1);
            let arguments = (first,).into_pyobject(py)?;
            python::call_method(messages, intern!(py, "__delitem__"), &arguments)?;
        }
        Ok(())
    }

    /// Sets the end of the connection, if it is not set.
    fn end(&self, py: Python<'_>, end: End<'_>) -> PyResult<()> {
        let websocket = self.websocket.bind(py);
        let by_client = intern!(py, "closed_by_client");
        if !python::attribute(websocket, by_client)?.is_none() {
            return Ok(());
        }
        let End { by_client: value, code, reason, timestamp } = end;
        python::set(websocket, intern!(py, "close_code"), &integer(py, code.into())?)?;
        python::set(websocket, intern!(py, "close_reason"), &reason)?;
        python::set(websocket, intern!(py, "timestamp_end"), &float(py, timestamp)?)?;
        // It says that the others are set, so it is the last one.
        python::set(websocket, by_client, &PyBool::new(py, value))
    }
}

fn is_message(event: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(message_state(event)?.is_some())
}

/// The messages among the events.
fn messages_of<'py>(events: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
    let mut all = true;
    for event in events.iter() {
        all &= is_message(&event)?;
    }
    if all {
        return Ok(events.clone());
    }
    let messages = empty_list(events.py())?;
    for event in events.iter() {
        if is_message(&event)? {
            messages.append(event)?;
        }
    }
    Ok(messages)
}
