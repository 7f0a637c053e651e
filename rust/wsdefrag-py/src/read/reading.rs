//! One direction as it is read, for every class that reads one.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use wsdefrag_core::{Reassembler, Settings};

use crate::budget::Account;
use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::params;
use crate::raw::buffer::with_bytes;
use crate::read::ending::Ending;
use crate::read::event::{Batch, PySink, Report, Reported, Wanted, deliver};
use crate::shown::{shown_bool, shown_error};

/// The engine, and what Python was or will be told of it.
pub(crate) struct Reading {
    pub(crate) engine: Reassembler<PyContent>,
    closed: Option<Reported>,
    ending: Ending,
    /// Events that an exception kept from the caller.
    undelivered: Option<Batch>,
    /// Whether messages have been sent on when the caller gets them.
    sent: bool,
}

impl Reading {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            engine: Reassembler::new(settings),
            closed: None,
            ending: Ending::Open,
            undelivered: None,
            sent: false,
        }
    }

    /// A direction whose messages are sent on before the caller gets them.
    pub(crate) fn passing(settings: Settings) -> Self {
        Self { sent: true, ..Self::new(settings) }
    }

    /// Feeds the engine by `receive`; the events of this call. Contents are charged to `account`.
    #[inline]
    pub(crate) fn feed<'py>(
        &mut self,
        data: &Bound<'py, PyAny>,
        timestamp: Option<f64>,
        wanted: Wanted,
        account: &mut Option<Account>,
        receive: impl FnOnce(&mut Reassembler<PyContent>, &[u8], &mut PySink<'py>),
    ) -> PyResult<Bound<'py, PyList>> {
        self.ending.require_open()?;
        let failed_before = self.engine.error().is_some();
        let mut sink = self.sink(data.py(), timestamp, wanted)?;
        sink.memory.account = account.take();
        let read = with_bytes(data, |input| {
            sink.memory.immutable_input = input.immutable;
            receive(&mut self.engine, input.bytes, &mut sink);
        });
        *account = sink.memory.account.take();
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
        PySink::new(py, self.engine.settings().from_client, wanted, timestamp, self.sent)
    }

    /// Ends the direction; raises what was wrong with it, or its end.
    pub(crate) fn end(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.ending.is_open() {
            self.ending = Ending::new(py, self.engine.receive_eof(&mut PyMemory::new(py)))?;
        }
        self.ending.raise(py, self.engine.error())
    }

    /// Ends the direction; what was left incomplete.
    pub(crate) fn end_events<'py>(
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

    /// How many events an exception kept from the caller.
    pub(crate) fn undelivered(&self, py: Python<'_>) -> usize {
        self.undelivered.as_ref().map_or(0, |batch| batch.len(py))
    }

    /// Whether nothing that comes will be read any more.
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
