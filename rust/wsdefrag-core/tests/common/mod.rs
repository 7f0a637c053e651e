//! Helpers that the property tests share to make their inputs.

#![allow(dead_code, reason = "each test crate uses a part of it")]

use proptest::collection::vec;
use proptest::prelude::*;
use wsdefrag_core::{DeflateParams, Limits, Opcode, Settings, Strictness};
use zlib_rs::Strategy as Matching;

use crate::contract::script::{Control, Planned, Script};
use crate::contract::writer::{Deflater, Ending, Form, Wire};

/// "Hello", compressed as in RFC 7692 section 7.2.3.1.
pub(crate) const HELLO: &[u8] = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
/// The same again, as a reference to the first.
pub(crate) const HELLO_AGAIN: &[u8] = b"\xc1\x05\xf2\x00\x11\x00\x00";

/// How a property is tried: often enough to find what is wrong, and quick in a debug build.
pub(crate) fn times(cases: u32) -> ProptestConfig {
    // Failures are kept as files by the replay test, not by proptest.
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// What a server's messages are read with, and nothing switched off.
pub(crate) fn strict() -> Settings {
    Settings {
        from_client: false,
        deflate: None,
        foreign_extension: false,
        limits: Limits::default(),
        strictness: Strictness::default(),
    }
}

/// The same, with deflate agreed.
pub(crate) fn strict_deflate() -> Settings {
    Settings { deflate: Some(DeflateParams::default()), ..strict() }
}

/// The same; the server keeps its context, or agreed not to.
pub(crate) fn strict_takeover(takeover: bool) -> Settings {
    let params = DeflateParams { server_no_context_takeover: !takeover, ..Default::default() };
    Settings { deflate: Some(params), ..strict() }
}

/// Compressed binary messages of a server, one in each frame.
pub(crate) fn compressed(contents: &[impl AsRef<[u8]>], mut deflater: Deflater) -> Vec<Vec<u8>> {
    let frame = |content: &_| {
        let mut frame = Vec::new();
        let payload = deflater.compress(AsRef::as_ref(content), Ending::Flush);
        Wire { rsv: 4, ..Wire::new(2) }.write(&payload, &mut frame);
        frame
    };
    contents.iter().map(frame).collect()
}

/// Limits, small enough to be met.
fn limits() -> impl Strategy<Value = Limits> {
    let size = || prop_oneof![Just(None), (1_u64..300).prop_map(Some)];
    let fragments = prop_oneof![Just(None), (1_u64..6).prop_map(Some)];
    let ratio = prop_oneof![Just(None), (0.1_f64..30.0).prop_map(Some)];
    (size(), size(), fragments, ratio).prop_map(|(frame, message, fragments, ratio)| Limits {
        max_frame_size: frame,
        max_message_size: message,
        max_fragments: fragments,
        max_inflate_ratio: ratio,
    })
}

fn deflate() -> impl Strategy<Value = Option<DeflateParams>> {
    prop::option::of(any::<(bool, bool)>()).prop_map(|takeover| {
        takeover.map(|(server, client)| DeflateParams {
            server_no_context_takeover: server,
            client_no_context_takeover: client,
            ..DeflateParams::default()
        })
    })
}

fn strictness() -> impl Strategy<Value = Strictness> {
    // Mostly strict, or else random bytes would seldom meet a rule.
    let rule = || prop::bool::weighted(0.7);
    vec(rule(), Strictness::NAMES.len()).prop_map(|rules| {
        let mut rules = rules.into_iter();
        Strictness::from_names(|_| rules.next().ok_or(())).expect("a rule for each name")
    })
}

/// Anything a direction may be read with.
pub(crate) fn settings() -> impl Strategy<Value = Settings> {
    let foreign = prop::bool::weighted(0.2);
    (any::<bool>(), deflate(), foreign, limits(), strictness()).prop_map(
        |(from_client, deflate, foreign_extension, limits, strictness)| Settings {
            from_client,
            deflate,
            foreign_extension,
            limits,
            strictness,
        },
    )
}

/// Bytes that look like frames of either direction, and are right now and then.
pub(crate) fn frame_like() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        prop::sample::select(&[0x81_u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A, 0x88][..]),
        prop::sample::select(&[0xC1_u8, 0xC2, 0x41, 0x42][..]),
        any::<u8>(),
    ];
    let second = prop_oneof![0_u8..6, 0x80_u8..0x86, any::<u8>()];
    let byte = prop_oneof![b'a'..=b'z', Just(0), 0xC2_u8..=0xF4, any::<u8>()];
    vec((first, second, vec(byte, 0..8)), 1..8).prop_map(|frames| {
        frames
            .into_iter()
            .flat_map(|(first, second, rest)| [vec![first, second], rest].concat())
            .collect()
    })
}

/// Contents of the lengths at which header forms and buffers change, and others, up to a longest.
fn content(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let edges = [125, 126, 127, 128, 255, 256, 4095, 4096, 4097, 32_768, 65_535, 65_536, 65_537];
    let edges: Vec<usize> = edges.into_iter().filter(|edge| *edge <= longest).collect();
    let length = prop_oneof![4 => 0_usize..40, 1 => prop::sample::select(edges)];
    (length, vec(any::<u8>(), 1..40), any::<bool>()).prop_map(|(length, seed, ascii)| {
        let byte = |byte: &u8| if ascii { byte & 0x7F } else { *byte };
        seed.iter().map(byte).cycle().take(length).collect()
    })
}

fn message(longest: usize) -> impl Strategy<Value = Planned> {
    let packing = prop::option::of(prop_oneof![
        4 => Just(Ending::Flush),
        1 => Just(Ending::Final),
        1 => Just(Ending::FinalAndEmpty),
    ]);
    let control = (any::<bool>(), vec(any::<u8>(), 0..=125))
        .prop_map(|(is_ping, payload)| Control { is_ping, payload });
    let form =
        prop_oneof![3 => Just(Form::Shortest), 1 => Just(Form::Bits16), 1 => Just(Form::Bits64)];
    let cuts = vec(any::<u16>(), 0..5);
    (any::<bool>(), content(longest), packing, cuts, vec(control, 0..3), any::<[u8; 4]>(), form)
        .prop_map(|(text, content, packing, cuts, between, key, form)| {
            let (opcode, content) = if text {
                (Opcode::Text, String::from_utf8_lossy(&content).into_owned().into_bytes())
            } else {
                (Opcode::Binary, content)
            };
            Planned { opcode, content, packing, cuts, between, key, form }
        })
}

/// Messages of up to `longest` bytes, and their sender.
pub(crate) fn script(longest: usize) -> impl Strategy<Value = Script> {
    let matching = prop::sample::select(
        &[Matching::Default, Matching::HuffmanOnly, Matching::Rle, Matching::Fixed][..],
    );
    (any::<bool>(), any::<bool>(), 8_u8..=15, 0..=9_i32, matching, vec(message(longest), 1..6))
        .prop_map(|(from_client, no_context_takeover, window_bits, level, strategy, messages)| {
            Script { from_client, no_context_takeover, window_bits, level, strategy, messages }
        })
}
