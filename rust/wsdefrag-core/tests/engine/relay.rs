//! One direction of a relay: random messages and random decisions, checked against the contract of
//! the fuzz target.

use crate::contract;
use proptest::prelude::*;

/// How bytes are relayed, as the contract's module lists it: the way that is asked for, and legs
/// that mostly fit.
fn head(way: u8) -> impl Strategy<Value = [u8; 5]> {
    let flags = prop_oneof![Just(0b0000_0110), Just(0b0001_1110), Just(0b0010_0110), any::<u8>()];
    (flags, any::<bool>(), 0..64_u8, any::<u8>(), any::<u8>()).prop_map(
        move |(flags, from_client, windows, lenience, cuts)| {
            [flags & !1 | u8::from(from_client), way << 6 | windows, lenience & 0xF7, 0, cuts]
        },
    )
}

/// Messages as the contract reads them, with contents that repeat, so that windows matter.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let content = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..9),
        Just(b"hello".to_vec()),
        Just(b"aaaaaaaaaaaa".to_vec()),
    ];
    let message =
        (0..32_u8, 0..4_u8, 0..9_u8, content).prop_map(|(bits, cuts, repeats, content)| {
            let length = u8::try_from(content.len()).unwrap();
            [&[bits, cuts, repeats, length], &content[..]].concat()
        });
    prop::collection::vec(message, 0..8).prop_map(|messages| messages.concat())
}

/// Frames with any reserved bits, of a server: most of them in order.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let opcodes = prop_oneof![Just(1_u8), Just(2), Just(2), Just(0), Just(9)];
    let frame = (any::<bool>(), 0..8_u8, opcodes, prop::collection::vec(any::<u8>(), 0..9))
        .prop_map(|(fin, rsv, opcode, payload)| {
            let fin = fin || opcode > 7;
            let length = u8::try_from(payload.len()).unwrap();
            [&[u8::from(fin) << 7 | rsv << 4 | opcode, length], &payload[..]].concat()
        });
    prop::collection::vec(frame, 0..8).prop_map(|frames| frames.concat())
}

fn input(way: u8) -> impl Strategy<Value = Vec<u8>> {
    (head(way), prop::collection::vec(any::<u8>(), 0..32), body()).prop_map(
        |(head, decisions, body)| {
            let count = u8::try_from(decisions.len()).unwrap();
            [&head[..], &[count], &decisions, &body].concat()
        },
    )
}

proptest! {
    #[test]
    fn receiver_reads_what_was_decided(input in input(0)) {
        contract::relay::check(&input);
    }

    #[test]
    fn messages_of_an_unknown_extension_are_forwarded_verbatim(
        cuts in any::<u8>(), decisions in prop::collection::vec(any::<u8>(), 1..9), wire in frames(),
    ) {
        // From a server, arbitrary bytes, text not checked, all rules kept but that.
        let head = [0b1100_0000, 0b1100_0000, 0, 0, cuts, u8::try_from(decisions.len()).unwrap()];
        contract::relay::check(&[&head[..], &decisions, &wire].concat());
    }

    #[test]
    fn passed_frames_are_read(input in input(1)) {
        contract::relay::check(&input);
    }

    #[test]
    fn passed_bytes_are_read(input in input(2)) {
        contract::relay::check(&input);
    }
}
