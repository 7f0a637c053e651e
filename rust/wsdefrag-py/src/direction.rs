//! One direction, for Python: messages that raise, or events that do not.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use wsdefrag_core::{Reassembler, Settings, Sink};

use crate::content::{PyContent, PyMemory};
use crate::ending::Ending;
use crate::errors;
use crate::event::{PySink, Wanted};
use crate::params::{self, PyDeflateParams, PyLimits, PyStrictness};
use crate::raw::with_bytes;

/// The engine behind ``MessageReassembler``.
#[pyclass(subclass, module = "wsdefrag._native")]
pub(crate) struct Direction {
    engine: Reassembler<PyContent>,
    close: Option<Py<PyAny>>,
    /// The exception object of `error`, made when it is first asked for.
    error: Option<Py<PyAny>>,
    ending: Ending,
}

impl Direction {
    /// Feeds the engine; the events of this call.
    #[inline]
    fn feed<'py>(
        &mut self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
        wanted: Wanted,
    ) -> PyResult<PySink<'py>> {
        self.ending.require_open()?;
        let from_client = self.engine.settings().from_client;
        let mut sink = PySink::new(data.py(), from_client, wanted, timestamp)?;
        with_bytes(data, |input| {
            sink.memory.immutable_input = input.immutable;
            self.engine.receive_data(input.bytes, &mut sink);
        })?;
        if let Some(close) = sink.place_controls()? {
            self.close = Some(close);
        }
        Ok(sink)
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
            strictness: strictness.into(),
            check_utf8: utf8_strict,
        };
        Self { engine: Reassembler::new(settings), close: None, error: None, ending: Ending::Open }
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
        let failed_before = self.engine.error().copied();
        let messages = self.feed(data, timestamp, Wanted::Messages)?.finish()?;
        match failed_before {
            Some(error) => Err(errors::raise(data.py(), &error)),
            None => Ok(messages),
        }
    }

    /// Say that the direction has ended; may be called again.
    ///
    /// Raises:
    ///     ProtocolError: If a rule was broken before.
    ///     LimitExceeded: If a limit was passed before.
    ///     IncompleteMessage: If the bytes stopped inside a header, a frame or a message.
    fn receive_eof(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.ending.is_open() {
            self.ending = Ending::new(py, self.engine.receive_eof(&mut PyMemory::new(py)))?;
        }
        self.ending.raise(py, self.engine.error())
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
        let failed_before = self.engine.error().is_some();
        let mut sink = self.feed(data, timestamp, Wanted::Everything)?;
        match self.engine.error() {
            Some(error) if !failed_before => sink.violation(error)?,
            _ => {}
        }
        sink.finish()
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
        let from_client = self.engine.settings().from_client;
        let mut sink = PySink::new(py, from_client, Wanted::Everything, timestamp)?;
        if self.ending.is_open() {
            self.ending = Ending::new(py, self.engine.receive_eof(sink.memory()))?;
            if let Ending::Cut(cut) = &self.ending {
                sink.incomplete(cut)?;
            }
        }
        sink.finish()
    }

    /// The violation that ended this direction.
    #[getter]
    fn error<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(error) = self.engine.error() else { return Ok(None) };
        if self.error.is_none() {
            self.error = Some(errors::violation(py, error)?.unbind());
        }
        Ok(self.error.as_ref().map(|error| error.bind(py).clone()))
    }

    /// The Close of this direction.
    #[getter]
    fn close<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.close.as_ref().map(|close| close.bind(py).clone())
    }

    /// All bytes taken so far.
    #[getter]
    const fn bytes_received(&self) -> u64 {
        self.engine.bytes_received()
    }

    /// Bytes held of an unfinished header, frame or message.
    #[getter]
    fn bytes_buffered(&self) -> usize {
        self.engine.bytes_buffered()
    }

    /// Bytes behind a Close, or from the offending frame's first byte on.
    #[getter]
    fn bytes_discarded(&self) -> u64 {
        self.engine.bytes_discarded()
    }

    /// How often each rule that is switched off was broken, by its name in ``Strictness``.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        params::tolerated(py, self.engine.settings().strictness, self.engine.tolerated())
    }
}
