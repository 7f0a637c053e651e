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
//! Packets of an earlier connection on the same ports may still be on their way, and say anything.
//! So an acknowledgment or a segment that is far ahead of the stream needs a second one to agree
//! with it before bytes are said to be missing.
//!
//! RFC 9293 section 3.4 for sequence numbers, which wrap, and section 3.8.4 for keep-alives.
//!
//! - `held` holds no byte before `next`

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a sequence number is a position modulo 2^32, and no slice is longer than 2^63 bytes"
)]

use crate::packet::{Origin, Segment};
use crate::stream_part::{Repeats, StreamPart};
use crate::tcp::out_of_order::{HeldSegment, OutOfOrder, Repeated};

/// Bytes held behind holes, in all, with what it takes to hold them.
const MAX_HELD_IN_ALL: usize = 256 << 20;
/// What each direction may hold all the same, so that none pays for the others.
const SHARE: usize = 64 << 10;
/// Segments after which an acknowledged hole is a gap.
const LATER_SEGMENTS: u8 = 3;
/// Nanoseconds after which an acknowledged hole is a gap.
const PATIENCE: i64 = 2_000_000_000;
/// Bytes of the stream that are kept to compare retransmissions with, unless acknowledged before.
const MAX_HISTORY: usize = 4 << 10;
/// What lies this far ahead of the stream, in bytes, may be a late packet of another connection on
/// the same ports, and is believed when something else agrees.
const JUMP: i64 = 64 << 20;

/// An acknowledged hole at the front.
#[derive(Clone, Copy)]
struct Doubt {
    since: i64,
    later: u8,
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
    /// An acknowledgment that is too far ahead to be believed alone.
    claimed: Option<i64>,
    end: Option<u64>,
    held: OutOfOrder,
    doubt: Option<Doubt>,
    history: Vec<u8>,
    pub(crate) repeats: Repeats,
}

