//! Segments that arrived early: earlier bytes of the stream are still missing.
//!
//! Segments are stored by the position of their first byte. When a segment repeats bytes that are
//! stored already, the stored bytes stay, and only the rest of the segment is added. Bytes that a
//! snap length cut are a hole, which another copy of the segment fills. The store never drops
//! anything by itself: the caller checks [`OutOfOrder::is_too_full`].
//!
//! - every captured byte is stored at most once
//! - a segment is confirmed once the hole before it is (see [`patience`](crate::tcp::patience))

#![expect(clippy::disallowed_methods, reason = "at most `MAX_SEGMENTS`")]
#![expect(clippy::cast_possible_truncation, reason = "every value that is cast fits one segment")]

use std::collections::BTreeMap;

use crate::packet::Origin;
use crate::tcp::patience::Confirmation;
use serde::{Deserialize, Serialize};

/// Payload bytes that one direction may hold.
const MAX_BYTES: usize = 1 << 20;
/// Segments that one direction may hold.
const MAX_SEGMENTS: usize = 1024;
/// Bytes of memory per held segment besides its payload: the map entry and the allocator's header.
const OVERHEAD: usize = 128;

/// A segment, or a range of one, that waits for the bytes before it.
#[derive(Serialize, Deserialize)]
pub(crate) struct HeldSegment {
    #[serde(with = "serde_bytes")]
    pub(crate) bytes: Box<[u8]>,
    /// Payload bytes that follow `bytes` and that a snap length cut.
    pub(crate) cut: u32,
    pub(crate) origin: Origin,
    /// When the hole before the segment was confirmed. Not used where there is none.
    confirmed: Option<Confirmation>,
}

/// What is known of the bytes before a segment when it is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The position up to which the bytes are known to have been received.
    pub(super) received: u64,
    /// The confirmation of the holes before that.
    pub(super) now: Confirmation,
}

/// Whether a segment repeated bytes that were already held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeated {
    /// Whether it repeated any byte.
    pub(crate) some: bool,
    /// Whether a repeated byte had another value.
    pub(crate) differs: bool,
}

/// The held segments of one direction, by the position of their first byte.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct OutOfOrder {
    segments: BTreeMap<u64, HeldSegment>,
    /// The sum of `bytes.len()` over `segments`.
    bytes: usize,
}

