//! One direction of a relay: random messages and random decisions, held to the contract of the
//! fuzz target.

mod contract;

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
    fn what_was_decided_is_what_is_read(input in input(0)) {
        contract::relay::check(&input);
    }

    #[test]
    fn frames_that_go_on_by_themselves_are_read(input in input(1)) {
        contract::relay::check(&input);
    }

    #[test]
    fn bytes_that_go_on_by_themselves_are_read(input in input(2)) {
        contract::relay::check(&input);
    }
}
