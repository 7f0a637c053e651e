//! The recorded captures.

use std::path::PathBuf;
use std::{fs, io};

use crate::contract::{check_chunks, read};

fn captures() -> io::Result<Vec<PathBuf>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/captures");
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "pcap" || end == "pcapng") {
            paths.push(path);
        }
    }
    Ok(paths)
}

#[test]
fn recorded_captures_are_read_to_their_end() {
    let captures = captures().unwrap();
    assert!(!captures.is_empty());
    for path in captures {
        let outcome = read(&fs::read(&path).unwrap());
        assert!(
            outcome.fault.is_none_or(|fault| fault.is_cut_short()),
            "{}: {:?}",
            path.display(),
            outcome.fault
        );
        assert_eq!(outcome.counts.malformed, 0, "{}", path.display());
        assert_eq!(outcome.counts.unknown_link, 0, "{}", path.display());
        assert!(!outcome.packets.is_empty(), "{}", path.display());
    }
}

#[test]
fn recorded_captures_read_the_same_in_any_chunks() {
    for path in captures().unwrap() {
        let file = fs::read(&path).unwrap();
        check_chunks(&file, &[1, 4_096, 17, 65_536, 3]);
    }
}
