//! What an observed direction says of itself, and what it does if its sink has no memory for an event.

use crate::common::{self, HELLO};
use crate::passive::{Came, Missing, Part, WHOLE, watch};
use wsdefrag_core::read::passive::Passive;
use wsdefrag_core::{Event, Events, OutOfMemory, Reassembler, Sink, VecMemory};

/// What a direction says of its unfinished message and frame.
#[test]
fn unfinished_parts_are_described() {
    // The position of the open message or frame; how many bytes of the frame came, and how many are to
    // come; whether the frame ends the message; whether the message is incomplete.
    type Expected = (Option<u64>, u64, u64, bool, bool);
    for (parts, expected) in [
        (&[][..], (None, 0, 0, false, false)),
        (&[Came(b"\x81\x02hi")], (None, 0, 0, true, false)),
        (&[Came(b"\x81\x02hi\x82")], (Some(4), 1, 0, true, false)),
        (&[Came(b"\x81\x02hi\x82\x7e\x01")], (Some(4), 3, 0, true, false)),
        (&[Came(b"\x81\x02hi\x82\x05abc")], (Some(4), 5, 2, true, false)),
        (&[Came(b"\x81\x02hi\x02\x05abc")], (Some(4), 5, 2, false, false)),
        (&[Came(b"\x02\x01a\x00\x05abc")], (Some(0), 5, 2, false, false)),
        (&[Came(b"\x02\x01a")], (Some(0), 0, 0, false, false)),
        (&[Came(b"\x02\x01a\x89\x05p")], (Some(0), 3, 4, false, false)),
        (&[Came(b"\x81\x02hi\x89\x05p")], (Some(4), 3, 4, true, false)),
        (&[Came(b"\x82\x05a"), Missing(2)], (Some(0), 5, 2, true, true)),
        (&[Came(b"\x02\x05a"), Missing(4)], (Some(0), 0, 0, false, true)),
        (&[Came(b"\x02\x05a"), Missing(1), Came(b"b")], (Some(0), 5, 2, false, true)),
        (&[Came(b"\x89\x05p"), Missing(1)], (Some(0), 4, 3, true, false)),
    ] as [(&[Part<'_>], Expected); 14]
    {
        let mut direction = Reassembler::passive(common::strict(), WHOLE);
        let mut sink = Events::to(|_, _| ());
        for part in parts {
            part.pass(&mut direction, &mut sink);
        }
        let (pending, came, to_come, ends_message, is_incomplete) = expected;
        assert_eq!(direction.pending(), pending, "{expected:?}");
        assert_eq!(
            (direction.unfinished(), direction.remaining()),
            (came, to_come),
            "{expected:?}"
        );
        assert_eq!(direction.ends_message(), ends_message, "{expected:?}");
        assert_eq!(direction.is_message_incomplete(), is_incomplete, "{expected:?}");
    }
}

#[test]
fn window_is_known_until_bytes_of_it_are_missing() {
    let inside = [Came(HELLO), Came(&HELLO[..4]), Missing(2)];
    let plain = [Came(HELLO), Came(b"\x81\x05a"), Missing(4)];
    let how = Passive { from_the_start: false, ..WHOLE };
    for (how, takeover, parts, is_known) in [
        (WHOLE, true, &inside[..1], true),
        (WHOLE, true, &inside[..], false),
        (WHOLE, true, &plain[..], true),
        (WHOLE, false, &inside[..], true),
        (how, true, &inside[..1], false),
        (how, false, &inside[..1], true),
    ] {
        let (_, direction) = watch(common::strict_takeover(takeover), how, parts);
        assert_eq!(direction.is_window_known(), is_known, "{how:?} {takeover}");
    }
}

/// A sink that has no memory for one of the events.
struct Refusing {
    memory: VecMemory,
    refused: usize,
    events: usize,
    /// Bytes of the frames of the messages that were kept.
    kept: u64,
}

impl Sink for Refusing {
    type Memory = VecMemory;

    fn memory(&mut self) -> &mut VecMemory {
        &mut self.memory
    }

    fn event(&mut self, _: u64, event: Event<'_, Vec<u8>>) -> Result<(), OutOfMemory> {
        self.events += 1;
        if self.events == self.refused {
            return Err(OutOfMemory);
        }
        if let Event::Message { extent, .. } | Event::Damaged { extent, .. } = event {
            self.kept += extent.wire_length;
        }
        Ok(())
    }
}

/// The frames of an event for which there is no memory count as skipped, but those of a control frame as
/// such; the other events are given out.
#[test]
fn frames_of_a_refused_event_are_skipped() {
    let parts = [
        Came(b"\x81\x03abc"),
        Came(b"\x81\x02\xff\xfe"),
        Came(b"\x01\x05hel"),
        Missing(2),
        Came(b"\x80\x01!\x89\x01p\x02\x04abcd\x80\x03efg\x8a\x03"),
        Missing(3),
        Came(HELLO),
    ];
    for (refused, skipped) in
        [(0, 0), (1, 5), (2, 4), (3, 10), (4, 0), (5, 11), (6, 5), (7, 9), (8, 0)]
    {
        let mut sink = Refusing { memory: VecMemory, refused, events: 0, kept: 0 };
        let mut direction = Reassembler::passive(common::strict_deflate(), WHOLE);
        for part in parts {
            part.pass(&mut direction, &mut sink);
        }
        direction.finish(&mut sink);
        assert_eq!((sink.events, direction.error()), (7, None), "{refused}");
        assert_eq!(direction.bytes_skipped(), skipped, "{refused}");
        let counted = sink.kept + direction.control_bytes() + direction.bytes_skipped();
        assert_eq!(direction.bytes_received(), counted, "{refused}");
    }
}