impl OutOfOrder {
    /// The number of held segments.
    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The memory that all held segments take, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.bytes + self.segments.len() * OVERHEAD
    }

    /// The memory that a held segment with these bytes takes, in bytes.
    pub(crate) const fn memory_of(bytes: &[u8]) -> usize {
        bytes.len() + OVERHEAD
    }

    /// Whether the caller has to take segments out.
    pub(crate) fn is_too_full(&self) -> bool {
        self.bytes > MAX_BYTES || self.segments.len() > MAX_SEGMENTS
    }

    /// The position of the first held byte.
    pub(crate) fn first(&self) -> Option<u64> {
        self.segments.first_key_value().map(|(&start, _)| start)
    }

    /// The position at which the last held segment starts.
    pub(crate) fn last(&self) -> Option<u64> {
        self.segments.last_key_value().map(|(&start, _)| start)
    }

    /// The position of the first held byte, if the hole before it was confirmed, and when that was.
    pub(super) fn first_confirmed(&self) -> Option<(u64, Confirmation)> {
        let (&start, held) = self.segments.first_key_value()?;
        Some((start, held.confirmed?))
    }

    /// Confirms the holes before all segments that start after position `from` and not after `until`.
    pub(super) fn confirm(&mut self, from: u64, until: u64, now: Confirmation) {
        if from < until {
            for (_, held) in self.segments.range_mut(from + 1..=until) {
                held.confirmed.get_or_insert(now);
            }
        }
    }

    /// The packet of the held byte at `position`, if a held segment starts there.
    pub(crate) fn origin_at(&self, position: u64) -> Option<Origin> {
        self.segments.get(&position).map(|held| held.origin)
    }

    /// Moves all segments to positions that are `distance` greater.
    pub(super) fn shift(&mut self, distance: u64) {
        let segments = std::mem::take(&mut self.segments);
        self.segments =
            segments.into_iter().map(|(start, held)| (start + distance, held)).collect();
    }

    /// Removes and returns the first held segment, if it starts at `position`.
    #[inline]
    pub(crate) fn take(&mut self, position: u64) -> Option<HeldSegment> {
        let entry = self.segments.first_entry().filter(|entry| *entry.key() == position)?;
        let held = entry.remove();
        self.bytes -= held.bytes.len();
        Some(held)
    }

    /// Stores the ranges of a segment that are not held yet. The segment starts at position `start`;
    /// a snap length cut `cut` bytes after `bytes`.
    pub(super) fn insert(
        &mut self,
        start: u64,
        bytes: &[u8],
        cut: u32,
        origin: Origin,
        known: Known,
    ) -> Repeated {
        let end = start + bytes.len() as u64;
        let at = |position: u64| (position - start) as usize;
        let mut repeated = Repeated::default();
        let mut free = Vec::new();
        let mut from = start;
        let before = self.segments.range(..start).next_back();
        let mut received = known.received;
        if let Some((&other, held)) = before {
            received = received.max(other + held.bytes.len() as u64 + u64::from(held.cut));
        }
        let before = before.map_or(start, |(&other, _)| other);
        for (&other, held) in self.segments.range(before..end) {
            let other_end = other + held.bytes.len() as u64;
            if other_end <= from {
                continue;
            }
            if other > from {
                free.push((from, other));
            }
            let (low, high) = (other.max(start), other_end.min(end));
            if low < high {
                repeated.some = true;
                let held = &held.bytes[(low - other) as usize..(high - other) as usize];
                repeated.differs |= *held != bytes[at(low)..at(high)];
            }
            from = other_end;
        }
        // A segment that was cut whole is stored without bytes, because it shows where the hole ends.
        let cut_whole = bytes.is_empty() && from == start && !self.segments.contains_key(&start);
        if from < end || cut_whole {
            free.push((from, end));
        }
        for (from, until) in free {
            let bytes: Box<[u8]> = bytes[at(from)..at(until)].into();
            let cut = if until == end { cut } else { 0 };
            let confirmed = (from <= received).then_some(known.now);
            self.bytes += bytes.len();
            self.segments.insert(from, HeldSegment { bytes, cut, origin, confirmed });
        }
        repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown() -> Known {
        Known { received: 0, now: Confirmation { time: 7, segments: 0 } }
    }

    /// Inserts segments of (start, bytes). Returns the held bytes with a dot for each hole byte, the
    /// memory left after taking all out, and what the last segment repeated.
    fn held(segments: &[(u64, &str)]) -> (String, usize, Repeated) {
        let mut store = OutOfOrder::default();
        let mut last = Repeated::default();
        for (start, bytes) in segments {
            last = store.insert(*start, bytes.as_bytes(), 0, Origin::default(), unknown());
        }
        let mut text = String::new();
        while let Some(first) = store.first() {
            text += &".".repeat(first as usize - text.len());
            text += str::from_utf8(&store.take(first).unwrap().bytes).unwrap();
        }
        (text, store.memory(), last)
    }

    #[test]
    fn repeated_bytes_do_not_replace_the_first() {
        let none = Repeated::default();
        let same = Repeated { some: true, differs: false };
        let differs = Repeated { some: true, differs: true };
        for (segments, expected, last) in [
            (&[(2, "cd"), (6, "gh")][..], "..cd..gh", none),
            (&[(2, "cd"), (4, "ef")], "..cdef", none),
            (&[(2, "cd"), (2, "cd")], "..cd", same),
            (&[(2, "cd"), (2, "xx")], "..cd", differs),
            (&[(2, "cd"), (1, "bcde")], ".bcde", same),
            (&[(2, "cd"), (6, "gh"), (0, "abxxefgxij")], "abcdefghij", differs),
            (&[(1, "bcdefg"), (3, "de")], ".bcdefg", same),
        ] {
            assert_eq!(held(segments), (expected.to_owned(), 0, last), "{segments:?}");
        }
    }

    #[test]
    fn bytes_that_a_snap_length_cut_are_filled_by_another_copy() {
        for first in ["", "a", "ab"] {
            let mut store = OutOfOrder::default();
            let cut = 4 - first.len() as u32;
            store.insert(3, first.as_bytes(), cut, Origin::default(), unknown());
            store.insert(3, b"abcd", 0, Origin::default(), unknown());
            let mut bytes = Vec::new();
            while let Some(held) = store.take(3 + bytes.len() as u64) {
                bytes.extend_from_slice(&held.bytes);
            }
            assert_eq!((bytes.as_slice(), store.memory()), (&b"abcd"[..], 0));
        }
    }

    /// A segment of which nothing was captured shows where a hole ends.
    #[test]
    fn segment_that_was_cut_whole_is_held_unless_it_says_nothing_new() {
        let insert = |store: &mut OutOfOrder, start: u64, bytes: &[u8], cut: u32| {
            store.insert(start, bytes, cut, Origin::default(), unknown())
        };
        let mut store = OutOfOrder::default();
        insert(&mut store, 5, b"", 3);
        assert_eq!((store.len(), store.first(), store.last()), (1, Some(5), Some(5)));
        // No byte of it is held, so none is repeated.
        assert_eq!(insert(&mut store, 3, b"abcd", 0), Repeated::default());
        assert_eq!((store.len(), store.bytes), (2, 4));
        let mut store = OutOfOrder::default();
        insert(&mut store, 2, b"abcdef", 0);
        // Inside of a held one, and where one begins.
        for start in [2, 4] {
            insert(&mut store, start, b"", 2);
            assert_eq!((store.len(), store.memory()), (1, OutOfOrder::memory_of(b"abcdef")));
        }
        assert_eq!(&*store.take(2).unwrap().bytes, b"abcdef");
    }

    #[test]
    fn held_segments_take_memory_up_to_a_bound() {
        let part = vec![0; MAX_BYTES / 16];
        let mut store = OutOfOrder::default();
        assert_eq!((store.memory(), store.len(), store.is_empty()), (0, 0, true));
        for number in 0..16 {
            let start = 1 + number * (part.len() as u64 + 1);
            store.insert(start, &part, 0, Origin::default(), unknown());
        }
        assert_eq!(store.memory(), 16 * OutOfOrder::memory_of(&part));
        assert_eq!(OutOfOrder::memory_of(&part), part.len() + OVERHEAD);
        assert!(!store.is_too_full(), "as many bytes as may be held");
        store.insert(1 << 40, b"a", 0, Origin::default(), unknown());
        assert!(store.is_too_full(), "too many bytes");
        assert_eq!((store.len(), store.first(), store.last()), (17, Some(1), Some(1 << 40)));
        store.take(1);
        assert!(!store.is_too_full());

        let mut store = OutOfOrder::default();
        for number in 0..MAX_SEGMENTS as u64 {
            store.insert(1 + 2 * number, b"a", 0, Origin::default(), unknown());
        }
        assert!(!store.is_too_full(), "as many segments as may be held");
        store.insert(0, b"a", 0, Origin::default(), unknown());
        assert!(store.is_too_full(), "too many segments");
    }

    #[test]
    fn hole_is_confirmed_by_an_acknowledgment_or_by_a_cut_segment() {
        let confirmed = |store: &OutOfOrder, position: u64| {
            store.segments.get(&position).unwrap().confirmed.map(|confirmed| confirmed.time)
        };
        let mut store = OutOfOrder::default();
        for (start, cut) in [(10, 0), (20, 5), (27, 0), (40, 0)] {
            store.insert(start, b"ab", cut, Origin::default(), unknown());
        }
        let times: Vec<_> = [10, 20, 27, 40].iter().map(|at| confirmed(&store, *at)).collect();
        assert_eq!(times, [None, None, Some(7), None]);
        let mut other = OutOfOrder::default();
        other.insert(20, b"ab", 1, Origin::default(), unknown());
        other.insert(23, b"ab", 0, Origin::default(), unknown());
        assert_eq!(confirmed(&other, 23), Some(7), "right after what was cut");
        store.confirm(10, 39, Confirmation { time: 8, segments: 0 });
        store.confirm(0, 20, Confirmation { time: 9, segments: 0 });
        let times: Vec<_> = [10, 20, 27, 40].iter().map(|at| confirmed(&store, *at)).collect();
        assert_eq!(times, [Some(9), Some(8), Some(7), None]);
        assert_eq!(store.first_confirmed(), Some((10, Confirmation { time: 9, segments: 0 })));
    }
}
