//! A pass over a capture: its files are read here, or by another thread while several follow the
//! connections.
//!
//! ```text
//! here      one thread does everything
//! spread    a thread reads, others follow the connections, and their rows are given out here
//! ```
//!
//! A pass begins here. It is spread once the key logs are read, if the caller wants that. At the end of the
//! files the connections come back, and the end of the capture is here again.
//!
//! Where the rows may depend on all connections together, or memory for threads is refused, the pass begins
//! anew (see [`threads`](wsdefrag_capture::threads)), and leaves out the rows that were given out. That needs
//! files that can be read again.
//!
//! - no thread outlives the pass
//! - none of them touches Python

#![expect(clippy::disallowed_methods, reason = "warnings, which are few, and one thread")]

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::Builder;

use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::Sink;
use wsdefrag_capture::output::Prepare;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::threads::spread::{Again, Step as SpreadStep};

use crate::capture::failure::Failure;
use crate::capture::given::Given;
use crate::capture::reading::{Reading, Step};
use crate::capture::spread_reading::{Progress, SpreadReading, joined, read_all};
use crate::room;

/// The text of the error in a process that was forked during a pass.
const FORKED: &str = "the pass began in another process, which has its threads";

/// A pass over files.
pub(crate) struct Run {
    /// The threads that may follow connections.
    threads: usize,
    state: State,
    /// Rows that were given out.
    given: u64,
    /// Rows that were given out before the pass began anew, and are left out.
    left_out: u64,
    /// The packet after which files are scanned for secrets.
    scan_after: Option<u64>,
    /// What threads may do of an output's work.
    prepare: Option<Prepare>,
    counts: Counts,
    warnings: Vec<String>,
    /// Why nobody can read any more.
    failure: Option<Failure>,
}

/// Who reads.
enum State {
    Here(Box<Reading>),
    Spread(Box<SpreadReading>),
    /// Nobody: a thread has panicked, or this process was forked and has no threads.
    Nobody,
}

impl Run {
    /// A pass, by so many threads.
    pub(crate) fn new(reading: Reading, threads: usize) -> Self {
        Self {
            threads,
            state: State::Here(Box::new(reading)),
            given: 0,
            left_out: 0,
            scan_after: None,
            prepare: None,
            counts: Counts::default(),
            warnings: Vec::new(),
            failure: None,
        }
    }

    /// The names of all files, by their indexes. Those that no row can have any more are empty.
    pub(crate) fn names(&self) -> Vec<String> {
        match &self.state {
            State::Here(reading) => reading.names(),
            // They are asked for before a pass begins.
            _ => Vec::new(),
        }
    }

    /// The state of the capture after its files; `None` before, and where the capture does not continue.
    pub(crate) fn take_checkpoint(&mut self) -> Option<Vec<u8>> {
        match &mut self.state {
            State::Here(reading) => reading.take_checkpoint(),
            _ => None,
        }
    }

    /// Files that were read in turn, to their ends.
    pub(crate) fn files_read(&self) -> usize {
        match &self.state {
            State::Here(reading) => reading.files_read(),
            // Files in turn are read by one thread.
            _ => 0,
        }
    }

    /// Leaves out the files that were not begun, where they are read in turn.
    pub(crate) fn skip_rest(&mut self) {
        if let State::Here(reading) = &mut self.state {
            reading.skip_rest();
        }
    }

    /// Has the capture end after its files ([`Reading::end_capture`]).
    pub(crate) const fn end_capture(&mut self) {
        if let State::Here(reading) = &mut self.state {
            reading.end_capture();
        }
    }

    /// Has threads, if there are several, prepare messages for the sink.
    pub(crate) const fn prepare(&mut self, prepare: Option<Prepare>) {
        self.prepare = prepare;
    }

    /// A counter of the bytes of the files, as stored (compressed), updated while they are read.
    pub(crate) fn bytes_counter(&self) -> Arc<AtomicU64> {
        match &self.state {
            State::Here(reading) => reading.bytes_counter(),
            State::Spread(spread) => Arc::clone(&spread.bytes_read),
            State::Nobody => Arc::default(),
        }
    }

    /// Warnings about files so far.
    pub(crate) fn warnings(&self) -> &[String] {
        match &self.state {
            // One that began anew has the same ones again.
            State::Here(reading) if reading.warnings().len() >= self.warnings.len() => {
                reading.warnings()
            }
            _ => &self.warnings,
        }
    }

    pub(crate) fn counts(&self) -> &Counts {
        match &self.state {
            State::Here(reading) => reading.counts(),
            _ => &self.counts,
        }
    }

    /// Why the run failed. `Some` only after everything complete was given to the sink.
    pub(crate) fn failure(&mut self) -> Option<Failure> {
        match &mut self.state {
            State::Here(reading) => reading.failure(),
            State::Spread(_) => None,
            State::Nobody => self.failure.take(),
        }
    }

