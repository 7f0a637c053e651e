//! One direction of a TCP connection: segments in any order in, one stream with explicit gaps out.
//!
//! The stream is counted in bytes from its first one, the byte behind the SYN or else the first
//! that was seen. Everything before `next` has been given out, as data or as a gap; segments
//! behind a hole are held until it closes:
//!
//! ```text
//! a segment at `next`              given out, and what was held behind it
//! a segment behind `next`          held; of bytes that come twice the first to arrive stay
//! a segment before `next`          a retransmission: compared, counted, dropped
//! a hole that the peer has         becomes a gap after three more segments of this direction, or
//!   acknowledged                   two seconds of capture time
//! a hole with too much behind it   becomes a gap at once
//! the end                          every hole becomes a gap
//! ```
//!
//! RFC 9293 section 3.4 for sequence numbers, which wrap, and section 3.8.4 for keep-alives.
//!
//! - `held` holds no byte before `next` and no byte twice
//! - `held` holds at most [`MAX_HELD_BYTES`] in [`MAX_HELD_SEGMENTS`]

use std::collections::BTreeMap;

use crate::packet::Segment;

/// Bytes held behind a hole, a direction.
pub const MAX_HELD_BYTES: usize = 1 << 20;
/// Segments held behind a hole, a direction.
pub const MAX_HELD_SEGMENTS: usize = 1024;
/// Bytes held behind holes, in all.
pub const MAX_HELD_IN_ALL: usize = 256 << 20;
/// Segments after which an acknowledged hole is a gap.
const LATER_SEGMENTS: u8 = 3;
/// Nanoseconds after which an acknowledged hole is a gap.
const PATIENCE: i64 = 2_000_000_000;
/// Bytes of the stream that are kept to compare retransmissions with, unless acknowledged before.
const MAX_HISTORY: usize = 16 << 10;
/// A RST this far ahead of the stream, in bytes, is not taken for one of this connection.
const WINDOW: i64 = 1 << 20;

/// When and where bytes were captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The packet's number.
    pub(crate) packet: u64,
    /// Its time, in nanoseconds since the epoch.
    pub(crate) time: i64,
}

/// The next part of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Bytes of one segment.
    Data(&'a [u8], Origin),
    /// Bytes that were not captured: so many.
    Gap(u64),
}

struct Held {
    bytes: Box<[u8]>,
    /// Bytes behind them that were not captured.
    cut: u32,
    origin: Origin,
}

impl Held {
    fn length(&self) -> u64 {
        self.bytes.len() as u64 + u64::from(self.cut)
    }
}

/// An acknowledged hole at the front.
#[derive(Clone, Copy)]
struct Doubt {
    since: i64,
    later: u8,
}

/// What was said of segments that came more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeats {
    pub(crate) retransmissions: u64,
    pub(crate) overlaps: u64,
}

/// One direction of a connection.
#[derive(Default)]
pub(crate) struct Stream {
    started: bool,
    /// The sequence number of the byte at `next`.
    sequence: u32,
    next: u64,
    /// What the peer has acknowledged.
    acknowledged: u64,
    end: Option<u64>,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    doubt: Option<Doubt>,
    history: Vec<u8>,
    pub(crate) repeats: Repeats,
}

impl Stream {
    /// Whether anything says where the stream is.
    pub(crate) const fn is_started(&self) -> bool {
        self.started
    }

