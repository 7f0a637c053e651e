//! Inputs that fuzzing starts from and those that it found, and random scripts, keep the contract.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::cut_contract::{CHANGED, CONNECTION, HTTP2, check};
use crate::seeds;

#[test]
fn kept_inputs_keep_the_contract() {
    let inputs = seeds::seeds();
    assert!(inputs.len() > 40);
    for (_, input) in inputs {
        check(&input);
    }
    // The folder exists only once fuzzing has found a failure.
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions/checkpoint");
    for entry in fs::read_dir(found).into_iter().flatten() {
        check(&fs::read(entry.unwrap().path()).unwrap());
    }
}

/// The steps of a script, as `connections/contract.rs` and `connections/http2.rs` read them.
fn steps() -> impl Strategy<Value = Vec<u8>> {
    let step = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..20));
    let step = step.prop_map(|(operation, payload)| {
        [&[operation, u8::try_from(payload.len()).unwrap()], &payload[..]].concat()
    });
    prop::collection::vec(step, 0..40).prop_map(|steps| steps.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_script_cut_anywhere_has_all_rows(
        bits in any::<u8>(),
        places in any::<[u8; 6]>(),
        steps in steps(),
    ) {
        check(&[&[CONNECTION, bits | 1], &places[..], &steps].concat());
        check(&[&[HTTP2, bits], &places[..], &steps].concat());
        check(&[&[CHANGED, bits | 1], &places[..], &steps].concat());
    }
}
