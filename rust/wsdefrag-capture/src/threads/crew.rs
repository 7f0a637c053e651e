//! What the threads of a capture share: the work that waits for each shard, and the reports of what is done.
//!
//! A shard is a part of the connections. Its work is done in order, by one thread at a time.
//!
//! ```text
//! the reader    deals each batch to all shards, and waits where too many are under way
//! a follower    does the work of one shard, if there are more than two
//! the caller    takes the reports of a batch once each shard has one
//! ```
//!
//! Two shards or one have no followers, because three threads and more would share two cores, and move what
//! one of them has in its cache to the other. The caller does their work where it would wait. The reader does
//! that of its shard unless the caller waits for work, and that of both where it would wait. So neither waits
//! while there is work that it can do.
//!
//! - a shard has no worker while a thread does its work
//! - each shard gets every batch, so the reports at the front of all are those of one batch
//! - `under_way` is the number of batches that were dealt and whose rows were not all given out

#![expect(
    clippy::disallowed_methods,
    clippy::vec_box,
    reason = "a few values for each batch and each shard; reports move between threads"
)]

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::output::Prepare;
use crate::tcp::connections::Connections;
use crate::threads::report::Report;
use crate::threads::worker::{Work, Worker};

/// Batches that are under way at most, without followers and with them.
const MOST: [usize; 2] = [4, 8];

/// Shards that have no followers, at most.
const WITHOUT_FOLLOWERS: usize = 2;

/// How long the caller waits for a report, so that it can handle signals.
const PATIENCE: Duration = Duration::from_millis(50);

/// What the caller receives.
pub(crate) enum Received {
    /// The reports of the next batch, by shard.
    Reports(Vec<Box<Report>>),
    /// Nothing yet.
    Later,
    /// There are no more batches; the connections of each shard.
    Ended(Vec<Connections>),
    /// A thread has panicked.
    Panicked(Box<dyn Any + Send>),
}

/// What the threads share.
pub(crate) struct Crew {
    state: Mutex<State>,
    /// By shard: wakes its follower.
    work_comes: Vec<Condvar>,
    /// Wakes the caller.
    reported: Condvar,
    /// Wakes the reader.
    has_room: Condvar,
    is_stopped: AtomicBool,
    /// What followers do of the sink's work. Without them the caller does it all: what the reader made would
    /// be copied once more, and move from core to core.
    prepare: Option<Prepare>,
}

struct State {
    shards: Vec<Shard>,
    under_way: usize,
    /// Whether no more work is dealt.
    is_closed: bool,
    caller_waits: bool,
    reader_waits: bool,
    panic: Panic,
}

/// Whether a thread has panicked.
enum Panic {
    Never,
    /// It has, and the caller does not know yet.
    New(Box<dyn Any + Send>),
    Known,
}

/// A shard.
struct Shard {
    work: VecDeque<Work>,
    worker: Option<Box<Worker>>,
    reports: VecDeque<Box<Report>>,
    /// Reports that were taken, to be filled again.
    spare: Vec<Box<Report>>,
}

impl Shard {
    /// Whether a thread can begin with work.
    fn has_work(&self) -> bool {
        self.worker.is_some() && !self.work.is_empty()
    }
}

impl State {
    fn is_full(&self, most: usize) -> bool {
        self.under_way >= most || self.shards.iter().any(|shard| shard.work.len() >= most)
    }

    /// The shard whose work the caller does rather than wait: first one whose report it waits for. Its
    /// own is the last one.
    fn callers_shard(&self) -> Option<usize> {
        let has_work = |wanted: fn(&Shard) -> bool| {
            self.shards.iter().rposition(|shard| shard.has_work() && wanted(shard))
        };
        has_work(|shard| shard.reports.is_empty()).or_else(|| has_work(|_| true))
    }
}

impl Crew {
    pub(crate) fn new(workers: Vec<Worker>, prepare: Option<Prepare>) -> Self {
        let shard = |worker| Shard {
            work: VecDeque::new(),
            worker: Some(Box::new(worker)),
            reports: VecDeque::new(),
            spare: Vec::new(),
        };
        let work_comes = workers.iter().map(|_| Condvar::new()).collect();
        let state = State {
            shards: workers.into_iter().map(shard).collect(),
            under_way: 0,
            is_closed: false,
            caller_waits: false,
            reader_waits: false,
            panic: Panic::Never,
        };
        let mut crew = Self {
            state: Mutex::new(state),
            work_comes,
            reported: Condvar::new(),
            has_room: Condvar::new(),
            is_stopped: AtomicBool::new(false),
            prepare: None,
        };
        crew.prepare = prepare.filter(|_| crew.has_followers());
        crew
    }

    pub(crate) const fn shards(&self) -> usize {
        self.work_comes.len()
    }

