//! The rows of a capture whose connections several threads follow.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a few values for each worker and each connection"
)]

use std::collections::HashMap;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::filtered_sink::FilteredSink;
use crate::options::{Filter, Options};
use crate::output::Prepare;
use crate::owned_thread::OwnedThread;
use crate::selection::selected::Selection;
use crate::sink::Sink;
use crate::tcp::connections::Connections;
use crate::tcp::inflaters::Inflaters;
use crate::tcp::key::BUCKETS;
use crate::tcp::shard::MAX_HELD;
use crate::tcp::shard_numbers::Numbers;
use crate::threads::crew::{Crew, Received};
use crate::threads::dispatcher::Dispatcher;
use crate::threads::report::{Report, Sessions, WorkerRow};
use crate::threads::worker::Worker;
use crate::tls::resumption::MAX_SESSIONS;

/// Workers at most.
pub const MOST_WORKERS: usize = BUCKETS;

/// The part of the memory that the contents of a batch may take, besides the largest, is one of so many.
const CONTENT_PART: usize = 16;

/// A worker stops at more bytes of contents in a batch than its part of those, or than so many.
const LEAST_CONTENT: usize = 1 << 20;

/// The result of a step.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// There are more rows, now or later.
    More,
    /// All rows of the files were given out. Those at the end of the capture follow, from
    /// [`Capture::finish`](crate::Capture::finish), after [`Capture::gather`](crate::Capture::gather).
    Ended,
    /// Nothing more is given out, because the rest may depend on all connections together, or there was no
    /// memory for threads. The capture has to be read again from its beginning, and the rows that were given
    /// out left out.
    Again(Again),
}

/// How a capture has to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// By one thread.
    Alone,
    /// By threads again; files are scanned for secrets after the packet with this place.
    ScanAfter(u64),
}

/// The rows of a capture whose connections several threads follow.
pub struct Spread {
    /// The current batch, by shard; none between two.
    reports: Vec<Reported>,
    /// They end once the crew is stopped.
    threads: Vec<OwnedThread<()>>,
    crew: Arc<Crew>,
    /// The process that has the threads; one that was forked has none.
    process: u32,
    pub(crate) filter: Filter,
    pub(crate) selection: Option<Selection>,
    limits: Limits,
    numbers: Numbers,
    scan_after: Option<u64>,
    /// The workers' sessions of TLS, with the worker.
    sessions: HashMap<[u8; 32], usize, FixedState>,
    /// Whether the reports of the current batch are all there and checked.
    is_ready: bool,
    pub(crate) shards: Vec<Connections>,
}

/// The report of a shard.
struct Reported {
    report: Box<Report>,
    /// The next row and the next unit.
    row: usize,
    unit: usize,
    /// Where the next content that was copied begins.
    content: usize,
}

/// What all connections together may have.
struct Limits {
    live: usize,
    memory: usize,
    held: usize,
    content: usize,
}

impl Limits {
    fn new(options: &Options) -> Self {
        // One thread may hold more, as it parks other inflaters.
        let inflaters = Inflaters::new(options).most_bytes();
        Self {
            live: options.max_connections,
            memory: options.memory.saturating_sub(inflaters),
            held: MAX_HELD,
            content: options.memory / CONTENT_PART,
        }
    }
}

/// Whether several threads may follow the connections of which this filter chooses some.
#[must_use]
pub const fn may_spread(filter: &Filter) -> bool {
    // What it drops by its number is not read, and numbers are given where the rows are put in order. The
    // reader of a share compares what all connections hold with its part of the memory.
    filter.connections.is_empty() && filter.share.is_none()
}

