//! Tables as Arrow streams, through the Arrow `PyCapsule` interface.
//!
//! Batches are created when the consumer requests them, on its thread and without the GIL. Only
//! reading Python file objects takes the GIL. Taking it for each batch would wait for other Python
//! threads, and would deadlock with a consumer that waits for one of its own threads.
//!
//! `get_next` is called from C. A panic or a NUL in an error text would end the process there, so
//! neither may reach it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a few small values for each stream of a table"
)]

use arrow_array::ffi::FFI_ArrowSchema;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::SchemaRef;
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::Options;
use wsdefrag_capture::columns::MessageColumns;
use wsdefrag_capture::table::Table;

use crate::capture::arrow_pass::{Batches, Pass, SharedResults};
use crate::capture::choices::Choices;
use crate::capture::counts::packet_counts;
use crate::capture::source::Source;

/// Most characters of a file's name in a `repr`.
const SHOWN: usize = 20;

/// A table of a capture for any reader of Arrow streams (``__arrow_c_stream__``).
///
/// Each reading is a new pass over the files. It returns record batches, so memory use stays
/// constant. The tables of connections and events are kept during a pass over another table if each
/// has at most 256 MiB; after such a pass has ended, reading them needs no further one.
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
    choices: Choices,
    table: Table,
    /// Whether a pass keeps the other tables.
    keeps_others: bool,
    shared: SharedResults,
}

impl ArrowStream {
    pub(crate) fn new(
        source: Source,
        options: Options,
        choices: Choices,
        table: Table,
        shared: Option<SharedResults>,
    ) -> Self {
        let keeps_others = shared.is_some();
        let shared = shared.unwrap_or_default();
        Self { source, options, choices, table, keeps_others, shared }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        self.choices.of(self.table).schema()
    }

    /// The options of a pass.
    fn options(&self) -> Options {
        let is_kept = |table| self.keeps_others && table == Table::Events;
        for_tables(&self.options, |table| table == self.table || is_kept(table))
    }

    /// Whether reading must not leave the interpreter.
    pub(crate) fn stays_attached(&self, py: Python<'_>) -> bool {
        self.source.stays_attached(py)
    }

    /// The threads that may read it.
    pub(crate) fn threads(&self) -> usize {
        self.source.threads(&self.options)
    }

    /// A pass over the table.
    pub(crate) fn pass(&self, py: Python<'_>) -> PyResult<Pass> {
        let (shared, of) = (self.shared.clone(), (self.table, &self.choices));
        if let Some(batches) = self.shared.kept(self.table) {
            return Ok(Pass::of_kept(batches, of, shared));
        }
        let run = self.source.run(py, self.options())?;
        let names = run.names();
        Pass::new(run, of, &names, self.keeps_others, shared)
            .map_err(|_| PyMemoryError::new_err("no memory to read the capture"))
    }
}

/// Options of a pass that fills these tables, limited so that no message is too large for a batch.
pub(crate) fn for_tables(options: &Options, is_filled: impl Fn(Table) -> bool) -> Options {
    // What rows say of their connection is kept while that is open.
    let filled = [Table::Messages, Table::Events].into_iter().filter(|table| is_filled(*table));
    let mut options = Options { tables: filled.count(), ..options.clone() };
    let most = MessageColumns::MAX_CONTENT as u64;
    let limit = &mut options.limits.max_message_size;
    *limit = Some(limit.map_or(most, |limit| limit.min(most)));
    options
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
    ///     MemoryError: If there is no memory for a pass.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        if self.stays_attached(py) {
            return Err(PyRuntimeError::new_err(
                "in a subinterpreter, a table cannot be read from a file object; give a path",
            ));
        }
        let batches = Batches::new(self.pass(py)?, self.schema());
        let stream = FFI_ArrowArrayStream::new(Box::new(batches));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    /// Show the table and its source.
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let table = self.table.name();
        let name = self.source.name();
        // The end of a path identifies the file best.
        let cut = name.chars().count().saturating_sub(SHOWN);
        let end: String = name.chars().skip(cut).collect();
        let dots = if cut > 0 { "..." } else { "" };
        Ok(format!("<ArrowStream {table} of {dots}{}>", PyString::new(py, &end).repr()?))
    }

    /// Warnings about files that could be read.
    ///
    /// They are from the last pass that ended, over this table or another table of the same
    /// ``to_arrow()`` call.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.shared.warnings()
    }

    /// Number of packets by outcome, of the last pass that ended, as ``PacketCounts`` takes them.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        packet_counts(py, &self.shared.counts())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.source.traverse(&visit)
    }
}
