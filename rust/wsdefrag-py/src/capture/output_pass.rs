//! A pass over a capture that returns the blocks of an output file.
//!
//! Rows become bytes without the GIL, and without a Python object for any of them. The caller writes the
//! blocks to whatever file it has.
//!
//! A call ends when a block is ready, after some MiB of input without one, at the end of a file if files
//! are read in turn, or, where bytes come from a pipe or a file object, after each read. So between two
//! calls the caller can show progress, run signal handlers, and flush what came through a pipe.
//!
//! - a block leaves `block` only when its `bytes` object is there and no signal handler raised
//! - the output is finished once, after the run has ended, also with a failure; the failure is raised
//!   after the last block
//! - between the two is a call, so that the caller can add notes to the output

#![expect(clippy::disallowed_methods, reason = "texts for each file")]

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::output::OutputError;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::tally::{Counted, Tally};
use wsdefrag_capture::{CheckpointError, Filter, Sink};

use crate::capture::block::given_block;
use crate::capture::counts::packet_counts;
use crate::capture::failure::Failure;
use crate::capture::formats::AnyOutput;
use crate::capture::guarded_run::{GuardedRun, Progress};
use crate::capture::run::Run;
use crate::capture::tally_values::counted;
use crate::errors;
use crate::exclusive::Exclusive;
use crate::raw::bytes::copied_bytes;

/// Steps of a call: 4 MiB of files.
const MOST_STEPS: usize = 16;

/// The state of a pass.
struct State {
    /// `None` after its end.
    run: Option<GuardedRun>,
    /// Whether the output has ended, too.
    is_finished: bool,
    rows: Counted<AnyOutput>,
    /// Bytes that were not returned yet.
    block: Vec<u8>,
    /// The number of the file that they belong to, if there are several.
    part: usize,
    /// Raised after the last block.
    failure: Option<Failure>,
    /// Whether the output cannot go on.
    is_broken: bool,
    counts: Counts,
    /// Files that were read in turn, to their ends.
    files_read: usize,
    warnings: Vec<String>,
    /// The state of the capture, after the run has ended.
    checkpoint: Option<Vec<u8>>,
}

impl State {
    /// Reads until a block is ready, or for long enough. Returns what a non-blocking file object raised
    /// if there is no block.
    fn fill(&mut self) -> Option<std::io::Error> {
        let Some(run) = &mut self.run else {
            if !self.is_finished {
                self.finish();
            }
            self.take();
            return None;
        };
        let is_live = run.is_live();
        let most = if is_live { 1 } else { MOST_STEPS };
        let mut paused = None;
        for _ in 0..most {
            if self.rows.is_full() {
                break;
            }
            match run.step(&mut self.rows) {
                Progress::More if run.files_read() > self.files_read => break,
                Progress::More => {}
                // The caller handles the signal, and calls again.
                Progress::Paused(error) if error.kind() == ErrorKind::Interrupted => break,
                Progress::Paused(error) => paused = Some(error),
                Progress::Ended(failure) => {
                    self.failure = failure;
                    self.end();
                    break;
                }
            }
            if paused.is_some() {
                break;
            }
        }
        self.note_progress();
        // What comes through a pipe is complete after each read.
        if is_live || self.run.is_none() || self.rows.is_full() {
            self.take();
        }
        paused.filter(|_| self.block.is_empty())
    }

    /// Takes what is ready. Where the output cannot go on, reading ends at once.
    fn take(&mut self) {
        if self.is_broken {
            return;
        }
        if let Err(error) = self.rows.next.take_part(&mut self.block, &mut self.part) {
            self.break_off(error);
        }
    }

    fn break_off(&mut self, error: OutputError) {
        self.is_broken = true;
        self.run = None;
        self.failure.get_or_insert(why(error));
    }

