//! Flow files and HTTP archives that fuzzing starts from, made of a recorded capture.

use std::fs;
use std::path::Path;

use wsdefrag_capture::archive::archive_output::Archive;
use wsdefrag_capture::{Capture, Options, Sink};

/// The name and the bytes of an input.
type Seed = (String, Vec<u8>);

/// What a capture is as an archive.
pub(crate) fn converted(name: &str, archive: Archive, options: Options) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/captures").join(name);
    let file = fs::read(path).unwrap();
    let mut output = archive.output(vec![name.to_owned()], None);
    let mut capture = Capture::new(options);
    let mut made = Vec::new();
    let mut rest = &file[..];
    let mut taken = Vec::new();
    while capture.current().is_some() || rest.len() == file.len() {
        if rest.is_empty() {
            capture.receive_eof(&mut output).unwrap();
        } else {
            rest = &rest[capture.receive_data(rest, &mut output).unwrap()..];
        }
        while output.is_full() {
            output.take(&mut taken).unwrap();
            made.append(&mut taken);
        }
    }
    while !capture.finish(&mut output) {
        output.take(&mut taken).unwrap();
        made.append(&mut taken);
    }
    output.finish().unwrap();
    loop {
        output.take(&mut taken).unwrap();
        if taken.is_empty() {
            return made;
        }
        made.append(&mut taken);
    }
}

/// Archives of small recordings; the first byte gives the size of the chunks.
pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for name in ["refused.pcapng", "early-frames.pcapng", "snap-length.pcapng"] {
        for (archive, suffix) in [(Archive::Har, "har"), (Archive::Flows, "mitm")] {
            let file = converted(name, archive, Options { resync: true, ..Options::default() });
            seeds.push((format!("{name}.{suffix}"), [&[100], &file[..]].concat()));
        }
    }
    seeds
}
