//! The memory that the connections hold together, and its bound.
//!
//! A live connection is measured after each of its packets that may change it, and the difference is
//! added here. A past one counts what it takes in the table. Over the
//! bound, memory is given back in one pass down to seven eighths of it (see
//! [`relief`](crate::tcp::relief)), so that the cost of a pass is spread over the bytes that filled
//! the last eighth.
//!
//! - `used` is the sum of what the live connections were measured at, and of what the past ones take

use crate::options::Options;
use crate::tcp::inflaters::Inflaters;

/// What the connections hold, in bytes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    limit: usize,
    /// What they may hold without a relief; less than `limit` if they are read by shares.
    most: usize,
    used: usize,
}

impl Ledger {
    /// The ledger of a capture with these options and inflaters.
    pub(super) fn new(options: &Options, inflaters: &Inflaters) -> Self {
        let limit = options.memory;
        // One reader of all may hold more than those of shares together, as it parks other inflaters.
        let sure = limit.saturating_sub(inflaters.most_bytes());
        let most = options.filter.share.map_or(limit, |share| share.part_of(sure));
        Self { limit, most, used: 0 }
    }

    /// Takes note that a connection held `before` bytes and holds `after`.
    #[inline]
    pub(super) const fn change(&mut self, before: usize, after: usize) {
        self.used = self.used - before + after;
    }

    pub(super) const fn used(&self) -> usize {
        self.used
    }

    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// What the connections may hold without a relief.
    pub(super) const fn most(&self) -> usize {
        self.most
    }

    /// Whether memory has to be given back, where `idle` bytes more are held for no connection.
    #[inline]
    pub(super) const fn is_over(&self, idle: usize) -> bool {
        self.used.saturating_add(idle) > self.most
    }

    /// Whether enough was given back, and nothing is idle.
    pub(super) const fn is_relieved(&self) -> bool {
        self.used <= self.limit - self.limit / 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_over_the_bound_down_to_seven_eighths() {
        let options = Options { memory: 800, ..Options::default() };
        let mut ledger = Ledger::new(&options, &Inflaters::new(&options));
        assert_eq!((ledger.limit(), ledger.most(), ledger.used()), (800, 800, 0));
        ledger.change(0, 500);
        ledger.change(100, 400);
        assert_eq!(ledger.used(), 800);
        assert!(!ledger.is_over(0) && ledger.is_over(1) && !ledger.is_relieved());
        ledger.change(400, 300);
        assert!(ledger.is_relieved() && !ledger.is_over(100) && ledger.is_over(101));
        ledger.change(0, 1);
        assert!(!ledger.is_relieved());
        ledger.change(701, 0);
        assert_eq!(ledger.used(), 0);
    }
}