    /// Copies the counters and the new warnings of the run, unless it has ended.
    fn note_progress(&mut self) {
        let Some(run) = &self.run else { return };
        self.counts.clone_from(run.counts());
        self.files_read = run.files_read();
        self.warnings.extend_from_slice(&run.warnings()[self.warnings.len()..]);
    }

    /// Ends the run.
    fn end(&mut self) {
        self.note_progress();
        self.checkpoint = self.run.as_mut().and_then(GuardedRun::take_checkpoint);
        self.run = None;
    }

    /// Makes the rest of the file ready.
    fn finish(&mut self) {
        self.is_finished = true;
        let output = &mut self.rows.next;
        if let Some(failure) = &self.failure {
            output.note(failure.to_string());
        }
        if self.is_broken {
            return;
        }
        if let Err(error) = output.finish() {
            self.take();
            self.break_off(error);
        }
    }
}

/// Why an output that cannot go on ends the run.
fn why(error: OutputError) -> Failure {
    match error {
        OutputError::OutOfMemory => Failure::OutOfMemory,
        OutputError::Spool(error) => Failure::Io(error, Some(std::env::temp_dir())),
    }
}

/// The state of a capture; raises `CheckpointError` if there is none.
pub(crate) fn given_checkpoint(
    py: Python<'_>,
    checkpoint: Option<Vec<u8>>,
) -> PyResult<Bound<'_, PyBytes>> {
    let none = CheckpointError::NotResumable(
        "there is no state: it is there once, after a pass of Capture(..., continues=True) has ended",
    );
    let state = checkpoint.ok_or_else(|| errors::raise_checkpoint(py, &none))?;
    copied_bytes(py, &state)
}

/// A pass over a capture that returns the blocks of an output file.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct OutputPass {
    state: Exclusive<State>,
    bytes_read: Arc<AtomicU64>,
    /// Whether the GIL is kept also while files are read.
    stays_attached: bool,
}

impl OutputPass {
    pub(crate) fn new(
        mut run: Run,
        output: AnyOutput,
        filter: &Filter,
        stays_attached: bool,
    ) -> PyResult<Self> {
        run.prepare(output.prepare());
        let run = GuardedRun::new(run)
            .map_err(|_| PyMemoryError::new_err("no memory to read the capture"))?;
        let bytes_read = run.bytes_counter();
        let state = State {
            run: Some(run),
            is_finished: false,
            rows: Counted { tally: Tally::new(filter), next: output },
            block: Vec::new(),
            part: 0,
            failure: None,
            is_broken: false,
            counts: Counts::default(),
            files_read: 0,
            warnings: Vec::new(),
            checkpoint: None,
        };
        Ok(Self { state: Exclusive::new("OutputPass", state), bytes_read, stays_attached })
    }

    fn next<'py>(
        &self,
        py: Python<'py>,
        state: &mut State,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        if state.block.is_empty() {
            let has_ended = state.is_finished;
            let paused =
                if self.stays_attached { state.fill() } else { py.detach(|| state.fill()) };
            if let Some(error) = paused {
                return Err(error.into());
            }
            if has_ended && state.block.is_empty() {
                return match state.failure.take() {
                    Some(failure) => Err(errors::raise_capture(py, failure)),
                    None => Ok(None),
                };
            }
        }
        given_block(py, &mut state.block).map(Some)
    }
}

