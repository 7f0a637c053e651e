//! The reading of a capture's files: opens and reads them, and merges them by the time of their packets.
//!
//! ```text
//! keys      the key logs are read
//! peeking   several files: the time of each one's first packet is looked up
//! reading   the file whose packet is next is read, and opened when its turn comes
//! finished
//! ```
//!
//! Where there is TLS, files are scanned for the secrets in them before reading goes on. If the capture
//! is live, key logs are read again when a secret is looked for in vain.
//!
//! So of files that follow each other, as rotation makes them, only one is open. A file that cannot
//! be read costs itself: it is named in the warnings, and the others are read. If none can be read,
//! the reading has failed.
//!
//! Files can also be read in turn, each to its end, without a look at the next one. Then key logs are read
//! again for each file, and a file that cannot be read ends the reading.
//!
//! Other threads may follow the connections (see [`run`](crate::capture::run)). Then a reading ends
//! before the end of the capture, which goes on when it has the connections back.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "texts for each file and at most `MAX_REPORTED` places of damage in it"
)]

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::output::Prepare;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::threads::spread::Spread;
use wsdefrag_capture::{Capture, KeySource, Options, Sink};

use crate::capture::capture_part::CapturePart;
use crate::capture::failure::{Failure, Progress};
use crate::capture::input::{Handles, Input};
use crate::capture::key_logs::{KeyLogs, OpenKeyLogs};
use crate::capture::open_file::{Chunks, OpenFile};

/// Files whose first packet is looked up in a step.
const PEEKED: usize = 64;

/// The result of a step.
pub(crate) enum Step {
    /// There is more to read.
    More,
    /// A file object has no data yet, or a signal interrupted the read; the next step reads again.
    Paused(io::Error),
    /// The run has ended.
    Ended,
}

/// The reading of files.
pub(crate) struct Reading {
    inputs: Vec<Input>,
    options: Options,
    /// How many of them the capture knows.
    added: usize,
    capture: Capture,
    open: HashMap<u32, OpenFile>,
    handles: Handles,
    key_logs: KeyLogs,
    /// The key logs, once they were read.
    open_key_logs: Option<OpenKeyLogs>,
    chunks: Chunks,
    read: Arc<AtomicU64>,
    warnings: Vec<String>,
    /// Whether a file was read to its end, or to damage inside.
    has_read: bool,
    failure: Option<Failure>,
    finished: bool,
    part: CapturePart,
    /// Whether files follow one another as they were given, each like a capture that is resumed; otherwise
    /// they are merged.
    in_turn: bool,
    /// Files that were read in turn, to their ends.
    files_read: usize,
}

/// Bytes of TLS in a pipe that are held for the first block of secrets in it, if there is no key log.
const PATIENCE: u64 = 4 << 20;

impl Reading {
    pub(crate) fn new(
        inputs: impl IntoIterator<Item = Input>,
        capture: Capture,
        options: Options,
        key_logs: KeyLogs,
    ) -> Self {
        Self {
            part: CapturePart::after(capture.files()),
            in_turn: false,
            files_read: 0,
            inputs: inputs.into_iter().collect(),
            key_logs,
            open_key_logs: None,
            added: 0,
            capture,
            options,
            open: HashMap::new(),
            handles: Handles::default(),
            chunks: Chunks::default(),
            read: Arc::default(),
            warnings: Vec::new(),
            has_read: false,
            failure: None,
            finished: false,
        }
    }

    /// Begins anew. It must not be a [part](Self::part) of a longer capture.
    pub(crate) fn restart(&mut self) {
        let inputs = std::mem::take(&mut self.inputs);
        let read = Arc::clone(&self.read);
        read.store(0, Ordering::Relaxed);
        let (options, capture) = (self.options.clone(), Capture::new(self.options.clone()));
        *self = Self { read, ..Self::new(inputs, capture, options, self.key_logs.clone()) };
    }

    /// Makes it a part of a longer capture: one that goes on with a state, or one after which the capture
    /// continues, so that there is a checkpoint at its end.
    pub(crate) fn part(
        mut self,
        earlier_names: Vec<(u32, String)>,
        is_resumed: bool,
        continues: bool,
    ) -> Self {
        self.part = self.part.with(earlier_names, is_resumed, continues);
        self
    }

    /// Has each file be read to its end before the next one is looked at, with the rows and the state of
    /// readings of one file each. A file that cannot be read ends the reading.
    pub(crate) const fn in_turn(mut self) -> Self {
        self.in_turn = true;
        self
    }

    /// Files that were read in turn, to their ends.
    pub(crate) const fn files_read(&self) -> usize {
        self.files_read
    }

    /// Leaves out the files that were not begun.
    pub(crate) fn skip_rest(&mut self) {
        self.inputs.truncate(self.added);
    }

    /// Has the capture end after the inputs, also if it was to go on. Then there is no checkpoint.
    pub(crate) const fn end_capture(&mut self) {
        self.part.continues = false;
    }

