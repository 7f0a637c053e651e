//! The reading of one direction, shared by all classes that read one.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use wsdefrag_core::{Reassembler, Settings};

use crate::budget::Charge;
use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::params;
use crate::raw::buffer::with_bytes;
use crate::read::ending::Ending;
use crate::read::event::{Batch, PySink, Report, Reported, Wanted, deliver};
use crate::shown::{shown_bool, shown_error};

/// The engine, and the events and errors that Python got or will get.
pub(crate) struct Reading {
    pub(crate) engine: Reassembler<PyContent>,
    closed: Option<Reported>,
    ending: Ending,
    /// Events that could not be delivered because of an exception.
    undelivered: Option<Batch>,
    /// Whether messages are forwarded before the caller gets them.
    sent: bool,
    /// The name of an agreed extension that is not known.
    extension: Option<Py<PyString>>,
}

impl Reading {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            engine: Reassembler::new(settings),
            closed: None,
            ending: Ending::Open,
            undelivered: None,
            sent: false,
            extension: None,
        }
    }

    /// The same direction with the name of an agreed extension that is unknown.
    pub(crate) fn with_extension(self, extension: Option<Py<PyString>>) -> Self {
        Self { extension, ..self }
    }

    /// A direction whose messages are forwarded before the caller gets them.
    pub(crate) fn passing(settings: Settings) -> Self {
        Self { sent: true, ..Self::new(settings) }
    }

    /// Feeds the engine by `receive`; returns the events of this call. Adds contents to `charge`.
    #[inline]
    pub(crate) fn feed<'py>(
        &mut self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
        wanted: Wanted,
        charge: &mut Option<Charge>,
        receive: impl FnOnce(&mut Reassembler<PyContent>, &[u8], &mut PySink<'py>),
    ) -> PyResult<Bound<'py, PyList>> {
        self.ending.require_open()?;
        let failed_before = self.engine.error().is_some();
        let mut sink = self.sink(data.py(), timestamp, wanted)?;
        sink.memory.charge = charge.take();
        let read = with_bytes(data, |input| {
            sink.memory.immutable_input = input.immutable;
            receive(&mut self.engine, input.bytes, &mut sink);
        });
        *charge = sink.memory.charge.take();
        read?;
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
        let mut sink =
            PySink::new(py, self.engine.settings().from_client, wanted, timestamp, self.sent)?;
        sink.extension = self.extension.as_ref().map(|name| name.clone_ref(py));
        Ok(sink)
    }

    /// Ends the direction; raises its violation, or `IncompleteMessage`.
    pub(crate) fn end(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.ending.is_open() {
            self.ending = Ending::new(py, self.engine.receive_eof(&mut PyMemory::new(py)))?;
        }
        self.ending.raise(py, self.engine.error())
    }

    /// Ends the direction; returns the event for an incomplete message or frame.
    pub(crate) fn end_events<'py>(
        &mut self,
        py: Python<'py>,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let mut sink = self.sink(py, timestamp, Wanted::Everything)?;
        if self.ending.is_open() {
            self.ending = Ending::new(py, self.engine.receive_eof(&mut sink.memory))?;
            if let Ending::Truncated(truncated) = &self.ending {
                sink.report(truncated.offset, Report::Incomplete(truncated.clone_ref(py)));
            }
        }
        deliver(py, &mut self.undelivered, sink, Wanted::Everything)
    }

    /// Number of events that could not be delivered because of an exception.
    pub(crate) fn undelivered(&self, py: Python<'_>) -> usize {
        self.undelivered.as_ref().map_or(0, |batch| batch.len(py))
    }

    /// Whether no further bytes will be read.
    pub(crate) const fn is_over(&self) -> bool {
        self.closed.is_some() || self.engine.error().is_some() || !self.ending.is_open()
    }

    /// The violation that ended the direction, as an exception object.
    pub(crate) fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.engine.error().map(|error| errors::violation(py, error)).transpose()
    }

    /// The Close of the direction, as an event object.
    pub(crate) fn close<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.closed.as_ref().map(|closed| closed.object(py)).transpose()
    }

    /// How often each switched-off rule was broken.
    pub(crate) fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        params::tolerated(py, self.engine.settings().strictness, self.engine.tolerated())
    }

    /// The state in one line, as attributes; `buffered` bytes are held.
    pub(crate) fn summary(&self, buffered: usize) -> String {
        let engine = &self.engine;
        let closed = self.closed.as_ref().and_then(Reported::close_code);
        let closed = closed.map_or_else(String::new, |code| format!(" close_received={code}"));
        format!(
            "from_client={} bytes_received={} bytes_buffered={buffered} bytes_discarded={}{closed}{}",
            shown_bool(engine.settings().from_client),
            engine.bytes_received(),
            engine.bytes_discarded(),
            shown_error(engine.error()),
        )
    }
}
