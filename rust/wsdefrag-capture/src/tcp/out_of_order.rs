//! Segments that arrived early: earlier bytes of the stream are still missing.
//!
//! Segments are stored by the position of their first byte. When a segment repeats bytes that are
//! stored already, the stored bytes stay, and only the rest of the segment is added. The store
//! never drops anything by itself: the caller checks [`OutOfOrder::is_too_full`].
//!
//! - every position is stored at most once

#![expect(clippy::cast_possible_truncation, reason = "every value that is cast fits one segment")]

use std::collections::BTreeMap;

use crate::packet::Origin;

/// Payload bytes that one direction may hold.
const MAX_BYTES: usize = 1 << 20;
/// Segments that one direction may hold.
const MAX_SEGMENTS: usize = 1024;
/// Bytes of memory per held segment besides its payload: the map entry and the allocator's header.
const OVERHEAD: usize = 96;

/// A segment, or a range of one, that waits for the bytes before it.
pub(crate) struct HeldSegment {
    pub(crate) bytes: Box<[u8]>,
    /// Payload bytes that follow `bytes` and were not captured.
    pub(crate) cut: u32,
    pub(crate) origin: Origin,
}

impl HeldSegment {
    fn length(&self) -> u64 {
        self.bytes.len() as u64 + u64::from(self.cut)
    }
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
#[derive(Default)]
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

    /// The packet of the held byte at `position`, if a held segment starts there.
    pub(crate) fn origin_at(&self, position: u64) -> Option<Origin> {
        self.segments.get(&position).map(|held| held.origin)
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
    /// `cut` bytes that were not captured follow `bytes`.
    pub(crate) fn insert(
        &mut self,
        start: u64,
        bytes: &[u8],
        cut: u32,
        origin: Origin,
    ) -> Repeated {
        let captured = start + bytes.len() as u64;
        let end = captured + u64::from(cut);
        let range = |from: u64, until: u64| {
            let at = |position: u64| (position.min(captured) - start) as usize;
            &bytes[at(from)..at(until)]
        };
        let mut repeated = Repeated::default();
        let mut free = Vec::new();
        let mut from = start;
        let before = self.segments.range(..start).next_back().map(|(&key, _)| key);
        for (&other, held) in self.segments.range(before.unwrap_or(start)..end) {
            let other_end = other + held.length();
            if other_end <= from {
                continue;
            }
            if other > from {
                free.push((from, other));
            }
            let (low, high) = (other.max(start), (other + held.bytes.len() as u64).min(captured));
            if low < high {
                repeated.some = true;
                let at = |position: u64| (position - other) as usize;
                repeated.differs |= held.bytes[at(low)..at(high)] != *range(low, high);
            }
            from = other_end;
        }
        if from < end {
            free.push((from, end));
        }
        for (from, until) in free {
            let bytes: Box<[u8]> = range(from, until).into();
            let cut = (until - from) as u32 - bytes.len() as u32;
            self.bytes += bytes.len();
            self.segments.insert(from, HeldSegment { bytes, cut, origin });
        }
        repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inserts segments of (start, bytes). Returns the held bytes with a dot for each hole byte, the
    /// memory left after taking all out, and what the last segment repeated.
    fn held(segments: &[(u64, &str)]) -> (String, usize, Repeated) {
        let mut store = OutOfOrder::default();
        let mut last = Repeated::default();
        for (start, bytes) in segments {
            last = store.insert(*start, bytes.as_bytes(), 0, Origin::default());
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
    fn bytes_that_a_snap_length_cut_stay_missing() {
        let mut store = OutOfOrder::default();
        store.insert(0, b"ab", 2, Origin::default());
        assert_eq!(store.insert(2, b"cdef", 0, Origin::default()), Repeated::default());
        let first = store.take(0).unwrap();
        assert_eq!((&*first.bytes, first.cut), (&b"ab"[..], 2));
        assert_eq!(&*store.take(4).unwrap().bytes, b"ef");
    }
}
