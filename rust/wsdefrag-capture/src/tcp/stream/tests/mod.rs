//! Segments in any order, and what the stream gives out.

use super::*;
use crate::tcp::patience::MAX_WAIT;

mod bounds;
mod laws;
mod places;

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
        Gap { length: 2, kind: GapKind::Exact, before: Some(packet(2)), after: Some(packet(3)) },
        Gap { length: 2, kind: GapKind::Exact, before: Some(packet(3)), after: None },
    ];
    assert_eq!(gaps, expected);
}
