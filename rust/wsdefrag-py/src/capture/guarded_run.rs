//! A run whose end is certain also where memory is refused.
//!
//! A step begins only if there is room for it. Where there is none, or where the sink lacks memory for a
//! row, a reserve that was held until then is given up, and the run ends with a failure.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::Sink;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_core::OutOfMemory;

use crate::capture::failure::Failure;
use crate::capture::reading::Step;
use crate::capture::run::Run;
use crate::room::{self, Reserve};

/// A run, and what ends it.
pub(crate) struct GuardedRun {
    run: Run,
    /// For what is made when memory was refused; held until the run has ended.
    reserve: Reserve,
}

/// The result of a step.
pub(crate) enum Progress {
    /// There is more to read.
    More,
    /// A file object has no data yet, or a signal interrupted the read; the next step reads again.
    Paused(io::Error),
    /// The run has ended, with a failure or without.
    Ended(Option<Failure>),
}

impl GuardedRun {
    pub(crate) fn new(run: Run) -> Result<Self, OutOfMemory> {
        Ok(Self { run, reserve: Reserve::new()? })
    }

    /// Reads a chunk and gives what it completes to `sink`, until the sink is full.
    pub(crate) fn step(&mut self, sink: &mut impl Sink) -> Progress {
        if self.reserve.is_held() && room::ensure(self.run.room()).is_err() {
            self.fail(Failure::OutOfMemory);
        }
        match self.run.step(sink) {
            Step::More => Progress::More,
            Step::Paused(error) => Progress::Paused(error),
            Step::Ended => {
                self.reserve.release();
                Progress::Ended(self.run.failure())
            }
        }
    }

    /// Stops reading; the next step ends the run.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.reserve.release();
        self.run.fail(failure);
    }

    /// A counter of the bytes of the files, as stored (compressed), updated while they are read.
    pub(crate) fn bytes_counter(&self) -> Arc<AtomicU64> {
        self.run.bytes_counter()
    }

    /// Files that were read in turn ([`Run::files_read`]).
    pub(crate) fn files_read(&self) -> usize {
        self.run.files_read()
    }

    /// Leaves out the files that were not begun ([`Run::skip_rest`]).
    pub(crate) fn skip_rest(&mut self) {
        self.run.skip_rest();
    }

    /// Has the capture end after its files ([`Run::end_capture`]).
    pub(crate) const fn end_capture(&mut self) {
        self.run.end_capture();
    }

    pub(crate) fn warnings(&self) -> &[String] {
        self.run.warnings()
    }

    pub(crate) fn counts(&self) -> &Counts {
        self.run.counts()
    }

    /// Whether bytes may come later, through a pipe or from a file object.
    pub(crate) fn is_live(&self) -> bool {
        self.run.is_live()
    }

    /// The state of the capture after the run ([`Run::take_checkpoint`]).
    pub(crate) fn take_checkpoint(&mut self) -> Option<Vec<u8>> {
        self.run.take_checkpoint()
    }

    /// Visits the file objects for the garbage collector.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.run.traverse(visit)
    }
}
