//! The state of one direction, for Python: what every class that reads one shows.
//!
//! `DirectionState` is the base of `MessageReassembler` and `WebSocketDirection`,
//! and alone it is what a `WebSocketConnection` shows of each of its directions.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use wsdefrag_core::Settings;

use crate::params::{PyDeflateParams, PyLimits, PyStrictness};
use crate::read::event::Wanted;
use crate::read::reading::Reading;

/// What is known of one direction; read-only.
///
/// ``WebSocketConnection.from_client`` and ``.from_server`` are of this class. It cannot be
/// constructed.
///
/// Attributes:
///     error: The violation that ended this direction, or None.
///     close_received: The ``Close`` event of this direction, or None.
///     bytes_received: All bytes taken so far.
///     bytes_buffered: Bytes held of an unfinished header, frame or message.
///     bytes_discarded: Bytes after a Close, or from the offending frame's first byte on.
///     tolerated: How often each rule that is switched off was broken, by the name of its field
///         in ``Strictness``.
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

    pub(crate) const fn reading(&mut self) -> &mut Reading {
        &mut self.0
    }

    /// Takes the next bytes; the events of this call.
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

/// The settings that a direction's arguments ask for.
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
    /// What ended this direction, a new object each time; None if nothing has.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.error(py)
    }

    /// The Close of this direction.
    #[getter]
    fn close_received<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.close(py)
    }

    /// All bytes taken so far.
    #[getter]
    const fn bytes_received(&self) -> u64 {
        self.0.engine.bytes_received()
    }

    /// Bytes held of an unfinished header, frame or message.
    #[getter]
    fn bytes_buffered(&self) -> usize {
        self.0.engine.bytes_buffered()
    }

    /// Bytes after a Close, or from the offending frame's first byte on.
    #[getter]
    fn bytes_discarded(&self) -> u64 {
        self.0.engine.bytes_discarded()
    }

    /// How often each rule that is switched off was broken, by its name in ``Strictness``.
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