    /// Whether each shard has a thread of its own.
    pub(crate) const fn has_followers(&self) -> bool {
        self.shards() > WITHOUT_FOLLOWERS
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody wants the rows any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Says that nobody wants the rows any more.
    pub(crate) fn stop(&self) {
        let _state = self.state();
        self.is_stopped.store(true, Ordering::Relaxed);
        self.wake_all();
    }

    fn wake_all(&self) {
        self.work_comes.iter().for_each(Condvar::notify_one);
        self.reported.notify_one();
        self.has_room.notify_one();
    }

    /// Gives work to all shards. Returns once there is room for more; meanwhile the reader does what it can.
    pub(crate) fn deal(&self, work: &Work) {
        let mut state = self.state();
        if matches!(work, Work::Batch(_)) {
            state.under_way += 1;
        }
        for shard in &mut state.shards {
            shard.work.push_back(work.clone());
        }
        if self.has_followers() {
            self.work_comes.iter().for_each(Condvar::notify_one);
        } else if state.caller_waits {
            self.reported.notify_one();
        } else {
            while state.shards[0].has_work() && !self.is_stopped() {
                state = self.follow(state, 0);
            }
        }
        let most = MOST[usize::from(self.has_followers())];
        while state.is_full(most) && !self.is_stopped() {
            if let Some(shard) = self.readers_shard(&state) {
                state = self.follow(state, shard);
                continue;
            }
            state.reader_waits = true;
            state = self.has_room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.reader_waits = false;
        }
    }

    /// The shard whose work the reader does rather than wait.
    fn readers_shard(&self, state: &State) -> Option<usize> {
        let shards = if self.has_followers() { &[] } else { &state.shards[..] };
        shards.iter().position(Shard::has_work)
    }

    /// Says that no more work comes, and does what is left with the others.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        self.wake_all();
        while let Some(shard) = self.readers_shard(&state).filter(|_| !self.is_stopped()) {
            state = self.follow(state, shard);
        }
    }

    /// Does the work of a shard until there is no more.
    pub(crate) fn follow_all(&self, shard: usize) {
        let mut state = self.state();
        while !self.is_stopped() {
            if state.shards[shard].has_work() {
                state = self.follow(state, shard);
            } else if state.is_closed {
                return;
            } else {
                let woken = self.work_comes[shard].wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Does one piece of work of a shard, unless a thread does already.
    fn follow<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        shard: usize,
    ) -> MutexGuard<'a, State> {
        let own = &mut state.shards[shard];
        let Some(mut worker) = own.worker.take() else { return state };
        let (work, mut report) = (own.work.pop_front(), own.spare.pop().unwrap_or_default());
        drop(state);
        let done = catch_unwind(AssertUnwindSafe(|| {
            let reports = work.is_some_and(|work| worker.take(work, self.prepare, &mut report));
            (worker, reports, report)
        }));
        let mut state = self.state();
        match done {
            Ok((worker, reports, report)) => {
                let own = &mut state.shards[shard];
                own.worker = Some(worker);
                if reports {
                    own.reports.push_back(report);
                } else {
                    own.spare.push(report);
                }
            }
            Err(panic) => {
                state.panic = Panic::New(panic);
                self.is_stopped.store(true, Ordering::Relaxed);
                self.wake_all();
            }
        }
        if state.caller_waits {
            self.reported.notify_one();
        }
        if state.reader_waits {
            self.has_room.notify_one();
        }
        state
    }

    /// Takes the reports of the next batch, once they are all there.
    pub(crate) fn receive(&self) -> Received {
        let mut state = self.state();
        loop {
            match std::mem::replace(&mut state.panic, Panic::Known) {
                Panic::New(panic) => return Received::Panicked(panic),
                Panic::Known => panic!("a thread has panicked"),
                Panic::Never => state.panic = Panic::Never,
            }
            if state.shards.iter().all(|shard| !shard.reports.is_empty()) {
                let fronts = state.shards.iter_mut().map(|shard| shard.reports.pop_front());
                return Received::Reports(fronts.flatten().collect());
            }
            let has_ended = |shard: &Shard| shard.worker.is_some() && shard.work.is_empty();
            if state.is_closed && state.shards.iter().all(has_ended) {
                let workers = state.shards.iter_mut().filter_map(|shard| shard.worker.take());
                return Received::Ended(workers.map(|worker| worker.connections).collect());
            }
            if !self.has_followers()
                && let Some(shard) = state.callers_shard()
            {
                state = self.follow(state, shard);
                continue;
            }
            state.caller_waits = true;
            let woken = self.reported.wait_timeout(state, PATIENCE);
            let (woken, waited) = woken.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.caller_waits = false;
            if waited.timed_out() {
                return Received::Later;
            }
        }
    }

    /// Gives the reports of a batch back, whose rows were given out.
    pub(crate) fn give_back(&self, reports: impl Iterator<Item = Box<Report>>) {
        let mut state = self.state();
        for (shard, report) in state.shards.iter_mut().zip(reports) {
            shard.spare.push(report);
        }
        state.under_way -= 1;
        if state.reader_waits {
            self.has_room.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::options::Options;
    use crate::threads::batch::Batch;

    fn crew(shards: usize) -> Crew {
        let worker = |index| Worker {
            index,
            connections: Connections::shard(&Options::default(), (index, shards)),
            most_content: usize::MAX,
        };
        Crew::new((0..shards).map(worker).collect(), None)
    }

    #[test]
    fn reader_does_the_work_of_a_caller_that_is_away() {
        for shards in [1, 2] {
            let crew = crew(shards);
            crew.deal(&Work::Batch(Arc::new(Batch::new(0, shards))));
            crew.close();
            let is_done = |shard: &Shard| shard.work.is_empty() && shard.reports.len() == 1;
            assert!(crew.state().shards.iter().all(is_done));
        }
    }

    #[test]
    fn panic_of_whoever_works_reaches_the_caller() {
        for shards in [1, 2] {
            let crew = crew(shards);
            // Nothing in it is for the last shard, not even a list without packets.
            crew.deal(&Work::Batch(Arc::new(Batch::new(0, shards - 1))));
            crew.close();
            assert!(matches!(crew.receive(), Received::Panicked(_)));
            let again = catch_unwind(AssertUnwindSafe(|| crew.receive()));
            let text = again.err().and_then(|panic| panic.downcast_ref::<&str>().copied());
            assert_eq!(text, Some("a thread has panicked"));
        }
    }
}
