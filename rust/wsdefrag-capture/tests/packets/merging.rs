//! Random files merged by time, and inputs kept by fuzzing.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::merge_contract::{SEPARATOR, check};
use crate::writer::{Order, enhanced, interface, pcap_header, pcap_record, section};
use crate::{contract, seeds};

/// What `inputs` has for a target, and what fuzzing found there.
fn kept(target: &str, inputs: Vec<(String, Vec<u8>)>) -> Vec<Vec<u8>> {
    let mut kept: Vec<_> = inputs.into_iter().map(|(_, input)| input).collect();
    // The folder exists only once fuzzing has found a failure.
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions").join(target);
    for entry in fs::read_dir(found).into_iter().flatten() {
        kept.push(fs::read(entry.unwrap().path()).unwrap());
    }
    kept
}

#[test]
fn kept_inputs_keep_the_contracts() {
    for input in kept("packets", seeds::seeds()) {
        contract::arbitrary_file(&input);
    }
    for input in kept("merge", seeds::of_several_files()) {
        check(&input);
    }
}

/// A file whose packets have these times in seconds, which may go back.
fn file(times: &[u32], format: u8) -> Vec<u8> {
    let order = if format & 1 == 0 { Order::Little } else { Order::Big };
    let packets = times.iter().zip(0_u8..);
    if format & 2 == 0 {
        let records = packets
            .flat_map(|(time, number)| pcap_record(order, (*time, 0), &[number; 20], 20))
            .collect();
        return [pcap_header(order, 0xa1b2_c3d4, 1), records].concat();
    }
    let blocks = packets
        .flat_map(|(time, number)| enhanced(order, 0, u64::from(*time) * 1_000_000, &[number; 20]))
        .collect();
    [section(order), interface(order, 1, 0, &[]), blocks].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn files_are_merged_by_time(
        files in vec((vec(0..30_u32, 0..8), 0..4_u8), 0..5),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        head in any::<[u8; 3]>(),
    ) {
        let files: Vec<_> = files.iter().map(|(times, format)| file(times, *format)).collect();
        let mut input = [&head, &files.join(&SEPARATOR[..])[..]].concat();
        check(&input);
        for (at, byte) in damage {
            let at = at.index(input.len());
            input[at] = byte;
        }
        check(&input);
    }
}
