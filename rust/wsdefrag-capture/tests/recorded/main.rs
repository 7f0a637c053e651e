//! Flow files and HTTP archives: what was written is read back, and damaged files keep the contract.

mod contract;
mod seeds;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[test]
fn kept_inputs_keep_the_contract() {
    for (_, input) in seeds::seeds() {
        contract::check(&input);
    }
    // The folder exists only once fuzzing has found a failure.
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions/recorded");
    for entry in fs::read_dir(found).into_iter().flatten() {
        contract::check(&fs::read(entry.unwrap().path()).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_keep_the_contract(
        which in 0..6_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
        cut in any::<prop::sample::Index>(),
    ) {
        let (_, mut input) = seeds::seeds().swap_remove(which);
        // Small files, so that most changes are where something is decided.
        input.truncate(1 + cut.index(input.len().min(20_000)));
        for (at, byte) in changes {
            let at = at.index(input.len());
            input[at] = byte;
        }
        contract::check(&input);
    }

    #[test]
    fn any_text_keeps_the_contract(
        size in any::<u8>(),
        text in r#"[{0-9]([0-9:,;#^!~\]}{"\[logentris \\]|7:version;|\{"log": \{"entries": \[){0,60}"#,
    ) {
        contract::check(&[&[size], text.as_bytes()].concat());
    }
}
