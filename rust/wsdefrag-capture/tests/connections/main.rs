//! Captures of damaged and contradictory connections: random ones, and inputs kept by fuzzing.

mod contract;
mod http2;
mod seeds;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[test]
fn kept_inputs_keep_the_contract() {
    for (_, input) in seeds::seeds() {
        contract::check(&input);
    }
    for (_, input) in seeds::http2() {
        http2::check(&input);
    }
    for (_, input) in seeds::hpack() {
        http2::check_blocks(&input);
    }
    // A folder exists only once fuzzing has found a failure.
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions");
    for (target, check) in [
        ("connections", contract::check as fn(&[u8])),
        ("http2", http2::check),
        ("hpack", http2::check_blocks),
    ] {
        for entry in fs::read_dir(found.join(target)).into_iter().flatten() {
            check(&fs::read(entry.unwrap().path()).unwrap());
        }
    }
}

/// The steps of a script.
fn steps() -> impl Strategy<Value = Vec<u8>> {
    let frames = prop::collection::vec(any::<u8>(), 0..20);
    let step = (any::<u8>(), any::<u8>(), frames).prop_map(|(operation, distance, payload)| {
        // Distances are short, so that gaps and repetitions affect other steps.
        let is_distance = matches!(operation >> 1 & 15, 7..=9 | 11);
        let length = if is_distance { distance % 40 } else { u8::try_from(payload.len()).unwrap() };
        let mut step = vec![operation, length];
        step.extend(payload.iter().cycle().take(usize::from(length).min(payload.len() * 40)));
        step
    });
    prop::collection::vec(step, 0..40).prop_map(|steps| steps.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_script_keeps_the_contract(options in any::<u8>(), steps in steps()) {
        let mut input = vec![options | 1];
        input.extend(steps);
        contract::check(&input);
        input[0] &= !1;
        contract::check(&input);
    }

    #[test]
    fn any_script_of_http2_keeps_the_contract(options in any::<u8>(), steps in steps()) {
        http2::check(&[&[options & !1][..], &steps].concat());
    }

    #[test]
    fn any_header_blocks_keep_the_contract(steps in steps()) {
        http2::check_blocks(&steps);
    }
}
