//! The inflaters of all connections together.
//!
//! An inflater takes 52 KiB, and what later messages may refer to much less in most connections. So
//! only so many connections have inflaters as there are likely to be at work at a time. Of the
//! others the windows are kept, as far as they are filled.
//!
//! Connections that took an inflater wait in a queue. Where there are too many inflaters, the first
//! in the queue gives its own back, unless it is inside a message or had a packet since it was put
//! there; then it goes to the end of the queue (see [`relief`](crate::tcp::relief)).

use std::collections::VecDeque;

use wsdefrag_core::InflaterPool;
use wsdefrag_core::fallible::TryGrow;

use crate::options::Options;
use crate::tcp::connection_table::SlotIndex;

/// Inflaters that directions have at a time; together they take 52 MiB. More only if they are in use.
const MOST: usize = 1 << 10;

/// The part of the memory that they may take is one of so many.
const PART: usize = 8;

/// Inflaters that there may be in any case.
const FEWEST: usize = 2;

/// Where memory is short, each relief leaves one in so many, down to a number that is enough for packets
/// that follow each other.
const REDUCTION: usize = 8;
const ENOUGH: usize = 16;

/// Bytes of an inflater.
const SIZE: usize = 52 << 10;

/// The inflaters of a capture's connections.
#[derive(Default)]
pub(crate) struct Inflaters {
    pub(super) pool: InflaterPool,
    most: usize,
    /// Those of the pool when it was last looked at.
    takings: usize,
    /// Connections that took one, and when they had their last packet, as far as was known when they
    /// were put here.
    users: VecDeque<(SlotIndex, i64)>,
}

impl Inflaters {
    /// Those of a capture with these options.
    pub(crate) fn new(options: &Options) -> Self {
        let most = (options.memory / PART / SIZE).clamp(FEWEST, MOST);
        let pool =
            if options.resumable { InflaterPool::resumable() } else { InflaterPool::default() };
        Self { pool, most, takings: 0, users: VecDeque::new() }
    }

    /// Bytes of as many inflaters as there may be without being in use.
    pub(crate) const fn most_bytes(&self) -> usize {
        self.most * SIZE
    }

    /// Whether inflaters were taken since the last [`taken_by`](Self::taken_by).
    #[inline]
    pub(super) fn were_taken(&self) -> bool {
        self.pool.takings() != self.takings
    }

    /// Manages with fewer: memory is short. Else as many would be made again after each relief, in other
    /// places, because small pieces would have taken theirs.
    pub(super) fn reduce(&mut self) {
        self.most = self.most.min((self.most / REDUCTION).max(ENOUGH));
    }

    /// Takes note that a connection took an inflater for its last packet.
    pub(super) fn taken_by(&mut self, user: SlotIndex, last: i64) {
        self.takings = self.pool.takings();
        // Without memory for the queue the inflater stays until the ledger wants it.
        let _ = self.users.try_push((user, last));
    }

    /// If there are too many inflaters, the next connection to give its own back, and the time of its
    /// last packet as it was known.
    pub(super) fn next_user(&mut self) -> Option<(SlotIndex, i64)> {
        // Connections that have ended are still in the queue, so it has a bound of its own.
        let are_too_many = self.pool.lent() > self.most || self.users.len() > 2 * self.most;
        if are_too_many { self.users.pop_front() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflaters(memory: usize) -> Inflaters {
        Inflaters::new(&Options { memory, ..Options::default() })
    }

    #[test]
    fn inflaters_take_an_eighth_of_the_memory_within_bounds() {
        for (memory, most) in
            [(0, 2), (1 << 20, 2), (8 * 5 * SIZE, 5), (8 * 6 * SIZE - 1, 5), (16 << 30, 1024)]
        {
            assert_eq!(inflaters(memory).most_bytes(), most * SIZE, "{memory}");
        }
    }

    #[test]
    fn short_memory_leaves_an_eighth_of_them_but_enough() {
        let mut many = inflaters(16 << 30);
        let most = [(); 4].map(|()| {
            many.reduce();
            many.most_bytes() / SIZE
        });
        assert_eq!(most, [128, 16, 16, 16]);
        let mut few = inflaters(8 * 5 * SIZE);
        few.reduce();
        assert_eq!(few.most_bytes(), 5 * SIZE);
    }

    #[test]
    fn queue_has_two_places_for_each_inflater() {
        let mut inflaters = inflaters(8 * 5 * SIZE);
        for user in 0..11 {
            assert_eq!(inflaters.next_user(), None, "{user}");
            inflaters.taken_by(user, 0);
        }
        assert_eq!(inflaters.next_user(), Some((0, 0)));
    }

    #[test]
    fn queue_of_users_has_a_bound() {
        let mut inflaters = inflaters(0);
        for user in 0..4 {
            inflaters.taken_by(user, 10 + i64::from(user));
            assert_eq!(inflaters.next_user(), None, "{user}");
        }
        inflaters.taken_by(4, 14);
        assert_eq!(inflaters.next_user(), Some((0, 10)));
        assert_eq!(inflaters.next_user(), None);
        assert!(!inflaters.were_taken());
    }
}
