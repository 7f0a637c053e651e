//! The reassembler reads what the encoder writes, with all parameters.

use crate::common;
use crate::contract::input;
use crate::contract::journal::{self, Seen};
use proptest::collection::vec;
use proptest::prelude::*;
use wsdefrag_core::frame::header::RSV1;
use wsdefrag_core::write::encoder::Encoder;
use wsdefrag_core::write::settings::{Choice, Head, Settings as Sending};
use wsdefrag_core::{
    DeflateParams, Fragmenter, Layout, Limits, Opcode, OutOfMemory, Output, Refusal, Settings,
};

/// An output that can refuse memory, and whose keys are counted.
#[derive(Default)]
struct Counting {
    keys: u32,
    refuses: bool,
}

impl Output for Counting {
    type Bytes = Vec<u8>;

    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        self.keys += 1;
        Ok(self.keys.wrapping_mul(0x0101_8307).to_le_bytes())
    }

    fn write(&mut self, layout: &Layout<'_>) -> Result<Vec<u8>, OutOfMemory> {
        if self.refuses {
            return Err(OutOfMemory);
        }
        let mut bytes = vec![0xAA; layout.size()];
        layout.write(&mut bytes);
        Ok(bytes)
    }
}

/// How a step of a direction is encoded.
#[derive(Clone, Debug)]
enum Way {
    /// As a whole message, in fragments of these sizes if their sum fits.
    Whole(Vec<usize>),
    /// Fragment by fragment, each of this many bytes, with pings between them.
    Pieces(usize),
    /// First without memory, then as a whole message.
    Again,
}

#[derive(Clone, Debug)]
struct Step {
    text: bool,
    content: String,
    way: Way,
    compress: Option<bool>,
    key: Option<[u8; 4]>,
}

fn step() -> impl Strategy<Value = Step> {
    let way = prop_oneof![
        vec(0_usize..20, 0..4).prop_map(Way::Whole),
        (1_usize..300).prop_map(Way::Pieces),
        Just(Way::Again),
    ];
    let content = ("[ab é€\u{1F600}]{0,20}", 0_usize..300)
        .prop_map(|(part, times)| part.repeat(times.saturating_sub(200).max(1)));
    (any::<bool>(), content, way, any::<Option<bool>>(), any::<Option<[u8; 4]>>())
        .prop_map(|(text, content, way, compress, key)| Step { text, content, way, compress, key })
}

fn settings() -> impl Strategy<Value = Sending> {
    let params =
        (any::<(bool, bool)>(), 8_u8..=15, 8_u8..=15).prop_map(|(alone, server, client)| {
            DeflateParams {
                server_no_context_takeover: alone.0,
                client_no_context_takeover: alone.1,
                server_max_window_bits: server,
                client_max_window_bits: client,
            }
        });
    (any::<bool>(), prop::option::of(params), 0_u64..100, 0_u8..=9).prop_map(
        |(from_client, deflate, compress_from, level)| Sending {
            from_client,
            deflate,
            compress_from,
            level,
            check_utf8: true,
        },
    )
}

fn reader(settings: &Sending) -> Settings {
    let none = Limits {
        max_frame_size: None,
        max_message_size: None,
        max_fragments: None,
        max_inflate_ratio: None,
    };
    let Sending { from_client, deflate, .. } = *settings;
    Settings { from_client, deflate, limits: none, ..common::strict() }
}

