//! The inputs that fuzzing starts from: scripts, the beginnings of recorded captures, and states.
//!
//! `cut_contract.rs` describes the form of an input. The example `seeds` includes this file too.

use wsdefrag_capture::tls::keys::KeySource;
use wsdefrag_capture::{Capture, Options};

use crate::connections;
use crate::cut_contract::{CHANGED, CONNECTION, FILES, HTTP2, SEPARATOR, STATE};
use crate::frame::content_of;
use crate::recordings::{self, Recording};
use crate::rows::Rows;

/// Bytes of a recording in an input.
const LENGTH: usize = 4000;
/// Bytes of a recording before its state is written.
const BEFORE: usize = 6000;
/// The longest input; longer ones would make fuzzing slow.
const MOST: usize = 16 << 10;
/// A place in the first third, one in the middle, and one near the end.
const PLACES: [u8; 6] = [0x48, 0, 0x80, 0x11, 0xf0, 0];

/// The inputs, by their names.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut inputs = Vec::new();
    let of_http2 = connections::http2().into_iter().map(|seed| (HTTP2, seed));
    let scripts = connections::seeds().into_iter().map(|seed| (CONNECTION, seed)).chain(of_http2);
    for (rules, (name, script)) in scripts {
        let (options, script) = script.split_first().unwrap();
        if rules == CONNECTION {
            let changed = [&[CHANGED, *options], &PLACES[..], script].concat();
            inputs.push((format!("{name}-changed"), changed));
        }
        inputs.push((name, [&[rules, *options], &PLACES[..], script].concat()));
    }
    for (recording, bits) in recordings::all().iter().zip((0_u8..).step_by(5)) {
        let name = recording.name.split('.').next().unwrap();
        inputs.push((format!("{name}-cut"), cut(recording, bits & 0xf8)));
        inputs.push((format!("{name}-state"), state(recording)));
    }
    inputs.retain(|(_, input)| input.len() <= MOST);
    inputs
}

/// The beginning of a recording, in one file.
fn cut(recording: &Recording, bits: u8) -> Vec<u8> {
    let file = &recording.bytes[..recording.bytes.len().min(LENGTH)];
    let keys = &recording.keys[..recording.keys.len().min(LENGTH)];
    [&[FILES, bits], &PLACES[..], keys, &SEPARATOR, file].concat()
}

/// The content of the state after the beginning of a recording, and the bytes after that.
fn state(recording: &Recording) -> Vec<u8> {
    let mut capture = Capture::new(Options { resumable: true, ..Options::default() });
    capture.add_keylog(&recording.keys, KeySource::KeyLog(0));
    let (before, after) = recording.bytes.split_at(recording.bytes.len().min(BEFORE));
    let mut taken = 0;
    while taken < before.len() {
        taken += capture.receive_data(&before[taken..], &mut Rows::default()).unwrap();
    }
    let content = content_of(&capture.checkpoint(&[]).unwrap());
    let after = &after[..after.len().min(LENGTH)];
    [&[STATE, 0], &content[..], &SEPARATOR, after].concat()
}
