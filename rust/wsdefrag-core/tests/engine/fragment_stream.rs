//! The parts of a message add up to the message, for any split into chunks.

use crate::common;
use crate::contract::fragments::check;
use proptest::prelude::*;
use wsdefrag_core::read::fragment_event::Ends;
use wsdefrag_core::{FragmentEvent, FragmentStream, Settings, VecMemory};

proptest! {
    #![proptest_config(common::times(1500))]

    #[test]
    fn frame_like_bytes_read_as_the_reassembler_reads_them(
        settings in common::settings(), cuts in any::<u8>(), wire in common::frame_like(),
    ) {
        check(settings, cuts, &wire);
    }
}

proptest! {
    #![proptest_config(common::times(700))]

    #[test]
    fn messages_read_as_the_reassembler_reads_them(
        script in common::script(4100),
        other in common::settings(),
        cuts in any::<u8>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..2),
    ) {
        let mut wire = script.write().wire;
        check(script.settings(), cuts, &wire);
        check(Settings { from_client: script.from_client, ..other }, cuts, &wire);
        for (at, byte) in damage {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        check(script.settings(), cuts, &wire);
    }
}

/// The pieces of a server's stream without deflate, one list a chunk: text, frame's end,
/// message's end.
fn texts(chunks: &[&[u8]]) -> Vec<Vec<(String, bool, bool)>> {
    let settings = common::strict();
    let mut decoder = FragmentStream::new(false, None, settings.limits);
    let pieces = |mut chunk: &[u8]| {
        let mut pieces = Vec::new();
        while let Some(piece) = decoder.next(&mut chunk, &mut VecMemory).unwrap() {
            let FragmentEvent::Text(
                text,
                Ends { frame: frame_finished, message: message_finished },
            ) = piece
            else {
                panic!("a text gives texts: {piece:?}")
            };
            pieces.push((text, frame_finished, message_finished));
        }
        pieces
    };
    chunks.iter().copied().map(pieces).collect()
}

#[test]
fn each_frame_and_chunk_gives_its_own_part() {
    let pieces = texts(&[b"\x01\x03ab", b"c\x80", b"\x02d", b"e\x81\x01f\x81\x00"]);
    let piece = |text: &str, frame, message| (text.to_owned(), frame, message);
    assert_eq!(
        pieces,
        [
            vec![piece("ab", false, false)],
            vec![piece("c", true, false)],
            vec![piece("d", false, false)],
            vec![piece("e", true, true), piece("f", true, true), piece("", true, true)],
        ]
    );
}

#[test]
fn incomplete_character_waits_for_its_other_bytes() {
    let euro = "\u{20ac}".as_bytes();
    let pieces =
        texts(&[&[b"\x01\x02", &euro[..2]].concat(), &[b"\x80\x02", &euro[2..], b"!"].concat()]);
    let expected = [("", true, false), ("\u{20ac}!", true, true)];
    let expected = expected.map(|(text, frame, message)| vec![(text.to_owned(), frame, message)]);
    assert_eq!(pieces, expected);
}

#[test]
fn bytes_that_broke_a_rule_are_available() {
    let mut decoder = FragmentStream::new(false, None, common::strict().limits);
    let mut wire = &b"\x81\x03a\xe2x"[..];
    assert!(decoder.next(&mut wire, &mut VecMemory).is_err());
    assert_eq!(decoder.waiting_text(), b"a\xe2x");
    assert!(decoder.is_at_message_end());
    let mut decoder = FragmentStream::new(false, None, common::strict().limits);
    assert!(decoder.next(&mut &b"\x88\x01x"[..], &mut VecMemory).is_err());
    assert_eq!(decoder.control_payload(), b"x");
}
