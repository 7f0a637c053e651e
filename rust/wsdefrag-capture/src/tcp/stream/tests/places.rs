//! Where a stream begins, stands and ends, by what it says of itself.

use super::*;

const NEXT: u32 = 102;

/// A stream with SYN 99 that has given out "ab".
fn running() -> Receiver {
    let mut receiver = Receiver::starting_at(99);
    receiver.segment(&part(100, b"ab"));
    receiver
}

#[test]
fn stream_says_what_was_captured_of_it() {
    let says = |stream: &Stream| {
        (stream.is_empty(), stream.has_given(), stream.initial_sequence(), stream.next_sequence())
    };
    let mut receiver = Receiver::default();
    assert_eq!(says(&receiver.stream), (true, false, None, None));
    receiver.stream.start_with_syn(99);
    assert_eq!(says(&receiver.stream), (true, false, Some(99), Some(100)));
    receiver.segment(&part(105, b"ab"));
    assert_eq!(says(&receiver.stream), (false, false, Some(99), Some(100)), "a held segment");
    receiver.segment(&part(100, b"abcde"));
    assert_eq!(says(&receiver.stream), (false, true, Some(99), Some(107)));
    let mut waiting = Stream::default();
    waiting.await_beginning(&part(100, b"ab"));
    assert_eq!(says(&waiting), (false, false, Some(99), Some(100)));
    assert!(!waiting.has_begun());
    waiting.begin();
    assert!(waiting.has_begun());
}

/// The first segment has to be at the first byte, and others within a MiB.
#[test]
fn expected_segments_are_near() {
    let mut receiver = Receiver::default();
    assert!(!receiver.stream.expects(0), "nothing was captured");
    receiver.stream.start_with_syn(99);
    let expects = |stream: &Stream, numbers: &[u32]| -> Vec<bool> {
        numbers.iter().map(|number| stream.expects(*number)).collect()
    };
    assert_eq!(expects(&receiver.stream, &[99, 100, 101]), [false, true, false]);
    receiver.segment(&part(100, b"ab"));
    let near = 1 << 20;
    let numbers =
        [NEXT + near, NEXT + near + 1, NEXT.wrapping_sub(near), NEXT.wrapping_sub(near + 1)];
    assert_eq!(expects(&receiver.stream, &numbers), [true, false, true, false]);
}

/// If an acknowledgment began the stream, earlier bytes begin it again, but a keep-alive does not.
#[test]
fn stream_without_a_syn_begins_with_its_earliest_bytes() {
    let begun = || {
        let mut receiver = Receiver::default();
        receiver.stream.acknowledge(200, 0);
        receiver
    };
    let mut receiver = begun();
    receiver.segment(&part(150, b"ab"));
    assert_eq!(
        (text(&receiver.received), receiver.stream.next_sequence()),
        ("ab".into(), Some(152))
    );
    let mut receiver = begun();
    receiver.segment(&part(199, b"\0"));
    assert_eq!(
        (text(&receiver.received), receiver.stream.next_sequence()),
        (String::new(), Some(200))
    );
    assert_eq!(receiver.stream.repeats, Repeats::default());
}

/// A SYN begins a stream again only where earlier bytes would.
#[test]
fn syn_tells_where_a_stream_begins_unless_another_one_has() {
    let begun = |acknowledged: bool, given: &[u8]| {
        let mut receiver = Receiver::default();
        if acknowledged {
            receiver.stream.acknowledge(100, 0);
        } else {
            receiver.stream.start_with_syn(99);
        }
        receiver.segment(&part(100, given));
        receiver.stream
    };
    // (by an acknowledgment or a SYN, bytes given out, another SYN, whether it is another one, and the
    // first byte after it)
    for (acknowledged, given, syn, is_other, initial) in [
        (true, &b""[..], 99, false, 99),
        (true, b"", 50, false, 50),
        (true, b"", 150, true, 99),
        (true, b"ab", 50, true, 99),
        (true, b"ab", 99, false, 99),
        (false, b"", 99, false, 99),
        (false, b"", 50, true, 99),
        (false, b"", 150, true, 99),
        (false, b"ab", 50, true, 99),
    ] {
        let mut stream = begun(acknowledged, given);
        let case = format!("{acknowledged} {given:?} {syn}");
        assert_eq!(stream.is_other_syn(syn), is_other, "{case}");
        stream.start_with_syn(syn);
        assert_eq!(stream.initial_sequence(), Some(initial), "{case}");
        let is_known = !acknowledged || (given.is_empty() && !is_other);
        assert_eq!(stream.has_begun(), is_known, "{case}");
    }
    assert!(!Stream::default().is_other_syn(99), "nothing was captured");
}

