//! The recorded captures: the packets in them are counted and handed out.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use wsdefrag_capture::file::compression::Decompressor;

use crate::contract::{arbitrary_file, check_chunks, read};
use crate::seeds;

/// The files of a folder of the repository.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

/// The recorded captures, inflated if they are compressed.
fn captures() -> Vec<(PathBuf, Vec<u8>)> {
    let mut captures = files("vectors/captures");
    captures.retain(|path| {
        let end = path.extension().and_then(|end| end.to_str());
        matches!(end, Some("pcap" | "pcapng" | "gz"))
    });
    let open = |path: PathBuf| {
        let mut bytes = Vec::new();
        let mut reader = Decompressor::new(File::open(&path).unwrap());
        reader.read_to_end(&mut bytes).unwrap();
        (path, bytes)
    };
    captures.into_iter().map(open).collect()
}

#[test]
fn recorded_captures_are_read_to_their_end() {
    for (path, file) in captures() {
        let outcome = read(&file);
        let counts = &outcome.counts;
        assert_eq!((outcome.error, &outcome.damages[..]), (None, &[][..]), "{}", path.display());
        assert_eq!((counts.malformed, counts.unknown_link), (0, 0), "{}", path.display());
        assert!(!outcome.packets.is_empty(), "{}", path.display());
    }
}

#[test]
fn recorded_captures_read_the_same_in_any_chunks() {
    for (_, file) in captures() {
        check_chunks(&file, &[1, 4_096, 17, 65_536, 3]);
    }
}

#[test]
fn inputs_that_fuzzing_starts_from_keep_the_contract() {
    let inputs = seeds::seeds();
    assert!(inputs.len() > 20, "{} inputs", inputs.len());
    for (_, input) in inputs {
        arbitrary_file(&input);
    }
}