    /// Whether all up to the FIN has been given out.
    pub(crate) fn is_finished(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end)
    }

    /// Whether a SYN with this sequence number is not the one the stream began with.
    pub(crate) fn is_other_syn(&self, sequence: u32) -> bool {
        let first = self.sequence.wrapping_sub(self.next as u32);
        self.started && sequence.wrapping_add(1) != first
    }

    /// Whether a RST with this sequence number is one that the peer would accept.
    pub(crate) fn accepts_reset(&self, sequence: u32) -> bool {
        let ahead = self.ahead(sequence);
        let position = self.next.cast_signed() + ahead;
        !self.started || (position >= self.acknowledged.cast_signed() && ahead <= WINDOW)
    }

    /// How far behind `next` a sequence number lies.
    fn ahead(&self, sequence: u32) -> i64 {
        i64::from(sequence.wrapping_sub(self.sequence).cast_signed())
    }

    fn start(&mut self, sequence: u32) {
        if !self.started {
            self.started = true;
            self.sequence = sequence;
        }
    }

    fn advance(&mut self, length: u64) {
        self.next += length;
        self.sequence = self.sequence.wrapping_add(length as u32);
    }

    /// Takes a segment of this direction.
    pub(crate) fn segment(
        &mut self,
        segment: &Segment<'_>,
        origin: Origin,
        held_in_all: &mut usize,
        out: &mut impl FnMut(Piece<'_>),
    ) {
        let first = segment.sequence.wrapping_add(u32::from(segment.syn));
        self.start(first);
        let start = self.next.cast_signed() + self.ahead(first);
        let length = segment.bytes.len() as i64 + i64::from(segment.cut);
        if segment.fin {
            self.end.get_or_insert((start + length).max(0).cast_unsigned());
        }
        if length == 0 {
            return;
        }
        let (mut bytes, mut cut) = (segment.bytes, segment.cut);
        let mut start = start;
        let old = self.next.cast_signed() - start;
        if old > 0 {
            let seen = bytes.len().min(usize::try_from(old).unwrap_or(usize::MAX));
            self.compare(start, &bytes[..seen], length);
            if old >= length {
                return;
            }
            bytes = &bytes[seen..];
            cut -= u32::try_from(old - seen as i64).unwrap_or(cut).min(cut);
            start = self.next.cast_signed();
        }
        if start == self.next.cast_signed() {
            let end = (start + bytes.len() as i64 + i64::from(cut)).cast_unsigned();
            let fits = self.held.first_key_value().is_none_or(|(&held, _)| end <= held);
            if fits {
                self.give(bytes, cut, origin, out);
                self.release(held_in_all, out);
                return;
            }
        }
        self.hold(start.cast_unsigned(), bytes, cut, origin, held_in_all);
        self.release(held_in_all, out);
        if let Some(doubt) = &mut self.doubt {
            doubt.later += 1;
        }
        while self.held.len() > MAX_HELD_SEGMENTS
            || self.held_bytes > MAX_HELD_BYTES
            || (*held_in_all > MAX_HELD_IN_ALL && !self.held.is_empty())
        {
            self.give_up_hole(held_in_all, out);
        }
    }

    /// Gives out bytes at `next`.
    fn give(&mut self, bytes: &[u8], cut: u32, origin: Origin, out: &mut impl FnMut(Piece<'_>)) {
        self.doubt = None;
        self.remember(bytes);
        self.advance(bytes.len() as u64);
        if !bytes.is_empty() {
            out(Piece::Data(bytes, origin));
        }
        if cut > 0 {
            self.skip(u64::from(cut), out);
        }
    }

    fn skip(&mut self, length: u64, out: &mut impl FnMut(Piece<'_>)) {
        self.history.clear();
        self.doubt = None;
        self.advance(length);
        out(Piece::Gap(length));
    }

    /// Keeps bytes for as long as their sender may have to send them again, within bounds.
    fn remember(&mut self, bytes: &[u8]) {
        if self.acknowledged >= self.next || self.history.len() + bytes.len() > MAX_HISTORY {
            self.history.clear();
        }
        if bytes.len() <= MAX_HISTORY {
            self.history.extend_from_slice(bytes);
        }
    }

    /// Counts a segment with bytes from before `next`, and whether they differ.
    fn compare(&mut self, start: i64, seen: &[u8], length: i64) {
        // A keep-alive may carry one byte of nothing in particular.
        if length == 1 {
            return;
        }
        self.repeats.retransmissions += 1;
        let history = self.next.cast_signed() - self.history.len() as i64;
        let from = history.max(start);
        let until = (start + seen.len() as i64).min(self.next.cast_signed());
        if from >= until {
            return;
        }
        let range = |base: i64| {
            let at = |position: i64| usize::try_from(position - base).unwrap_or(0);
            at(from)..at(until)
        };
        if self.history[range(history)] != seen[range(start)] {
            self.repeats.overlaps += 1;
        }
    }

    /// Keeps what of a segment was not there before.
    fn hold(
        &mut self,
        start: u64,
        bytes: &[u8],
        cut: u32,
        origin: Origin,
        held_in_all: &mut usize,
    ) {
        let captured = start + bytes.len() as u64;
        let end = captured + u64::from(cut);
        let part = |from: u64, until: u64| {
            let at = |position: u64| (position.min(captured) - start) as usize;
            &bytes[at(from)..at(until)]
        };
        let mut free = Vec::new();
        let mut from = start;
        let (mut repeated, mut differs) = (false, false);
        let before = self.held.range(..start).next_back().map(|(&key, _)| key);
        for (&other, held) in self.held.range(before.unwrap_or(start)..end) {
            let other_end = other + held.length();
            if other_end <= from {
                continue;
            }
            if other > from {
                free.push((from, other));
            }
            let (low, high) = (other.max(start), (other + held.bytes.len() as u64).min(captured));
            if low < high {
                repeated = true;
                let at = |position: u64| (position - other) as usize;
                differs |= held.bytes[at(low)..at(high)] != *part(low, high);
            }
            from = from.max(other_end);
        }
        if from < end {
            free.push((from, end));
        }
        self.repeats.retransmissions += u64::from(repeated);
        self.repeats.overlaps += u64::from(differs);
        for (from, until) in free {
            let bytes: Box<[u8]> = part(from, until).into();
            let cut = u32::try_from(until - from - bytes.len() as u64).unwrap_or(u32::MAX);
            self.held_bytes += bytes.len();
            *held_in_all += bytes.len();
            self.held.insert(from, Held { bytes, cut, origin });
        }
    }

    /// Gives out what is held at `next`.
    fn release(&mut self, held_in_all: &mut usize, out: &mut impl FnMut(Piece<'_>)) {
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() != self.next {
                return;
            }
            let held = entry.remove();
            self.held_bytes -= held.bytes.len();
            *held_in_all -= held.bytes.len();
            self.give(&held.bytes, held.cut, held.origin, out);
        }
    }

    /// Turns the hole at the front into a gap and gives out what is held behind it.
    fn give_up_hole(&mut self, held_in_all: &mut usize, out: &mut impl FnMut(Piece<'_>)) {
        if let Some((&held, _)) = self.held.first_key_value() {
            self.skip(held - self.next, out);
            self.release(held_in_all, out);
        }
    }

    /// Takes an acknowledgment by the peer.
    pub(crate) fn acknowledge(&mut self, acknowledgment: u32, now: i64) {
        self.start(acknowledgment);
        let ahead = self.ahead(acknowledgment);
        let position = self.next.cast_signed() + ahead;
        if position > self.acknowledged.cast_signed() {
            self.acknowledged = position.cast_unsigned();
        }
        if ahead > 0 && self.doubt.is_none() && self.acknowledged_hole() > 0 {
            self.doubt = Some(Doubt { since: now, later: 0 });
        }
    }

    /// Bytes at the front that the peer has and nobody captured.
    fn acknowledged_hole(&self) -> u64 {
        let until = self.acknowledged.min(self.end.unwrap_or(u64::MAX));
        let hole = self.held.first_key_value().map_or(u64::MAX, |(&held, _)| held);
        let length = until.min(hole).saturating_sub(self.next);
        // A FIN takes a number, too; where it was not captured it looks like one missing byte.
        let may_be_fin = length == 1 && self.held.is_empty() && self.end.is_none();
        if may_be_fin { 0 } else { length }
    }

    /// Whether [`settle`](Self::settle) may have something to do.
    pub(crate) const fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Turns the hole at the front into a gap, if it is time.
    pub(crate) fn settle(
        &mut self,
        now: i64,
        held_in_all: &mut usize,
        out: &mut impl FnMut(Piece<'_>),
    ) {
        while let Some(doubt) = self.doubt {
            let waited = now.saturating_sub(doubt.since) >= PATIENCE;
            let hole = self.acknowledged_hole();
            if hole == 0 {
                self.doubt = None;
            } else if waited || doubt.later >= LATER_SEGMENTS {
                self.skip(hole, out);
                self.release(held_in_all, out);
                if self.acknowledged_hole() > 0 {
                    self.doubt = Some(Doubt { since: now, later: 0 });
                }
            } else {
                return;
            }
        }
    }

    /// Ends the stream: every hole becomes a gap, and so does what was acknowledged behind the
    /// last byte.
    pub(crate) fn finish(&mut self, held_in_all: &mut usize, out: &mut impl FnMut(Piece<'_>)) {
        while !self.held.is_empty() {
            self.give_up_hole(held_in_all, out);
        }
        let hole = self.acknowledged_hole();
        if hole > 0 {
            self.skip(hole, out);
        }
        self.history = Vec::new();
    }
}
