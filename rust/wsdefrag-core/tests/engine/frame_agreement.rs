//! The frame decoder and the reassembler agree on the same bytes, and count all of them.

use crate::common;
use crate::contract::{agreement, frames, input, journal, outcomes};
use proptest::prelude::*;
use wsdefrag_core::{Opcode, Settings};

fn check(settings: &Settings, cuts: u8, wire: &[u8]) {
    let (journal, _) = journal::read(*settings, input::cut(wire, cuts));
    outcomes::check(settings, &journal);
    let (frames, _) = frames::read(settings, input::cut(wire, cuts));
    agreement::check(settings, &frames, &journal);
}

proptest! {
    #![proptest_config(common::times(3000))]

    #[test]
    fn frames_of_anything_put_together_are_the_messages(
        settings in common::settings(), cuts in any::<u8>(), wire in common::frame_like(),
    ) {
        check(&settings, cuts, &wire);
    }
}

proptest! {
    #![proptest_config(common::times(80))]

    #[test]
    fn frames_of_messages_put_together_are_the_messages(
        script in common::script(1 << 17), cuts in any::<u8>(),
    ) {
        let wire = script.write().wire;
        check(&script.settings(), cuts, &wire);
        let (frames, _) = frames::read(&script.settings(), [&wire[..]]);
        prop_assert_eq!(frames.end(), wire.len() as u64);
        prop_assert_eq!((frames.error, frames.discarded, frames.ending), (None, 0, Ok(None)));
    }
}

/// Rules for messages do not apply to single frames.
#[test]
fn frame_decoder_goes_on_where_only_messages_have_rules() {
    let wire = b"\x80\x01\xff\x88\x01x\x81\x01\xff\x01\x00\x82\x00\xc1\x01\x07\x89\x00";
    let (frames, _) = frames::read(&common::strict_deflate(), [&wire[..]]);
    let opcodes: Vec<_> = frames.list.iter().map(|frame| frame.header.opcode).collect();
    let expected = [
        Opcode::Continuation,
        Opcode::Close,
        Opcode::Text,
        Opcode::Text,
        Opcode::Binary,
        Opcode::Text,
        Opcode::Ping,
    ];
    assert_eq!(opcodes, expected);
    assert_eq!(frames.list[5].payload, b"\x07", "still compressed");
    assert_eq!(frames.error, None);
}

#[test]
fn incomplete_frame_is_reported_at_the_end_of_stream() {
    for (wire, opcode, content, offset) in [
        (&b"\x82\x00\x81"[..], Opcode::Text, &b""[..], 2),
        (b"\x89\x00\x02\x05abc", Opcode::Binary, b"abc", 2),
        (b"\x80\x7e\x01", Opcode::Continuation, b"", 0),
        (b"\x89\x02h", Opcode::Ping, b"h", 0),
    ] {
        let (frames, _) = frames::read(&common::strict(), [wire]);
        let cut = frames.ending.unwrap().unwrap();
        assert_eq!((cut.opcode, &cut.content[..], cut.offset), (opcode, content, offset));
    }
}

#[test]
fn bytes_after_a_violation_or_a_close_are_counted_and_dropped() {
    let endless = vec![0x81; 1 << 16];
    for (start, discarded) in [(&b"\x82\x01a\x0f\x00"[..], 2), (b"\x82\x01a\x88\x00", 0)] {
        let chunks = std::iter::once(start).chain(std::iter::repeat_n(&endless[..], 50));
        let (journal, ledger) = journal::read(common::strict(), chunks);
        assert_eq!(journal.discarded, discarded + 50 * endless.len() as u64);
        assert_eq!(journal.events[0].0, 0);
        assert_eq!(ledger.largest, 1);
    }
}
