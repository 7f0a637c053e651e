//! The inputs that fuzzing keeps, read again by the contracts they belong to.
//!
//! `rust/fuzz/seeds` holds where the fuzzer starts from, `rust/fuzz/regressions` what it once
//! found. Each has a folder for each target; those of the capture half are read by its own tests.

mod contract;

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

/// The files of a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn replay(kind: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(kind);
    let mut broken = Vec::new();
    for (target, check) in contract::TARGETS {
        let folder = root.join(target);
        // A target may have found nothing yet.
        if kind == "regressions" && !folder.exists() {
            continue;
        }
        for file in files(&folder) {
            let input = fs::read(&file).unwrap();
            if panic::catch_unwind(|| check(&input)).is_err() {
                broken.push(file);
            }
        }
    }
    assert!(broken.is_empty(), "these break their contract: {broken:#?}");
}

#[test]
fn seeds_keep_their_contracts() {
    replay("seeds");
}

#[test]
fn inputs_once_found_keep_their_contracts() {
    replay("regressions");
}

#[test]
fn every_target_has_seeds() {
    for (target, _) in contract::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
        assert!(!files(&folder).is_empty(), "{}", folder.display());
    }
}