/// Starts the workers of a capture, which has read no packet. `keys` gives the connections of each what
/// those of all have.
///
/// # Errors
///
/// If the system has no more threads.
pub(crate) fn spread(
    options: &Options,
    workers: usize,
    scan_after: Option<u64>,
    prepare: Option<Prepare>,
    (filter, selection): (Filter, Option<Selection>),
    keys: impl Fn(&mut Connections),
) -> io::Result<(Dispatcher, Spread)> {
    let workers = workers.clamp(1, MOST_WORKERS);
    let limits = Limits::new(options);
    let most_content = (limits.content / workers).max(LEAST_CONTENT);
    let worker = |index| {
        let mut connections = Connections::shard(options, (index, workers));
        keys(&mut connections);
        Worker { index, connections, most_content }
    };
    let crew = Arc::new(Crew::new((0..workers).map(worker).collect(), prepare));
    let mut spread = Spread {
        reports: Vec::new(),
        threads: Vec::new(),
        crew: Arc::clone(&crew),
        process: std::process::id(),
        filter,
        selection,
        limits,
        numbers: Numbers::new(workers),
        scan_after,
        sessions: HashMap::default(),
        is_ready: false,
        shards: Vec::new(),
    };
    for index in 0..if crew.has_followers() { workers } else { 0 } {
        let crew = Arc::clone(&crew);
        let follow = move || crew.follow_all(index);
        spread.threads.push(OwnedThread::new(&format!("wsdefrag-{index}"), follow)?);
    }
    Ok((Dispatcher::new(crew, scan_after), spread))
}

impl Spread {
    /// Gives the rows that are there to `sink`, until it is full. Waits for some milliseconds if there
    /// are none.
    ///
    /// # Panics
    ///
    /// If a worker has panicked.
    pub fn step(&mut self, sink: &mut impl Sink) -> Step {
        if !self.is_ready {
            if let Some(step) = self.receive() {
                return step;
            }
            if let Some(step) = self.check() {
                return step;
            }
            self.is_ready = true;
        }
        self.deliver(sink);
        Step::More
    }

    /// Says that no more rows are wanted. Then whoever reads the capture gets no more bytes taken, and has
    /// to drop it, or take its connections back, before this is dropped.
    pub fn stop(&mut self) {
        self.crew.stop();
    }

    /// Whether the threads are those of this process. One that was forked has none.
    #[must_use]
    pub fn is_here(&self) -> bool {
        std::process::id() == self.process
    }

    /// Waits for the reports of the next batch. Returns the step if they are not all there.
    fn receive(&mut self) -> Option<Step> {
        match self.crew.receive() {
            Received::Reports(reports) => {
                let reported = |report| Reported { report, row: 0, unit: 0, content: 0 };
                self.reports.extend(reports.into_iter().map(reported));
                None
            }
            Received::Later => Some(Step::More),
            Received::Ended(shards) => {
                self.shards = shards;
                Some(Step::Ended)
            }
            Received::Panicked(panic) => resume_unwind(panic),
        }
    }

    /// Checks that no limit of all connections was met in the current batch.
    fn check(&mut self) -> Option<Step> {
        let reports = || self.reports.iter().map(|it| &*it.report);
        let sum = |of: fn(&Report) -> usize| reports().map(of).fold(0_usize, usize::saturating_add);
        let Limits { live, memory, held, content } = self.limits;
        let is_met = reports().any(|report| report.has_met_limit || report.out_of_memory)
            || sum(|report| report.peaks.live) > live
            || sum(|report| report.peaks.memory) > memory
            || sum(|report| report.peaks.held) > held
            || sum(|report| report.content - report.largest) > content;
        if is_met {
            return Some(Step::Again(Again::Alone));
        }
        let scan = reports().filter_map(|report| report.scan_after).min();
        if scan.is_some() && scan != self.scan_after {
            return scan.map(|packet| Step::Again(Again::ScanAfter(packet)));
        }
        let sessions = |it: &mut Reported| std::mem::take(&mut it.report.sessions);
        let sessions: Vec<_> = self.reports.iter_mut().map(sessions).collect();
        self.share_sessions(&sessions).then_some(Step::Again(Again::Alone))
    }

