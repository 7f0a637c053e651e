//! The parts of a message add up to the message, for any split into chunks.

use crate::common::{self, HELLO, HELLO_AGAIN};
use crate::contract::fragments::check;
use crate::contract::writer::{Deflater, Ending, Wire};
use proptest::prelude::*;
use wsdefrag_core::read::fragment_event::Ends;
use wsdefrag_core::read::fragment_stream::MOST_CONTENT;
use wsdefrag_core::{
    DeflateParams, FragmentEvent, FragmentStream, Kind, Mask, Opcode, Settings, Strictness,
    TextMemory, VecMemory,
};
use zlib_rs::Strategy as Matching;

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

/// A server that agreed to begin each message with an empty window.
fn alone() -> FragmentStream {
    let params = DeflateParams { server_no_context_takeover: true, ..DeflateParams::default() };
    FragmentStream::new(false, Some(params), common::strict().limits)
}

/// The parts of each message of a stream, as bytes.
fn contents(decoder: &mut FragmentStream, mut wire: &[u8]) -> Result<Vec<Vec<Vec<u8>>>, Kind> {
    let (mut messages, mut parts) = (Vec::new(), Vec::new());
    while let Some(part) = decoder.next(&mut wire, &mut VecMemory).map_err(|error| error.kind)? {
        let (part, ends) = match part {
            FragmentEvent::Text(text, ends) => (text.into_bytes(), ends),
            FragmentEvent::Binary(content, ends) => (content, ends),
            control => panic!("no messages: {control:?}"),
        };
        parts.push(part);
        if ends.message {
            messages.push(std::mem::take(&mut parts));
        }
    }
    Ok(messages)
}

#[test]
fn context_kept_against_the_agreement_is_refused_unless_that_is_switched_off() {
    let wire = [HELLO, HELLO_AGAIN].concat();
    let refused = contents(&mut alone(), &wire).unwrap_err();
    assert_eq!(refused.name(), "invalid_deflate_data");
    let lenient = Strictness { no_context_takeover: false, ..Strictness::default() };
    let mut decoder = alone().with_strictness(lenient);
    assert_eq!(contents(&mut decoder, &wire).unwrap(), [[b"Hello"], [b"Hello"]]);
    assert_eq!(decoder.tolerated().no_context_takeover, 1);
}

/// A later message refers to a text whose fragments were cut inside a character.
#[test]
fn cut_character_is_remembered_once() {
    let text = "Gr\u{fc}\u{df} Gott, Gr\u{fc}\u{df} Gott".as_bytes();
    let lenient = Strictness { no_context_takeover: false, ..Strictness::default() };
    for cut in 0..text.len() {
        let mut deflater = Deflater::new(9, 15, Matching::Default, true);
        let mut wire = Vec::new();
        for _ in 0..2 {
            let payload = deflater.compress(text, Ending::Flush);
            let (first, rest) = payload.split_at(cut.min(payload.len()));
            Wire { fin: false, rsv: 4, ..Wire::new(1) }.write(first, &mut wire);
            Wire::new(0).write(rest, &mut wire);
        }
        let mut decoder = alone().with_strictness(lenient);
        let messages = contents(&mut decoder, &wire).unwrap();
        assert_eq!(messages.iter().map(|parts| parts.concat()).collect::<Vec<_>>(), [text, text]);
    }
}

/// A part is as large as its bound allows, and no larger, however well the payload is compressed.
#[test]
fn bounded_part_is_cut_only_where_it_could_grow_too_large() {
    let params = DeflateParams::default();
    for (length, most_parts) in [(MOST_CONTENT / 2, 1), (4 * MOST_CONTENT, 5)] {
        let mut wire = Vec::new();
        let payload =
            Deflater::new(9, 15, Matching::Default, true).compress(&vec![0; length], Ending::Flush);
        Wire { rsv: 4, ..Wire::new(2) }.write(&payload, &mut wire);
        let decoder = FragmentStream::new(false, Some(params), common::strict().limits);
        let parts = contents(&mut decoder.with_bounded_parts(), &wire).unwrap().remove(0);
        assert!(parts.len() <= most_parts, "{} parts of {length} bytes", parts.len());
        assert!(parts.iter().all(|part| part.len() <= MOST_CONTENT), "{length}");
        assert_eq!(parts.concat(), vec![0; length]);
    }
}

