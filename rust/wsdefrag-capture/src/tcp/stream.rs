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

use crate::packet::{Origin, Segment};
use crate::stream_part::{Gap, GapKind, Repeats, StreamPart};
use crate::tcp::given_up::GivenUp;
use crate::tcp::history::History;
use crate::tcp::out_of_order::{HeldSegment, Known, OutOfOrder, Repeated};
use crate::tcp::patience::{Confirmation, MAX_WAIT};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Start {
    #[default]
    Unknown,
    /// Segments wait, because earlier ones may still be captured.
    Awaited,
    /// A SYN told it, or earlier bytes were waited for.
    Known,
}

/// One direction of a connection.
#[derive(Default)]
pub(crate) struct Stream {
    started: bool,
    start: Start,
    /// Whether a SYN told where the stream begins.
    has_syn: bool,
    /// The sequence number of the byte at `next`.
    sequence: u32,
    /// The position of the next byte to give out.
    next: u64,
    /// The position up to which the peer has acknowledged the stream.
    acknowledged: u64,
    /// The position of an acknowledgment that is too far after `next` to be believed alone.
    unconfirmed: Option<i64>,
    /// The position of the FIN.
    fin: Option<u64>,
    /// The packet with the last byte given out.
    last: Option<Origin>,
    held: OutOfOrder,
    /// How many segments have been held that started after all others; wraps.
    segments_held: u32,
    /// The position up to which a snap length cut the bytes after `next`, if it did.
    cut_until: u64,
    /// When the peer acknowledged bytes of a direction of which nothing was captured, in nanoseconds
    /// since the epoch.
    uncaptured_since: Option<i64>,
    given_up: GivenUp,
    history: History,
    pub(crate) repeats: Repeats,
}

impl Stream {
    /// Whether everything before the FIN has been given out.
    pub(crate) fn is_finished(&self) -> bool {
        self.fin.is_some_and(|fin| self.next >= fin)
    }