#[pymethods]
impl OutputPass {
    /// Read until a block of the output is ready, or for some milliseconds.
    ///
    /// After an exception, or if a file object had no data yet, the next call continues.
    ///
    /// Returns:
    ///     The next bytes of the output, maybe none; None at the end.
    ///
    /// Raises:
    ///     CaptureError: If no file is a capture.
    ///     OSError: If no file can be opened or read, or a temporary file cannot be written.
    ///     BlockingIOError: If a non-blocking file object has no data yet.
    ///     RuntimeError: If another call is reading the pass.
    ///     MemoryError: If memory is refused.
    fn next_block<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.state.with(py, |state| self.next(py, state))
    }

    /// Read as ``next_block`` does, for an output of several files.
    ///
    /// Returns:
    ///     The number of the file, and its next bytes, maybe none; None at the end. The file of a table
    ///     has its number among messages, connections and events.
    ///
    /// Raises:
    ///     As ``next_block``.
    fn next_part<'py>(&self, py: Python<'py>) -> PyResult<Option<(usize, Bound<'py, PyBytes>)>> {
        self.state.with(py, |state| {
            let block = self.next(py, state)?;
            Ok(block.map(|block| (state.part, block)))
        })
    }

    /// The folder of each file so far, by its number, and how many rows it has.
    ///
    /// Only an output with a file for each hour has them.
    #[getter]
    fn part_names(&self, py: Python<'_>) -> PyResult<Vec<(String, u64)>> {
        self.state.with(py, |state| Ok(state.rows.next.part_names().to_vec()))
    }

    /// How many files were read to their ends, where they are read in turn.
    ///
    /// A call returns at the end of each file, so that what was counted is of the files so far.
    #[getter]
    fn files_read(&self, py: Python<'_>) -> PyResult<usize> {
        self.state.with(py, |state| Ok(state.files_read))
    }

    /// End after the files that were begun, where they are read in turn.
    fn skip_rest(&self, py: Python<'_>) -> PyResult<()> {
        self.state.with(py, |state| {
            if let Some(run) = &mut state.run {
                run.skip_rest();
            }
            Ok(())
        })
    }

    /// Have a capture that continues end after its files, with the rows of connections that are open.
    ///
    /// Then it has no state. Call it before the last file's rows were all returned.
    fn end_capture(&self, py: Python<'_>) -> PyResult<()> {
        self.state.with(py, |state| {
            if let Some(run) = &mut state.run {
                run.end_capture();
            }
            Ok(())
        })
    }

    /// Whether the capture was read to its end. Only the rest of the output follows.
    #[getter]
    fn has_ended(&self, py: Python<'_>) -> PyResult<bool> {
        self.state.with(py, |state| Ok(state.run.is_none()))
    }

    /// Add a sentence about the whole capture to a report; nothing for other formats.
    ///
    /// Args:
    ///     sentence: Any text. It must come before the end of the output.
    fn note(&self, py: Python<'_>, sentence: String) -> PyResult<()> {
        self.state.with(py, |state| {
            state.rows.next.note(sentence);
            Ok(())
        })
    }

    /// Return the state of the capture after its last file.
    ///
    /// Raises:
    ///     CheckpointError: If the pass has not ended, or failed, or the capture does not continue.
    fn checkpoint<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.state.with(py, |state| given_checkpoint(py, state.checkpoint.take()))
    }

    /// Bytes of the files read so far, as stored (compressed).
    #[getter]
    fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Rows written so far.
    #[getter]
    fn rows(&self, py: Python<'_>) -> PyResult<u64> {
        self.state.with(py, |state| Ok(state.rows.next.rows()))
    }

    /// Warnings about files that could be read.
    #[getter]
    fn warnings(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.state.with(py, |state| Ok(state.warnings.clone()))
    }

    /// Number of packets so far by outcome, as ``PacketCounts`` takes them.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.state.with(py, |state| packet_counts(py, &state.counts))
    }

    /// What was counted of the rows so far.
    ///
    /// ``messages``, ``content`` (bytes), ``statuses``, ``connections`` that have ended,
    /// ``midstream``, ``ends`` (directions that are not read to their end), ``missing``, ``late`` and
    /// ``lost`` bytes, ``tolerated``, ``violated`` directions, the first ``violations`` (connection,
    /// whether the client broke the rule, the rule), and the ranges of numbers that are
    /// ``not_found``.
    #[getter]
    fn tally<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.state.with(py, |state| counted(py, &state.rows.tally))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let visited =
            self.state.visit(|state| state.run.as_ref().map_or(Ok(()), |run| run.traverse(&visit)));
        visited.unwrap_or(Ok(()))
    }
}
