//! One direction, for Python: messages that raise, or events that do not.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use wsdefrag_core::{Reassembler, Settings};

use crate::content::{PyContent, PyMemory};
use crate::ending::Ending;
use crate::errors;
use crate::event::{Batch, PySink, Report, Reported, Wanted, deliver};
use crate::params::{self, PyDeflateParams, PyLimits, PyStrictness};
use crate::raw::with_bytes;

/// The engine behind ``MessageReassembler``.
#[pyclass(subclass, module = "wsdefrag._native")]
pub(crate) struct Direction {
    engine: Reassembler<PyContent>,
    closed: Option<Reported>,
    ending: Ending,
    /// Events that an exception kept from the caller.
    undelivered: Option<Batch>,
}

impl Direction {
    /// Feeds the engine; the events of this call.
    #[inline]
    fn feed<'py>(
        &mut self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
        wanted: Wanted,
    ) -> PyResult<Bound<'py, PyList>> {
        self.ending.require_open()?;
        let failed_before = self.engine.error().is_some();
        let mut sink = self.sink(data.py(), timestamp, wanted)?;
        with_bytes(data, |input| {
            sink.memory.immutable_input = input.immutable;
            self.engine.receive_data(input.bytes, &mut sink);
        })?;
        if let Some(closed) = sink.closed.take() {
            self.closed = Some(closed);
        }
        if let (false, Some(error)) = (failed_before, self.engine.error()) {
            sink.report(error.offset, Report::Violation(*error));
        }
        deliver(data.py(), &mut self.undelivered, sink, wanted)
    }

    fn sink<'py>(
        &self,
        py: Python<'py>,
        timestamp: Option<f64>,
        wanted: Wanted,
    ) -> PyResult<PySink<'py>> {
        PySink::new(py, self.engine.settings().from_client, wanted, timestamp)
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
        Self {
            engine: Reassembler::new(settings),
            closed: None,
            ending: Ending::Open,
            undelivered: None,
        }
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
        let mut sink = self.sink(py, timestamp, Wanted::Everything)?;
        if self.ending.is_open() {
            self.ending = Ending::new(py, self.engine.receive_eof(&mut sink.memory))?;
            if let Ending::Cut(cut) = &self.ending {
                sink.report(cut.offset, Report::Incomplete(cut.clone_ref(py)));
            }
        }
        deliver(py, &mut self.undelivered, sink, Wanted::Everything)
    }

    /// What ended this direction, a new object each time; None if nothing has.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.engine.error().map(|error| errors::violation(py, error)).transpose()
    }

    /// The Close of this direction.
    #[getter]
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.closed.as_ref().map(|closed| closed.object(py)).transpose()
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
