//! The size on the wire that each event has.

use crate::common::{self, HELLO, HELLO_AGAIN};
use wsdefrag_core::read::passive::Passive;
use wsdefrag_core::{Event, Events, Extent, Reassembler, Settings, Strictness};

fn extents(mut direction: Reassembler<Vec<u8>>, before: &[u8], gap: u64) -> Vec<Extent> {
    let mut extents = Vec::new();
    let mut sink = Events::to(|_, event| match event {
        Event::Message { extent, .. }
        | Event::Damaged { extent, .. }
        | Event::Opaque { extent, .. }
        | Event::Uncollected { extent, .. } => extents.push(extent),
        Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
    });
    direction.receive_data(before, &mut sink);
    direction.receive_gap(gap, &mut sink);
    direction.finish(&mut sink);
    extents
}

const PLAIN: Extent =
    Extent { frames: 1, wire_length: 7, payload_length: 5, compressed: false, refers_back: false };
const COMPRESSED: Extent = Extent { wire_length: 9, payload_length: 7, compressed: true, ..PLAIN };

#[test]
fn message_has_the_size_of_its_frames() {
    let lenient = Strictness { no_context_takeover: false, ..Strictness::default() };
    let alone = Settings { strictness: lenient, ..common::strict_takeover(false) };
    let twice = [HELLO, HELLO_AGAIN].concat();
    let again = Extent { wire_length: 7, payload_length: 5, ..COMPRESSED };
    for (settings, wire, expected) in [
        (common::strict(), &b"\x81\x05Hello"[..], &[PLAIN][..]),
        // A control frame between them is not counted.
        (
            common::strict(),
            b"\x01\x03Hel\x89\x01p\x80\x02lo",
            &[Extent { frames: 2, wire_length: 9, ..PLAIN }],
        ),
        (common::strict_deflate(), &twice, &[COMPRESSED, again]),
        // What refers back against the agreement says so.
        (alone, &twice, &[COMPRESSED, Extent { refers_back: true, ..again }]),
    ] {
        let passive = Passive { contents: true, from_the_start: true };
        for direction in [Reassembler::new(settings), Reassembler::passive(settings, passive)] {
            assert_eq!(extents(direction, wire, 0), expected, "{wire:02x?}");
        }
    }
}

/// Bytes that were not captured count if their frame is known, and those that were not sent do not.
#[test]
fn damaged_message_has_the_size_of_what_was_sent() {
    let passive = Passive { contents: true, from_the_start: true };
    let invalid = Extent { wire_length: 5, payload_length: 3, ..PLAIN };
    for (came, gap, expected) in [
        (&b"\x81\x05Hel"[..], 2, PLAIN),
        (b"\x81\x05Hel", 1, Extent { wire_length: 6, payload_length: 4, ..PLAIN }),
        (b"\x81\x05Hel", 0, invalid),
        (b"\x89\x05Hel", 2, PLAIN),
        (b"\x81\x03\xff\xfe\xfd", 0, invalid),
        (b"\x01\x01\xff\x80\x02\xfe\xfd", 0, Extent { frames: 2, wire_length: 7, ..invalid }),
    ] {
        let direction = Reassembler::passive(common::strict(), passive);
        assert_eq!(extents(direction, came, gap), [expected], "{came:02x?} {gap}");
    }
}
