//! Tests of gaps whose length is a guess, or unknown.

use wsdefrag_core::{InflaterPool, Limits, Settings, Strictness};

use crate::message::{Message, Status};
use crate::packet::Origin;
use crate::sink::{HeldRows, Row};
use crate::stream_part::{Gap, GapKind, StreamPart};
use crate::websocket::direction::{Direction, DirectionOptions};

/// A part of a server's stream.
enum Part<'a> {
    Came(&'a [u8]),
    Missing(u64, GapKind),
}

use Part::{Came, Missing};

/// A server's direction without deflate.
fn direction(resync: bool) -> Direction {
    let settings = Settings {
        from_client: false,
        deflate: None,
        foreign_extension: false,
        limits: Limits::default(),
        strictness: Strictness::default(),
    };
    Direction::after_handshake(
        0,
        DirectionOptions { settings, contents: true, resync, inflaters: InflaterPool::default() },
    )
}

/// The messages that came out.
fn messages(rows: HeldRows) -> Vec<Message> {
    let messages = rows.0.into_iter().filter_map(|row| match row {
        Row::Message(message) => Some(message),
        _ => None,
    });
    messages.collect()
}

/// The messages of a direction, and the bytes that it counts as missing.
fn read(resync: bool, parts: &[Part<'_>]) -> (Vec<Message>, u64) {
    let mut direction = direction(resync);
    let mut rows = HeldRows::default();
    for (number, part) in parts.iter().enumerate() {
        let packet = number as u64 + 1;
        match part {
            Came(bytes) => {
                direction.data(bytes, Origin { packet, ..Origin::default() }, &mut rows);
            }
            Missing(length, kind) => {
                let gap = Gap { length: *length, kind: *kind, ..Gap::default() };
                direction.gap(gap, &mut rows);
            }
        }
    }
    direction.finish(&mut rows);
    (messages(rows), direction.account().missing)
}

fn texts(messages: &[Message]) -> Vec<(Status, String)> {
    let text = |message: &Message| String::from_utf8_lossy(&message.content).into_owned();
    messages.iter().map(|message| (message.status, text(message))).collect()
}

fn expected(texts: &[(Status, &str)]) -> Vec<(Status, String)> {
    texts.iter().map(|(status, text)| (*status, (*text).to_owned())).collect()
}

const OK: Status = Status::Ok;
const INCOMPLETE: Status = Status::Incomplete;

#[test]
fn a_guess_that_leads_to_frames_is_believed() {
    for resync in [false, true] {
        let (messages, missing) = read(
            resync,
            &[
                Came(b"\x81\x0afirst"),
                Missing(3, GapKind::Likely),
                Came(b"60\x81\x03one"),
                Came(b"\x81\x03two"),
                Came(b"\x81\x05three"),
            ],
        );
        let all = [(INCOMPLETE, "first"), (OK, "one"), (OK, "two"), (OK, "three")];
        assert_eq!(texts(&messages), expected(&all));
        assert_eq!((messages[0].missing_bytes, missing), (3, 3));
    }
}

#[test]
fn a_guess_that_leads_elsewhere_is_not_believed() {
    // Two bytes more are missing than the guess says.
    let parts = [
        Came(b"\x81\x0afirst"),
        Missing(3, GapKind::Likely),
        Came(b"\x81\x03one"),
        Came(b"\x81\x03two"),
        Came(b"\x81\x05three"),
        Came(b"\x81\x04four"),
    ];
    let (messages, _) = read(true, &parts);
    let all = [(INCOMPLETE, "first"), (OK, "one"), (OK, "two"), (OK, "three"), (OK, "four")];
    assert_eq!(texts(&messages), expected(&all));
    assert!(messages[1].resynced);
    let (messages, _) = read(false, &parts);
    assert_eq!(texts(&messages), expected(&all[..1]));
}

#[test]
fn a_guess_at_the_end_is_believed_if_frame_and_record_end_together() {
    // Otherwise all that the frame announced and that did not come before the gap is missing.
    for (end, whole) in [(&b"60"[..], true), (b"6", false)] {
        let parts = [Came(b"\x81\x0afirst"), Missing(3, GapKind::Likely), Came(end)];
        let (messages, _) = read(false, &parts);
        assert_eq!(texts(&messages), expected(&[(INCOMPLETE, "first")]));
        assert_eq!(messages[0].missing_bytes, if whole { 3 } else { 5 });
    }
}

#[test]
fn further_gaps_inside_the_frame_belong_to_the_guess() {
    let (messages, missing) = read(
        false,
        &[
            Came(b"\x81\x0afirst"),
            Missing(1, GapKind::Likely),
            Came(b"x"),
            Missing(1, GapKind::Exact),
            Came(b"60"),
            Came(b"\x81\x03one\x81\x03two"),
        ],
    );
    assert_eq!(texts(&messages), expected(&[(INCOMPLETE, "first"), (OK, "one"), (OK, "two")]));
    assert_eq!((messages[0].missing_bytes, missing), (2, 2));
}

#[test]
fn a_continuation_may_follow_the_guess() {
    let (messages, _) = read(
        false,
        &[
            Came(b"\x01\x0afirst"),
            Missing(5, GapKind::Likely),
            Came(b"\x00\x03one\x80\x03two\x81\x03yes"),
        ],
    );
    assert_eq!(texts(&messages), expected(&[(INCOMPLETE, "first"), (OK, "yes")]));
}

#[test]
fn a_gap_of_unknown_length_begins_a_search() {
    for start in [&b""[..], b"\x81\x0afirst"] {
        let mut parts = vec![
            Came(b"\x81\x04zero"),
            Came(start),
            Missing(0, GapKind::Unknown),
            Came(b"rest"),
            Came(b"\x81\x03one"),
            Came(b"\x81\x03two"),
            Came(b"\x81\x05three"),
        ];
        let (messages, missing) = read(true, &parts);
        let mut all = vec![(OK, "zero"), (OK, "one"), (OK, "two"), (OK, "three")];
        if !start.is_empty() {
            all.insert(1, (INCOMPLETE, "first"));
        }
        assert_eq!(texts(&messages), expected(&all));
        assert_eq!(missing, 0);
        parts.truncate(4);
        assert_eq!(read(false, &parts).0.len(), 1 + usize::from(!start.is_empty()));
    }
}

#[test]
fn what_no_tag_confirms_marks_its_messages() {
    let mut direction = direction(false);
    let mut rows = HeldRows::default();
    let origin = Origin::default();
    direction.data(b"\x81\x03one\x81\x03t", origin, &mut rows);
    direction.unauthenticated(StreamPart::Unauthenticated(b"wo\x81\x05th", origin), &mut rows);
    direction.data(b"ree\x81\x04four", origin, &mut rows);
    direction.finish(&mut rows);
    let marks: Vec<_> = messages(rows).iter().map(|message| message.unauthenticated).collect();
    assert_eq!(marks, [false, true, true, false]);
}

#[test]
fn the_mark_outlives_a_search() {
    let mut direction = direction(true);
    let mut rows = HeldRows::default();
    let origin = Origin::default();
    direction.gap(Gap { kind: GapKind::Unknown, ..Gap::default() }, &mut rows);
    direction.data(b"\x81\x03one", origin, &mut rows);
    let (two, three) = (b"\x81\x03two", b"\x81\x05three");
    direction.unauthenticated(StreamPart::Unauthenticated(two, origin), &mut rows);
    direction.data(three, origin, &mut rows);
    direction.finish(&mut rows);
    let found: Vec<_> =
        messages(rows).into_iter().map(|it| (it.content, it.unauthenticated)).collect();
    let expected = [(&b"one"[..], false), (b"two", true), (b"three", false)];
    assert_eq!(found, expected.map(|(text, mark)| (text.to_vec(), mark)));
}

#[test]
fn the_mark_outlives_the_test_of_a_guess() {
    let mut direction = direction(false);
    let mut rows = HeldRows::default();
    let origin = Origin::default();
    direction.data(b"\x81\x06lo", origin, &mut rows);
    direction.gap(Gap { length: 4, kind: GapKind::Likely, ..Gap::default() }, &mut rows);
    for (part, is_confirmed) in
        [(&b"\x81\x03two"[..], true), (b"\x81\x05three", false), (b"\x81\x04four", true)]
    {
        if is_confirmed {
            direction.data(part, origin, &mut rows);
        } else {
            direction.unauthenticated(StreamPart::Unauthenticated(part, origin), &mut rows);
        }
    }
    direction.finish(&mut rows);
    let marks: Vec<_> = messages(rows).iter().map(|message| message.unauthenticated).collect();
    assert_eq!(marks, [false, false, true, false]);
}
