//! A pass over a capture that returns Python objects.
//!
//! The results of a chunk of the capture wait in `items` until the GIL is held, and then become
//! objects one by one (`objects.rs`). `batch` is kept until it is returned: after an exception, the
//! next call continues where the one that raised stopped.
//!
//! A step begins only if there is room for it. If memory for what waits is refused in the middle of a
//! step all the same, that item and those after it are lost: the pass ends with `MemoryError` after
//! the items before it.
//!
//! What a caller sees does not depend on how the files were split into chunks, because objects change
//! only between two batches.
//!
//! `state` is locked and unlocked with the GIL held, so its lock cannot change during a garbage
//! collection. `progress` can be read during a pass, also by the file object that is being read: it
//! is locked only briefly, and no holder of it waits for the GIL.

#![expect(
    clippy::disallowed_methods,
    reason = "there is room: it was asked for just before, or is a text for each file or place of damage"
)]

use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::packet::counts::Counts;

use crate::capture::counts::packet_counts;
use crate::capture::failure::Failure;
use crate::capture::objects::{NO_ROOM, Objects};
use crate::capture::output_pass::given_checkpoint;
use crate::capture::reading::Step;
use crate::capture::run::Run;
use crate::capture::waiting::Items;
use crate::errors;
use crate::exclusive::Exclusive;
use crate::panics;
use crate::raw::list::empty_list;
use crate::room;

/// The state of a pass.
struct State {
    run: Run,
    items: Items,
    objects: Objects,
    /// Objects that were not returned yet.
    batch: Option<Py<PyList>>,
}

/// The counts and warnings after the last step.
#[derive(Default)]
struct Progress {
    counts: Counts,
    warnings: Vec<String>,
}

/// A pass over a capture that returns batches.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct CaptureReader {
    state: Exclusive<State>,
    bytes_read: Arc<AtomicU64>,
    progress: Mutex<Progress>,
    /// Whether the GIL is kept also while a chunk is read.
    stays_attached: bool,
}

impl CaptureReader {
    pub(crate) fn new(run: Run, files: Vec<String>, stays_attached: bool) -> Self {
        let bytes_read = run.bytes_counter();
        let (items, objects) = (Items::default(), Objects::new(files));
        let state = State { run, items, objects, batch: None };
        let state = Exclusive::new("CaptureReader", state);
        Self { state, bytes_read, progress: Mutex::default(), stays_attached }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a chunk.
    fn step(&self, run: &mut Run, items: &mut Items) -> Step {
        let step = run.step(items);
        let mut progress = self.progress();
        let known = progress.warnings.len();
        progress.counts.clone_from(run.counts());
        progress.warnings.extend_from_slice(&run.warnings()[known..]);
        step
    }

    /// The next batch; what an exception kept back comes first.
    fn next<'py>(
        &self,
        py: Python<'py>,
        state: &mut State,
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        if state.batch.is_none() {
            state.batch = Some(empty_list(py)?.unbind());
        }
        let Some(batch) = &state.batch else { return Ok(None) };
        let batch = batch.clone_ref(py).into_bound(py);
        while batch.is_empty() {
            let State { run, items, objects, .. } = state;
            if items.queue.is_empty() {
                room::ensure(run.room()).map_err(|_| PyMemoryError::new_err(NO_ROOM))?;
                let step = if self.stays_attached {
                    self.step(run, items)
                } else {
                    py.detach(|| self.step(run, items))
                };
                if items.out_of_memory {
                    run.fail(Failure::OutOfMemory);
                }
                match step {
                    Step::Paused(error) if error.kind() != ErrorKind::Interrupted => {
                        return Err(error.into());
                    }
                    Step::Ended if items.queue.is_empty() => {
                        return match run.failure() {
                            Some(failure) => Err(errors::raise_capture(py, failure)),
                            None => Ok(None),
                        };
                    }
                    Step::More | Step::Paused(_) | Step::Ended => {}
                }
            }
            // PyO3 panics where it cannot make a number or a name; its item stays in the queue.
            panics::caught(py, || objects.fill(items, &batch))?;
            // An exception here loses nothing; after the return it would lose the batch.
            py.check_signals()?;
        }
        state.batch = None;
        Ok(Some(batch))
    }
}

#[pymethods]
impl CaptureReader {
    /// Read until something is complete.
    ///
    /// After an exception, or if a file object had no data yet, the next call continues.
    ///
    /// Returns:
    ///     Messages, events, and connections that have ended, in order; None at the end. A connection that
    ///     has ended is the first of its batch.
    ///
    /// Raises:
    ///     CaptureError: If no file is a capture.
    ///     OSError: If no file can be opened or read.
    ///     BlockingIOError: If a non-blocking file object has no data yet.
    ///     RuntimeError: If another call is reading the pass.
    ///     MemoryError: If memory is refused; the next call continues, or raises it again if
    ///         something was lost.
    pub(crate) fn next_batch<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        self.state.with(py, |state| self.next(py, state))
    }

    /// Return the state of the capture after its last file.
    ///
    /// Raises:
    ///     CheckpointError: If the pass has not ended, or failed, or the capture does not continue.
    fn checkpoint<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.state.with(py, |state| given_checkpoint(py, state.run.take_checkpoint()))
    }

    /// Bytes of the files read so far, as stored (compressed).
    #[getter]
    fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Warnings about files that could be read.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.progress().warnings.clone()
    }

    /// Number of packets so far by outcome.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        packet_counts(py, &self.progress().counts)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // During a read, the reader refers to everything in the state.
        let visited = self.state.visit(|state| {
            state.run.traverse(&visit)?;
            state.objects.traverse(&visit)?;
            visit.call(&state.batch)
        });
        visited.unwrap_or(Ok(()))
    }
}
