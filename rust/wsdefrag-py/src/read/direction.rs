//! One direction, for Python: messages that raise, or events that do not.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use wsdefrag_core::Settings;

use crate::errors;
use crate::params::{PyDeflateParams, PyLimits, PyStrictness};
use crate::read::event::Wanted;
use crate::read::reading::Reading;

/// The engine behind ``MessageReassembler``.
#[pyclass(subclass, module = "wsdefrag._native")]
pub(crate) struct Direction(Reading);

impl Direction {
    #[inline]
    fn feed<'py>(
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

#[pymethods]
impl Direction {
    #[new]
    #[pyo3(signature = (*, from_client, deflate, limits, strictness, utf8_strict))]
    fn new(
        from_client: bool,
        deflate: Option<PyDeflateParams>,
        limits: PyLimits,
        strictness: PyStrictness,
        utf8_strict: bool,
    ) -> Self {
        let settings = Settings {
            from_client,
            deflate: deflate.map(Into::into),
            limits: limits.into(),
            strictness: strictness.with_utf8(utf8_strict),
        };
        Self(Reading::new(settings))
    }

    /// Take the next bytes and give the messages they complete.
    ///
    /// Args:
    ///     data: Any number of bytes; neither changed nor kept.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     The completed messages, in order. A violation in these bytes ends the list and sets
    ///     ``error``; the next call raises it.
    ///
    /// Raises:
    ///     ProtocolError: If a rule was broken before.
    ///     LimitExceeded: If a limit was passed before.
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If the direction has ended.
    #[pyo3(signature = (data, *, timestamp = None))]
    fn receive_data<'py>(
        &mut self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let failed_before = self.0.engine.error().copied();
        let messages = self.feed(data, timestamp, Wanted::Messages)?;
        match failed_before {
            Some(error) if messages.is_empty() => Err(errors::raise(data.py(), &error)),
            _ => Ok(messages),
        }
    }

    /// Say that the direction has ended; may be called again.
    ///
    /// Raises:
    ///     ProtocolError: If a rule was broken before.
    ///     LimitExceeded: If a limit was passed before.
    ///     IncompleteMessage: If the bytes stopped inside a header, a frame or a message.
    fn receive_eof(&mut self, py: Python<'_>) -> PyResult<()> {
        self.0.end(py)
    }

    /// Take the next bytes and give everything that happened.
    ///
    /// Args:
    ///     data: Any number of bytes; neither changed nor kept.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     What happened, in order; a violation is the last event and comes once.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If the direction has ended.
    #[pyo3(signature = (data, *, timestamp = None))]
    fn receive_events<'py>(
        &mut self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.feed(data, timestamp, Wanted::Everything)
    }

    /// Say that the direction has ended; may be called again.
    ///
    /// Args:
    ///     timestamp: When it ended, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     An ``Incomplete`` if the bytes stopped inside a header, a frame or a message, else
    ///     nothing.
    #[pyo3(signature = (*, timestamp = None))]
    fn receive_eof_events<'py>(
        &mut self,
        py: Python<'py>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.0.end_events(py, timestamp)
    }

    /// What ended this direction, a new object each time; None if nothing has.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.error(py)
    }

    /// The Close of this direction.
    #[getter]
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
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

    /// Bytes behind a Close, or from the offending frame's first byte on.
    #[getter]
    fn bytes_discarded(&self) -> u64 {
        self.0.engine.bytes_discarded()
    }

    /// How often each rule that is switched off was broken, by its name in ``Strictness``.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.0.tolerated(py)
    }
}
