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
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use foldhash::fast::FixedState;

use crate::filtered_sink::FilteredSink;
use crate::options::{Filter, Options};
use crate::output::Prepare;
use crate::selection::selected::Selection;
use crate::sink::Sink;
use crate::tcp::connection_table::BUCKETS;
use crate::tcp::connections::Connections;
use crate::tcp::inflaters::Inflaters;
use crate::tcp::shard::MAX_HELD;
use crate::tcp::shard_numbers::Numbers;
use crate::threads::dispatcher::Dispatcher;
use crate::threads::report::{Place, Report, Sessions, WorkerRow};
use crate::threads::worker::{Sent, Worker};
use crate::tls::resumption::MAX_SESSIONS;

/// Workers at most.
pub const MOST_WORKERS: usize = BUCKETS;

/// Batches that wait for a worker, and reports of a worker that wait to be taken, at most.
const WAITING: usize = 4;

/// How long a step waits for a worker, so that its caller can handle signals.
const PATIENCE: Duration = Duration::from_millis(50);

/// The part of the memory that the contents of a batch may take, besides the largest, is one of so many.
const CONTENT_PART: usize = 16;

/// A worker stops at more bytes of contents in a batch than its part of those, or than so many.
const LEAST_CONTENT: usize = 1 << 20;

/// Workers from which on they do a part of the output's work. Fewer leave the caller's thread time for it,
/// and what they make would have to be copied.
const PREPARING: usize = 3;

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
    workers: Vec<Channel>,
    threads: Vec<JoinHandle<()>>,
    is_stopped: Arc<AtomicBool>,
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

/// The way from a worker.
struct Channel {
    sent: Receiver<Sent>,
    taken: SyncSender<Box<Report>>,
    /// The current batch, once it has come.
    report: Option<Box<Report>>,
    /// The next row and the next unit of the current batch.
    row: usize,
    unit: usize,
    has_ended: bool,
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
    let prepare = prepare.filter(|_| workers >= PREPARING);
    let limits = Limits::new(options);
    let most_content = (limits.content / workers).max(LEAST_CONTENT);
    let is_stopped = Arc::<AtomicBool>::default();
    let mut spread = Spread {
        workers: Vec::new(),
        threads: Vec::new(),
        is_stopped: Arc::clone(&is_stopped),
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
    let mut senders = Vec::new();
    for index in 0..workers {
        let (sender, work) = sync_channel(WAITING);
        let (sent, receiver) = sync_channel(WAITING);
        let (give_back, taken) = sync_channel(2 * WAITING + 2);
        let mut connections = Connections::shard(options, (index, workers));
        keys(&mut connections);
        let worker = Worker { index, connections, work, sent, prepare, most_content, taken };
        let thread = Builder::new().name(format!("wsdefrag-{index}")).spawn(|| worker.run())?;
        spread.threads.push(thread);
        senders.push(sender);
        spread.workers.push(Channel {
            sent: receiver,
            taken: give_back,
            report: None,
            row: 0,
            unit: 0,
            has_ended: false,
        });
    }
    Ok((Dispatcher::new(senders, is_stopped, scan_after), spread))
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
        self.is_stopped.store(true, Ordering::Relaxed);
        // Who waits to send learns that nobody receives.
        self.workers.clear();
    }

    /// Whether the threads are those of this process. One that was forked has none.
    #[must_use]
    pub fn is_here(&self) -> bool {
        std::process::id() == self.process
    }

    /// Waits for the reports of the next batch. Returns the step if they are not all there.
    fn receive(&mut self) -> Option<Step> {
        for worker in &mut self.workers {
            if worker.report.is_some() || worker.has_ended {
                continue;
            }
            match worker.sent.recv_timeout(PATIENCE) {
                Ok(Sent::Report(report)) => {
                    (worker.row, worker.unit) = (0, 0);
                    worker.report = Some(report);
                }
                Ok(Sent::Ended(connections)) => {
                    worker.has_ended = true;
                    self.shards.push(*connections);
                }
                Ok(Sent::Panicked(panic)) => resume_unwind(panic),
                Err(RecvTimeoutError::Timeout) => return Some(Step::More),
                Err(RecvTimeoutError::Disconnected) => panic!("a worker has ended early"),
            }
        }
        if self.shards.is_empty() {
            return None;
        }
        // All end after the same batch.
        debug_assert_eq!(self.shards.len(), self.workers.len());
        Some(Step::Ended)
    }

    /// Checks that no limit of all connections was met in the current batch.
    fn check(&mut self) -> Option<Step> {
        let reports = || self.workers.iter().filter_map(|worker| worker.report.as_deref());
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
        let sessions = |report: &mut Box<Report>| std::mem::take(&mut report.sessions);
        let sessions: Vec<_> =
            self.workers.iter_mut().map(|worker| worker.report.as_mut().map(sessions)).collect();
        let shares = self.share_sessions(&sessions.into_iter().flatten().collect::<Vec<_>>());
        shares.then_some(Step::Again(Again::Alone))
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
        let Self { workers, filter, selection, numbers, .. } = self;
        let mut sink = FilteredSink { filter, selection, sink };
        let mut packet = None;
        loop {
            let next = |worker: &Channel| -> Option<Place> {
                Some(worker.report.as_ref()?.units.get(worker.unit)?.place)
            };
            let first = workers.iter().enumerate();
            let first = first.filter_map(|(index, worker)| Some((next(worker)?, index))).min();
            let Some((place, index)) = first else {
                self.end_batch();
                return;
            };
            // As for one thread, a sink is full between packets.
            if packet.replace(place.packet) != Some(place.packet) && sink.is_full() {
                return;
            }
            let worker = &mut workers[index];
            let Some(report) = &mut worker.report else { return };
            let unit = &report.units[worker.unit];
            for _ in 0..unit.numbers {
                numbers.take(index);
            }
            let rows = worker.row..worker.row + unit.rows as usize;
            (worker.row, worker.unit) = (rows.end, worker.unit + 1);
            for row in rows {
                let row = std::mem::replace(&mut report.rows[row], WorkerRow::Closed(u64::MAX));
                deliver(row, numbers, &mut sink);
                report.keep(sink.spare());
            }
        }
    }

    /// Gives the reports of the current batch back to the workers.
    fn end_batch(&mut self) {
        self.is_ready = false;
        for worker in &mut self.workers {
            if let Some(report) = worker.report.take() {
                let _ = worker.taken.try_send(report);
            }
        }
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
fn deliver(row: WorkerRow, numbers: &mut Numbers, sink: &mut impl Sink) {
    match row {
        WorkerRow::Message(mut message) => {
            message.connection = numbers.of(message.connection);
            sink.message(message);
        }
        WorkerRow::Prepared(mut message, length) => {
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
    /// Ends the threads, unless they belong to another process.
    fn drop(&mut self) {
        self.stop();
        let is_here = self.is_here();
        for thread in self.threads.drain(..) {
            if is_here {
                let _ = thread.join();
            }
        }
    }
}
