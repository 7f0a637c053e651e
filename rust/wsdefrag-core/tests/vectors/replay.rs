//! Replays the inputs that fuzzing starts from and those that it found, each with its contract.
//!
//! `rust/fuzz/regressions` holds the inputs found, in a folder for each target; the inputs that
//! fuzzing starts from are made from the vectors. The tests of the capture half replay its inputs.

use std::fs;
use std::panic;
use std::path::Path;

use crate::contract::{self, input};
use crate::{reading, seeds};

/// Panics unless every input keeps the contract of its target.
fn replay(target: &str, inputs: &[seeds::Seed]) {
    let (_, check) = contract::TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let breaks = |(_, input): &&seeds::Seed| panic::catch_unwind(|| check(input)).is_err();
    let broken: Vec<_> = inputs.iter().filter(breaks).map(|(name, _)| name).collect();
    assert!(broken.is_empty(), "these break the contract of {target}: {broken:#?}");
}

#[test]
fn inputs_made_of_the_vectors_keep_their_contracts() {
    let targets = seeds::targets();
    let names = targets.each_ref().map(|(target, _)| *target);
    assert_eq!(names, contract::TARGETS.map(|(target, _)| target), "every target has inputs");
    for (target, inputs) in targets {
        assert!(inputs.len() >= 18, "{target} has {} inputs", inputs.len());
        replay(target, &inputs);
    }
}

#[test]
fn inputs_once_found_keep_their_contracts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions");
    for (target, _) in contract::TARGETS {
        // A target may have found nothing yet.
        let Ok(entries) = fs::read_dir(root.join(target)) else { continue };
        let mut inputs = Vec::new();
        for path in entries.map(|entry| entry.unwrap().path()) {
            inputs.push((path.display().to_string(), fs::read(path).unwrap()));
        }
        assert!(!inputs.is_empty(), "{target} has an empty folder");
        replay(target, &inputs);
    }
}

#[test]
fn heads_of_inputs_are_read_as_they_are_written() {
    for case in reading::cases("wire.jsonl") {
        let head = input::head(&case.settings, 7);
        let (settings, cuts, wire) = input::read(&head).unwrap();
        assert_eq!((input::head(&settings, cuts), wire), (head, &b""[..]), "{}", case.name);
        let read = (settings.from_client, settings.deflate.is_some(), settings.strictness);
        let of_case = &case.settings;
        let written = (of_case.from_client, of_case.deflate.is_some(), of_case.strictness);
        assert_eq!(read, written, "{}", case.name);
    }
}
