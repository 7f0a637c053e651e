//! A pass over a capture that fills an Arrow table, and keeps the other two tables if they are
//! small.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "at most `KEPT` bytes of batches for later tables, the batches of one step, and texts for each file"
)]

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::columns::{
    ConnectionColumns, EventColumns, FileNames, MessageColumns, TableRows,
};
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::table::Table;
use wsdefrag_core::OutOfMemory;

use crate::capture::choices::Choices;
use crate::capture::failure::Failure;
use crate::capture::guarded_run::{GuardedRun, Progress};
use crate::capture::run::Run;
use crate::raw::arrow_text::trusted_texts;

/// Most bytes of a table that are kept for its own reading. A larger table is read in another pass.
const KEPT: usize = 32 << 20;

/// Results of the passes, shared by the tables of a capture.
#[derive(Clone, Default)]
pub(crate) struct SharedResults(Arc<Mutex<Results>>);

impl SharedResults {
    fn results(&self) -> MutexGuard<'_, Results> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The warnings of the last pass that ended.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.results().warnings.clone()
    }

    /// What became of the packets of the last pass that ended.
    pub(crate) fn counts(&self) -> Counts {
        self.results().counts.clone()
    }

    /// A table that an earlier pass has kept whole.
    pub(crate) fn kept(&self, table: Table) -> Option<Vec<RecordBatch>> {
        match table {
            Table::Messages => None,
            Table::Connections => self.results().connections.clone(),
            Table::Events => self.results().events.clone(),
        }
    }
}

#[derive(Default)]
struct Results {
    /// The connections table, after a complete pass.
    connections: Option<Vec<RecordBatch>>,
    /// The events table, after a complete pass.
    events: Option<Vec<RecordBatch>>,
    warnings: Vec<String>,
    counts: Counts,
}

/// A pass over a capture that fills a table.
pub(crate) struct Pass {
    /// `None` after the end.
    run: Option<GuardedRun>,
    rows: Rows,
    failure: Option<Failure>,
    shared: SharedResults,
}

/// Batches of a table that is not the one being read.
#[derive(Default)]
struct Kept {
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl Kept {
    /// Keeps a batch. Returns whether the table is still small enough.
    fn push(&mut self, batch: RecordBatch) -> bool {
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        self.bytes <= KEPT
    }
}

/// Fills the columns of the tables, and keeps the batches of those that are not read.
struct Rows {
    filled: TableRows,
    /// The table that is read.
    table: Table,
    /// Batches of the table that is read.
    ready: VecDeque<RecordBatch>,
    kept_connections: Kept,
    kept_events: Kept,
}

impl Rows {
    fn new(table: Table, choices: &Choices, files: &[String], keeps_others: bool) -> Self {
        let is_read = |other| other == table || (keeps_others && other != Table::Messages);
        Self {
            filled: filled(choices, files, is_read),
            table,
            ready: VecDeque::new(),
            kept_connections: Kept::default(),
            kept_events: Kept::default(),
        }
    }

    /// Sorts the batches that are full.
    fn sort(&mut self) {
        while let Some((table, batch)) = self.filled.next_batch() {
            let is_read = table == self.table;
            let kept = match table {
                Table::Messages => {
                    self.ready.push_back(batch);
                    continue;
                }
                Table::Connections => &mut self.kept_connections,
                Table::Events => &mut self.kept_events,
            };
            if is_read {
                self.ready.push_back(batch.clone());
            }
            if !kept.push(batch) {
                kept.batches.clear();
                if !is_read {
                    self.filled.stop(table);
                }
            }
        }
    }
}

/// The columns of the tables that `is_filled` names.
pub(crate) fn filled(
    choices: &Choices,
    files: &[String],
    is_filled: impl Fn(Table) -> bool,
) -> TableRows {
    let files = FileNames::new(files);
    let mut rows = TableRows::default();
    rows.messages = is_filled(Table::Messages).then(|| {
        MessageColumns::new(choices.of(Table::Messages))
            .with_files(files.clone())
            .with_reading(choices.contents, choices.utf8_is_enforced)
            .with_texts(trusted_texts)
    });
    rows.connections = is_filled(Table::Connections)
        .then(|| ConnectionColumns::new(choices.of(Table::Connections)).with_files(files.clone()));
    rows.events = is_filled(Table::Events)
        .then(|| EventColumns::new(choices.of(Table::Events)).with_files(files));
    rows
}

impl Pass {
    /// A pass that reads a table of a run. Unless `keeps_others` is false, it keeps the two other
    /// tables if they are small.
    pub(crate) fn new(
        run: Run,
        (table, choices): (Table, &Choices),
        files: &[String],
        keeps_others: bool,
        shared: SharedResults,
    ) -> Result<Self, OutOfMemory> {
        let rows = Rows::new(table, choices, files, keeps_others);
        Ok(Self { run: Some(GuardedRun::new(run)?), rows, failure: None, shared })
    }

