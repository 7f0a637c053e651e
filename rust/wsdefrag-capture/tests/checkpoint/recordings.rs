//! The recorded captures, as the bytes of their files.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use wsdefrag_capture::file::compression::Decompressor;

/// A recorded capture.
pub(crate) struct Recording {
    pub(crate) name: String,
    /// The file, decompressed.
    pub(crate) bytes: Vec<u8>,
    pub(crate) keys: Vec<u8>,
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(captures(&path));
        } else if path.to_string_lossy().contains(".pcap") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// All recorded captures.
pub(crate) fn all() -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/captures");
    let load = |path: PathBuf| {
        let mut bytes = Vec::new();
        Decompressor::new(File::open(&path).unwrap()).read_to_end(&mut bytes).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let keys = path.with_extension("keys.log");
        Recording { name, bytes, keys: fs::read(keys).unwrap_or_default() }
    };
    let all: Vec<_> = captures(&folder).into_iter().map(load).collect();
    assert!(all.len() > 30, "the recordings are there");
    all
}
