//! One direction of a TCP connection: segments in any order in, one ordered stream out.
//!
//! Positions count bytes from the first byte of the stream: the one after the SYN, or the first
//! one captured if the SYN was not. Everything before position `next` has been given out, as data
//! or as a gap. A hole is a range after `next` of which no byte has arrived.
//!
//! ```text
//! segment before the beginning is     waits with those of the other direction (see
//! known                             [`beginning`](crate::tcp::beginning)), not here
//! segment at `next`                 given out, together with held segments that now follow
//! segment after `next`              held; bytes that are held already keep their first value
//! segment before `next`             a retransmission: compared, counted, dropped; or bytes of a
//!                                   gap, which are too late and are counted
//! bytes cut by a snap length        a hole, which another copy of the segment fills
//! hole whose bytes were received    becomes a gap when the patience for it is over
//! hole with too much held after it  becomes a gap at once
//! end of the capture                every hole becomes a gap
//! ```
//!
//! A late packet of an earlier connection on the same ports can carry any number. So a segment or
//! an acknowledgment more than [`MAX_JUMP`] bytes after `next` counts only when a second one agrees
//! with it. A single one never makes a gap.
//!
//! RFC 9293 section 3.4 (sequence numbers wrap) and section 3.8.4 (keep-alives).
//!
//! - every held byte has a position `>= next`
//! - `fin >= next`, where it is known

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a sequence number is a position modulo 2^32, and no slice is longer than 2^63 bytes"
)]

mod holes;
mod start;
#[cfg(test)]
mod tests;

use crate::packet::{Origin, Segment};
use crate::stream_part::{Gap, GapKind, Repeats, StreamPart};
use crate::tcp::given_up::GivenUp;
use crate::tcp::history::History;
use crate::tcp::out_of_order::{HeldSegment, Known, OutOfOrder, Repeated};
use serde::{Deserialize, Serialize};

/// Bytes of memory that the held segments of all connections may take together.
pub(super) const MAX_TOTAL_HELD: usize = 256 << 20;
/// Bytes of memory that each direction may use for held segments even when the total is exceeded, so
/// that one connection cannot take the memory of all others.
const GUARANTEED: usize = 64 << 10;
/// Bytes after `next` within which a segment or an acknowledgment is believed alone.
const MAX_JUMP: i64 = 64 << 20;
/// Bytes around `next` within which segments of a running connection usually are.
const NEAR: i64 = 1 << 20;

/// What is known of the first byte of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Start {
    #[default]
    Unknown,
    /// Segments wait, because earlier ones may still be captured.
    Awaited,
    /// A SYN told it, or earlier bytes were waited for.
    Known,
}

/// One direction of a connection.
#[derive(Default, Serialize, Deserialize)]
// Fields in the order of their use: those of every packet share cache lines.
#[repr(C)]
pub(crate) struct Stream {
    /// The sequence number of the byte at `next`.
    sequence: u32,
    /// How many segments have been held that started after all others; wraps.
    segments_held: u32,
    started: bool,
    /// Whether a SYN told where the stream begins.
    has_syn: bool,
    start: Start,
    /// The position of the next byte to give out.
    next: u64,
    /// The position up to which the peer has acknowledged the stream.
    acknowledged: u64,
    /// The position of the FIN.
    fin: Option<u64>,
    /// When the peer acknowledged bytes of a direction of which nothing was captured, in nanoseconds
    /// since the epoch.
    uncaptured_since: Option<i64>,
    held: OutOfOrder,
    history: History,
    /// The packet with the last byte given out.
    last: Option<Origin>,
    /// The position up to which a snap length cut the bytes after `next`, if it did.
    cut_until: u64,
    /// The position of an acknowledgment that is too far after `next` to be believed alone.
    unconfirmed: Option<i64>,
    given_up: GivenUp,
    pub(crate) repeats: Repeats,
}

impl Stream {
    /// Whether everything before the FIN has been given out.
    pub(crate) fn is_finished(&self) -> bool {
        self.fin.is_some_and(|fin| self.next >= fin)
    }

    /// Whether a segment with this sequence number may belong to the running stream. The first one of
    /// a stream has to be at its first byte.
    pub(crate) fn expects(&self, sequence: u32) -> bool {
        let distance = self.distance(sequence);
        let reach = if self.is_empty() { 0 } else { NEAR };
        self.started && distance.abs() <= reach
    }

    /// Whether nothing was captured of the stream but its SYN.
    pub(crate) fn is_empty(&self) -> bool {
        self.next == 0 && self.held.is_empty() && self.start != Start::Awaited
    }

    /// Whether something has been given out.
    pub(crate) const fn has_given(&self) -> bool {
        self.next > 0
    }

    /// The sequence number of the byte at `next`, if the stream has started.
    pub(crate) fn next_sequence(&self) -> Option<u32> {
        self.started.then_some(self.sequence)
    }

    /// Whether a FIN was captured.
    pub(crate) const fn has_fin(&self) -> bool {
        self.fin.is_some()
    }

    /// The sequence number of the SYN, if the stream has started. It is computed from the first byte
    /// when the SYN was not captured.
    pub(crate) fn initial_sequence(&self) -> Option<u32> {
        let first = self.sequence.wrapping_sub(self.next as u32);
        self.started.then(|| first.wrapping_sub(1))
    }

    /// Signed distance of a sequence number from `next`, in bytes; negative if already given out.
    fn distance(&self, sequence: u32) -> i64 {
        i64::from(sequence.wrapping_sub(self.sequence).cast_signed())
    }