    /// The names of all files, by their indexes. Those that no row can have any more are empty.
    pub(crate) fn names(&self) -> Vec<String> {
        self.part.names(&self.inputs)
    }

    /// The state of the capture after the inputs, once they were read; `None` before, and where the
    /// capture does not continue.
    pub(crate) fn take_checkpoint(&mut self) -> Option<Vec<u8>> {
        self.part.take_checkpoint()
    }

    /// Has several threads follow the connections, unless the system has no more. The key logs are read
    /// before.
    pub(crate) fn spread(
        &mut self,
        workers: usize,
        scan_after: Option<u64>,
        prepare: Option<Prepare>,
    ) -> Option<Spread> {
        self.capture.spread(workers, scan_after, prepare).ok()
    }

    /// Whether everything is there that reading begins with.
    pub(crate) const fn is_ready(&self) -> bool {
        self.open_key_logs.is_some() && self.added == 0 && !self.finished
    }

    /// The capture, to take back what threads have of it.
    pub(crate) const fn capture_mut(&mut self) -> &mut Capture {
        &mut self.capture
    }

    /// The capture.
    pub(crate) const fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Whether all files were read, or cannot be. Only the end of the capture follows.
    pub(crate) fn has_read_all(&mut self) -> bool {
        self.finished || (self.added >= self.inputs.len() && self.capture.current().is_none())
    }

