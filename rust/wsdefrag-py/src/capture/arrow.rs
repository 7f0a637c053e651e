//! Tables as Arrow streams, through the Arrow `PyCapsule` interface.
//!
//! Batches are created when the consumer requests them, on its thread and
//! without
//! the GIL. Only reading Python file objects takes the GIL. Taking it for each
//! batch
//! would wait for other Python threads, and would deadlock with a consumer that
//! waits for one of its own threads.
//!
//! `get_next` is called from C. A panic or a NUL in an error text would end the
//! process there, so neither may reach it.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::ffi::FFI_ArrowSchema;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyString};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::columns::{ConnectionColumns, MessageColumns};
use wsdefrag_capture::{CaptureEvent, Connection, Message, Options, Sink};

use crate::capture::failure::Failure;
use crate::capture::run::{Run, Step};
use crate::capture::source::Source;

/// Most characters of a file's name in a `repr`.
const SHOWN: usize = 24;

/// The tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Messages,
    Connections,
}

/// Results of the passes, shared by both tables.
#[derive(Clone, Default)]
pub(crate) struct SharedResults(Arc<Mutex<Results>>);

impl SharedResults {
    fn results(&self) -> MutexGuard<'_, Results> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Results {
    /// The connections table, after a complete pass.
    connections: Option<Vec<RecordBatch>>,
    /// The warnings of the last pass that ended.
    warnings: Vec<String>,
}

/// A table of a capture for any reader of Arrow streams (``__arrow_c_stream__``).
///
/// Each reading is a new pass over the files. It returns record batches, so memory use stays
/// constant. After the messages table was read to its end, reading the connections table needs no
/// further pass.
///
/// Example:
///     >>> from wsdefrag.capture import Capture
///     >>> import polars
///     >>> table = Capture("vectors/captures/demo.pcapng").to_arrow().connections
///     >>> polars.DataFrame(table).height
///     5
#[pyclass(frozen, module = "wsdefrag.capture")]
pub(crate) struct ArrowStream {
    source: Source,
    options: Options,
    table: Table,
    shared: SharedResults,
}

impl ArrowStream {
    pub(crate) const fn new(
        source: Source,
        options: Options,
        table: Table,
        shared: SharedResults,
    ) -> Self {
        Self { source, options, table, shared }
    }

    fn schema(&self) -> SchemaRef {
        match self.table {
            Table::Messages => MessageColumns::schema(),
            Table::Connections => ConnectionColumns::schema(),
        }
    }

    /// The options of a pass, limited so that no message is too large for a batch.
    fn options(&self) -> Options {
        let mut options = self.options.clone();
        let most = MessageColumns::MAX_CONTENT as u64;
        let limit = &mut options.limits.max_message_size;
        *limit = Some(limit.map_or(most, |limit| limit.min(most)));
        options
    }
}

#[pymethods]
impl ArrowStream {
    /// Export the schema (Arrow PyCapsule interface).
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.schema().as_ref())
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    /// Export the table (Arrow PyCapsule interface).
    ///
    /// Args:
    ///     requested_schema: Ignored, as the interface allows; the reader has to cast.
    ///
    /// Raises:
    ///     RuntimeError: If the source is a file object of a subinterpreter; the consumer's threads
    ///         could not call it.
    ///     ValueError: If the source is a file object that was already read.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        if self.source.stays_attached(py) {
            return Err(PyRuntimeError::new_err(
                "in a subinterpreter, a table cannot be read from a file object; give a path",
            ));
        }
        let (shared, connections) =
            (self.shared.clone(), self.shared.results().connections.clone());
        let pass = match (self.table, connections) {
            (Table::Connections, Some(batches)) => Pass::new(None, self.table, batches, shared),
            (table, _) => {
                let run = self.source.run(py, self.options())?;
                Pass::new(Some(run), table, Vec::new(), shared)
            }
        };
        let batches = Batches { pass: Some(pass), schema: self.schema() };
        let stream = FFI_ArrowArrayStream::new(Box::new(batches));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    /// Show the table and its source.
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let table = match self.table {
            Table::Messages => "messages",
            Table::Connections => "connections",
        };
        let name = self.source.name();
        // The end of a path identifies the file best.
        let cut = name.chars().count().saturating_sub(SHOWN);
        let end: String = name.chars().skip(cut).collect();
        let dots = if cut > 0 { "..." } else { "" };
        Ok(format!("<ArrowStream {table} of {dots}{}>", PyString::new(py, &end).repr()?))
    }

    /// Warnings about files that could be read.
    ///
    /// They are from the last pass that ended, over this table or the other table of the same
    /// ``to_arrow()`` call.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.shared.results().warnings.clone()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.source.traverse(&visit)
    }
}

