//! Both directions of a connection, for Python: what is called for each chunk.
//!
//! It finds the direction that is meant and has the record note what happened.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyList;
use wsdefrag_core::Settings;

use crate::params::{PyDeflateParams, PyLimits, PyStrictness};
use crate::raw::message::message_state;
use crate::read::event::{Wanted, now};
use crate::read::state::{DirectionState, settings};

/// The engine of ``wsdefrag.WebSocketConnection``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct Connection {
    from_client: Py<DirectionState>,
    from_server: Py<DirectionState>,
    /// What notes the events; a `wsdefrag.record.Record`.
    record: Py<PyAny>,
    /// Whether it keeps messages.
    keeps: bool,
}

impl Connection {
    fn direction<'py>(
        &self,
        py: Python<'py>,
        from_client: bool,
    ) -> PyResult<PyRefMut<'py, DirectionState>> {
        let direction = if from_client { &self.from_client } else { &self.from_server };
        Ok(direction.bind(py).try_borrow_mut()?)
    }
}

#[pymethods]
impl Connection {
    #[new]
    #[pyo3(signature = (*, deflate, limits, strictness, record, keeps))]
    fn new(
        py: Python<'_>,
        deflate: Option<PyDeflateParams>,
        limits: PyLimits,
        strictness: PyStrictness,
        record: Py<PyAny>,
        keeps: bool,
    ) -> PyResult<Self> {
        let server = settings(false, deflate, limits, strictness);
        let client = Settings { from_client: true, ..server };
        Ok(Self {
            from_client: Py::new(py, DirectionState::new(client))?,
            from_server: Py::new(py, DirectionState::new(server))?,
            record,
            keeps,
        })
    }

    /// Take the next bytes of one direction.
    ///
    /// Args:
    ///     data: Any number of bytes; neither changed nor kept.
    ///     from_client: Whether the client sent them.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     What happened, in order. What is wrong on the wire is a ``ProtocolViolation`` and is
    ///     not raised.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If this direction has ended by ``receive_eof``.
    #[pyo3(signature = (data, *, from_client, timestamp = None))]
    fn receive_data<'py>(
        &self,
        data: &Bound<'py, PyAny>,
        from_client: bool,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = data.py();
        let mut direction = self.direction(py, from_client)?;
        let events = direction.feed(data, timestamp, Wanted::Everything)?;
        drop(direction);
        let Some(last) = events.len().checked_sub(1) else { return Ok(events) };
        // A Close is a last event, or next to last.
        if self.keeps || message_state(&events.get_item(last)?)?.is_none() {
            self.record.bind(py).call_method1("note", (&events,))?;
        }
        Ok(events)
    }

    /// Say that one direction has ended; may be called again.
    ///
    /// Args:
    ///     from_client: Whether it is the one from the client.
    ///     timestamp: When it ended, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     An ``Incomplete`` if it ended inside a header, a frame or a message, else nothing;
    ///     nothing either if it was ended before.
    #[pyo3(signature = (*, from_client, timestamp = None))]
    fn receive_eof<'py>(
        &self,
        py: Python<'py>,
        from_client: bool,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let timestamp = timestamp.unwrap_or_else(now);
        let events = self.direction(py, from_client)?.reading().end_events(py, Some(timestamp))?;
        self.record.bind(py).call_method1("note_eof", (&events, from_client, timestamp))?;
        Ok(events)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.record)
    }

    /// The state of what the client sends.
    #[getter(from_client)]
    fn client(&self, py: Python<'_>) -> Py<DirectionState> {
        self.from_client.clone_ref(py)
    }

    /// The state of what the server sends.
    #[getter(from_server)]
    fn server(&self, py: Python<'_>) -> Py<DirectionState> {
        self.from_server.clone_ref(py)
    }
}