    /// Reads for a while and gives what is complete to `sink`, until the sink is full.
    ///
    /// # Panics
    ///
    /// If a thread of the pass has panicked.
    pub(crate) fn step(&mut self, sink: &mut impl Sink) -> Step {
        self.begin_spread();
        let mut given = Given { rows: &mut self.given, left_out: self.left_out, sink };
        let step = match &mut self.state {
            State::Here(reading) => {
                let step = reading.step(&mut given);
                if !reading.capture().is_uncertain() {
                    return step;
                }
                SpreadStep::Again(Again::Alone)
            }
            State::Spread(spread) if !spread.is_here() => {
                return Step::Paused(io::Error::other(FORKED));
            }
            State::Spread(spread) => {
                let Some(rows) = &mut spread.spread else { return Step::Ended };
                let step = rows.step(&mut given);
                let progress = spread.progress();
                self.counts.clone_from(&progress.counts);
                let new = progress.warnings.get(self.warnings.len()..).unwrap_or_default();
                self.warnings.extend_from_slice(new);
                step
            }
            State::Nobody => return Step::Ended,
        };
        match step {
            SpreadStep::More => {}
            SpreadStep::Ended => self.gather(),
            SpreadStep::Again(again) => self.begin_again(again),
        }
        Step::More
    }

    /// Has several threads follow the connections, if that is wanted and possible.
    fn begin_spread(&mut self) {
        let State::Here(reading) = &mut self.state else { return };
        if self.threads < 2 || !reading.is_ready() {
            return;
        }
        // The reading is handed over once the thread is there, as it would be gone with one that is not.
        let (hand_over, comes) = channel::<Reading>();
        let progress = Arc::<Mutex<Progress>>::default();
        let place = Arc::clone(&progress);
        let work = move || comes.recv().ok().map(|reading| read_all(reading, &place));
        let reader = Builder::new().name("wsdefrag-reader".to_owned()).spawn(work);
        let Ok(reader) = reader else {
            self.threads = 1;
            return;
        };
        let Some(spread) = reading.spread(self.threads, self.scan_after, self.prepare) else {
            self.threads = 1;
            drop(hand_over);
            let _ = reader.join();
            return;
        };
        let State::Here(reading) = std::mem::replace(&mut self.state, State::Nobody) else {
            return;
        };
        let (spread, bytes_read) = (Some(spread), reading.bytes_counter());
        // The thread waits for it.
        let _ = hand_over.send(*reading);
        let reader = Some(reader);
        self.state =
            State::Spread(Box::new(SpreadReading { spread, reader, progress, bytes_read }));
    }

    /// Takes the reading back from its thread, after the last row of the files.
    fn gather(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Nobody);
        let State::Spread(mut ended) = state else { return };
        let (spread, reader) = (ended.spread.take(), ended.reader.take());
        let mut reading = joined(reader);
        let Some(spread) = spread else { return };
        let is_short = room::ensure(spread.room_to_gather()).is_err();
        if is_short || reading.capture().needs_one_thread() {
            drop(spread);
            self.again_here(reading, Again::Alone);
        } else {
            reading.capture_mut().gather(spread);
            self.state = State::Here(Box::new(reading));
        }
    }

    /// Ends the threads, and begins anew.
    fn begin_again(&mut self, again: Again) {
        let reading = match std::mem::replace(&mut self.state, State::Nobody) {
            State::Here(reading) => *reading,
            State::Spread(spread) => spread.end(),
            State::Nobody => return,
        };
        self.again_here(reading, again);
    }

    fn again_here(&mut self, mut reading: Reading, again: Again) {
        match again {
            Again::Alone => self.threads = 1,
            Again::ScanAfter(packet) => self.scan_after = Some(packet),
        }
        reading.restart();
        self.left_out = self.given.max(self.left_out);
        self.given = 0;
        self.state = State::Here(Box::new(reading));
    }

    /// Bytes that the next step may take by allocations that cannot be refused, beside
    /// [`STEP`](crate::room::STEP).
    pub(crate) fn room(&mut self) -> usize {
        match &mut self.state {
            State::Here(reading) => reading.room(),
            // The threads see to theirs.
            _ => 0,
        }
    }

    /// Stops reading; the next step ends the run. Where memory was refused, connections that have not
    /// ended are dropped.
    pub(crate) fn fail(&mut self, failure: Failure) {
        let mut reading = match std::mem::replace(&mut self.state, State::Nobody) {
            State::Here(reading) => *reading,
            State::Spread(spread) if spread.is_here() => spread.end(),
            State::Spread(_) | State::Nobody => {
                self.failure = Some(failure);
                return;
            }
        };
        reading.fail(failure);
        self.state = State::Here(Box::new(reading));
    }

    /// Whether bytes may come later, through a pipe or from a file object.
    pub(crate) fn is_live(&self) -> bool {
        match &self.state {
            State::Here(reading) => reading.is_live(),
            _ => false,
        }
    }

    /// Visits the file objects for the garbage collector.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.state {
            State::Here(reading) => reading.traverse(visit),
            // Only files by path are read by threads.
            _ => Ok(()),
        }
    }
}
