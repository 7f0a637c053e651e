//! Inflater states that many directions share.
//!
//! An inflater takes 52 KiB, and is needed only while a compressed message is read. A direction
//! takes one from its pool for its next compressed message, and gives it back when it is parked or
//! ends. A caller with many directions parks those that are used least recently, so that there are
//! never more states than a few. They are not freed in between: the allocator would put small
//! pieces into the room, and could not give it out again as a whole.
//!
//! - `lent` is the number of live inflations that have this pool
//! - `idle` is the length of `states`

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::deflate::inflation::Inflation;
use crate::error::OutOfMemory;
use crate::fallible::{TryBox, TryGrow};
use crate::strictness::Strictness;

/// Inflater states that many directions share; a clone is the same pool.
#[derive(Clone, Default)]
pub struct InflaterPool(Arc<Shared>);

#[derive(Default)]
struct Shared {
    states: Mutex<Vec<TryBox<Inflation>>>,
    idle: AtomicUsize,
    lent: AtomicUsize,
    /// How often one was lent.
    takings: AtomicUsize,
    /// Whether they keep journals.
    keeps_journals: bool,
}

impl InflaterPool {
    /// A pool whose inflaters' states can be written at any time. They keep what they read of a
    /// message that is not complete, and some of earlier ones.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "one for a capture")]
    pub fn resumable() -> Self {
        Self(Arc::new(Shared { keeps_journals: true, ..Shared::default() }))
    }

    /// The number of inflaters that directions have.
    #[must_use]
    pub fn lent(&self) -> usize {
        self.0.lent.load(Ordering::Relaxed)
    }

    /// How often a direction took an inflater, modulo a power of two.
    #[inline]
    #[must_use]
    pub fn takings(&self) -> usize {
        self.0.takings.load(Ordering::Relaxed)
    }

    /// The memory of the inflaters that no direction has, in bytes.
    #[inline]
    #[must_use]
    pub fn idle_bytes(&self) -> usize {
        self.0.idle.load(Ordering::Relaxed) * Inflation::SIZE
    }

    /// Frees the inflaters that no direction has.
    pub fn free_idle(&self) {
        let mut states = self.states();
        *states = Vec::new();
        self.0.idle.store(0, Ordering::Relaxed);
    }

    /// An inflater with an empty window, for a direction with these settings.
    pub(crate) fn take(
        &self,
        no_context_takeover: bool,
        strictness: Strictness,
    ) -> Result<TryBox<Inflation>, OutOfMemory> {
        let mut states = self.states();
        let state = states.pop();
        self.0.idle.store(states.len(), Ordering::Relaxed);
        drop(states);
        let mut state = match state {
            Some(mut state) => {
                state.begin_anew(no_context_takeover, strictness);
                state
            }
            None => TryBox::new(Inflation::new(no_context_takeover, strictness)?)?,
        };
        if self.0.keeps_journals {
            state.keep_journal();
        }
        self.0.lent.fetch_add(1, Ordering::Relaxed);
        self.0.takings.fetch_add(1, Ordering::Relaxed);
        Ok(state)
    }

    /// Takes an inflater back. Without memory for its place, it is freed.
    pub(crate) fn give_back(&self, mut state: TryBox<Inflation>) {
        state.forget();
        let mut states = self.states();
        let _ = states.try_push(state);
        self.0.idle.store(states.len(), Ordering::Relaxed);
        drop(states);
        self.0.lent.fetch_sub(1, Ordering::Relaxed);
    }

    fn states(&self) -> MutexGuard<'_, Vec<TryBox<Inflation>>> {
        self.0.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_that_was_given_back_is_lent_again() {
        let pool = InflaterPool::default();
        let states = [0, 1].map(|_| pool.take(false, Strictness::default()).unwrap());
        assert_eq!((pool.lent(), pool.takings(), pool.idle_bytes()), (2, 2, 0));
        for state in states {
            pool.give_back(state);
        }
        assert_eq!((pool.lent(), pool.idle_bytes()), (0, 2 * Inflation::SIZE));
        let again = pool.take(true, Strictness::default()).unwrap();
        assert!(again.no_context_takeover());
        assert_eq!((pool.lent(), pool.takings(), pool.idle_bytes()), (1, 3, Inflation::SIZE));
        pool.free_idle();
        assert_eq!((pool.lent(), pool.idle_bytes()), (1, 0));
    }
}