/// What a caller's memory may take for a text without a check: ASCII, and nothing else.
#[test]
fn text_of_vectors_is_ascii_or_not_taken() {
    for (plain, expected) in
        [(&b""[..], Some("")), (b"hi \x7f", Some("hi \x7f")), (b"\xc3\xa9", None), (b"\xff", None)]
    {
        let mask = Mask::new([1, 2, 3, 4]);
        let mut wire = vec![0; plain.len()];
        mask.unmask(plain, &mut wire);
        let text = VecMemory.ascii(&wire, mask).unwrap();
        assert_eq!(text.as_deref(), expected);
    }
}

/// What is open after some bytes: the message or frame with its position, the position of the frame (or
/// of the next one, after a whole frame), what is held and of it the header, and whether a message is open.
#[test]
fn incomplete_parts_are_described() {
    for (wire, incomplete, frame_start, held, cut_header, is_open, is_at_end) in [
        (&b""[..], None, 0, 0, &b""[..], false, false),
        (b"\x81\x02hi", None, 4, 0, b"", false, true),
        (b"\x81\x02hi\x82", Some((Opcode::Binary, 4)), 4, 1, b"\x82", false, true),
        (b"\x81\x02hi\x82\x7e\x01", Some((Opcode::Binary, 4)), 4, 3, b"\x82\x7e\x01", false, true),
        (b"\x81\x02hi\x81\x03ab", Some((Opcode::Text, 4)), 4, 0, b"", true, false),
        (b"\x81\x02hi\x01\x02ab", Some((Opcode::Text, 4)), 8, 0, b"", true, false),
        // An incomplete character and a control frame wait inside a message, and a complete one does not.
        (b"\x81\x02hi\x01\x03ab\xc3", Some((Opcode::Text, 4)), 9, 1, b"", true, false),
        (b"\x01\x02ab\x89\x03pi", Some((Opcode::Text, 0)), 4, 2, b"", true, false),
        (b"\x01\x01\xc3\x89\x03pi", Some((Opcode::Text, 0)), 3, 3, b"", true, false),
        (b"\x01\x02ab\x89\x03pin", Some((Opcode::Text, 0)), 9, 0, b"", true, true),
        (b"\x89\x03pi", Some((Opcode::Ping, 0)), 0, 2, b"", false, false),
        (b"\x82\x7f\0\0", Some((Opcode::Binary, 0)), 0, 4, b"\x82\x7f\0\0", false, false),
        // Nothing follows a Close.
        (b"\x88\x02\x03\xe8\x81", None, 0, 0, b"", false, true),
    ] {
        let mut decoder = FragmentStream::new(false, None, common::strict().limits);
        let mut rest = wire;
        while decoder.next(&mut rest, &mut VecMemory).unwrap().is_some() {}
        assert_eq!(decoder.incomplete(), incomplete, "{wire:02x?}");
        assert_eq!(decoder.frame_start(), frame_start, "{wire:02x?}");
        assert_eq!((decoder.bytes_held(), decoder.cut_header()), (held, cut_header), "{wire:02x?}");
        assert_eq!(decoder.is_inside_message(), is_open, "{wire:02x?}");
        assert_eq!(decoder.is_at_message_end(), is_at_end, "{wire:02x?}");
        assert_eq!(decoder.error(), None, "{wire:02x?}");
    }
}

#[test]
fn violation_and_refused_memory_end_the_direction() {
    let mut decoder = FragmentStream::new(false, None, common::strict().limits);
    let mut wire = &b"\x01\x02hi\x81\x00"[..];
    decoder.next(&mut wire, &mut VecMemory).unwrap();
    assert!(decoder.is_inside_message());
    let error = decoder.next(&mut wire, &mut VecMemory).unwrap_err();
    assert_eq!((error.kind, error.offset), (Kind::DataInsideMessage(Opcode::Text), 4));
    assert_eq!((decoder.error(), decoder.incomplete()), (Some(&error), None));

    let mut decoder = FragmentStream::new(false, None, common::strict().limits);
    let mut wire = &b"\x81\x02hi\x81\x02hi\x81\x02hi"[..];
    for _ in 0..2 {
        decoder.next(&mut wire, &mut VecMemory).unwrap();
    }
    decoder.refuse_memory();
    let error = decoder.next(&mut wire, &mut VecMemory).unwrap_err();
    assert_eq!((error.kind, error.offset), (Kind::OutOfMemory, 4));
    assert_eq!((decoder.error(), decoder.incomplete()), (Some(&error), None));
}