    /// A pass that gives batches which an earlier pass has kept.
    pub(crate) fn of_kept(
        batches: Vec<RecordBatch>,
        (table, choices): (Table, &Choices),
        shared: SharedResults,
    ) -> Self {
        let mut rows = Rows::new(table, choices, &[], false);
        rows.ready = batches.into();
        Self { run: None, rows, failure: None, shared }
    }

    /// The next batch; a failure is returned after all complete batches.
    fn next(&mut self) -> Option<Result<RecordBatch, Failure>> {
        loop {
            match self.step() {
                Reading::Batch(batch) => return Some(Ok(batch)),
                Reading::More => {}
                Reading::Ended(failure) => return failure.map(Err),
            }
        }
    }

    /// Reads for a while, unless a batch is ready.
    pub(crate) fn step(&mut self) -> Reading {
        if let Some(batch) = self.rows.ready.pop_front() {
            return Reading::Batch(batch);
        }
        let Some(run) = &mut self.run else { return Reading::Ended(self.failure.take()) };
        match run.step(&mut self.rows.filled) {
            Progress::More if self.rows.filled.out_of_memory() => run.fail(Failure::OutOfMemory),
            Progress::More => {}
            // A consumer does not read a stream again after an error.
            Progress::Paused(error) => run.fail(Failure::Io(error, None)),
            Progress::Ended(failure) => {
                self.failure = failure;
                if self.rows.filled.out_of_memory() {
                    self.failure.get_or_insert(Failure::OutOfMemory);
                }
                let mut results = self.shared.results();
                results.warnings = run.warnings().to_vec();
                results.counts = run.counts().clone();
                drop(results);
                self.run = None;
                self.rows.filled.finish();
            }
        }
        self.rows.sort();
        if self.run.is_none() {
            self.keep();
        }
        Reading::More
    }

    /// Visits the file objects for the garbage collector.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.run.as_ref().map_or(Ok(()), |run| run.traverse(visit))
    }

    /// Keeps the other tables for their readings, after the end.
    fn keep(&mut self) {
        if self.failure.is_some() {
            return;
        }
        let rows = &mut self.rows;
        let mut results = self.shared.results();
        if rows.filled.connections.is_some() && rows.kept_connections.bytes <= KEPT {
            results.connections = Some(std::mem::take(&mut rows.kept_connections.batches));
        }
        if rows.filled.events.is_some() && rows.kept_events.bytes <= KEPT {
            results.events = Some(std::mem::take(&mut rows.kept_events.batches));
        }
    }
}

/// The result of a step.
pub(crate) enum Reading {
    /// The next batch.
    Batch(RecordBatch),
    /// There may be more.
    More,
    /// All batches were given; why there are no more.
    Ended(Option<Failure>),
}

/// Batches for a consumer that calls through the C interface: panics become errors, and nothing follows
/// the end or an error.
pub(crate) struct Batches {
    /// `None` after the end, so that memory is freed at once.
    pass: Option<Pass>,
    schema: SchemaRef,
}

impl Batches {
    pub(crate) const fn new(pass: Pass, schema: SchemaRef) -> Self {
        Self { pass: Some(pass), schema }
    }
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
        Failure::Broken(..) | Failure::Compressed(..) | Failure::Checkpoint(_) => {
            ArrowError::ExternalError(text.into())
        }
        Failure::OutOfMemory | Failure::Outgrown(_) => ArrowError::MemoryError(text),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("internal error: {}", text.unwrap_or("a panic without a text").replace('\0', ""))
}
