//! How much a stream holds, how far it believes, and when it gives a hole up.

use super::*;

/// The lengths of the gaps, and of the bytes, that a stream gives out.
fn lengths(call: impl FnOnce(&mut dyn FnMut(StreamPart<'_>))) -> (Vec<u64>, usize) {
    let (mut gaps, mut bytes) = (Vec::new(), 0);
    call(&mut |part| match part {
        StreamPart::Gap(gap) => gaps.push(gap.length),
        part => bytes += part.bytes().map_or(0, |(bytes, _)| bytes.len()),
    });
    (gaps, bytes)
}

fn settle(stream: &mut Stream, now: i64) -> (Vec<u64>, usize) {
    // More than all held segments take: the tests do not look at it.
    lengths(|mut out| stream.settle(now, &mut (1 << 40), &mut out))
}

#[test]
fn memory_of_all_connections_is_bounded_but_each_direction_has_some() {
    let guaranteed = GUARANTEED - OutOfOrder::memory_of(b"");
    for (held_by_others, bytes, is_given_up) in [
        (MAX_TOTAL_HELD, guaranteed, false),
        (MAX_TOTAL_HELD, guaranteed + 1, true),
        (MAX_TOTAL_HELD, 10, false),
        (MAX_TOTAL_HELD - GUARANTEED - 1, guaranteed + 1, false),
        (MAX_TOTAL_HELD - GUARANTEED, guaranteed + 1, true),
        (0, guaranteed + 1, false),
    ] {
        let mut receiver = Receiver::starting_at(99);
        receiver.total_held = held_by_others;
        receiver.segment(&part(105, &vec![b'x'; bytes]));
        let expected = if is_given_up { 5 + bytes } else { 0 };
        assert_eq!(receiver.received.len(), expected, "{held_by_others} {bytes}");
        assert_eq!(receiver.total_held, held_by_others + receiver.stream.segments_memory());
    }
}

#[test]
fn memory_is_that_of_segments_history_and_gaps() {
    let mut receiver = Receiver::starting_at(99);
    assert_eq!(receiver.stream.bytes_held(), 0);
    receiver.segment(&part(100, b"ab"));
    receiver.segment(&part(104, b"ef"));
    receiver.stream.give_up_holes(&mut receiver.total_held, &mut |_| {});
    receiver.segment(&part(110, b"ef"));
    let Stream { held, history, given_up, .. } = &receiver.stream;
    let parts = [held.memory(), history.capacity(), given_up.bytes_held()];
    assert!(parts.iter().all(|bytes| *bytes > 0), "{parts:?}");
    assert_eq!(receiver.stream.bytes_held(), parts.iter().sum::<usize>());
}

#[test]
fn all_holes_can_be_given_up_at_once() {
    let mut receiver = Receiver::starting_at(99);
    receiver.segment(&part(102, b"c"));
    receiver.segment(&part(104, b"e"));
    let Receiver { stream, total_held, received } = &mut receiver;
    stream.give_up_holes(total_held, &mut |part| note(received, part));
    assert_eq!((text(received).as_str(), *total_held), ("..c.e", 0));
}

/// Copies of the last held segment are no later segments.
#[test]
fn patience_counts_segments_that_came_after_all_others() {
    let mut receiver = Receiver::starting_at(99);
    receiver.segment(&part(102, b"c"));
    receiver.stream.acknowledge(103, 0);
    for _ in 0..100 {
        receiver.segment(&part(102, b"c"));
    }
    receiver.settle(200 * MILLISECOND);
    assert_eq!(text(&receiver.received), "");
    for number in 0..64 {
        receiver.segment(&part(104 + 2 * number, b"d"));
    }
    receiver.settle(200 * MILLISECOND);
    assert_eq!(text(&receiver.received), "..c");
}

#[test]
fn acknowledgment_is_believed_alone_up_to_64_mib() {
    let furthest = 102 + MAX_JUMP as u32;
    for (acknowledgments, is_believed) in [
        (&[furthest][..], true),
        (&[furthest + 1], false),
        (&[furthest + 1, furthest + 1], false),
        (&[furthest + 1, furthest + 2], true),
        (&[furthest + 2, furthest + 1], false),
        (&[furthest + 1, furthest + 1 + MAX_JUMP as u32], true),
        (&[furthest + 1, furthest + 2 + MAX_JUMP as u32], false),
    ] {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(100, b"ab"));
        receiver.segment(&part(104, b"ef"));
        for number in acknowledgments {
            receiver.stream.acknowledge(*number, 0);
        }
        receiver.settle(MAX_WAIT);
        let expected = if is_believed { "ab..ef" } else { "ab" };
        assert_eq!(text(&receiver.received), expected, "{acknowledgments:?}");
    }
}

/// Where nothing at all was captured, acknowledged bytes are a gap when the patience is over.
#[test]
fn acknowledged_bytes_of_which_none_was_captured_become_a_gap() {
    let mut receiver = Receiver::starting_at(99);
    let stream = &mut receiver.stream;
    assert!(!stream.has_hole());
    stream.acknowledge(100, 5);
    assert!(!stream.has_hole(), "only the SYN");
    stream.acknowledge(600, 5);
    assert!(stream.has_hole());
    assert_eq!(settle(stream, 5 + MAX_WAIT - 1), (vec![], 0));
    assert_eq!(settle(stream, 5 + MAX_WAIT), (vec![500], 0));
    assert_eq!(settle(stream, 6 + MAX_WAIT), (vec![], 0), "once");
    assert!(!stream.has_hole());
}

/// An acknowledgment may be wrong, if later bytes were captured and none of them confirms it.
#[test]
fn acknowledged_bytes_before_captured_ones_wait_for_a_confirmation() {
    let mut receiver = Receiver::starting_at(99);
    receiver.stream.acknowledge(600, 0);
    receiver.segment(&part(2_000, b"ab"));
    assert!(receiver.stream.has_hole());
    assert_eq!(settle(&mut receiver.stream, 10 * MAX_WAIT), (vec![], 0));
    receiver.stream.acknowledge(2_002, 0);
    assert_eq!(settle(&mut receiver.stream, MAX_WAIT), (vec![1_900], 2));
    assert!(!receiver.stream.has_hole());
    let mut receiver = Receiver::starting_at(99);
    receiver.segment(&part(100, b"ab"));
    receiver.stream.acknowledge(600, 0);
    assert!(!receiver.stream.has_hole(), "something was captured");
}

/// A single segment far away, which nothing confirms, belongs to another connection.
#[test]
fn end_of_the_capture_believes_a_far_segment_only_if_it_is_confirmed() {
    let furthest = 102 + MAX_JUMP as u32;
    let jump = MAX_JUMP as u64;
    for (sequences, acknowledged, expected) in [
        (&[furthest][..], None, (vec![jump], 2)),
        (&[furthest + 1], None, (vec![], 0)),
        (&[furthest + 1, furthest + 3], None, (vec![jump + 1], 4)),
        (&[furthest + 1], Some([furthest + 2, furthest + 3]), (vec![jump + 1], 2)),
    ] {
        let mut receiver = Receiver::starting_at(99);
        receiver.segment(&part(100, b"ab"));
        for sequence in sequences {
            receiver.segment(&part(*sequence, b"xy"));
        }
        for number in acknowledged.into_iter().flatten() {
            receiver.stream.acknowledge(number, 0);
        }
        let Receiver { stream, total_held, .. } = &mut receiver;
        let found = lengths(|mut out| stream.finish(total_held, &mut out));
        assert_eq!((found, *total_held), (expected, 0), "{sequences:?} {acknowledged:?}");
    }
}
