//! The rules that the merging of files keeps for any input, shared with the fuzz target `merge`.
//!
//! Files of any bytes give:
//!
//! - of each file, the records, the damage and the error that it has alone, in that order
//! - records of all files in the order of their keys; a record's key is the latest time in its file up
//!   to it
//!
//! Neither the size of the chunks nor a sink that is full after each record changes anything. A first
//! time that was looked up is that of the first record.

use wsdefrag_capture::file::damage::Damage;
use wsdefrag_capture::file::error::FileError;
use wsdefrag_capture::file::first_time::first_time;
use wsdefrag_capture::file::merge::Merge;
use wsdefrag_capture::file::reader::RecordReader;
use wsdefrag_capture::file::record::{Record, Taken};
use wsdefrag_capture::file::secrets::Secrets;

/// Separates the files of an input.
pub(crate) const SEPARATOR: [u8; 4] = *b"\xF1\x1E\xF1\x1E";

/// Most files of an input.
const MOST_FILES: usize = 4;

/// A copy of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    time: i64,
    link: Option<u32>,
    bytes: Vec<u8>,
    length: u32,
}

impl Seen {
    fn new(record: &Record<'_>) -> Self {
        let Record { time, link, bytes, length } = *record;
        Self { time, link, bytes: bytes.to_vec(), length }
    }
}

/// What a file gives.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    records: Vec<Seen>,
    damages: Vec<Damage>,
    error: Option<FileError>,
}

/// Reads a file by itself, in one chunk.
fn alone(file: &[u8]) -> Read {
    let (mut reader, mut secrets) = (RecordReader::new(), Secrets::default());
    let mut records = Vec::new();
    let mut sink = |record: &Record<'_>| {
        records.push(Seen::new(record));
        Taken::Yes
    };
    let taken = reader.receive_data(file, &mut secrets, &mut sink);
    let end = taken.and_then(|taken| {
        assert_eq!(taken, file.len());
        reader.receive_eof(&mut secrets, &mut sink)
    });
    assert_ne!(end, Ok(false));
    Read { records, damages: reader.take_damages(), error: end.err() }
}

/// Reads files merged: what each gave, and the file and the time of every record. The first times of
/// files whose bit is set in `known` are looked up.
fn merged(
    files: &[&[u8]],
    lengths: &[usize],
    known: u8,
    one_by_one: bool,
) -> (Vec<Read>, Vec<(usize, i64)>) {
    let mut merge = Merge::new();
    for (index, file) in files.iter().enumerate() {
        let looked_up = known >> index & 1 != 0;
        let first = if looked_up { first_time(&mut &**file) } else { None };
        assert_eq!(merge.add_file(first) as usize, index);
    }
    let mut read: Vec<Read> = files.iter().map(|_| Read::default()).collect();
    let mut order = Vec::new();
    let mut positions = vec![0; files.len()];
    let mut lengths = lengths.iter().cycle();
    let mut stalled = 0;
    while let Some(current) = merge.current() {
        let current = current as usize;
        let handed_out = order.len();
        let mut sink = |file: u32, record: &Record<'_>| {
            assert_eq!(file as usize, current);
            read[current].records.push(Seen::new(record));
            order.push((current, record.time));
            one_by_one
        };
        let rest = &files[current][positions[current]..];
        let mut moved = true;
        let error = if rest.is_empty() {
            match merge.receive_eof(&mut sink) {
                Ok(ended) => {
                    moved = ended;
                    None
                }
                Err(error) => Some(error),
            }
        } else {
            let length = lengths.next().map_or(rest.len(), |length| rest.len().min(*length));
            match merge.receive_data(&rest[..length], &mut sink) {
                Ok(taken) => {
                    positions[current] += taken;
                    moved = taken > 0;
                    None
                }
                Err(error) => Some(error),
            }
        };
        read[current].error = read[current].error.or(error);
        // A call that does nothing has the file wait for another one.
        stalled = if moved || order.len() > handed_out { 0 } else { stalled + 1 };
        assert!(stalled <= files.len(), "no file goes on");
    }
    for (file, damage) in merge.take_damages() {
        read[file as usize].damages.push(damage);
    }
    (read, order)
}

/// Checks files of any bytes. The first two bytes of `input` give the chunk lengths, the bits of the
/// third say which files' first times are looked up, and the rest is files with separators.
pub(crate) fn check(input: &[u8]) {
    let Some(([few, many, known], mut rest)) = input.split_first_chunk::<3>() else { return };
    let mut files = Vec::new();
    while files.len() + 1 < MOST_FILES
        && let Some(end) = rest.windows(SEPARATOR.len()).position(|bytes| bytes == SEPARATOR)
    {
        files.push(&rest[..end]);
        rest = &rest[end + SEPARATOR.len()..];
    }
    files.push(rest);
    let expected: Vec<Read> = files.iter().map(|file| alone(file)).collect();
    for (file, read) in files.iter().zip(&expected) {
        if let Some(first) = first_time(&mut &**file) {
            assert_eq!(Some(first), read.records.first().map(|record| record.time));
        }
    }
    let (read, order) = merged(&files, &[], *known, false);
    assert_eq!(read, expected);
    let mut latest = vec![i64::MIN; files.len()];
    let keys = order.iter().map(|(file, time)| {
        latest[*file] = latest[*file].max(*time);
        latest[*file]
    });
    assert!(keys.is_sorted());
    let lengths = [1 + usize::from(*few), 1 + 16 * usize::from(*many)];
    for one_by_one in [false, true] {
        let again = merged(&files, &lengths, *known, one_by_one);
        assert_eq!((&again.0, &again.1), (&read, &order));
    }
}
