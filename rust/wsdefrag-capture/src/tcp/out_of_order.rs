//! Segments that arrived ahead of others, by where they stand on the stream.
//!
//! - no byte is held twice: of bytes that come again the first to arrive stay
//! - more than [`MAX_BYTES`] or [`MAX_SEGMENTS`] is too much, and the caller takes some out

#![expect(clippy::cast_possible_truncation, reason = "what is cast lies within one segment")]

use std::collections::BTreeMap;

use crate::packet::Origin;

/// Bytes held, a direction.
const MAX_BYTES: usize = 1 << 20;
/// Segments held, a direction.
const MAX_SEGMENTS: usize = 1024;
/// What it takes to hold a segment besides its bytes: a place in the map, and the allocator's.
const OVERHEAD: usize = 96;

/// Bytes that wait for those before them.
pub(crate) struct HeldSegment {
    pub(crate) bytes: Box<[u8]>,
    /// Bytes behind them that were not captured.
    pub(crate) cut: u32,
    pub(crate) origin: Origin,
}

impl HeldSegment {
    fn length(&self) -> u64 {
        self.bytes.len() as u64 + u64::from(self.cut)
    }
}

/// What of a segment was there before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeated {
    pub(crate) some: bool,
    /// Whether it was not the same.
    pub(crate) differs: bool,
}

/// The segments held for one direction.
#[derive(Default)]
pub(crate) struct OutOfOrder {
    segments: BTreeMap<u64, HeldSegment>,
    bytes: usize,
}

impl OutOfOrder {
    /// Segments held.
    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    /// What it takes to hold them, in bytes.
    pub(crate) fn cost(&self) -> usize {
        self.bytes + self.segments.len() * OVERHEAD
    }

    /// What it takes to hold these.
    pub(crate) const fn cost_of(bytes: &[u8]) -> usize {
        bytes.len() + OVERHEAD
    }

    /// Whether some have to be taken out.
    pub(crate) fn is_too_full(&self) -> bool {
        self.bytes > MAX_BYTES || self.segments.len() > MAX_SEGMENTS
    }

    /// Where the first of them stands.
    pub(crate) fn first(&self) -> Option<u64> {
        self.segments.first_key_value().map(|(&start, _)| start)
    }

    /// Takes out the first of them, if it stands here.
    #[inline]
    pub(crate) fn take(&mut self, position: u64) -> Option<HeldSegment> {
        let entry = self.segments.first_entry().filter(|entry| *entry.key() == position)?;
        let held = entry.remove();
        self.bytes -= held.bytes.len();
        Some(held)
    }

    /// Keeps what of a segment is not there.
    pub(crate) fn insert(
        &mut self,
        start: u64,
        bytes: &[u8],
        cut: u32,
        origin: Origin,
    ) -> Repeated {
        let captured = start + bytes.len() as u64;
        let end = captured + u64::from(cut);
        let part = |from: u64, until: u64| {
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
                repeated.differs |= held.bytes[at(low)..at(high)] != *part(low, high);
            }
            from = other_end;
        }
        if from < end {
            free.push((from, end));
        }
        for (from, until) in free {
            let bytes: Box<[u8]> = part(from, until).into();
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

    /// What is held after segments of (start, bytes) came, bytes that are not as dots.
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
        (text, store.cost(), last)
    }

    #[test]
    fn first_to_arrive_stays() {
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