    /// The position of the byte with this sequence number. A stream that has not started would start
    /// with it.
    pub(crate) fn position(&self, sequence: u32) -> Option<u64> {
        if !self.started {
            return Some(0);
        }
        u64::try_from(self.next.cast_signed() + self.distance(sequence)).ok()
    }

    fn advance(&mut self, length: u64) {
        self.next += length;
        self.sequence = self.sequence.wrapping_add(length as u32);
        // Bytes after a FIN show that the FIN belonged to another connection.
        self.fin = self.fin.filter(|fin| *fin >= self.next);
    }

    /// Starts the stream, or lets it begin earlier, and notes a FIN. Returns the position of the
    /// segment's first byte.
    fn locate(&mut self, segment: &Segment<'_>) -> i64 {
        let first = segment.sequence.wrapping_add(u32::from(segment.syn));
        let length = segment.length();
        if segment.syn {
            self.start_with_syn(segment.sequence);
        } else {
            self.start_at(first);
            // A keep-alive repeats the position before the first byte.
            if length > 1 && self.next == 0 {
                self.rewind(first);
            }
        }
        let next = self.next.cast_signed();
        let start = next + self.distance(first);
        if segment.fin && (0..=MAX_JUMP).contains(&(start + length - next)) {
            self.fin.get_or_insert((start + length).cast_unsigned());
        }
        start
    }

    /// Takes a segment of this direction; what it completes goes to `out`. `now` is in nanoseconds
    /// since the epoch; `total_held` is the memory that held segments of all connections take, in
    /// bytes.
    pub(crate) fn segment(
        &mut self,
        segment: &Segment<'_>,
        origin: Origin,
        now: i64,
        total_held: &mut usize,
        out: &mut impl FnMut(StreamPart<'_>),
    ) {
        let mut start = self.locate(segment);
        let next = self.next.cast_signed();
        let length = segment.length();
        if length == 0 {
            return;
        }
        let (mut bytes, mut cut) = (segment.bytes, segment.cut);
        let repeated = next - start;
        if repeated > 0 {
            let captured = bytes.len().min(usize::try_from(repeated).unwrap_or(usize::MAX));
            self.count_repeated(start, &bytes[..captured], length);
            if repeated >= length {
                return;
            }
            bytes = &bytes[captured..];
            cut -= u32::try_from(repeated - captured as i64).unwrap_or(cut).min(cut);
            start = next;
        }
        if start == next {
            let end = (start + bytes.len() as i64).cast_unsigned();
            let fits = self.held.first().is_none_or(|held| end <= held);
            if fits {
                self.give(bytes, cut, origin, out);
                self.release(total_held, out);
                return;
            }
        }
        let before = self.held.memory();
        let is_latest = self.held.last().is_none_or(|last| start.cast_unsigned() > last);
        self.segments_held = self.segments_held.wrapping_add(u32::from(is_latest));
        let known =
            Known { received: self.acknowledged.max(self.cut_until), now: self.confirmation(now) };
        let Repeated { some, differs } =
            self.held.insert(start.cast_unsigned(), bytes, cut, origin, known);
        *total_held += self.held.memory() - before;
        self.repeats.retransmissions += u64::from(some);
        self.repeats.overlaps += u64::from(differs);
        self.release(total_held, out);
        while self.held.is_too_full()
            || (*total_held > MAX_TOTAL_HELD && self.held.memory() > GUARANTEED)
        {
            self.give_up_hole(total_held, out);
        }
    }

    /// Gives out the bytes at `next`. A snap length cut `cut` bytes after them.
    fn give(
        &mut self,
        bytes: &[u8],
        cut: u32,
        origin: Origin,
        out: &mut impl FnMut(StreamPart<'_>),
    ) {
        self.history.push(bytes, self.acknowledged >= self.next);
        self.advance(bytes.len() as u64);
        if cut > 0 {
            self.cut_until = self.cut_until.max(self.next + u64::from(cut));
        }
        if !bytes.is_empty() {
            self.last = Some(origin);
            out(StreamPart::Data(bytes, origin));
        }
    }

    /// Gives out a gap at `next`, `length` bytes long.
    fn skip(&mut self, length: u64, out: &mut impl FnMut(StreamPart<'_>)) {
        self.history.clear();
        self.given_up.push(self.next, self.next + length);
        self.advance(length);
        let after = self.held.origin_at(self.next);
        out(StreamPart::Gap(Gap { length, kind: GapKind::Exact, before: self.last, after }));
    }

    /// Counts a segment that starts before `next`. `captured` is its range before `next`, as far as
    /// it was captured; `length` is the payload length of the whole segment in bytes.
    fn count_repeated(&mut self, start: i64, captured: &[u8], length: i64) {
        let end = (start + captured.len() as i64).max(0).cast_unsigned();
        let late = self.given_up.take(start.max(0).cast_unsigned(), end);
        self.repeats.late += late;
        if late > 0 && late == captured.len() as u64 {
            return;
        }
        // A keep-alive may repeat the position before `next` with a byte of any value.
        if length == 1 {
            return;
        }
        self.repeats.retransmissions += 1;
        if self.history.differs(self.next.cast_signed(), start, captured) {
            self.repeats.overlaps += 1;
        }
    }

    /// Gives out the held segments that start at `next`.
    fn release(&mut self, total_held: &mut usize, out: &mut impl FnMut(StreamPart<'_>)) {
        while let Some(HeldSegment { bytes, cut, origin, .. }) = self.held.take(self.next) {
            *total_held -= OutOfOrder::memory_of(&bytes);
            self.give(&bytes, cut, origin, out);
        }
    }
}
