//! Cut captures have the rows of whole ones.

use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::tls::keys::KeySource;
use wsdefrag_capture::{Capture, Options};

use crate::cut_contract::resumed;
use crate::mutation::{Random, mutated, records};
use crate::recordings::{self, Recording};
use crate::rows::Rows;

pub(crate) fn options(random: &mut Random) -> Options {
    Options { resync: random.one_in(2), resumable: true, ..Options::default() }
}

/// Reads a file; the capture is cut at these places, in bytes of the file.
fn read(file: &[u8], keys: &[u8], options: &Options, cuts: &[usize]) -> (Rows, Counts) {
    let mut rows = Rows::default();
    let mut capture = Capture::new(options.clone());
    if !keys.is_empty() {
        capture.add_keylog(keys, KeySource::KeyLog(0));
    }
    let mut at = 0;
    for end in cuts.iter().copied().chain([file.len()]) {
        while at < end {
            at += capture.receive_data(&file[at..end], &mut rows).unwrap();
        }
        if end < file.len() {
            capture = resumed(&mut capture, options, Some(&rows));
        }
    }
    let _ = capture.receive_eof(&mut rows);
    if !cuts.is_empty() {
        capture = resumed(&mut capture, options, Some(&rows));
    }
    assert!(capture.finish(&mut rows));
    (rows, capture.counts().clone())
}

fn check(recording: &Recording, file: &[u8], options: &Options, cuts: &[usize]) {
    let (rows, counts) = read(file, &recording.keys, options, &[]);
    let (cut_rows, cut_counts) = read(file, &recording.keys, options, cuts);
    let name = &recording.name;
    for (index, (cut, whole)) in cut_rows.0.iter().zip(&rows.0).enumerate() {
        assert_eq!(cut, whole, "{name}: row {index}, cut at {cuts:?}");
    }
    assert_eq!(cut_rows.0.len(), rows.0.len(), "{name}");
    assert_eq!(cut_counts, counts, "{name}");
}

/// Places in a file, in order.
fn places(file: &[u8], count: usize, random: &mut Random) -> Vec<usize> {
    let mut places: Vec<_> = (0..count).map(|_| 1 + random.below(file.len() - 1)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn recordings_cut_at_random_places_have_all_rows() {
    let mut random = Random(1);
    for recording in recordings::all() {
        for _ in 0..3 {
            let options = options(&mut random);
            let cuts = places(&recording.bytes, 6, &mut random);
            check(&recording, &recording.bytes, &options, &cuts);
        }
    }
}

/// A state that has windows and journals is longer, so only small captures are cut at each packet.
#[test]
fn small_recordings_cut_at_every_packet_have_all_rows() {
    let mut random = Random(2);
    for recording in recordings::all() {
        let (head, records) = records(&recording.bytes);
        if records.len() > 150 {
            continue;
        }
        let ends = records.iter().scan(head.len(), |end, record| {
            *end += record.len();
            Some(*end)
        });
        let cuts: Vec<_> = ends.filter(|end| *end < recording.bytes.len()).collect();
        check(&recording, &recording.bytes, &options(&mut random), &cuts);
    }
}

#[test]
fn damaged_recordings_cut_at_random_places_have_all_rows() {
    let count = std::env::var("WSDEFRAG_MUTATIONS").map_or(40, |text| text.parse().unwrap());
    let recordings = recordings::all();
    let mut random = Random(3);
    for round in 0..count {
        let recording = &recordings[round % recordings.len()];
        let file = mutated(&recording.bytes, &mut random);
        let options = options(&mut random);
        let cuts = places(&file, 4, &mut random);
        check(recording, &file, &options, &cuts);
    }
}
