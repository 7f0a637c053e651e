//! The numbers of connections that several threads follow: each thread gives numbers of its own, until those
//! among all are known.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a value for each worker and each live connection"
)]

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Bits of the number that a worker gives a connection before its number among all is known. Those above
/// have the number of the worker, from 1.
const LOCAL_BITS: u32 = 48;

/// The number that a worker gives its first connection.
pub(crate) const fn first_number(worker: usize) -> u64 {
    (worker as u64 + 1) << LOCAL_BITS
}

/// The numbers of connections among all.
#[derive(Default)]
pub(crate) struct Numbers {
    /// By the number that the worker gave.
    known: HashMap<u64, u64, FixedState>,
    /// By worker: how many took one.
    taken: Vec<u64>,
    pub(crate) next: u64,
}

impl Numbers {
    /// No connections of so many workers.
    pub(crate) fn new(workers: usize) -> Self {
        Self { taken: vec![0; workers], ..Self::default() }
    }

    /// Gives the next number to the next connection of a worker.
    pub(crate) fn take(&mut self, worker: usize) {
        let local = first_number(worker) + self.taken[worker];
        self.taken[worker] += 1;
        self.known.insert(local, self.next);
        self.next += 1;
    }

    /// The number among all of a connection that has this number of a worker.
    pub(crate) fn of(&self, local: u64) -> u64 {
        self.known.get(&local).copied().unwrap_or(local)
    }

    /// Forgets a connection, of which nothing more comes.
    pub(crate) fn forget(&mut self, local: u64) {
        self.known.remove(&local);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_workers_become_numbers_among_all() {
        let mut numbers = Numbers::new(3);
        let first = [0, 1, 2].map(first_number);
        assert!(first[0] > 0 && first[0] < first[1] && first[1] < first[2]);
        for worker in [1, 0, 1, 2] {
            numbers.take(worker);
        }
        let of = |numbers: &Numbers| {
            [first[1], first[0], first[1] + 1, first[2]].map(|local| numbers.of(local))
        };
        assert_eq!((of(&numbers), numbers.next), ([0, 1, 2, 3], 4));
        // A number that no worker gave is one among all already.
        assert_eq!(numbers.of(7), 7);
        numbers.forget(first[1] + 1);
        assert_eq!(of(&numbers), [0, 1, first[1] + 1, 3]);
    }
}
