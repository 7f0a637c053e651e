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
use wsdefrag_capture::columns::{
    ConnectionColumns, EventColumns, FileNames, MessageColumns, Table,
};
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::{CaptureEvent, Connection, Message, Sink};
use wsdefrag_core::OutOfMemory;

use crate::capture::choices::Choices;
use crate::capture::failure::Failure;
use crate::capture::guarded_run::{GuardedRun, Progress};
use crate::capture::run::Run;
use crate::raw::arrow_text::trusted_texts;

/// Most bytes of a table that are kept for its own reading. A larger table is read in another pass.
const KEPT: usize = 32 << 20;

/// Most bytes of a content whose buffer is used again.
const MOST_SPARE: usize = 16 << 10;

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

/// Fills the columns of the tables.
struct Rows {
    messages: Option<MessageColumns>,
    connections: Option<ConnectionColumns>,
    events: Option<EventColumns>,
    /// The table that is read.
    table: Table,
    /// Batches of the table that is read.
    ready: VecDeque<RecordBatch>,
    kept_connections: Kept,
    kept_events: Kept,
    /// The content of the last message, which was copied to its column.
    spare: Vec<u8>,
    /// Whether a column could not get memory.
    out_of_memory: bool,
}

impl Rows {
    fn new(table: Table, choices: &Choices, files: &[String], keeps_others: bool) -> Self {
        let is_read = |other| other == table || (keeps_others && other != Table::Messages);
        let files = FileNames::new(files);
        Self {
            messages: is_read(Table::Messages).then(|| {
                MessageColumns::new(choices.of(Table::Messages))
                    .with_files(files.clone())
                    .with_reading(choices.contents, choices.utf8_is_enforced)
                    .with_texts(trusted_texts)
            }),
            connections: is_read(Table::Connections).then(|| {
                ConnectionColumns::new(choices.of(Table::Connections)).with_files(files.clone())
            }),
            events: is_read(Table::Events)
                .then(|| EventColumns::new(choices.of(Table::Events)).with_files(files)),
            table,
            ready: VecDeque::new(),
            kept_connections: Kept::default(),
            kept_events: Kept::default(),
            spare: Vec::new(),
            out_of_memory: false,
        }
    }

    #[cold]
    fn finish_messages(&mut self) {
        if let Some(columns) = &mut self.messages
            && !columns.is_empty()
        {
            self.ready.push_back(columns.finish());
        }
    }

    #[cold]
    fn finish_connections(&mut self) {
        let Some(columns) = &mut self.connections else { return };
        if columns.is_empty() {
            return;
        }
        let batch = columns.finish();
        if self.table == Table::Connections {
            self.ready.push_back(batch.clone());
        }
        if !self.kept_connections.push(batch) {
            self.kept_connections.batches.clear();
            if self.table != Table::Connections {
                self.connections = None;
            }
        }
    }

    #[cold]
    fn finish_events(&mut self) {
        let Some(columns) = &mut self.events else { return };
        if columns.is_empty() {
            return;
        }
        let batch = columns.finish();
        if self.table == Table::Events {
            self.ready.push_back(batch.clone());
        }
        if !self.kept_events.push(batch) {
            self.kept_events.batches.clear();
            if self.table != Table::Events {
                self.events = None;
            }
        }
    }
}

impl Sink for Rows {
    fn opened(&mut self, connection: &Connection) {
        if let Some(columns) = &mut self.messages {
            columns.opened(connection);
        }
        if let Some(columns) = &mut self.events {
            columns.opened(connection);
        }
    }

    // A call passes a reference to the message; inlined, the message would be copied first.
    #[inline(never)]
    fn message(&mut self, message: Message) {
        let Some(columns) = &mut self.messages else { return };
        if MessageColumns::needs_own_batch(&message) {
            self.finish_messages();
            if let Some(columns) = &mut self.messages {
                self.ready.push_back(columns.batch_of_one(message));
            }
            return;
        }
        self.out_of_memory |= columns.push(&message).is_err();
        if columns.is_full() {
            self.finish_messages();
        }
        if message.content.capacity() <= MOST_SPARE {
            self.spare = message.content;
        }
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    fn event(&mut self, event: CaptureEvent) {
        let Some(columns) = &mut self.events else { return };
        columns.push(event);
        if columns.is_full() {
            self.finish_events();
        }
    }

    fn ended(&mut self, connection: Connection) {
        if let Some(columns) = &mut self.messages {
            columns.ended(&connection);
            if columns.is_full() {
                self.finish_messages();
            }
        }
        if let Some(columns) = &mut self.events {
            columns.ended(&connection);
            if columns.is_full() {
                self.finish_events();
            }
        }
        if let Some(columns) = &mut self.connections {
            columns.push(connection);
            if columns.is_full() {
                self.finish_connections();
            }
        }
    }

    fn is_full(&self) -> bool {
        self.out_of_memory || !self.ready.is_empty()
    }
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
        while self.rows.ready.is_empty() {
            let Some(run) = &mut self.run else { return self.failure.take().map(Err) };
            match run.step(&mut self.rows) {
                Progress::More if self.rows.out_of_memory => run.fail(Failure::OutOfMemory),
                Progress::More => {}
                // A consumer does not read a stream again after an error.
                Progress::Paused(error) => run.fail(Failure::Io(error, None)),
                Progress::Ended(failure) => {
                    self.failure = failure;
                    if self.rows.out_of_memory {
                        self.failure.get_or_insert(Failure::OutOfMemory);
                    }
                    let mut results = self.shared.results();
                    results.warnings = run.warnings().to_vec();
                    results.counts = run.counts().clone();
                    drop(results);
                    self.run = None;
                    self.finish();
                }
            }
        }
        self.rows.ready.pop_front().map(Ok)
    }

    /// Creates batches of the remaining rows, and keeps the other tables for their readings.
    fn finish(&mut self) {
        let rows = &mut self.rows;
        rows.finish_messages();
        rows.finish_connections();
        rows.finish_events();
        if self.failure.is_some() {
            return;
        }
        let mut results = self.shared.results();
        if rows.connections.is_some() && rows.kept_connections.bytes <= KEPT {
            results.connections = Some(std::mem::take(&mut rows.kept_connections.batches));
        }
        if rows.events.is_some() && rows.kept_events.bytes <= KEPT {
            results.events = Some(std::mem::take(&mut rows.kept_events.batches));
        }
    }
}

/// Batches for a consumer behind the C interface: panics become errors, and nothing follows the end
/// or an error.
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
        Failure::Broken(..) | Failure::Compressed(..) => ArrowError::ExternalError(text.into()),
        Failure::OutOfMemory => ArrowError::MemoryError(text),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("internal error: {}", text.unwrap_or("a panic without a text").replace('\0', ""))
}
