//! A pass over one table that returns the blocks of a file: over a table of a capture, or over the Arrow
//! stream of another library.
//!
//! - the file is finished once, after the last batch, also after a failure; the failure is raised after
//!   the last block

#![expect(clippy::disallowed_methods, reason = "one small value for each pass, and a short text")]

use arrow_array::ffi_stream::RecordBatchStreamReader;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::ArrowError;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::files::EncodeError;
use wsdefrag_capture::files::blocks::Blocks;
use wsdefrag_capture::files::table_file::TableFile;

use crate::capture::arrow::ArrowStream;
use crate::capture::arrow_pass::{Pass, Reading};
use crate::capture::block::given_block;
use crate::capture::failure::Failure;
use crate::capture::table_file::{compression_of, format_of, new_file, raised};
use crate::errors;
use crate::exclusive::Exclusive;
use crate::panics;
use crate::raw::arrow_stream::stream_of;

/// Steps of a call: 4 MiB of files.
const MOST_STEPS: usize = 16;

/// Where the batches of a table come from.
enum TableBatches {
    /// A table of a capture.
    Pass(Box<Pass>),
    /// The table of another library.
    Stream(Box<RecordBatchStreamReader>),
}

/// Why there are no more batches.
enum Stopped {
    Capture(Failure),
    Stream(ArrowError),
    File(EncodeError),
}

impl TableBatches {
    /// Reads for a while. Returns a batch, `None` if there may be more, or why there are no more.
    fn step(&mut self) -> Result<Option<RecordBatch>, Option<Stopped>> {
        match self {
            Self::Pass(pass) => match pass.step() {
                Reading::Batch(batch) => Ok(Some(batch)),
                Reading::More => Ok(None),
                Reading::Ended(failure) => Err(failure.map(Stopped::Capture)),
            },
            Self::Stream(stream) => match stream.next() {
                Some(Ok(batch)) => Ok(Some(batch)),
                Some(Err(error)) => Err(Some(Stopped::Stream(error))),
                None => Err(None),
            },
        }
    }
}

/// The state of a pass.
struct State {
    /// `None` after the end.
    batches: Option<TableBatches>,
    file: TableFile,
    /// Bytes that were not returned yet.
    block: Vec<u8>,
    /// Raised after the last block.
    stopped: Option<Stopped>,
}

impl State {
    /// Reads until a block is ready, or for long enough.
    fn fill(&mut self) {
        for _ in 0..MOST_STEPS {
            if self.file.is_full() {
                break;
            }
            let Some(batches) = &mut self.batches else { break };
            let next = batches.step();
            let written = match next {
                Ok(None) => continue,
                Ok(Some(batch)) => self.file.write(&batch),
                Err(stopped) => {
                    self.stopped = stopped;
                    self.batches = None;
                    self.file.finish()
                }
            };
            if let Err(error) = written {
                self.stopped.get_or_insert(Stopped::File(error));
                self.batches = None;
            }
        }
        if (self.file.is_full() || self.batches.is_none())
            && self.file.blocks().take(&mut self.block).is_err()
        {
            self.stopped.get_or_insert(Stopped::File(EncodeError::OutOfMemory));
            self.batches = None;
            *self.file.blocks() = Blocks::default();
        }
    }
}

/// A pass over one table that returns the blocks of a file.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct TablePass {
    state: Exclusive<State>,
    /// Whether the GIL is kept also while files are read.
    stays_attached: bool,
}

impl TablePass {
    fn next<'py>(
        &self,
        py: Python<'py>,
        state: &mut State,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        if state.block.is_empty() {
            if self.stays_attached {
                state.fill();
            } else {
                py.detach(|| state.fill());
            }
        }
        if state.block.is_empty() && state.batches.is_none() {
            return match state.stopped.take() {
                None => Ok(None),
                Some(Stopped::Capture(failure)) => Err(errors::raise_capture(py, failure)),
                Some(Stopped::Stream(error)) => Err(PyValueError::new_err(error.to_string())),
                Some(Stopped::File(error)) => Err(raised(error)),
            };
        }
        given_block(py, &mut state.block).map(Some)
    }
}

#[pymethods]
impl TablePass {
    /// Start a pass over a table.
    ///
    /// Args:
    ///     table: A table of a capture, or what ``__arrow_c_stream__`` of another table returns.
    ///     format: ``"parquet"`` or ``"arrow"``.
    ///     compression: ``"zstd"``, ``"lz4"`` or None.
    ///     compression_level: The level of zstd, from 1 to 22; None for 1.
    ///
    /// Raises:
    ///     TypeError: If ``table`` is neither.
    ///     ValueError: If an argument has none of its values, the format cannot hold a column, or the
    ///         source is a file object that was already read.
    ///     MemoryError: If there is no memory for a pass.
    #[new]
    #[pyo3(signature = (table, format, *, compression, compression_level))]
    fn of_table(
        py: Python<'_>,
        table: &Bound<'_, PyAny>,
        format: &str,
        compression: Option<&str>,
        compression_level: Option<i32>,
    ) -> PyResult<Self> {
        let compression = compression_of(compression, compression_level)?;
        let format = format_of(format)?;
        panics::caught(py, || {
            let (batches, schema, threads, stays_attached) =
                if let Ok(table) = table.cast::<ArrowStream>() {
                    let table = table.get();
                    let batches = TableBatches::Pass(Box::new(table.pass(py)?));
                    (batches, table.schema(), table.threads(), table.stays_attached(py))
                } else {
                    let reader = stream_of(table.cast::<PyCapsule>()?)?;
                    let schema = reader.schema();
                    (TableBatches::Stream(Box::new(reader)), schema, 1, false)
                };
            let file = new_file(format, &schema, compression)?;
            let file = if threads > 1 { file.in_thread() } else { file };
            let state = State { batches: Some(batches), file, block: Vec::new(), stopped: None };
            Ok(Self { state: Exclusive::new("TablePass", state), stays_attached })
        })
    }

    /// Read until a block of the file is ready, or for some milliseconds.
    ///
    /// After an exception of a signal handler, the next call continues.
    ///
    /// Returns:
    ///     The next bytes of the file, maybe none; None at the end.
    ///
    /// Raises:
    ///     CaptureError: If no file is a capture.
    ///     OSError: If no file can be opened or read.
    ///     ValueError: If a stream of another library fails, or the format cannot hold a value.
    ///     RuntimeError: If another call is reading the pass.
    ///     MemoryError: If memory is refused.
    fn next_block<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.state.with(py, |state| self.next(py, state))
    }

    /// Rows written so far.
    #[getter]
    fn rows(&self, py: Python<'_>) -> PyResult<u64> {
        self.state.with(py, |state| Ok(state.file.rows()))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let visited = self.state.visit(|state| match &state.batches {
            Some(TableBatches::Pass(pass)) => pass.traverse(&visit),
            _ => Ok(()),
        });
        visited.unwrap_or(Ok(()))
    }
}
