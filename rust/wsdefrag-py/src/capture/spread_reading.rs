//! A reading by several threads: one reads the files, others follow the connections.

#![expect(clippy::disallowed_methods, reason = "warnings, which are few")]

use std::panic::resume_unwind;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::threads::spread::Spread;

use crate::capture::given::Given;
use crate::capture::reading::Reading;
use crate::capture::waiting::Items;
use crate::room;

/// The thread that reads; it ends with `None` if it got no reading.
pub(super) type Reader = JoinHandle<Option<Reading>>;

/// A reading by several threads.
pub(super) struct SpreadReading {
    /// `None` after its end.
    pub(super) spread: Option<Spread>,
    /// `None` after its end.
    pub(super) reader: Option<Reader>,
    pub(super) progress: Arc<Mutex<Progress>>,
    pub(super) bytes_read: Arc<AtomicU64>,
}

/// The counts and warnings so far.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) counts: Counts,
    pub(super) warnings: Vec<String>,
}

impl SpreadReading {
    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the threads are those of this process.
    pub(super) fn is_here(&self) -> bool {
        self.spread.as_ref().is_none_or(Spread::is_here)
    }

    fn stop(&mut self) {
        if let Some(spread) = &mut self.spread {
            spread.stop();
        }
    }

    /// Ends the threads before their time, and returns the reading.
    pub(super) fn end(mut self: Box<Self>) -> Reading {
        self.stop();
        joined(self.reader.take())
    }
}

impl Drop for SpreadReading {
    fn drop(&mut self) {
        if !self.is_here() {
            // A forked process has no threads to wait for.
            std::mem::forget((self.reader.take(), self.spread.take()));
            return;
        }
        self.stop();
        if let Some(reader) = self.reader.take() {
            // Whether it panicked matters to nobody any more.
            let _ = reader.join();
        }
    }
}

/// What the thread that reads does.
pub(super) fn read_all(mut reading: Reading, place: &Mutex<Progress>) -> Reading {
    // The rows come from other threads.
    let mut nobody = Items::default();
    while !reading.has_read_all() && !reading.capture().is_stopped() {
        if room::ensure(reading.room()).is_err() {
            reading.capture_mut().give_threads_up();
            break;
        }
        // Reads that a signal has interrupted are repeated.
        let _ = reading.step(&mut Given { rows: &mut 0, left_out: 0, sink: &mut nobody });
        let mut progress = place.lock().unwrap_or_else(PoisonError::into_inner);
        progress.counts.clone_from(reading.counts());
        let known = progress.warnings.len();
        progress.warnings.extend_from_slice(&reading.warnings()[known..]);
    }
    reading.capture_mut().end_dispatch();
    reading
}

/// The reading of a thread that has ended.
pub(super) fn joined(reader: Option<Reader>) -> Reading {
    let ended = reader.map(JoinHandle::join);
    match ended {
        Some(Ok(Some(reading))) => reading,
        Some(Err(panic)) => resume_unwind(panic),
        Some(Ok(None)) | None => panic!("the thread that reads has no reading"),
    }
}
