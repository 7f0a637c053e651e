//! Tables as Arrow streams, through the Arrow `PyCapsule` interface.
//!
//! Batches are made while the consumer asks for them, on its thread and without the GIL. Nothing
//! here takes the GIL but the reading of Python's file objects: taking it for each batch would wait
//! for other threads of Python's, and hang under a consumer that waits for a thread of its own.
//!
//! `get_next` is called from C, so neither a panic nor a NUL in an error's text may get there: both
//! would end the process.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::ffi::FFI_ArrowSchema;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyString};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::columns::{ConnectionColumns, MessageColumns};
use wsdefrag_capture::{Connection, Message, Options, Sink};

use crate::capture::run::{Failure, Run, Step};
use crate::capture::source::Source;

/// Characters of a file's name that a table shows.
const SHOWN: usize = 24;

/// The tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Messages,
    Connections,
}

/// What passes leave for both tables.
#[derive(Clone, Default)]
pub(crate) struct Known(Arc<Mutex<Left>>);

impl Known {
    fn left(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Left {
    /// The connections table, once a pass has gone through.
    connections: Option<Vec<RecordBatch>>,
    /// Of the last pass that ended.
    warnings: Vec<String>,
}

/// A table of a capture that any reader of Arrow streams can read (``__arrow_c_stream__``).
///
/// Each reading is a pass over the files of its own, in record batches, so that memory stays flat;
/// but where the messages table has been read to its end, the connections table is at hand.
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
    known: Known,
}

impl ArrowStream {
    pub(crate) const fn new(source: Source, options: Options, table: Table, known: Known) -> Self {
        Self { source, options, table, known }
    }

    fn schema(&self) -> SchemaRef {
        match self.table {
            Table::Messages => MessageColumns::schema(),
            Table::Connections => ConnectionColumns::schema(),
        }
    }

    /// The options of a pass: no message is too large for a batch.
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
    /// Export the schema, as the Arrow PyCapsule interface has it.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.schema().as_ref())
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    /// Export the table, as the Arrow PyCapsule interface has it.
    ///
    /// Args:
    ///     requested_schema: Ignored, as the interface allows; readers cast for themselves.
    ///
    /// Raises:
    ///     ValueError: If it is of a file object that has been read before.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let (known, connections) = (self.known.clone(), self.known.left().connections.clone());
        let pass = match (self.table, connections) {
            (Table::Connections, Some(batches)) => Pass::new(None, self.table, batches, known),
            (table, _) => {
                let run = self.source.run(py, self.options())?;
                Pass::new(Some(run), table, Vec::new(), known)
            }
        };
        let batches = Batches { pass: Some(pass), schema: self.schema() };
        let stream = FFI_ArrowArrayStream::new(Box::new(batches));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    /// Show which table it is, and of what.
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let table = match self.table {
            Table::Messages => "messages",
            Table::Connections => "connections",
        };
        let name = self.source.name();
        // The end of a path tells files apart.
        let cut = name.chars().count().saturating_sub(SHOWN);
        let end: String = name.chars().skip(cut).collect();
        let dots = if cut > 0 { "..." } else { "" };
        Ok(format!("<ArrowStream {table} of {dots}{}>", PyString::new(py, &end).repr()?))
    }

    /// What is to be said of the files, though they could be read.
    ///
    /// It is that of the last pass that has ended, over this table or the other one that
    /// ``to_arrow()`` gave with it.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.known.left().warnings.clone()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.source.traverse(&visit)
    }
}

/// A pass over a capture that fills a table.
struct Pass {
    /// `None` once it has gone through.
    run: Option<Run>,
    rows: Rows,
    failure: Option<Failure>,
    known: Known,
}

/// Fills the columns of both tables.
struct Rows {
    table: Table,
    messages: MessageColumns,
    connections: ConnectionColumns,
    /// Batches of the table that is read.
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

    fn ended(&mut self, connection: Connection) {
        self.connections.push(&connection);
        if self.connections.is_full() {
            self.ended.push(self.connections.finish());
        }
    }
}

impl Pass {
    fn new(run: Option<Run>, table: Table, ready: Vec<RecordBatch>, known: Known) -> Self {
        let rows = Rows {
            table,
            messages: MessageColumns::new(),
            connections: ConnectionColumns::new(),
            ready: ready.into(),
            ended: Vec::new(),
        };
        Self { run, rows, failure: None, known }
    }

    /// The next batch; a failure comes behind all that was complete before it.
    fn next(&mut self) -> Option<Result<RecordBatch, Failure>> {
        while self.rows.ready.is_empty() {
            let Some(run) = &mut self.run else { return self.failure.take().map(Err) };
            match run.step(&mut self.rows) {
                Step::More => {}
                // Who reads a stream does not ask again after an error.
                Step::Paused(error) => run.fail(Failure::Io(error, None)),
                Step::Ended => {
                    self.failure = run.failure();
                    self.known.left().warnings = run.warnings().to_vec();
                    self.run = None;
                    self.finish();
                }
            }
        }
        self.rows.ready.pop_front().map(Ok)
    }

    /// Makes batches of the rows that are left, and keeps the connections for whoever asks next.
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
            self.known.left().connections = Some(std::mem::take(ended));
        }
    }
}

/// Batches as a consumer on the other side of the C interface may call for them: no panic gets
/// out, and after the end or an error there is nothing more.
struct Batches {
    /// `None` from the end on, so that what it holds is freed at once.
    pass: Option<Pass>,
    schema: SchemaRef,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let pass = self.pass.as_mut()?;
        // Nothing of the pass is used after a panic but its `Drop`.
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
