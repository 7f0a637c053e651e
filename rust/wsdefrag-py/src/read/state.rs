//! The state of one direction, for Python.
//!
//! `DirectionState` is the base class of `MessageReassembler` and `WebSocketDirection`. A
//! `WebSocketConnection` shows one for each direction.

#![expect(clippy::disallowed_macros, reason = "a text has at most 200 characters")]

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use wsdefrag_core::Settings;

use crate::exclusive::Exclusive;
use crate::params::{PyDeflateParams, PyLimits, PyStrictness};
use crate::read::event::Wanted;
use crate::read::pair::KeepsEvents;
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
#[pyclass(subclass, frozen, module = "wsdefrag")]
pub(crate) struct DirectionState(pub(crate) Exclusive<Reading>);

impl DirectionState {
    /// The state of an object of this class; `extension` is the name of an agreed extension that is
    /// not known.
    pub(crate) fn new(
        class: &'static str,
        settings: Settings,
        extension: Option<Py<PyString>>,
    ) -> Self {
        Self(Exclusive::new(class, Reading::new(settings).with_extension(extension)))
    }

    /// Receives the next bytes; returns the events of this call.
    #[inline]
    pub(crate) fn feed<'py>(
        &self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
        wanted: Wanted,
    ) -> PyResult<Bound<'py, PyList>> {
        self.0.with(data.py(), |reading| {
            reading.feed(data, timestamp, wanted, &mut None, |engine, bytes, sink| {
                engine.receive_data(bytes, sink);
            })
        })
    }
}

impl KeepsEvents for DirectionState {
    fn keep(&self, events: Bound<'_, PyList>) -> PyResult<()> {
        self.0.with(events.py(), |reading| {
            reading.keep(events);
            Ok(())
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
        self.0.with(py, |reading| reading.error(py))
    }

    /// The ``Close`` event of this direction, or None.
    #[getter]
    fn close_received<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.with(py, |reading| Ok(reading.close(py)))
    }

    /// Number of bytes received.
    #[getter]
    fn bytes_received(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |reading| Ok(reading.engine.bytes_received()))
    }

    /// Bytes held of an incomplete header, frame or message.
    #[getter]
    fn bytes_buffered(&self, py: Python<'_>) -> PyResult<usize> {
        self.0.with(py, |reading| Ok(reading.engine.bytes_buffered()))
    }

    /// Bytes after a Close, or from the first byte of the offending frame on.
    #[getter]
    fn bytes_discarded(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |reading| Ok(reading.engine.bytes_discarded()))
    }

    /// How often each switched-off rule was broken, by the name of its field in ``Strictness``.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.0.with(py, |reading| reading.tolerated(py))
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        let class = this.get_type().name()?;
        this.get().0.with(this.py(), |reading| {
            Ok(format!("<{class} {}>", reading.summary(reading.engine.bytes_buffered())))
        })
    }
}
