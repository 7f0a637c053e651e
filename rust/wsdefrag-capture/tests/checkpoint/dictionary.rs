//! How the dictionary of version 1 was made: contents of small states, those of most use at the end.

use std::fs;
use std::path::Path;

use wsdefrag_capture::Capture;
use wsdefrag_capture::tls::keys::KeySource;

use crate::frame::content_of;
use crate::recordings;
use crate::rows::Rows;
use crate::states::{options, state_of};
use crate::talk::{Talk, text};

/// Writes the dictionary. States refer to it, so it is not written again: this is a record.
#[test]
#[ignore = "it changes the format"]
fn write_dictionary() {
    let mut dictionary = Vec::new();
    for recording in recordings::all() {
        if !recording.name.contains("key-updates") && !recording.name.contains("http2") {
            continue;
        }
        let mut capture = Capture::new(options());
        capture.add_keylog(&recording.keys, KeySource::KeyLog(0));
        let half = recording.bytes.len() / 2;
        let mut taken = 0;
        while taken < half {
            let part = &recording.bytes[taken..half];
            taken += capture.receive_data(part, &mut Rows::default()).unwrap();
        }
        let content = content_of(&capture.checkpoint(&[]).unwrap());
        dictionary.extend(&content[..content.len().min(12 << 10)]);
    }
    for extensions in ["permessage-deflate", ""] {
        let mut talk = Talk::new(extensions);
        for number in 0..3 {
            talk.message(true, false, text(number).as_bytes());
            talk.message(false, false, text(number).as_bytes());
        }
        dictionary.extend(content_of(&state_of(&talk)));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checkpoint/dictionary-1.bin");
    fs::write(path, dictionary).unwrap();
}