    /// Whether a SYN with this sequence number is not the SYN that the stream began with.
    pub(crate) fn is_other_syn(&self, sequence: u32) -> bool {
        let may_begin_here = self.can_rewind_to(sequence.wrapping_add(1));
        self.initial_sequence().is_some_and(|initial| initial != sequence) && !may_begin_here
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

    /// Whether it is known where the stream begins, or nothing earlier is waited for any more.
    #[inline]
    pub(crate) fn has_begun(&self) -> bool {
        self.start == Start::Known
    }

    /// Takes note of a segment that waits until the stream [begins](Self::begin).
    pub(crate) fn await_beginning(&mut self, segment: &Segment<'_>) {
        self.locate(segment);
        if segment.has_payload() && !self.has_begun() {
            self.start = Start::Awaited;
        }
    }

    /// Lets the stream begin at the earliest byte that came, although no SYN was captured.
    pub(crate) const fn begin(&mut self) {
        self.start = Start::Known;
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

    /// Starts the stream with a SYN of this sequence number, unless bytes have been given out.
    pub(crate) fn start_with_syn(&mut self, sequence: u32) {
        let first = sequence.wrapping_add(1);
        self.start_at(first);
        self.rewind(first);
        self.has_syn |= self.next == 0 && self.sequence == first;
        if self.has_syn {
            self.start = Start::Known;
        }
    }

    /// Whether the stream may begin at an earlier byte than it seemed to.
    fn can_rewind_to(&self, sequence: u32) -> bool {
        let distance = self.distance(sequence);
        self.next == 0 && !self.has_syn && (-NEAR..0).contains(&distance)
    }

    /// Lets the stream begin at an earlier byte, if no SYN told where it begins and nothing has been
    /// given out.
    fn rewind(&mut self, sequence: u32) {
        if self.can_rewind_to(sequence) {
            let earlier = self.distance(sequence).unsigned_abs();
            self.sequence = sequence;
            self.held.shift(earlier);
            self.acknowledged += earlier;
            self.fin = self.fin.map(|fin| fin + earlier);
            self.unconfirmed = None;
        }
    }

    /// Starts the stream with the byte of this sequence number, unless it has started.
    pub(crate) const fn start_at(&mut self, sequence: u32) {
        if !self.started {
            self.started = true;
            self.sequence = sequence;
        }
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

    /// Turns the hole at `next` into a gap and gives out the held segments that follow it.
    fn give_up_hole(&mut self, total_held: &mut usize, out: &mut impl FnMut(StreamPart<'_>)) {
        if let Some(held) = self.held.first() {
            self.skip(held - self.next, out);
            self.release(total_held, out);
        }
    }

    /// Takes an acknowledgment by the peer, captured at `now` (nanoseconds since the epoch).
    pub(crate) fn acknowledge(&mut self, acknowledgment: u32, now: i64) {
        self.start_at(acknowledgment);
        let distance = self.distance(acknowledgment);
        let position = self.next.cast_signed() + distance;
        if distance > MAX_JUMP {
            let confirms = |other: i64| (1..=MAX_JUMP).contains(&(position - other));
            if !self.unconfirmed.replace(position).is_some_and(confirms) {
                return;
            }
        }
        let before = self.acknowledged;
        if position > self.acknowledged.cast_signed() {
            self.acknowledged = position.cast_unsigned();
        }
        if !self.held.is_empty() {
            self.held.confirm(before, self.acknowledged, self.confirmation(now));
        } else if self.next == 0 && self.trailing_hole_length() > 0 {
            self.uncaptured_since.get_or_insert(now);
        }
    }

    const fn confirmation(&self, now: i64) -> Confirmation {
        Confirmation { time: now, segments: self.segments_held }
    }

    /// Bytes from `next` on that were received or cut, if no segment is held.
    fn trailing_hole_length(&self) -> u64 {
        let until = self.acknowledged.min(self.fin.unwrap_or(u64::MAX));
        let length = until.saturating_sub(self.next);
        // A FIN has a sequence number too, so a FIN that was not captured looks like a missing byte.
        let may_be_fin = length == 1 && self.fin.is_none();
        let length = if may_be_fin { 0 } else { length };
        length.max(self.cut_until.saturating_sub(self.next))
    }

    /// Whether [`settle`](Self::settle) has to be called.
    pub(crate) fn has_hole(&self) -> bool {
        !self.held.is_empty() || self.uncaptured_since.is_some()
    }

    /// Turns holes into gaps if the patience for them is over. `now` is in nanoseconds since the epoch.
    pub(crate) fn settle(
        &mut self,
        now: i64,
        total_held: &mut usize,
        out: &mut impl FnMut(StreamPart<'_>),
    ) {
        while let Some((_, confirmed)) = self.held.first_confirmed()
            && confirmed.is_over(now, self.segments_held)
        {
            self.give_up_hole(total_held, out);
        }
        // If a later byte was captured, no held segment confirms the acknowledgment, which may be wrong.
        if self.next > 0 || !self.held.is_empty() {
            self.uncaptured_since = None;
        } else if self.uncaptured_since.is_some_and(|since| now.saturating_sub(since) >= MAX_WAIT) {
            self.skip(self.trailing_hole_length(), out);
        }
    }

    /// The memory that the held segments and the history take, in bytes.
    #[inline]
    pub(crate) fn bytes_held(&self) -> usize {
        self.held.memory() + self.history.capacity() + self.given_up.bytes_held()
    }

    /// The memory that the held segments take, in bytes.
    pub(crate) fn segments_memory(&self) -> usize {
        self.held.memory()
    }

    /// Turns all holes into gaps and gives out all held segments.
    pub(crate) fn give_up_holes(
        &mut self,
        total_held: &mut usize,
        out: &mut impl FnMut(StreamPart<'_>),
    ) {
        while !self.held.is_empty() {
            self.give_up_hole(total_held, out);
        }
    }

    /// Ends the stream. Every hole becomes a gap, and so do bytes after the last captured one that
    /// the peer has acknowledged.
    pub(crate) fn finish(&mut self, total_held: &mut usize, out: &mut impl FnMut(StreamPart<'_>)) {
        while let Some(held) = self.held.first() {
            let far = (held - self.next).cast_signed() > MAX_JUMP;
            if far && self.acknowledged <= held && self.held.len() == 1 {
                *total_held -= self.held.memory();
                self.held = OutOfOrder::default();
                break;
            }
            self.give_up_hole(total_held, out);
        }
        let length = self.trailing_hole_length();
        if length > 0 {
            self.skip(length, out);
        }
        self.history = History::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A stream and everything it gave out: bytes, and `None` for each byte of a gap.
    #[derive(Default)]
    struct Receiver {
        stream: Stream,
        total_held: usize,
        received: Vec<Option<u8>>,
    }

    impl Receiver {
        fn starting_at(sequence: u32) -> Self {
            let mut receiver = Self::default();
            receiver.segment(&Segment { sequence, syn: true, ..Segment::default() });
            receiver
        }

        fn segment(&mut self, segment: &Segment<'_>) {
            self.segment_at(0, segment);
        }

        fn segment_at(&mut self, now: i64, segment: &Segment<'_>) {
            let Self { stream, total_held, received } = self;
            let origin = Origin::default();
            stream.segment(segment, origin, now, total_held, &mut |part| note(received, part));
        }

        fn settle(&mut self, now: i64) {
            let Self { stream, total_held, received } = self;
            stream.settle(now, total_held, &mut |part| note(received, part));
        }

        fn finish(&mut self) {
            let Self { stream, total_held, received } = self;
            stream.finish(total_held, &mut |part| note(received, part));
            assert_eq!((stream.held.memory(), *total_held), (0, 0));
        }
    }

    fn note(received: &mut Vec<Option<u8>>, part: StreamPart<'_>) {
        match part.bytes() {
            Some((bytes, _)) => received.extend(bytes.iter().copied().map(Some)),
            None => received.extend((0..part.length()).map(|_| None)),
        }
    }

    fn text(received: &[Option<u8>]) -> String {
        received.iter().map(|byte| byte.map_or('.', char::from)).collect()
    }

    fn part(sequence: u32, bytes: &[u8]) -> Segment<'_> {
        Segment { sequence, bytes, ..Segment::default() }
    }

    const MILLISECOND: i64 = 1_000_000;

    #[test]
    fn received_hole_becomes_a_gap_after_64_segments_and_200_milliseconds() {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(100, b"ab"));
        receiver.segment(&part(104, b"ef"));
        for number in 0..100 {
            receiver.segment_at(0, &part(106 + 2 * number, b"gh"));
        }
        receiver.settle(i64::MAX);
        assert_eq!(text(&receiver.received), "ab", "the peer has acknowledged nothing");
        receiver.stream.acknowledge(106, 0);
        for number in 100..164 {
            receiver.settle(200 * MILLISECOND);
            assert_eq!(text(&receiver.received), "ab", "{number}");
            receiver.segment_at(0, &part(106 + 2 * number, b"gh"));
        }
        receiver.settle(200 * MILLISECOND - 1);
        assert_eq!(text(&receiver.received), "ab");
        receiver.settle(200 * MILLISECOND);
        assert_eq!(text(&receiver.received)[..8], *"ab..efgh");
        assert_eq!(receiver.received.len(), 6 + 2 * 164);
    }

    #[test]
    fn received_hole_becomes_a_gap_after_two_seconds() {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(102, b"cd"));
        receiver.stream.acknowledge(104, 5);
        receiver.settle(5 + MAX_WAIT - 1);
        assert_eq!(text(&receiver.received), "");
        receiver.settle(5 + MAX_WAIT);
        assert_eq!(text(&receiver.received), "..cd");
    }

    /// Each hole has its own patience, so that many holes do not add up to a long delay.
    #[test]
    fn holes_are_waited_for_at_the_same_time() {
        let mut receiver = Receiver::starting_at(99);
        for number in 0..20 {
            receiver.segment_at(0, &part(101 + 2 * number, b"x"));
            receiver.stream.acknowledge(102 + 2 * number, 0);
        }
        receiver.settle(MAX_WAIT - 1);
        assert_eq!(text(&receiver.received), "");
        receiver.settle(MAX_WAIT);
        assert_eq!(text(&receiver.received), ".x".repeat(20));
    }

    #[test]
    fn late_bytes_of_a_gap_are_counted_once_and_are_no_retransmission() {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(103, b"de"));
        receiver.stream.acknowledge(105, 0);
        receiver.settle(MAX_WAIT);
        receiver.segment(&part(100, b"ab"));
        let late = Repeats { late: 2, ..Repeats::default() };
        assert_eq!(receiver.stream.repeats, late);
        receiver.segment(&part(101, b"bcd"));
        assert_eq!(receiver.stream.repeats, Repeats { late: 3, retransmissions: 1, overlaps: 0 });
        assert_eq!(text(&receiver.received), "...de");
    }

    #[test]
    fn whole_copy_fills_in_what_a_snap_length_cut() {
        let cut = |sequence, bytes, cut| Segment { cut, ..part(sequence, bytes) };
        for copies in [
            &[cut(100, b"ab", 4), part(100, b"abcdef"), part(106, b"gh")][..],
            &[cut(100, b"", 6), part(106, b"gh"), part(100, b"abcdef")],
            &[cut(100, b"a", 5), cut(106, b"", 2), cut(100, b"abcd", 2), part(104, b"efgh")],
            &[cut(103, b"", 3), cut(103, b"de", 1), part(106, b"gh"), part(100, b"abcdef")],
        ] {
            let mut receiver = Receiver::starting_at(99);
            for copy in copies {
                receiver.segment(copy);
                receiver.stream.acknowledge(108, 0);
                receiver.settle(MAX_WAIT - 1);
            }
            assert_eq!(text(&receiver.received), "abcdefgh", "{copies:?}");
        }
    }

    /// That it was cut shows that it was sent: no acknowledgment is needed.
    #[test]
    fn cut_bytes_become_a_gap_when_the_patience_is_over_or_at_the_end() {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&Segment { cut: 2, ..part(100, b"ab") });
        receiver.segment(&Segment { cut: 3, ..part(104, b"e") });
        receiver.settle(MAX_WAIT - 1);
        assert_eq!(text(&receiver.received), "ab");
        receiver.settle(MAX_WAIT);
        assert_eq!(text(&receiver.received), "ab..e");
        receiver.finish();
        assert_eq!(text(&receiver.received), "ab..e...");
    }

    #[test]
    fn acknowledgment_without_held_segments_makes_no_gap() {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(100, b"ab"));
        receiver.stream.acknowledge(5_000, 0);
        receiver.settle(i64::MAX);
        receiver.segment(&part(102, b"cd"));
        assert_eq!(text(&receiver.received), "abcd");
    }

    #[test]
    fn late_segment_closes_an_acknowledged_hole() {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(102, b"cd"));
        receiver.stream.acknowledge(104, 0);
        receiver.segment(&part(100, b"ab"));
        receiver.settle(i64::MAX);
        assert_eq!(text(&receiver.received), "abcd");
    }

    #[test]
    fn first_bytes_are_kept_and_a_difference_is_counted() {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(100, b"abcd"));
        receiver.segment(&part(100, b"abcd"));
        receiver.segment(&part(102, b"xxef"));
        assert_eq!(text(&receiver.received), "abcdef");
        assert_eq!(receiver.stream.repeats, Repeats { retransmissions: 2, overlaps: 1, late: 0 });
    }