    /// A counter of the bytes of the files, as stored (compressed), updated while they are read.
    pub(crate) fn bytes_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) const fn counts(&self) -> &Counts {
        self.capture.counts()
    }

    /// Why the run failed. `Some` only after everything complete was given to the sink.
    pub(crate) fn failure(&mut self) -> Option<Failure> {
        self.failure.take().filter(|_| self.finished)
    }

    /// Reads a chunk and gives what it completes to `sink`, until the sink is full.
    pub(crate) fn step(&mut self, sink: &mut impl Sink) -> Step {
        if self.finished {
            return Step::Ended;
        }
        let is_file_wanted = self.is_file_wanted();
        // Without inputs they are asked for once, and may have failed then.
        let is_first = self.added == 0 && self.failure.is_none();
        if self.open_key_logs.is_none() && (is_file_wanted || is_first) {
            if let Err(failure) = self.open_key_logs() {
                self.fail(failure);
            }
            return Step::More;
        }
        if self.capture.wants_scan() {
            self.scan_secrets();
        }
        if is_file_wanted {
            self.peek();
            return Step::More;
        }
        self.part.announce(&mut self.capture, sink);
        let Some(file) = self.capture.current() else {
            if !self.part.continues && !self.capture.finish(sink) {
                return Step::More;
            }
            self.finished = true;
            self.end_key_logs();
            if self.has_read && self.inputs.len() > 1 {
                self.failure = None;
            }
            if self.part.continues
                && self.failure.is_none()
                && let Err(error) = self.part.write_checkpoint(&mut self.capture, &self.inputs)
            {
                self.failure = Some(Failure::Checkpoint(error));
            }
            return Step::Ended;
        };
        let result = self.read_file(file, sink);
        if self.capture.wants_keys()
            && let Some(logs) = &mut self.open_key_logs
        {
            logs.read_again(&mut self.capture);
        }
        if let Some(bytes) = self.capture.outgrown() {
            self.fail(Failure::Outgrown(bytes));
            return Step::More;
        }
        for (file, damage) in self.capture.take_damages() {
            let name = self.input(file).name();
            self.warnings.push(format!("{name}: {damage}"));
        }
        if self.in_turn && result.is_ok() && self.capture.current().is_none() {
            self.files_read += 1;
            self.end_key_logs();
        }
        match result {
            Ok(step) => return step,
            Err(failure) => self.give_up(file, failure),
        }
        Step::More
    }

    /// Bytes that the next step may take by allocations that cannot be refused, beside
    /// [`STEP`](crate::room::STEP).
    pub(crate) fn room(&mut self) -> usize {
        self.capture.room()
    }

    /// Stops reading; the next step ends the run. Where memory was refused or outgrown, connections that
    /// have not ended are dropped.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.finished |= matches!(failure, Failure::OutOfMemory | Failure::Outgrown(_));
        self.failure = Some(failure);
        self.has_read = false;
        self.added = self.inputs.len();
        self.open.clear();
        while self.capture.current().is_some() {
            self.capture.abandon();
        }
    }

    /// Whether bytes may come later, through a pipe or from a file object.
    pub(crate) fn is_live(&self) -> bool {
        !self.inputs.iter().all(Input::is_regular)
    }

    /// Visits the file objects for the garbage collector.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.inputs.iter().try_for_each(|input| match input {
            Input::Path(_) => Ok(()),
            Input::Object(object, _) => visit.call(&**object),
        })
    }

    fn input(&self, file: u32) -> &Input {
        &self.inputs[self.part.place(file)]
    }

    /// Whether the next input is to be looked at.
    fn is_file_wanted(&mut self) -> bool {
        self.added < self.inputs.len() && (!self.in_turn || self.capture.current().is_none())
    }

    /// Reads the key logs.
    fn open_key_logs(&mut self) -> Result<(), Failure> {
        let is_live = self.is_live();
        if !is_live {
            self.capture.offer_scan();
        } else if self.key_logs.is_empty() {
            self.capture.expect_keys(PATIENCE);
        } else {
            self.capture.expect_keys(u64::MAX);
        }
        if !self.key_logs.is_empty() {
            self.capture.restart_keylogs();
        }
        self.open_key_logs = Some(self.key_logs.open(&mut self.capture)?);
        Ok(())
    }

    /// Warns of key logs without keys. They are read again for the next file, if there is one.
    fn end_key_logs(&mut self) {
        let logs = self.open_key_logs.take();
        self.warnings.extend(logs.iter().flat_map(OpenKeyLogs::warnings));
    }

    /// Adds the secrets in all files; where they are read in turn, those in the one that is read.
    fn scan_secrets(&mut self) {
        let Self { inputs, capture, .. } = self;
        let all = 0..inputs.len();
        let read = if self.in_turn { self.added.saturating_sub(1)..self.added } else { all };
        for input in &inputs[read] {
            input.scan_secrets(&mut |secrets| {
                capture.add_keylog(secrets, KeySource::SecretsBlock);
            });
        }
        capture.end_scan();
    }

    /// Adds the next inputs to the capture, with the times of their first packets.
    fn peek(&mut self) {
        let alone = self.in_turn || self.inputs.len() == 1;
        let most = if self.in_turn { 1 } else { PEEKED };
        for input in self.inputs[self.added..].iter().take(most) {
            self.capture.add_file(if alone { None } else { input.first_time() });
            self.added += 1;
        }
    }

    /// Reads the next bytes of a file, unless some are left, and gives them to the capture.
    fn read_file(&mut self, file: u32, sink: &mut impl Sink) -> Result<Step, Failure> {
        let input = &self.inputs[self.part.place(file)];
        if !self.open.contains_key(&file) {
            let opened = input.open(u64::from(file), &self.handles, &self.read);
            let opened = opened.map_err(|error| Failure::Io(error, input.path()))?;
            self.open.insert(file, OpenFile::new(opened, self.open.len()));
        }
        let Some(open) = self.open.get_mut(&file) else { return Ok(Step::More) };
        if let Some(paused) =
            open.fill(&mut self.chunks).map_err(|error| Failure::Io(error, input.path()))?
        {
            return Ok(Step::Paused(paused));
        }
        let named = |error| Failure::Broken(error, input.name());
        let (chunk, range) = open.data();
        if !range.is_empty() {
            let taken = self.capture.receive_chunk(chunk, range, sink).map_err(named)?;
            open.took(taken);
            return Ok(Step::More);
        }
        let ended = self.capture.receive_eof(sink);
        if ended != Ok(false)
            && let Some(error) = open.take_damage()
        {
            let progress =
                Progress { packets: self.capture.counts().packets, bytes: open.stored_bytes() };
            let failure = match error.kind() {
                ErrorKind::UnexpectedEof => {
                    self.warnings
                        .push(format!("{}: the compressed data ends too early", input.name()));
                    None
                }
                _ => Some(Failure::Compressed(progress, error, input.name())),
            };
            match (&ended, failure) {
                // There was not even the start of a capture.
                (Err(error), Some(failure)) if !error.is_cut_short() => return Err(failure),
                (_, Some(failure)) => self.warnings.push(failure.to_string()),
                (_, None) => {}
            }
        }
        match ended {
            Ok(false) => return Ok(Step::More),
            Ok(true) => {}
            Err(error) if error.is_cut_short() => {
                self.warnings.push(format!("{}: {error}", input.name()));
            }
            Err(error) => return Err(named(error)),
        }
        self.has_read = true;
        self.close(file);
        Ok(Step::More)
    }

    /// Ends a file that cannot be read any further.
    fn give_up(&mut self, file: u32, failure: Failure) {
        if self.in_turn || matches!(self.input(file), Input::Object(..)) {
            // What a file object raised is not for a warning, and what comes in turn depends on this file.
            self.fail(failure);
            return;
        }
        if self.capture.current() == Some(file) {
            self.capture.abandon();
        }
        self.close(file);
        if self.inputs.len() > 1 {
            self.warnings.push(failure.to_string());
        }
        self.failure.get_or_insert(failure);
    }

    fn close(&mut self, file: u32) {
        if let Some(open) = self.open.remove(&file) {
            // Bytes that nobody will read count as read, so that progress reaches its end.
            self.read.fetch_add(open.bytes_left(), Ordering::Relaxed);
            self.chunks.keep(open.into_buffer());
        }
    }
}