impl Stream {
    /// Whether all up to the FIN has been given out.
    pub(crate) fn is_finished(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end)
    }

    /// Whether a SYN with this sequence number is not the one the stream began with.
    pub(crate) fn is_other_syn(&self, sequence: u32) -> bool {
        self.initial().is_some_and(|initial| initial != sequence)
    }

    /// Whether a RST with this sequence number ends the connection for whoever has received what
    /// was captured (RFC 5961 section 3.2).
    pub(crate) fn accepts_reset(&self, sequence: u32) -> bool {
        !self.started || self.ahead(sequence) == 0
    }

    /// Whether a FIN was seen.
    pub(crate) const fn has_end(&self) -> bool {
        self.end.is_some()
    }

    /// The sequence number of its SYN, as far as it is known.
    pub(crate) fn initial(&self) -> Option<u32> {
        let first = self.sequence.wrapping_sub(self.next as u32);
        self.started.then(|| first.wrapping_sub(1))
    }

    /// How far behind `next` a sequence number lies.
    fn ahead(&self, sequence: u32) -> i64 {
        i64::from(sequence.wrapping_sub(self.sequence).cast_signed())
    }

    /// Begins with a SYN of this sequence number.
    pub(crate) fn begin(&mut self, sequence: u32) {
        self.start(sequence.wrapping_add(1));
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
        // Where bytes follow, the FIN was not of this connection.
        self.end = self.end.filter(|end| *end >= self.next);
    }

    /// Takes a segment of this direction.
    pub(crate) fn segment(
        &mut self,
        segment: &Segment<'_>,
        origin: Origin,
        held_in_all: &mut usize,
        out: &mut impl FnMut(StreamPart<'_>),
    ) {
        let first = segment.sequence.wrapping_add(u32::from(segment.syn));
        self.start(first);
        let start = self.next.cast_signed() + self.ahead(first);
        let length = segment.bytes.len() as i64 + i64::from(segment.cut);
        if segment.fin && (0..=JUMP).contains(&(start + length - self.next.cast_signed())) {
            self.end.get_or_insert((start + length).cast_unsigned());
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
            let fits = self.held.first().is_none_or(|held| end <= held);
            if fits {
                self.give(bytes, cut, origin, out);
                self.release(held_in_all, out);
                return;
            }
        }
        let before = self.held.cost();
        let Repeated { some, differs } =
            self.held.insert(start.cast_unsigned(), bytes, cut, origin);
        *held_in_all += self.held.cost() - before;
        self.repeats.retransmissions += u64::from(some);
        self.repeats.overlaps += u64::from(differs);
        self.release(held_in_all, out);
        if let Some(doubt) = &mut self.doubt {
            doubt.later += 1;
        }
        while self.held.is_too_full()
            || (*held_in_all > MAX_HELD_IN_ALL && self.held.cost() > SHARE)
        {
            self.give_up_hole(held_in_all, out);
        }
    }

    /// Gives out bytes at `next`.
    fn give(
        &mut self,
        bytes: &[u8],
        cut: u32,
        origin: Origin,
        out: &mut impl FnMut(StreamPart<'_>),
    ) {
        self.doubt = None;
        self.remember(bytes);
        self.advance(bytes.len() as u64);
        if !bytes.is_empty() {
            out(StreamPart::Data(bytes, origin));
        }
        if cut > 0 {
            self.skip(u64::from(cut), out);
        }
    }

    fn skip(&mut self, length: u64, out: &mut impl FnMut(StreamPart<'_>)) {
        self.history.clear();
        self.doubt = None;
        self.advance(length);
        out(StreamPart::Gap(length));
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

    /// Gives out what is held at `next`.
    fn release(&mut self, held_in_all: &mut usize, out: &mut impl FnMut(StreamPart<'_>)) {
        while let Some(HeldSegment { bytes, cut, origin }) = self.held.take(self.next) {
            *held_in_all -= OutOfOrder::cost_of(&bytes);
            self.give(&bytes, cut, origin, out);
        }
    }

    /// Turns the hole at the front into a gap and gives out what is held behind it.
    fn give_up_hole(&mut self, held_in_all: &mut usize, out: &mut impl FnMut(StreamPart<'_>)) {
        if let Some(held) = self.held.first() {
            self.skip(held - self.next, out);
            self.release(held_in_all, out);
        }
    }

    /// Takes an acknowledgment by the peer.
    pub(crate) fn acknowledge(&mut self, acknowledgment: u32, now: i64) {
        self.start(acknowledgment);
        let ahead = self.ahead(acknowledgment);
        let position = self.next.cast_signed() + ahead;
        if ahead > JUMP {
            let agrees = |claim: i64| (1..=JUMP).contains(&(position - claim));
            if !self.claimed.replace(position).is_some_and(agrees) {
                return;
            }
        }
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
        let hole = self.held.first().unwrap_or(u64::MAX);
        let length = until.min(hole).saturating_sub(self.next);
        // A FIN takes a number, too; where it was not captured it looks like one missing byte.
        let may_be_fin = length == 1 && self.held.first().is_none() && self.end.is_none();
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
        out: &mut impl FnMut(StreamPart<'_>),
    ) {
        while let Some(doubt) = self.doubt {
            let waited = now.saturating_sub(doubt.since) >= PATIENCE;
            let hole = self.acknowledged_hole();
            if hole == 0 {
                self.doubt = None;
            } else if self.held.first().is_none() && self.next > 0 {
                // Nothing waits for these bytes, and one acknowledgment may be wrong.
                return;
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
    pub(crate) fn finish(&mut self, held_in_all: &mut usize, out: &mut impl FnMut(StreamPart<'_>)) {
        while let Some(held) = self.held.first() {
            let far = (held - self.next).cast_signed() > JUMP;
            if far && self.acknowledged <= held && self.held.len() == 1 {
                *held_in_all -= self.held.cost();
                self.held = OutOfOrder::default();
                break;
            }
            self.give_up_hole(held_in_all, out);
        }
        let hole = self.acknowledged_hole();
        if hole > 0 {
            self.skip(hole, out);
        }
        self.history = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a stream of these bytes gives: bytes where they came, `None` where they did not.
    #[derive(Default)]
    struct Heard {
        stream: Stream,
        held_in_all: usize,
        pieces: Vec<Option<u8>>,
    }

    impl Heard {
        fn starting_at(sequence: u32) -> Self {
            let mut heard = Self::default();
            heard.segment(&Segment { sequence, syn: true, ..Segment::default() });
            heard
        }

        fn segment(&mut self, segment: &Segment<'_>) {
            let Self { stream, held_in_all, pieces } = self;
            stream
                .segment(segment, Origin::default(), held_in_all, &mut |piece| note(pieces, piece));
        }

        fn settle(&mut self, now: i64) {
            let Self { stream, held_in_all, pieces } = self;
            stream.settle(now, held_in_all, &mut |piece| note(pieces, piece));
        }

        fn finish(&mut self) {
            let Self { stream, held_in_all, pieces } = self;
            stream.finish(held_in_all, &mut |piece| note(pieces, piece));
            assert_eq!((stream.held.cost(), *held_in_all), (0, 0));
        }
    }

    fn note(pieces: &mut Vec<Option<u8>>, piece: StreamPart<'_>) {
        match piece {
            StreamPart::Data(bytes, _) => pieces.extend(bytes.iter().copied().map(Some)),
            StreamPart::Gap(length) => pieces.extend((0..length).map(|_| None)),
        }
    }

    fn text(pieces: &[Option<u8>]) -> String {
        pieces.iter().map(|byte| byte.map_or('.', char::from)).collect()
    }

    fn part(sequence: u32, bytes: &[u8]) -> Segment<'_> {
        Segment { sequence, bytes, ..Segment::default() }
    }

    #[test]
    fn hole_is_a_gap_after_acknowledgment_and_three_later_segments() {
        let mut heard = Heard::starting_at(99);
        heard.segment(&part(100, b"ab"));
        heard.segment(&part(104, b"ef"));
        for (sequence, bytes) in [(106, b"gh"), (108, b"ij"), (110, b"kl")] {
            heard.segment(&part(sequence, bytes));
        }
        heard.settle(i64::MAX);
        assert_eq!(text(&heard.pieces), "ab", "nobody has said that the bytes arrived");
        heard.stream.acknowledge(106, 0);
        for (sequence, bytes) in [(112, b"mn"), (114, b"op"), (116, b"qr")] {
            heard.settle(1);
            assert_eq!(text(&heard.pieces), "ab");
            heard.segment(&part(sequence, bytes));
        }
        heard.settle(1);
        assert_eq!(text(&heard.pieces), "ab..efghijklmnopqr");
    }

    #[test]
    fn hole_is_a_gap_after_acknowledgment_and_two_seconds() {
        let mut heard = Heard::starting_at(99);
        heard.segment(&part(102, b"cd"));
        heard.stream.acknowledge(104, 5);
        heard.settle(5 + PATIENCE - 1);
        assert_eq!(text(&heard.pieces), "");
        heard.settle(5 + PATIENCE);
        assert_eq!(text(&heard.pieces), "..cd");
    }

    #[test]
    fn acknowledgment_alone_makes_no_gap_in_a_stream_that_goes_on() {
        let mut heard = Heard::starting_at(99);
        heard.segment(&part(100, b"ab"));
        heard.stream.acknowledge(5_000, 0);
        heard.settle(i64::MAX);
        heard.segment(&part(102, b"cd"));
        assert_eq!(text(&heard.pieces), "abcd");
    }

    #[test]
    fn late_segment_closes_an_acknowledged_hole() {
        let mut heard = Heard::starting_at(99);
        heard.segment(&part(102, b"cd"));
        heard.stream.acknowledge(104, 0);
        heard.segment(&part(100, b"ab"));
        heard.settle(i64::MAX);
        assert_eq!(text(&heard.pieces), "abcd");
    }

    #[test]
    fn first_to_arrive_stays_and_a_difference_is_counted() {
        let mut heard = Heard::starting_at(99);
        heard.segment(&part(100, b"abcd"));
        heard.segment(&part(100, b"abcd"));
        heard.segment(&part(102, b"xxef"));
        assert_eq!(text(&heard.pieces), "abcdef");
        assert_eq!(heard.stream.repeats, Repeats { retransmissions: 2, overlaps: 1 });
    }

    #[test]
    fn keep_alive_is_no_retransmission() {
        let mut heard = Heard::starting_at(99);
        heard.segment(&part(100, b"ab"));
        heard.segment(&part(101, b"\0"));
        assert_eq!(heard.stream.repeats, Repeats::default());
    }

    #[test]
    fn acknowledged_fin_that_was_not_captured_is_not_a_missing_byte() {
        let mut heard = Heard::starting_at(99);
        heard.segment(&part(100, b"ab"));
        heard.stream.acknowledge(103, 0);
        heard.finish();
        assert_eq!(text(&heard.pieces), "ab");
    }

    #[test]
    fn too_much_behind_a_hole_makes_it_a_gap() {
        let mut heard = Heard::starting_at(99);
        let bytes = vec![b'x'; 64 << 10];
        let mut sequence = 200;
        for _ in 0..20 {
            heard.segment(&part(sequence, &bytes));
            sequence += 64 << 10;
        }
        assert_eq!(heard.pieces.len(), 100 + (20 * (64 << 10)));
        assert!(heard.pieces[..100].iter().all(Option::is_none));
    }

    #[test]
    fn late_packet_of_another_connection_invents_no_gap() {
        let mut heard = Heard::starting_at(99);
        heard.segment(&part(100, b"ab"));
        heard.stream.acknowledge(0x4000_0000, 0);
        heard.stream.acknowledge(0x4000_0000, 1);
        heard.segment(&part(0x5000_0000, b"old"));
        heard.segment(&Segment { sequence: 50, fin: true, ..Segment::default() });
        heard.settle(i64::MAX);
        assert!(!heard.stream.is_finished());
        heard.segment(&part(102, b"cd"));
        heard.finish();
        assert_eq!(text(&heard.pieces), "abcd");
    }

    #[test]
    fn long_outage_is_a_gap_once_it_is_confirmed() {
        let mut heard = Heard::starting_at(99);
        let far = 100 + (JUMP as u32) * 2;
        for sequence in [far, far + 2, far + 4, far + 6, far + 8, far + 10] {
            heard.segment(&part(sequence, b"xy"));
            heard.stream.acknowledge(sequence + 2, 0);
            heard.settle(1);
        }
        assert_eq!(heard.pieces.len() as i64, JUMP * 2 + 12);
    }

    proptest! {
        /// Segments of one stream in any order, any number of times or never, with sequence
        /// numbers that wrap: every byte stands where it was sent, once, or is missing.
        #[test]
        fn bytes_stand_where_they_were_sent(
            start in any::<u32>(),
            length in 1_usize..200,
            parts in prop::collection::vec((0_usize..200, 0_usize..40, any::<bool>()), 0..60),
            acknowledge in prop::collection::vec((0_usize..60, 0_usize..200), 0..8),
        ) {
            let sent: Vec<u8> = (0..length).map(|n| b'a' + (n % 26) as u8).collect();
            let mut came = vec![false; length];
            let mut acknowledged = 0;
            let mut heard = Heard::starting_at(start.wrapping_sub(1));
            for (index, &(from, size, cut)) in parts.iter().enumerate() {
                let from = from.min(length);
                let until = (from + size).min(length);
                let seen = if cut { until - (until - from) / 3 } else { until };
                heard.segment(&Segment {
                    sequence: start.wrapping_add(from as u32),
                    bytes: &sent[from..seen],
                    cut: (until - seen) as u32,
                    ..Segment::default()
                });
                came[from..seen].fill(true);
                for &(_, upto) in acknowledge.iter().filter(|(at, _)| *at == index) {
                    let upto = upto.min(length);
                    acknowledged = acknowledged.max(upto);
                    heard.stream.acknowledge(start.wrapping_add(upto as u32), index as i64);
                }
                heard.settle(index as i64);
            }
            heard.finish();
            prop_assert!(heard.pieces.len() <= length);
            for (index, byte) in heard.pieces.iter().enumerate() {
                if let Some(byte) = byte {
                    prop_assert_eq!(*byte, sent[index]);
                    prop_assert!(came[index]);
                }
            }
            prop_assert_eq!(heard.stream.repeats.overlaps, 0);
            let last = came.iter().rposition(|came| *came).map_or(0, |last| last + 1);
            prop_assert!(heard.pieces.len() >= last);
        }
    }
}