    #[test]
    fn keep_alive_is_no_retransmission() {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(100, b"ab"));
        receiver.segment(&part(101, b"\0"));
        assert_eq!(receiver.stream.repeats, Repeats::default());
    }

    #[test]
    fn acknowledged_fin_that_was_not_captured_is_not_a_missing_byte() {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(100, b"ab"));
        receiver.stream.acknowledge(103, 0);
        receiver.finish();
        assert_eq!(text(&receiver.received), "ab");
    }

    #[test]
    fn hole_with_too_much_held_after_it_becomes_a_gap() {
        let mut receiver = Receiver::starting_at(99);
        let bytes = vec![b'x'; 64 << 10];
        let mut sequence = 200;
        for _ in 0..20 {
            receiver.segment(&part(sequence, &bytes));
            sequence += 64 << 10;
        }
        assert_eq!(receiver.received.len(), 100 + (20 * (64 << 10)));
        assert!(receiver.received[..100].iter().all(Option::is_none));
    }

    #[test]
    fn late_packet_of_another_connection_makes_no_gap() {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(100, b"ab"));
        receiver.stream.acknowledge(0x4000_0000, 0);
        receiver.stream.acknowledge(0x4000_0000, 1);
        receiver.segment(&part(0x5000_0000, b"old"));
        receiver.segment(&Segment { sequence: 50, fin: true, ..Segment::default() });
        receiver.settle(i64::MAX);
        assert!(!receiver.stream.is_finished());
        receiver.segment(&part(102, b"cd"));
        receiver.finish();
        assert_eq!(text(&receiver.received), "abcd");
    }

    #[test]
    fn long_outage_becomes_a_gap_once_it_is_confirmed() {
        let mut receiver = Receiver::starting_at(99);
        let far = 100 + (MAX_JUMP as u32) * 2;
        for sequence in [far, far + 2, far + 4, far + 6, far + 8, far + 10] {
            receiver.segment(&part(sequence, b"xy"));
            receiver.stream.acknowledge(sequence + 2, 0);
            receiver.settle(MAX_WAIT);
        }
        assert_eq!(receiver.received.len() as i64, MAX_JUMP * 2 + 12);
    }

    #[test]
    fn gap_names_the_packets_around_it() {
        let mut stream = Stream::default();
        let mut gaps = Vec::new();
        let packet = |packet| Origin { packet, file: 0, time: 10 * packet as i64 };
        for (number, sequence, bytes) in [(1, 102, "cd"), (2, 104, "ef"), (3, 108, "ij")] {
            let segment = part(sequence, bytes.as_bytes());
            stream.start_with_syn(99);
            stream.segment(&segment, packet(number), 0, &mut 0, &mut |_| {});
        }
        stream.acknowledge(112, 0);
        stream.finish(&mut { stream.held.memory() }, &mut |part| {
            if let StreamPart::Gap(gap) = part {
                gaps.push(gap);
            }
        });
        let expected = [
            Gap { length: 2, kind: GapKind::Exact, before: None, after: Some(packet(1)) },
            Gap {
                length: 2,
                kind: GapKind::Exact,
                before: Some(packet(2)),
                after: Some(packet(3)),
            },
            Gap { length: 2, kind: GapKind::Exact, before: Some(packet(3)), after: None },
        ];
        assert_eq!(gaps, expected);
    }

    proptest! {
        /// Each segment is captured at most 64 places late, and acknowledged at once.
        #[test]
        fn displaced_segments_lose_nothing(
            start in any::<u32>(),
            places in prop::collection::vec(0_usize..=64, 1..300),
            milliseconds in 0_i64..=15,
        ) {
            let mut order: Vec<_> = places.iter().enumerate().map(|(n, late)| (n + late, n)).collect();
            order.sort_unstable();
            let mut receiver = Receiver::starting_at(start.wrapping_sub(1));
            for (index, (_, number)) in order.into_iter().enumerate() {
                // A segment comes at most 128 segments after the next one, which is less than 2 s.
                let now = index as i64 * milliseconds * MILLISECOND;
                let sequence = start.wrapping_add(number as u32);
                receiver.segment_at(now, &part(sequence, &[b'a' + (number % 26) as u8]));
                receiver.stream.acknowledge(start.wrapping_add(places.len() as u32), now);
                receiver.settle(now);
            }
            let sent: String = (0..places.len()).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
            prop_assert_eq!(text(&receiver.received), sent);
        }

        /// Segments of one stream arrive in any order, any number of times or never, and their
        /// sequence numbers wrap. Every byte is given out once at its position, or is in a gap.
        #[test]
        fn bytes_are_given_out_at_their_position(
            start in any::<u32>(),
            length in 1_usize..200,
            parts in prop::collection::vec((0_usize..200, 0_usize..40, any::<bool>()), 0..60),
            acknowledge in prop::collection::vec((0_usize..60, 0_usize..200), 0..8),
        ) {
            let sent: Vec<u8> = (0..length).map(|n| b'a' + (n % 26) as u8).collect();
            let mut came = vec![false; length];
            let mut acknowledged = 0;
            let mut receiver = Receiver::starting_at(start.wrapping_sub(1));
            for (index, &(from, size, cut)) in parts.iter().enumerate() {
                let from = from.min(length);
                let until = (from + size).min(length);
                let seen = if cut { until - (until - from) / 3 } else { until };
                receiver.segment(&Segment {
                    sequence: start.wrapping_add(from as u32),
                    bytes: &sent[from..seen],
                    cut: (until - seen) as u32,
                    ..Segment::default()
                });
                came[from..seen].fill(true);
                for &(_, upto) in acknowledge.iter().filter(|(at, _)| *at == index) {
                    let upto = upto.min(length);
                    acknowledged = acknowledged.max(upto);
                    receiver.stream.acknowledge(start.wrapping_add(upto as u32), index as i64);
                }
                receiver.settle(index as i64);
            }
            receiver.finish();
            prop_assert!(receiver.received.len() <= length);
            for (index, byte) in receiver.received.iter().enumerate() {
                if let Some(byte) = byte {
                    prop_assert_eq!(*byte, sent[index]);
                    prop_assert!(came[index]);
                }
            }
            prop_assert_eq!(receiver.stream.repeats.overlaps, 0);
            let last = came.iter().rposition(|came| *came).map_or(0, |last| last + 1);
            prop_assert!(receiver.received.len() >= last);
        }
    }
}
