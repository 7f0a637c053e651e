//! One direction, for Python: returns events, also for violations.

use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::params::{PyDeflateParams, PyLimits, PyStrictness};
use crate::read::event::Wanted;
use crate::read::state::{DirectionState, settings};

/// The engine of ``wsdefrag.WebSocketDirection``.
#[pyclass(subclass, frozen, extends = DirectionState, module = "wsdefrag._native")]
pub(crate) struct WebSocketDirection;

#[pymethods]
impl WebSocketDirection {
    #[new]
    #[pyo3(signature = (*, from_client, deflate, limits, strictness))]
    fn new(
        from_client: bool,
        deflate: Option<PyDeflateParams>,
        limits: PyLimits,
        strictness: PyStrictness,
    ) -> PyClassInitializer<Self> {
        let settings = settings(from_client, deflate, limits, strictness);
        let state = DirectionState::new("WebSocketDirection", settings, None);
        PyClassInitializer::from(state).add_subclass(Self)
    }

    /// Receive the next bytes and return all events.
    ///
    /// Args:
    ///     data: Any number of bytes; they are neither changed nor kept.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     The events, in order. A violation is the last event, and is returned once.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If the direction has ended.
    #[pyo3(signature = (data, *, timestamp = None))]
    fn receive_data<'py>(
        this: &Bound<'_, Self>,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        this.as_super().get().feed(data, timestamp, Wanted::Everything)
    }

    /// End the direction; may be called again.
    ///
    /// Args:
    ///     timestamp: When it ended, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     An ``Incomplete`` if the bytes stopped inside a header, a frame or a message; otherwise
    ///     an empty list.
    #[pyo3(signature = (*, timestamp = None))]
    fn receive_eof<'py>(
        this: &Bound<'_, Self>,
        py: Python<'py>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        this.as_super().get().0.with(py, |reading| reading.end_events(py, timestamp))
    }
}