/// Segments without payload wait for nothing, and none waits once a SYN was captured.
#[test]
fn only_payload_waits_for_a_beginning() {
    let mut stream = Stream::default();
    stream.await_beginning(&part(100, b""));
    assert!(stream.is_empty() && !stream.has_begun());
    stream.await_beginning(&part(100, b"ab"));
    assert!(!stream.is_empty() && !stream.has_begun());
    let mut stream = Stream::default();
    stream.start_with_syn(99);
    stream.await_beginning(&part(100, b"ab"));
    assert!(stream.has_begun());
}

/// What is held, acknowledged and ended moves with the beginning.
#[test]
fn earlier_beginning_keeps_what_is_known_of_later_bytes() {
    let mut receiver = Receiver::default();
    receiver.stream.await_beginning(&part(200, b"abc"));
    receiver.stream.acknowledge(210, 0);
    receiver.segment(&Segment { fin: true, ..part(205, b"fgh") });
    receiver.stream.rewind(150);
    assert_eq!(receiver.stream.held.first(), Some(55));
    assert_eq!((receiver.stream.acknowledged, receiver.stream.fin), (60, Some(58)));
    receiver.segment(&part(150, &[b'x'; 55]));
    assert!(receiver.stream.is_finished());
    assert_eq!(text(&receiver.received), "x".repeat(55) + "fgh");
}

#[test]
fn fin_is_where_the_stream_ends_unless_bytes_follow() {
    let mut receiver = Receiver::starting_at(99);
    receiver.segment(&Segment { fin: true, ..part(103, b"de") });
    assert!(receiver.stream.has_fin() && !receiver.stream.is_finished());
    receiver.segment(&part(100, b"ab"));
    assert!(receiver.stream.has_fin() && !receiver.stream.is_finished());
    receiver.segment(&part(102, b"c"));
    assert!(receiver.stream.has_fin() && receiver.stream.is_finished());
    receiver.segment(&part(105, b"f"));
    assert!(!receiver.stream.has_fin() && !receiver.stream.is_finished());
    assert_eq!(text(&receiver.received), "abcdef");
}

/// A FIN counts from where the stream stands to 64 MiB after that.
#[test]
fn far_fin_belongs_to_another_connection() {
    let furthest = NEXT + MAX_JUMP as u32;
    for (sequence, bytes, expected) in [
        (NEXT - 1, &b""[..], false),
        (NEXT - 2, b"ab", true),
        (NEXT - 2, b"a", false),
        (NEXT, b"", true),
        (NEXT, b"abc", true),
        (furthest, b"", true),
        (furthest - 3, b"abc", true),
        (furthest + 1, b"", false),
        (furthest - 2, b"abc", false),
    ] {
        let mut receiver = running();
        receiver.segment(&Segment { fin: true, ..part(sequence, bytes) });
        assert_eq!(receiver.stream.has_fin(), expected, "{sequence} {bytes:?}");
        let ends_there = sequence.wrapping_add(bytes.len() as u32);
        let is_finished = expected && ends_there <= NEXT + 3;
        assert_eq!(receiver.stream.is_finished(), is_finished, "{sequence} {bytes:?}");
    }
}

#[test]
fn bytes_that_a_repeated_segment_cut_are_a_hole_after_those_given_out() {
    let mut receiver = Receiver::starting_at(99);
    receiver.segment(&part(100, b"abcd"));
    receiver.segment(&Segment { cut: 5, ..part(101, b"b") });
    assert_eq!(receiver.stream.cut_until, 7);
    receiver.finish();
    assert_eq!(text(&receiver.received), "abcd...");
}

/// A copy of which nothing was captured repeats all the same.
#[test]
fn repeated_segment_is_counted_also_if_it_was_cut() {
    let mut receiver = running();
    receiver.segment(&Segment { cut: 2, ..part(100, b"") });
    assert_eq!(receiver.stream.repeats, Repeats { retransmissions: 1, overlaps: 0, late: 0 });
}

#[test]
fn repeated_held_bytes_are_counted_each_time() {
    let mut receiver = running();
    receiver.segment(&part(105, b"fgh"));
    for number in 1..=2 {
        receiver.segment(&part(106, b"x"));
        let expected = Repeats { retransmissions: number, overlaps: number, late: 0 };
        assert_eq!(receiver.stream.repeats, expected);
        assert_eq!(receiver.total_held, receiver.stream.held.memory());
    }
}

/// A sender repeats only what was not acknowledged, so earlier bytes are not compared any more.
#[test]
fn bytes_are_compared_until_they_are_acknowledged() {
    for (acknowledged, overlaps) in [(None, 1), (Some(NEXT - 1), 1), (Some(NEXT), 0)] {
        let mut receiver = running();
        if let Some(number) = acknowledged {
            receiver.stream.acknowledge(number, 0);
        }
        receiver.segment(&part(NEXT, b"cd"));
        receiver.segment(&part(100, b"xb"));
        let expected = Repeats { retransmissions: 1, overlaps, late: 0 };
        assert_eq!(receiver.stream.repeats, expected, "{acknowledged:?}");
    }
}
