//! Observed directions: the effects of gaps and invalid contents.

use crate::common::{self, HELLO, HELLO_AGAIN};
use wsdefrag_core::read::event::Damage;
use wsdefrag_core::read::passive::Passive;
use wsdefrag_core::{
    Event, Events, InflaterPool, Kind, Limits, Opcode, Reassembler, Settings, Sink, VecMemory,
};

/// A part of a direction.
#[derive(Clone, Copy)]
pub(crate) enum Part<'a> {
    Came(&'a [u8]),
    Missing(u64),
    /// A number that is not known, with an estimate.
    MissingAbout(u64),
}

pub(crate) use Part::{Came, Missing, MissingAbout};

impl Part<'_> {
    /// The next part of a direction.
    pub(crate) fn pass<S: Sink<Memory = VecMemory>>(
        self,
        direction: &mut Reassembler<Vec<u8>>,
        sink: &mut S,
    ) {
        match self {
            Came(bytes) => direction.receive_data(bytes, sink),
            Missing(length) => direction.receive_gap(length, sink),
            MissingAbout(estimate) => direction.receive_unknown_gap(estimate, sink),
        }
    }
}

/// What comes out, in short: a content, or what is wrong and what there is of it. A direction that
/// shares its inflater gives the same.
pub(crate) fn watch(
    settings: Settings,
    how: Passive,
    parts: &[Part<'_>],
) -> (Vec<String>, Reassembler<Vec<u8>>) {
    let sharing = Reassembler::passive(settings, how).with_inflaters(InflaterPool::default());
    let (shared, _) = watch_direction(sharing, parts);
    let (seen, direction) = watch_direction(Reassembler::passive(settings, how), parts);
    assert_eq!(shared, seen);
    (seen, direction)
}

fn watch_direction(
    mut direction: Reassembler<Vec<u8>>,
    parts: &[Part<'_>],
) -> (Vec<String>, Reassembler<Vec<u8>>) {
    let mut seen = Vec::new();
    let mut extents = 0;
    let mut sink = Events::to(|_, event| match event {
        Event::Message { content, extent, .. } => {
            extents += extent.wire_length;
            seen.push(text(&content));
        }
        Event::Damaged { opcode, content, extent, damage, missing } => {
            extents += extent.wire_length;
            let what = match damage {
                Damage::Missing => format!("missing {missing}"),
                Damage::Undecodable => "undecodable".to_owned(),
                Damage::Fault(kind) => kind.name().to_owned(),
            };
            let control = if opcode.is_control() { format!("{opcode} ") } else { String::new() };
            seen.push(format!("{control}{what}: {}", text(&content)));
        }
        Event::Opaque { content, rsv, extent, .. } => {
            extents += extent.wire_length;
            seen.push(format!("opaque {rsv}: {}", text(&content)));
        }
        Event::Uncollected { .. } => panic!("a passive direction collects all messages"),
        Event::Ping(_) | Event::Pong(_) => seen.push("ping".to_owned()),
        Event::Close(close) => seen.push(format!("close {}", close.code)),
    });
    for part in parts {
        part.pass(&mut direction, &mut sink);
        if direction.has_inflater() {
            direction.park_inflater();
        }
    }
    direction.finish(&mut sink);
    let known = extents
        + direction.control_bytes()
        + direction.bytes_skipped()
        + direction.bytes_discarded();
    assert_eq!(direction.bytes_received(), known, "every byte is accounted for");
    (seen, direction)
}

fn text(content: &[u8]) -> String {
    content.escape_ascii().to_string()
}

pub(crate) const WHOLE: Passive = Passive { contents: true, from_the_start: true };

#[test]
fn gap_inside_a_payload_costs_its_message() {
    for (parts, expected) in [
        (&[Came(b"\x81\x05he"), Missing(3), Came(b"\x81\x02hi")][..], &["missing 3: he", "hi"][..]),
        (&[Came(b"\x81\x05he"), Missing(2), Came(b"o\x81\x02hi")], &["missing 2: he", "hi"]),
        // Bytes on the two sides of a gap are never joined.
        (
            &[Came(b"\x01\x02he\x00\x02"), Missing(2), Came(b"\x80\x01!\x81\x02hi")],
            &["missing 2: he", "hi"],
        ),
        (&[Came(b"\x01\x02h"), Missing(1), Came(b"\x89\x00\x80\x01!")], &["ping", "missing 1: h"]),
        // A gap may end where the frame ends, and the message continues after it.
        (&[Came(b"\x02\x03"), Missing(3), Came(b"\x80\x01x")], &["missing 3: "]),
        (&[Came(b"\x89\x02"), Missing(2), Came(b"\x81\x02hi")], &["PING missing 2: ", "hi"]),
        (&[Came(b"\x89\x05ab"), Missing(3), Came(b"\x81\x02hi")], &["PING missing 3: ab", "hi"]),
        (&[Came(b"\x8a\x06ab"), Missing(1), Came(b"c"), Missing(2)], &["PONG missing 3: ab"]),
        (&[Came(b"\x88\x02"), Missing(2), Came(b"\x81\x02hi")], &["CLOSE missing 2: "]),
    ] {
        let (seen, direction) = watch(common::strict(), WHOLE, parts);
        assert_eq!(seen, expected);
        assert!(!direction.is_lost());
    }
}

#[test]
fn gap_that_touches_a_header_loses_the_direction() {
    for (parts, expected) in [
        (&[Came(b"\x81\x02hi"), Missing(1), Came(b"\x81\x02hi")][..], &["hi"][..]),
        (&[Came(b"\x81\x02hi\x81"), Missing(1), Came(b"hi")], &["hi"]),
        (&[Came(b"\x81\x05he"), Missing(4), Came(b"\x81\x02hi")], &["missing 3: he"]),
        (&[Came(b"\x01\x02he"), Missing(9), Came(b"\x81\x02hi")], &["missing 0: he"]),
        (&[Came(b"\x89\x02"), Missing(3), Came(b"\x81\x02hi")], &["PING missing 2: "]),
        (&[Missing(1), Came(b"\x81\x02hi")], &[]),
        // A control frame before the gap is given out once.
        (&[Came(b"\x89\x01p"), Missing(1)], &["ping"]),
    ] {
        let (seen, direction) = watch(common::strict(), WHOLE, parts);
        assert_eq!(seen, expected);
        assert!(direction.is_lost());
    }
}

#[test]
fn gap_of_unknown_length_loses_the_direction_wherever_it_is() {
    let whole = b"\x81\x02hi";
    for (start, seen) in [
        (&b""[..], vec!["hi"]),
        (b"\x81", vec!["hi"]),
        (b"\x81\x05He", vec!["hi", "missing 3: He"]),
        (b"\x01\x02He", vec!["hi", "missing 0: He"]),
        (b"\x89\x05He", vec!["hi"]),
    ] {
        for estimate in [0, 3] {
            let parts = [Came(whole), Came(start), MissingAbout(estimate), Came(whole)];
            let (got, direction) = watch(common::strict(), WHOLE, &parts);
            assert_eq!(got, seen, "{start:?}");
            assert!(direction.is_lost());
            assert_eq!(direction.bytes_discarded(), estimate + 4);
        }
    }
    let (seen, direction) =
        watch(common::strict(), WHOLE, &[Came(b"\x88\x02\x03\xe8"), MissingAbout(5), Came(b"x")]);
    assert_eq!(seen, ["close 1000"]);
    assert!(!direction.is_lost());
}

#[test]
fn gap_after_a_close_has_no_effect() {
    let (seen, direction) =
        watch(common::strict(), WHOLE, &[Came(b"\x88\x02\x03\xe8"), Missing(7)]);
    assert_eq!(seen, ["close 1000"]);
    assert!(!direction.is_lost());
    assert_eq!(direction.bytes_discarded(), 7);
}

#[test]
fn lost_window_makes_later_messages_undecodable_unless_it_is_emptied() {
    let gap = [Came(HELLO), Came(&HELLO[..4]), Missing(5)];
    let raw = r"undecodable: \xf2\x00\x11\x00\x00";
    for (no_context_takeover, later, expected) in
        [(false, HELLO_AGAIN, raw), (false, b"\x81\x02hi", "hi"), (true, HELLO, "Hello")]
    {
        let parts = [&gap[..], &[Came(later)]].concat();
        let (seen, _) = watch(common::strict_takeover(!no_context_takeover), WHOLE, &parts);
        assert_eq!(seen, ["Hello", "missing 5: H", expected]);
    }
}

#[test]
fn window_from_before_the_first_byte_is_not_known() {
    let how = Passive { from_the_start: false, ..WHOLE };
    let parts = [Came(HELLO_AGAIN), Came(b"\x81\x02hi")];
    let (seen, _) = watch(common::strict_deflate(), how, &parts);
    assert_eq!(seen, [r"undecodable: \xf2\x00\x11\x00\x00", "hi"]);
    let (seen, _) = watch(common::strict_takeover(false), how, &[Came(HELLO)]);
    assert_eq!(seen, ["Hello"]);
}

/// A content is decoded, or a complete payload, but never a part of an undecoded payload.
#[test]
fn part_of_an_undecodable_payload_is_not_a_content() {
    let how = Passive { from_the_start: false, ..WHOLE };
    let parts = [Came(&HELLO_AGAIN[..4]), Missing(3), Came(HELLO_AGAIN)];
    let (seen, _) = watch(common::strict_deflate(), how, &parts);
    assert_eq!(seen, ["missing 3: ", r"undecodable: \xf2\x00\x11\x00\x00"]);
}

#[test]
fn faulty_content_costs_its_message_alone() {
    let limits = Limits { max_message_size: Some(4), max_fragments: Some(2), ..Limits::default() };
    let limited = Settings { limits, ..common::strict() };
    for (settings, parts, expected) in [
        (
            common::strict(),
            &[Came(b"\x81\x02\xc3\x28"), Came(b"\x81\x02hi")][..],
            &[r"invalid_utf8: \xc3(", "hi"][..],
        ),
        (
            common::strict(),
            &[Came(b"\x01\x01\xc3\x80\x02\x28!\x81\x02hi")],
            &[r"invalid_utf8: \xc3(!", "hi"],
        ),
        (
            common::strict(),
            &[Came(b"\x01\x01\xc3\x80\x00\x81\x02hi")],
            &[r"invalid_utf8: \xc3", "hi"],
        ),
        // What is wrong besides the text is worse: the content is not whole.
        (
            limited,
            &[Came(b"\x01\x02\xff\xfe\x80\x05hello\x81\x02hi")],
            &[r"max_message_size: \xff\xfe", "hi"],
        ),
        (limited, &[Came(b"\x81\x05hello\x81\x02hi")], &["max_message_size: ", "hi"]),
        (limited, &[Came(b"\x01\x03hel\x80\x02lo\x81\x02hi")], &["max_message_size: hel", "hi"]),
        (limited, &[Came(b"\x01\x01a\x00\x01b\x80\x01c\x81\x02hi")], &["max_fragments: ab", "hi"]),
        (
            common::strict_deflate(),
            &[Came(b"\xc1\x02\xff\xff"), Came(HELLO), Came(b"\x81\x02hi")],
            &["invalid_deflate_data: ", r"undecodable: \xf2H\xcd\xc9\xc9\x07\x00", "hi"],
        ),
        // What is not compressed does not change the window.
        (
            common::strict_deflate(),
            &[Came(HELLO), Came(b"\x01\x01\xc3\x80\x02\x28!"), Came(HELLO_AGAIN)],
            &["Hello", r"invalid_utf8: \xc3(!", "Hello"],
        ),
        (
            common::strict_takeover(false),
            &[Came(b"\xc1\x02\xff\xff"), Came(HELLO)],
            &["invalid_deflate_data: ", "Hello"],
        ),
    ] {
        let (seen, direction) = watch(settings, WHOLE, parts);
        assert_eq!(seen, expected);
        assert!(direction.error().is_none());
    }
}

/// A message over a limit is still inflated, and dropped, so that later messages can be read.
#[test]
fn message_over_a_limit_keeps_the_window() {
    let limits = Limits { max_message_size: Some(5), ..Limits::default() };
    let large = b"\xc1\x0f\x00\x09\x00\xf6\xffabcdefghi\x00";
    let settings = Settings { limits, ..common::strict_deflate() };
    for cut in 0..large.len() {
        let (first, rest) = large.split_at(cut);
        let parts = [Came(HELLO), Came(first), Came(rest), Came(HELLO)];
        let (seen, _) = watch(settings, WHOLE, &parts);
        assert_eq!(seen, ["Hello", "max_message_size: abcde", "Hello"], "{cut}");
    }
    // One that is not compressed has no part in it.
    let parts = [Came(HELLO), Came(b"\x01\x03abc\x80\x03def"), Came(HELLO_AGAIN)];
    let (seen, _) = watch(settings, WHOLE, &parts);
    assert_eq!(seen, ["Hello", "max_message_size: abc", "Hello"]);
}

#[test]
fn broken_rule_hands_over_what_it_breaks_off() {
    let (seen, direction) = watch(common::strict(), WHOLE, &[Came(b"\x01\x02he\x81\x02hi")]);
    assert_eq!(seen, ["data_frame_inside_message: he"]);
    assert_eq!(
        direction.error().map(|error| error.kind),
        Some(Kind::DataInsideMessage(Opcode::Text))
    );
    assert_eq!(direction.bytes_discarded(), 4);
}

#[test]
fn incomplete_headers_and_control_frames_are_skipped() {
    for (came, expected, skipped) in [
        (&b"\x81\x02hi\x81"[..], &["hi"][..], 1),
        (b"\x89\x05abc", &[], 5),
        (b"\x81\x05hel", &["missing 2: hel"], 0),
        (b"\x01\x02he\x89\x04ab", &["missing 0: he"], 4),
        // A complete one is not, also at the end.
        (b"\x81\x02hi\x89\x01p", &["hi", "ping"], 0),
    ] {
        let (seen, direction) = watch(common::strict(), WHOLE, &[Came(came)]);
        assert_eq!(seen, expected);
        assert_eq!(direction.bytes_skipped(), skipped);
    }
}

#[test]
fn without_contents_payloads_are_skipped() {
    let how = Passive { contents: false, ..WHOLE };
    let parts = [Came(b"\x81\x02\xc3\x28"), Came(HELLO_AGAIN), Came(b"\x01\x02he\x80\x01!")];
    let (seen, _) = watch(common::strict_deflate(), how, &parts);
    assert_eq!(seen, ["", "", ""]);
}

#[test]
fn gap_of_no_bytes_changes_nothing() {
    for (before, after, expected) in [
        (&b"\x89\x01p"[..], &b"\x81\x02hi"[..], &["ping", "hi"][..]),
        (b"\x81\x02h", b"i", &["hi"]),
        (b"\x01\x01h", b"\x80\x01i", &["hi"]),
        (b"\x81", b"\x02hi", &["hi"]),
        (b"\x89\x02p", b"i", &["ping"]),
    ] {
        let (seen, direction) =
            watch(common::strict(), WHOLE, &[Came(before), Missing(0), Came(after)]);
        assert_eq!(seen, expected);
        assert!(!direction.is_lost());
    }
}
