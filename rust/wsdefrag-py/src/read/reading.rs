//! The reading of one direction, shared by all classes that read one.

#![expect(clippy::disallowed_macros, reason = "a text has at most 200 characters")]

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use wsdefrag_core::{Collection, Reassembler, Settings};

use crate::budget::Charge;
use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::params;
use crate::raw::buffer::Source;
use crate::raw::list::empty_list;
use crate::read::ending::Ending;
use crate::read::event::{Closed, PySink, Wanted};
use crate::read::event_value::Detail;
use crate::shown::{shown_bool, shown_error};

/// The engine, and the events and errors that Python got or will get.
pub(crate) struct Reading {
    pub(crate) engine: Reassembler<PyContent>,
    closed: Option<Closed>,
    ending: Ending,
    /// Events that could not be returned because of an exception; the next call returns them.
    undelivered: Option<Py<PyList>>,
    /// Whether the end of the direction has yet to become an event: its violation, or an incomplete
    /// message or frame.
    owes_end: bool,
    /// Whether messages are forwarded before the caller gets them.
    sent: bool,
    /// Whether messages are events; otherwise they are only counted.
    reports_messages: bool,
    /// Complete messages.
    messages: u64,
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
            owes_end: false,
            sent: false,
            reports_messages: true,
            messages: 0,
            extension: None,
        }
    }

    /// The same direction with the name of an agreed extension that is unknown.
    pub(crate) fn with_extension(self, extension: Option<Py<PyString>>) -> Self {
        Self { extension, ..self }
    }

    /// A direction whose messages are forwarded before the caller gets them.
    pub(crate) fn passing(settings: Settings, collection: Collection) -> Self {
        let engine = Reassembler::new(settings).with_collection(collection);
        Self { engine, sent: true, ..Self::new(settings) }
    }

    /// The same direction, whose messages are only counted.
    pub(crate) fn counting(self) -> Self {
        Self { reports_messages: false, ..self }
    }

    /// Number of complete messages.
    pub(crate) const fn messages(&self) -> u64 {
        self.messages
    }

    /// Whether the end of the stream was received.
    pub(crate) const fn has_ended(&self) -> bool {
        !self.ending.is_open()
    }

    /// Feeds the engine by `receive`; returns the events of this call. Adds contents to `charge`.
    #[inline]
    pub(crate) fn feed<'py>(
        &mut self,
        data: &impl Source<'py>,
        timestamp: Option<f64>,
        wanted: Wanted,
        charge: &mut Option<Charge>,
        receive: impl FnOnce(&mut Reassembler<PyContent>, &[u8], &mut PySink<'py>),
    ) -> PyResult<Bound<'py, PyList>> {
        self.ending.require_open()?;
        let failed_before = self.engine.error().is_some();
        let mut sink = self.sink(data.py(), timestamp, wanted)?;
        sink.memory.charge = charge.take();
        let read = data.read(|input| {
            sink.memory.immutable_input = input.immutable;
            receive(&mut self.engine, input.bytes, &mut sink);
        });
        *charge = sink.memory.charge.take();
        self.messages += sink.messages;
        if let Some(closed) = sink.closed.take() {
            self.closed = Some(closed);
        }
        if !failed_before && self.engine.error().is_some() {
            self.owes_end = true;
        }
        self.deliver(sink, read)
    }

    /// The list of the sink's events, or an exception; then the events stay for the next call.
    #[inline]
    fn deliver<'py>(
        &mut self,
        mut sink: PySink<'py>,
        done: PyResult<()>,
    ) -> PyResult<Bound<'py, PyList>> {
        let ended = if self.owes_end { self.end_event(&mut sink) } else { Ok(()) };
        let events = sink.finish();
        match done.and(ended) {
            Ok(()) => Ok(events),
            Err(failure) => {
                self.undelivered = Some(events.unbind());
                Err(failure)
            }
        }
    }

    /// Keeps events that could not be returned for the next call.
    #[cold]
    pub(crate) fn keep(&mut self, events: Bound<'_, PyList>) {
        self.undelivered = Some(events.unbind());
    }

    /// Adds the event of the direction's end.
    #[cold]
    fn end_event(&mut self, sink: &mut PySink<'_>) -> PyResult<()> {
        let py = sink.memory.py;
        if let Some(error) = self.engine.error() {
            sink.violation(error)?;
        } else if let Ending::Truncated(incomplete) = &mut self.ending {
            let content = incomplete.content.bytes(py)?.bind(py).clone();
            sink.incomplete(incomplete.offset, Detail::Incomplete(incomplete.opcode, content))?;
        }
        self.owes_end = false;
        Ok(())
    }

    fn sink<'py>(
        &mut self,
        py: Python<'py>,
        timestamp: Option<f64>,
        wanted: Wanted,
    ) -> PyResult<PySink<'py>> {
        let events = match self.undelivered.take() {
            Some(events) => events.into_bound(py),
            None => empty_list(py)?,
        };
        let from_client = self.engine.settings().from_client;
        let mut sink = PySink::new(events, from_client, wanted, timestamp, self.sent)?;
        sink.reports_messages = self.reports_messages;
        sink.extension = self.extension.as_ref().map(|name| name.clone_ref(py));
        Ok(sink)
    }

    /// Ends the direction; raises its violation, or `IncompleteMessage`.
    pub(crate) fn end(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.ending.is_open() {
            let ended = self.engine.receive_eof(&mut PyMemory::new(py));
            self.ending = Ending::new(ended, self.engine.error())?;
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
            let ended = self.engine.receive_eof(&mut sink.memory);
            match Ending::new(ended, self.engine.error()) {
                Ok(ending) => self.ending = ending,
                Err(failure) => return self.deliver(sink, Err(failure)),
            }
            self.owes_end |= matches!(self.ending, Ending::Truncated(_));
        }
        self.deliver(sink, Ok(()))
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
    pub(crate) fn close<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.closed.as_ref().map(|closed| closed.event.bind(py).clone())
    }

    /// How often each switched-off rule was broken.
    pub(crate) fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        params::tolerated(py, self.engine.settings().strictness, self.engine.tolerated())
    }

    /// The state in one line, as attributes; `buffered` bytes are held.
    pub(crate) fn summary(&self, buffered: usize) -> String {
        let engine = &self.engine;
        let closed = self.closed.as_ref().map(|closed| closed.code);
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
