//! Both directions of a connection, for Python.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use wsdefrag_core::Settings;

use crate::params::{PyDeflateParams, PyLimits, PyStrictness};
use crate::read::event::Wanted;
use crate::read::pair::Pair;
use crate::read::record::Record;
use crate::read::state::{DirectionState, settings};

/// The engine of ``wsdefrag.WebSocketConnection``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct Connection(Pair<DirectionState>);

#[pymethods]
impl Connection {
    #[new]
    #[pyo3(signature = (*, deflate, limits, strictness, extension, websocket, retain))]
    fn new(
        py: Python<'_>,
        deflate: Option<PyDeflateParams>,
        limits: PyLimits,
        strictness: PyStrictness,
        extension: Option<&Bound<'_, PyString>>,
        websocket: Py<PyAny>,
        retain: Option<usize>,
    ) -> PyResult<Self> {
        let foreign_extension = extension.is_some();
        let either = settings(false, deflate, limits, strictness);
        let direction = |from_client| {
            let settings = Settings { from_client, foreign_extension, ..either };
            let name = extension.map(|name| name.clone().unbind());
            Py::new(py, DirectionState::new("WebSocketConnection", settings, name))
        };
        let record = Record::new(websocket, retain);
        Ok(Self(Pair::new(direction(true)?, direction(false)?, record)))
    }

    /// Receive the next bytes of one direction.
    ///
    /// Args:
    ///     data: Any number of bytes; they are neither changed nor kept.
    ///     from_client: Whether the client sent them.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     The events, in order. A violation of the protocol is a ``ProtocolViolation`` event and is
    ///     not raised.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If ``receive_eof`` has ended this direction.
    #[pyo3(signature = (data, *, from_client, timestamp = None))]
    fn receive_data<'py>(
        &self,
        data: &Bound<'py, PyAny>,
        from_client: bool,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let direction = self.0.direction(from_client);
        self.0.noted(from_client, direction.feed(data, timestamp, Wanted::Everything)?)
    }

    /// End one direction; may be called again.
    ///
    /// Args:
    ///     from_client: Whether to end the direction from the client.
    ///     timestamp: When it ended, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     An ``Incomplete`` if the direction ended inside a header, a frame or a message. Otherwise,
    ///     and if it had already ended, an empty list.
    #[pyo3(signature = (*, from_client, timestamp = None))]
    fn receive_eof<'py>(
        &self,
        py: Python<'py>,
        from_client: bool,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.0.end(py, from_client, timestamp, |direction, timestamp| {
            direction.0.with(py, |reading| reading.end_events(py, Some(timestamp)))
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(&visit)
    }

    /// The state of the direction from the client.
    #[getter(from_client)]
    fn client(&self, py: Python<'_>) -> Py<DirectionState> {
        self.0.client.clone_ref(py)
    }

    /// The state of the direction from the server.
    #[getter(from_server)]
    fn server(&self, py: Python<'_>) -> Py<DirectionState> {
        self.0.server.clone_ref(py)
    }
}
