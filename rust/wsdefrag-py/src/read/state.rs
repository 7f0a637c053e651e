//! The state of one direction, for Python.
//!
//! `DirectionState` is the base class of `MessageReassembler` and
//! `WebSocketDirection`. A `WebSocketConnection` shows one for each direction.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use wsdefrag_core::Settings;

use crate::params::{PyDeflateParams, PyLimits, PyStrictness};
use crate::read::event::Wanted;
use crate::read::reading::Reading;

/// The state of one direction; read-only.
///
/// It is the class of ``WebSocketConnection.from_client`` and ``from_server``, and cannot be
/// constructed.
///
/// Attributes:
///     error: The violation that ended this direction, or None.
///     close_received: The ``Close`` event of this direction, or None.
///     bytes_received: Number of bytes received.
///     bytes_buffered: Bytes held of an incomplete header, frame or message.
///     bytes_discarded: Bytes after a Close, or from the first byte of the offending frame on.
///     tolerated: How often each switched-off rule was broken, by the name of its field in
///         ``Strictness``.
///
/// Example:
///     >>> import wsdefrag
///     >>> connection = wsdefrag.WebSocketConnection()
///     >>> connection.receive_data(b"\x81\x05he", from_client=False)
///     []
///     >>> connection.from_server
///     <DirectionState from_client=False bytes_received=4 bytes_buffered=2 bytes_discarded=0>
#[pyclass(subclass, module = "wsdefrag")]
pub(crate) struct DirectionState(Reading);

impl DirectionState {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Reading::new(settings))
    }

    /// The same, and the name of an agreed extension that is not known.
    pub(crate) fn with_extension(self, extension: Option<Py<PyString>>) -> Self {
        Self(self.0.with_extension(extension))
    }

    pub(crate) const fn reading(&mut self) -> &mut Reading {
        &mut self.0
    }

    /// Receives the next bytes; returns the events of this call.
    #[inline]
    pub(crate) fn feed<'py>(
        &mut self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
        wanted: Wanted,
    ) -> PyResult<Bound<'py, PyList>> {
        self.0.feed(data, timestamp, wanted, &mut None, |engine, bytes, sink| {
            engine.receive_data(bytes, sink);
        })
    }
}

/// The settings for a direction's constructor arguments.
pub(crate) fn settings(
    from_client: bool,
    deflate: Option<PyDeflateParams>,
    limits: PyLimits,
    strictness: PyStrictness,
) -> Settings {
    Settings {
        from_client,
        deflate: deflate.map(Into::into),
        foreign_extension: false,
        limits: limits.into(),
        strictness: strictness.into(),
    }
}

#[pymethods]
impl DirectionState {
    /// The violation that ended this direction, a new object each time; None if there is none.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.error(py)
    }

    /// The ``Close`` event of this direction, or None.
    #[getter]
    fn close_received<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.0.close(py)
    }

    /// Number of bytes received.
    #[getter]
    const fn bytes_received(&self) -> u64 {
        self.0.engine.bytes_received()
    }

    /// Bytes held of an incomplete header, frame or message.
    #[getter]
    fn bytes_buffered(&self) -> usize {
        self.0.engine.bytes_buffered()
    }

    /// Bytes after a Close, or from the first byte of the offending frame on.
    #[getter]
    fn bytes_discarded(&self) -> u64 {
        self.0.engine.bytes_discarded()
    }

    /// How often each switched-off rule was broken, by the name of its field in ``Strictness``.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.0.tolerated(py)
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        let class = this.get_type().name()?;
        let state = this.try_borrow()?;
        Ok(format!("<{class} {}>", state.0.summary(state.bytes_buffered())))
    }
}