/// Encodes a step; returns the number of pings before the message's end.
fn encode(step: &Step, engine: &mut Encoder, output: &mut Counting, wire: &mut Vec<u8>) -> usize {
    let opcode = if step.text { Opcode::Text } else { Opcode::Binary };
    let content = step.content.as_bytes();
    let choice = Choice { compress: step.compress, masking_key: step.key };
    match &step.way {
        Way::Whole(kept) => {
            let sizes = Fragmenter::default().sizes(opcode, content, kept).unwrap();
            wire.extend(engine.message(opcode, content, Some(&sizes), choice, output).unwrap());
            0
        }
        Way::Again => {
            output.refuses = true;
            let refused = engine.message(opcode, content, None, choice, output);
            assert_eq!(refused, Err(Refusal::OutOfMemory));
            output.refuses = false;
            wire.extend(engine.message(opcode, content, None, choice, output).unwrap());
            0
        }
        Way::Pieces(size) => {
            let mut pieces: Vec<_> = content.chunks(*size).collect();
            pieces.push(b"");
            for (index, piece) in pieces.iter().enumerate() {
                if index > 0 {
                    let ping = engine.control(Opcode::Ping, b"!", choice.masking_key, output);
                    wire.extend(ping.unwrap());
                }
                let fin = index + 1 == pieces.len();
                let (opcode, choice) = if index == 0 {
                    (opcode, choice)
                } else {
                    (Opcode::Continuation, Choice { compress: None, ..choice })
                };
                assert_eq!(engine.is_inside_message(), index > 0);
                wire.extend(engine.fragment(opcode, piece, fin, choice, output).unwrap());
            }
            pieces.len() - 1
        }
    }
}

proptest! {
    #![proptest_config(common::times(200))]

    #[test]
    fn encoded_messages_are_read_unchanged(
        settings in settings(),
        steps in vec(step(), 1..8),
        cuts in any::<u8>(),
    ) {
        let mut engine = Encoder::new(settings);
        let mut output = Counting::default();
        let (mut wire, mut expected) = (Vec::new(), Vec::new());
        for step in &steps {
            // What neither side can do is chosen by neither.
            let compress = step.compress.filter(|_| settings.deflate.is_some());
            let key = step.key.filter(|_| settings.from_client);
            let step = Step { compress, key, ..step.clone() };
            let pings = encode(&step, &mut engine, &mut output, &mut wire);
            expected.extend(vec![Seen::Ping(b"!".to_vec()); pings]);
            let opcode = if step.text { Opcode::Text } else { Opcode::Binary };
            expected.push(Seen::Message(opcode, step.content.into_bytes()));
        }
        wire.extend(engine.close(Some(1000), "bye", None, &mut output).unwrap());
        expected.push(Seen::Close(1000, "bye".to_owned()));
        prop_assert!(engine.is_closed());
        let (journal, _) = journal::read(reader(&settings), input::cut(&wire, cuts));
        prop_assert_eq!(journal.error, None);
        let seen: Vec<_> = journal.events.into_iter().map(|(_, seen)| seen).collect();
        prop_assert_eq!(seen, expected);
    }
}

fn engine(from_client: bool, deflate: Option<DeflateParams>) -> Encoder {
    let level = 6;
    Encoder::new(Sending { from_client, deflate, compress_from: 0, level, check_utf8: true })
}