/// A pass over a capture that fills a table.
struct Pass {
    /// `None` after the end.
    run: Option<Run>,
    rows: Rows,
    failure: Option<Failure>,
    shared: SharedResults,
}

/// Fills the columns of both tables.
struct Rows {
    table: Table,
    messages: MessageColumns,
    connections: ConnectionColumns,
    /// Batches of the table that is being read.
    ready: VecDeque<RecordBatch>,
    /// Batches of the connections table.
    ended: Vec<RecordBatch>,
}

impl Sink for Rows {
    fn opened(&mut self, _: &Connection) {}

    #[inline]
    fn message(&mut self, message: Message) {
        if self.table == Table::Messages {
            if MessageColumns::needs_own_batch(&message) {
                if !self.messages.is_empty() {
                    self.ready.push_back(self.messages.finish());
                }
                self.ready.push_back(MessageColumns::batch_of_one(message));
                return;
            }
            self.messages.push(&message);
            if self.messages.is_full() {
                self.ready.push_back(self.messages.finish());
            }
        }
    }

    fn event(&mut self, _: CaptureEvent) {}

    fn ended(&mut self, connection: Connection) {
        self.connections.push(&connection);
        if self.connections.is_full() {
            self.ended.push(self.connections.finish());
        }
    }

    /// A consumer takes one batch at a time.
    fn is_full(&self) -> bool {
        !self.ready.is_empty()
    }
}

impl Pass {
    fn new(run: Option<Run>, table: Table, ready: Vec<RecordBatch>, shared: SharedResults) -> Self {
        let rows = Rows {
            table,
            messages: MessageColumns::new(),
            connections: ConnectionColumns::new(),
            ready: ready.into(),
            ended: Vec::new(),
        };
        Self { run, rows, failure: None, shared }
    }

    /// The next batch; a failure is returned after all complete batches.
    fn next(&mut self) -> Option<Result<RecordBatch, Failure>> {
        while self.rows.ready.is_empty() {
            let Some(run) = &mut self.run else { return self.failure.take().map(Err) };
            match run.step(&mut self.rows) {
                Step::More => {}
                // A consumer does not read a stream again after an error.
                Step::Paused(error) => run.fail(Failure::Io(error, None)),
                Step::Ended => {
                    self.failure = run.failure();
                    self.shared.results().warnings = run.warnings().to_vec();
                    self.run = None;
                    self.finish();
                }
            }
        }
        self.rows.ready.pop_front().map(Ok)
    }

    /// Creates batches of the remaining rows, and keeps the connections table for the next reading.
    fn finish(&mut self) {
        let Rows { table, messages, connections, ready, ended } = &mut self.rows;
        if !messages.is_empty() {
            ready.push_back(messages.finish());
        }
        if !connections.is_empty() {
            ended.push(connections.finish());
        }
        if *table == Table::Connections {
            ready.extend(ended.iter().cloned());
        }
        if self.failure.is_none() {
            self.shared.results().connections = Some(std::mem::take(ended));
        }
    }
}

/// Batches for a consumer behind the C interface: panics become errors, and nothing follows the end
/// or an error.
struct Batches {
    /// `None` after the end, so that memory is freed at once.
    pass: Option<Pass>,
    schema: SchemaRef,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let pass = self.pass.as_mut()?;
        // After a panic only `Drop` uses the pass.
        let next = match catch_unwind(AssertUnwindSafe(|| pass.next())) {
            Ok(next) => next.map(|batch| batch.map_err(arrow_error)),
            Err(panic) => Some(Err(ArrowError::ComputeError(panic_text(&*panic)))),
        };
        if !matches!(next, Some(Ok(_))) {
            self.pass = None;
        }
        next
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

fn arrow_error(failure: Failure) -> ArrowError {
    let text = failure.to_string().replace('\0', "\u{fffd}");
    match failure {
        Failure::Io(error, _) => ArrowError::IoError(text, error),
        Failure::Broken(..) | Failure::Compressed(..) => ArrowError::ExternalError(text.into()),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("internal error: {}", text.unwrap_or("a panic without a text").replace('\0', ""))
}