    /// Whether a worker may have looked for a session of TLS that another one has remembered, or there are
    /// too many.
    fn share_sessions(&mut self, sessions: &[Sessions]) -> bool {
        let mut shares = false;
        for (worker, sessions) in sessions.iter().enumerate() {
            for session in &sessions.remembered {
                shares |= *self.sessions.entry(*session).or_insert(worker) != worker;
            }
        }
        for (worker, sessions) in sessions.iter().enumerate() {
            shares |= sessions
                .looked_up
                .iter()
                .any(|session| self.sessions.get(session).is_some_and(|other| *other != worker));
        }
        shares || self.sessions.len() >= MAX_SESSIONS
    }

    /// Gives the rows of the current batch to `sink`, until it is full.
    fn deliver(&mut self, sink: &mut impl Sink) {
        let Self { reports, filter, selection, numbers, .. } = self;
        let mut sink = FilteredSink { filter, selection, sink };
        let mut packet = None;
        loop {
            let next = |it: &Reported| Some(it.report.units.get(it.unit)?.place);
            let first = reports.iter().enumerate();
            let first = first.filter_map(|(index, it)| Some((next(it)?, index))).min();
            let Some((place, index)) = first else {
                self.end_batch();
                return;
            };
            // As for one thread, a sink is full between packets.
            if packet.replace(place.packet) != Some(place.packet) && sink.is_full() {
                return;
            }
            let Reported { report, row, unit: next, content } = &mut reports[index];
            let unit = &report.units[*next];
            for _ in 0..unit.numbers {
                numbers.take(index);
            }
            let rows = *row..*row + unit.rows as usize;
            (*row, *next) = (rows.end, *next + 1);
            for row in rows {
                let row = std::mem::replace(&mut report.rows[row], WorkerRow::Closed(u64::MAX));
                deliver(row, (&mut *report, &mut *content), numbers, &mut sink);
            }
        }
    }

    /// Gives the reports of the current batch back to the workers.
    fn end_batch(&mut self) {
        self.is_ready = false;
        self.crew.give_back(self.reports.drain(..).map(|it| it.report));
    }

    /// The bytes that [`Capture::gather`](crate::Capture::gather) takes, beside small ones, by allocations
    /// that end the process if they are refused.
    #[must_use]
    pub fn room_to_gather(&self) -> usize {
        self.shards.iter().map(Connections::bytes_to_join).sum()
    }

    pub(crate) fn take_numbers(&mut self) -> Numbers {
        std::mem::take(&mut self.numbers)
    }
}

/// Gives a row to `sink`, with the number that its connection has among all.
#[inline]
fn deliver(
    row: WorkerRow,
    (report, place): (&mut Report, &mut usize),
    numbers: &mut Numbers,
    sink: &mut impl Sink,
) {
    match row {
        WorkerRow::Message(message) => {
            let mut message = report.whole(message, place, sink);
            message.connection = numbers.of(message.connection);
            sink.message(message);
        }
        WorkerRow::Prepared(message, length) => {
            let mut message = report.whole(message, place, sink);
            message.connection = numbers.of(message.connection);
            sink.prepared(message, length);
        }
        WorkerRow::Opened(mut connection) => {
            connection.connection = numbers.of(connection.connection);
            sink.opened(&connection);
        }
        WorkerRow::Gap(mut gap) => {
            gap.connection = numbers.of(gap.connection);
            sink.gap(&gap);
        }
        WorkerRow::Event(mut event) => {
            event.connection = numbers.of(event.connection);
            sink.event(*event);
        }
        WorkerRow::Ended(mut connection) => {
            let local = connection.connection;
            connection.connection = numbers.of(local);
            sink.ended(*connection);
        }
        WorkerRow::Closed(number) => {
            numbers.forget(number);
        }
    }
}

impl Drop for Spread {
    /// Has the threads end, unless they belong to another process.
    fn drop(&mut self) {
        // In a process that was forked the lock may have been another thread's.
        if self.is_here() {
            self.stop();
        }
    }
}
