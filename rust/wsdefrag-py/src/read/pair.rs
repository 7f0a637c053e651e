//! The two directions of a connection and the record that notes their events.
//!
//! If the record cannot note events, their direction keeps them, and the next call notes and returns
//! them.

use pyo3::PyClass;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::PyList;

use crate::panics;
use crate::read::event::now;
use crate::read::record::Record;

/// A direction that can keep events which could not be returned.
pub(crate) trait KeepsEvents {
    /// Keeps events for the next call.
    fn keep(&self, events: Bound<'_, PyList>) -> PyResult<()>;
}

/// Two directions of class `T`.
pub(crate) struct Pair<T: PyClass<Frozen = True> + Sync> {
    pub(crate) client: Py<T>,
    pub(crate) server: Py<T>,
    pub(crate) record: Record,
}

impl<T: PyClass<Frozen = True> + Sync + KeepsEvents> Pair<T> {
    pub(crate) const fn new(client: Py<T>, server: Py<T>, record: Record) -> Self {
        Self { client, server, record }
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
        let noted = panics::caught(events.py(), || self.record.note(&events));
        self.returned(from_client, events, noted)
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
            self.record.note(&events)?;
            self.record.note_eof(py, from_client, timestamp)
        });
        self.returned(from_client, events, noted)
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.record.traverse(visit)
    }
}
