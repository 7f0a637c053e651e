//! The two directions of a connection and the record that notes their events.
//!
//! The record is a `wsdefrag.record.Record`, which is Python code. If it raises, the direction keeps the
//! events, and the next call notes and returns them.

use pyo3::PyClass;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::PyList;

use crate::panics;
use crate::raw::message::message_state;
use crate::raw::python;
use crate::read::event::now;

/// A direction that can keep events which could not be returned.
pub(crate) trait KeepsEvents {
    /// Keeps events for the next call.
    fn keep(&self, events: Bound<'_, PyList>) -> PyResult<()>;
}

/// Two directions of class `T`.
pub(crate) struct Pair<T: PyClass<Frozen = True> + Sync> {
    pub(crate) client: Py<T>,
    pub(crate) server: Py<T>,
    /// The `wsdefrag.record.Record` that notes the events.
    pub(crate) record: Py<PyAny>,
    /// Whether the record keeps messages.
    keeps: bool,
}

impl<T: PyClass<Frozen = True> + Sync + KeepsEvents> Pair<T> {
    pub(crate) const fn new(client: Py<T>, server: Py<T>, record: Py<PyAny>, keeps: bool) -> Self {
        Self { client, server, record, keeps }
    }

    /// The direction from the client or from the server.
    #[inline]
    pub(crate) fn direction(&self, from_client: bool) -> &T {
        let direction = if from_client { &self.client } else { &self.server };
        direction.get()
    }

    /// Notes the events of a call for a direction and returns them.
    #[inline]
    pub(crate) fn noted<'py>(
        &self,
        from_client: bool,
        events: Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyList>> {
        let Some(last) = events.len().checked_sub(1) else { return Ok(events) };
        // A Close is the last event, or the last but one.
        if self.keeps || message_state(&events.get_item(last)?)?.is_none() {
            let noted = panics::caught(events.py(), || self.note(&events));
            return self.returned(from_client, events, noted);
        }
        Ok(events)
    }

    /// Returns events that were noted; after an exception, the direction keeps them.
    fn returned<'py>(
        &self,
        from_client: bool,
        events: Bound<'py, PyList>,
        noted: PyResult<()>,
    ) -> PyResult<Bound<'py, PyList>> {
        if let Err(failure) = noted {
            self.direction(from_client).keep(events)?;
            return Err(failure);
        }
        Ok(events)
    }

    /// Notes events.
    pub(crate) fn note(&self, events: &Bound<'_, PyList>) -> PyResult<()> {
        let py = events.py();
        let arguments = (events,).into_pyobject(py)?;
        python::call_method(self.record.bind(py), intern!(py, "note"), &arguments)?;
        Ok(())
    }

    /// Ends a direction by `end`, notes that, and returns the events.
    pub(crate) fn end<'py>(
        &self,
        py: Python<'py>,
        from_client: bool,
        timestamp: Option<f64>,
        end: impl FnOnce(&T, f64) -> PyResult<Bound<'py, PyList>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let timestamp = timestamp.unwrap_or_else(now);
        let events = end(self.direction(from_client), timestamp)?;
        let noted = panics::caught(py, || {
            let arguments = (&events, from_client, timestamp).into_pyobject(py)?;
            python::call_method(self.record.bind(py), intern!(py, "note_eof"), &arguments)?;
            Ok(())
        });
        self.returned(from_client, events, noted)
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.record)
    }
}