/// A refused call changes nothing.
#[test]
fn refusals_change_nothing() {
    let output = &mut Counting::default();
    let none = Choice::default();
    let mut server = engine(false, None);
    let text =
        |engine: &mut Encoder, content, fragments: Option<&[usize]>, choice, output: &mut _| {
            engine.message(Opcode::Text, content, fragments, choice, output)
        };
    let packed = Choice { compress: Some(true), ..none };
    let masked = Choice { masking_key: Some([1; 4]), ..none };
    for (refused, refusal) in [
        (text(&mut server, b"\xff", None, none, output), Refusal::NotUtf8),
        (text(&mut server, b"ab", Some(&[]), none, output), Refusal::NoFragments),
        (text(&mut server, b"ab", Some(&[1]), none, output), Refusal::FragmentSizes(2)),
        (text(&mut server, b"", Some(&[usize::MAX, 1]), none, output), Refusal::FragmentSizes(0)),
        (text(&mut server, b"ab", None, packed, output), Refusal::DeflateNotAgreed),
        (text(&mut server, b"ab", None, masked, output), Refusal::ServerMasks),
        (server.message(Opcode::Ping, b"", None, none, output), Refusal::NotAMessage(Opcode::Ping)),
        (server.fragment(Opcode::Continuation, b"", true, none, output), Refusal::NoMessage),
        (
            server.fragment(Opcode::Close, b"", true, none, output),
            Refusal::NotAFragment(Opcode::Close),
        ),
        (
            server.control(Opcode::Pong, &[0; 126], None, output),
            Refusal::ControlTooLong(Opcode::Pong, 126),
        ),
        (server.close(Some(1005), "", None, output), Refusal::InvalidCloseCode(1005)),
        (server.close(None, "why", None, output), Refusal::ReasonWithoutCode),
        (
            server.close(Some(1000), &"x".repeat(124), None, output),
            Refusal::ControlTooLong(Opcode::Close, 126),
        ),
    ] {
        assert_eq!(refused, Err(refusal));
        assert!(!refusal.to_string().is_empty());
    }
    assert!(!server.is_closed() && !server.is_inside_message());
    assert_eq!(
        server.fragment(Opcode::Text, b"\xe2", false, none, output).unwrap(),
        b"\x01\x01\xe2"
    );
    let mut goes_on =
        |content: &[u8], fin| server.fragment(Opcode::Continuation, content, fin, none, output);
    assert_eq!(goes_on(b"a", false), Err(Refusal::NotUtf8));
    assert_eq!(goes_on(b"\x82", true), Err(Refusal::NotUtf8));
    assert_eq!(goes_on(b"\x82\xac", true).unwrap(), b"\x80\x02\x82\xac");
    assert_eq!(server.close(None, "", None, output).unwrap(), b"\x88\x00");
    assert_eq!(server.control(Opcode::Pong, b"", None, output), Err(Refusal::AfterClose));
}

/// Frames that the caller compressed are in the receiver's window, but not in the encoder's.
#[test]
fn frames_compressed_by_the_caller_reset_the_window() {
    let params = DeflateParams::default();
    let mut server = engine(false, Some(params));
    let (output, none) = (&mut Counting::default(), Choice::default());
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    let mut wire = server.message(Opcode::Text, b"Hello", None, none, output).unwrap();
    assert_eq!(wire[2..], hello[..]);
    let head = Head { opcode: Opcode::Text, fin: false, rsv: RSV1 };
    wire.extend(server.frame(head, &hello[..3], None, output).unwrap());
    let refused = server.fragment(Opcode::Continuation, b"", true, none, output);
    assert_eq!(refused, Err(Refusal::MixedFramesAndFragments));
    let head = Head { opcode: Opcode::Continuation, fin: true, rsv: 0 };
    wire.extend(server.frame(head, &hello[3..], None, output).unwrap());
    let again = server.message(Opcode::Text, b"Hello", None, none, output).unwrap();
    assert_eq!(again[2..], hello[..], "it refers to nothing before it");
    wire.extend(again);
    wire.extend(server.message(Opcode::Text, b"Hello", None, none, output).unwrap());
    let settings = Settings { deflate: Some(params), ..common::strict() };
    let (journal, _) = journal::read(settings, [&wire[..]]);
    assert_eq!(journal.error, None);
    let seen: Vec<_> = journal.events.into_iter().map(|(_, seen)| seen).collect();
    assert_eq!(seen, vec![Seen::Message(Opcode::Text, b"Hello".to_vec()); 4]);
}

#[test]
fn every_frame_has_a_key_of_its_own_unless_one_is_given() {
    let mut client = engine(true, None);
    let (output, none) = (&mut Counting::default(), Choice::default());
    let sizes: Option<&[usize]> = Some(&[1, 1, 0]);
    client.message(Opcode::Binary, b"ab", sizes, none, output).unwrap();
    assert_eq!(output.keys, 3);
    let given = Choice { masking_key: Some(*b"\x37\xfa\x21\x3d"), ..none };
    let wire = client.message(Opcode::Binary, b"ab", sizes, given, output).unwrap();
    assert_eq!(output.keys, 3);
    assert_eq!(
        wire,
        b"\x02\x81\x37\xfa\x21\x3d\x56\x00\x81\x37\xfa\x21\x3d\x55\x80\x80\x37\xfa\x21\x3d"
    );
}
