//! The parts of TLS that are read without keys, on random bytes and on inputs kept by fuzzing.

mod keylog_contract;
mod messages_contract;
mod seeds;

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

/// Checks the seeds of a target, and the inputs that fuzzing has found for it.
fn replay(target: &str, seeds: &[(String, Vec<u8>)], check: fn(&[u8])) {
    assert!(seeds.len() > 10);
    for (_, input) in seeds {
        check(input);
    }
    // The folder exists only once fuzzing has found a failure.
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions").join(target);
    for entry in fs::read_dir(found).into_iter().flatten() {
        check(&fs::read(entry.unwrap().path()).unwrap());
    }
}

#[test]
fn kept_inputs_keep_the_contract_of_messages() {
    replay("tls_messages", &seeds::messages(), messages_contract::check);
}

#[test]
fn kept_inputs_keep_the_contract_of_key_logs() {
    replay("tls_keylog", &seeds::keylog(), keylog_contract::check);
}

/// Bytes of which some are damaged.
fn damaged(inputs: Vec<(String, Vec<u8>)>) -> impl Strategy<Value = Vec<u8>> {
    let damage = vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (prop::sample::select(inputs), damage, any::<u8>()).prop_map(
        |((_, mut input), damage, size)| {
            for (position, byte) in damage {
                let position = position.index(input.len());
                input[position] = byte;
            }
            input[0] = size;
            input
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn damaged_records_keep_the_contract(input in damaged(seeds::messages())) {
        messages_contract::check(&input);
    }

    #[test]
    fn damaged_key_logs_keep_the_contract(input in damaged(seeds::keylog())) {
        keylog_contract::check(&input);
    }

    #[test]
    fn arbitrary_bytes_keep_the_contracts(input in vec(any::<u8>(), 0..200)) {
        messages_contract::check(&input);
        keylog_contract::check(&input);
    }
}
