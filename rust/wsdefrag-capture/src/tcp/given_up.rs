//! The gaps of a stream, kept to recognise bytes of them that are captured later.
//!
//! Such bytes come too late to be read, but they were captured, and are counted as such.
//!
//! - `ranges` are in order, not empty, and do not overlap
//! - `ranges.len() <= MAX_RANGES + 1`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_RANGES`")]

use serde::{Deserialize, Serialize};

/// Gaps that are kept; the oldest are forgotten first.
const MAX_RANGES: usize = 1024;

/// The gaps of one direction, without the bytes that were captured later.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct GivenUp {
    /// Positions: of the first byte, and after the last one.
    ranges: Vec<(u64, u64)>,
}

impl GivenUp {
    /// Bytes of memory.
    pub(super) const fn bytes_held(&self) -> usize {
        self.ranges.capacity() * size_of::<(u64, u64)>()
    }

    /// Adds a gap after all others.
    pub(super) fn push(&mut self, start: u64, end: u64) {
        if self.ranges.len() >= MAX_RANGES {
            self.ranges.drain(..MAX_RANGES / 2);
        }
        match self.ranges.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => self.ranges.push((start, end)),
        }
    }

    /// Removes the bytes from `start` to `end`, and returns how many there were.
    pub(super) fn take(&mut self, start: u64, end: u64) -> u64 {
        let from = self.ranges.partition_point(|range| range.1 <= start);
        let until = self.ranges.partition_point(|range| range.0 < end);
        if from >= until {
            return 0;
        }
        let (first, last) = (self.ranges[from], self.ranges[until - 1]);
        let touched = &self.ranges[from..until];
        let taken = touched.iter().map(|range| range.1.min(end) - range.0.max(start)).sum();
        let before = (first.0 < start).then_some((first.0, start));
        let after = (last.1 > end).then_some((end, last.1));
        self.ranges.splice(from..until, before.into_iter().chain(after));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_gaps_are_taken_once() {
        for (take, expected, left) in [
            ((0, 10), 0, vec![(10, 20), (30, 40)]),
            ((20, 30), 0, vec![(10, 20), (30, 40)]),
            ((10, 20), 10, vec![(30, 40)]),
            ((12, 15), 3, vec![(10, 12), (15, 20), (30, 40)]),
            ((15, 35), 10, vec![(10, 15), (35, 40)]),
            ((0, 100), 20, vec![]),
            ((40, 50), 0, vec![(10, 20), (30, 40)]),
        ] {
            let mut gaps = GivenUp::default();
            for (start, end) in [(10, 15), (15, 20), (30, 40)] {
                gaps.push(start, end);
            }
            assert_eq!(gaps.take(take.0, take.1), expected, "{take:?}");
            assert_eq!(gaps.ranges, left, "{take:?}");
            assert_eq!(gaps.take(take.0, take.1), 0, "{take:?} again");
        }
    }

    #[test]
    fn gaps_take_memory() {
        let mut gaps = GivenUp::default();
        assert_eq!(gaps.bytes_held(), 0);
        for number in 0..100 {
            gaps.push(2 * number, 2 * number + 1);
        }
        let one = size_of::<(u64, u64)>();
        assert!((100 * one..=200 * one).contains(&gaps.bytes_held()));
    }

    #[test]
    fn oldest_gaps_are_forgotten() {
        let mut gaps = GivenUp::default();
        for number in 0..10_000 {
            gaps.push(2 * number, 2 * number + 1);
        }
        assert!(gaps.ranges.len() <= MAX_RANGES);
        assert_eq!(gaps.take(0, 100), 0);
        assert_eq!(gaps.take(19_998, 20_000), 1);
    }
}
