//! The rules of checkpoints that hold for any input, shared with the fuzz target `checkpoint`.
//!
//! The first byte of an input says which rules are checked, and the second one is the byte of options of
//! `connections/contract.rs`. Where its bits describe the handshake of a script, they choose other options
//! for files.
//!
//! - a state of any bytes, one whose frame is right around any content, and the state of a script with up to
//!   two values changed are refused or read; what was read can be announced, read on, written again and ended
//! - a capture that is cut at up to three places, written and read again, has the rows, the counts, the
//!   damage and the errors of one that is read in one go; and a state that was read is written as it was
//!
//! Places are 16-bit fractions of the length of all files. Inside a flow file or an HTTP archive there is no
//! state, and the capture goes on.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use wsdefrag_capture::file::damage::Damage;
use wsdefrag_capture::file::error::FileError;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::tls::keys::KeySource;
use wsdefrag_capture::{Capture, CheckpointError, Options};
use wsdefrag_core::DeflateParams;

use crate::frame::{content_of, framed};
use crate::rows::{Rows, open};
use crate::{contract, http2};

/// Separates the content of a state and the packets after it; a key log and files.
pub(crate) const SEPARATOR: [u8; 4] = *b"\xF1\x1E\xF1\x1E";

// The first byte of an input.
pub(crate) const STATE: u8 = 0;
pub(crate) const CONNECTION: u8 = 1;
pub(crate) const HTTP2: u8 = 2;
pub(crate) const FILES: u8 = 3;
pub(crate) const CHANGED: u8 = 4;
/// How many kinds of inputs there are.
const KINDS: u8 = 5;

/// Most files of an input.
const MOST_FILES: usize = 3;
/// Most places at which a capture is cut.
const CUTS: usize = 3;

/// Checks the rules for one input.
///
/// # Panics
///
/// If a rule is broken.
pub(crate) fn check(input: &[u8]) {
    let Some((&[rules, bits], rest)) = input.split_first_chunk() else { return };
    if rules % KINDS == STATE {
        let (state, packets) = split(rest).unwrap_or((rest, &[]));
        check_state(state, packets);
        check_state(&framed(state), packets);
        return;
    }
    let Some((places, rest)) = rest.split_first_chunk::<{ 2 * CUTS }>() else { return };
    match rules % KINDS {
        CHANGED => check_changed(&contract::file(bits, rest), &script_options(bits), places),
        CONNECTION => {
            check_cuts(&[&contract::file(bits, rest)], b"", &script_options(bits), places);
        }
        HTTP2 => check_cuts(&[&http2::file(rest)], b"", &script_options(bits), places),
        _ => {
            let (keys, mut rest) = split(rest).unwrap_or((&[], rest));
            let mut files = Vec::new();
            while files.len() + 1 < MOST_FILES
                && let Some((file, others)) = split(rest)
            {
                files.push(file);
                rest = others;
            }
            files.push(rest);
            check_cuts(&files, keys, &file_options(bits), places);
        }
    }
}

/// What stands before a separator, and after it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(SEPARATOR.len()).position(|part| part == SEPARATOR)?;
    Some((&bytes[..end], &bytes[end + SEPARATOR.len()..]))
}

fn script_options(bits: u8) -> Options {
    Options { resumable: true, ..contract::options(bits) }
}

/// Options for files, as `contract::options` has them and three more.
fn file_options(bits: u8) -> Options {
    let mut options = script_options(bits);
    if bits & 1 != 0 {
        options.max_connections = 2;
    }
    if bits & 2 != 0 {
        options.idle_timeout = Some(50_000_000);
    }
    if bits & 4 != 0 {
        options.deflate = Some(DeflateParams::default());
    }
    options
}

/// Reads the first half of a file, and goes on with its state in which up to two values were changed. Small
/// numbers, truths and nulls (RFC 8949 section 3) become others, so that many changed states can be read.
fn check_changed(file: &[u8], options: &Options, changes: &[u8; 2 * CUTS]) {
    let half = file.len() / 2;
    let mut capture = Capture::new(options.clone());
    capture.receive_data(&file[..half], &mut Rows::default()).expect("the file is a capture");
    let mut content = content_of(&capture.checkpoint(&[]).unwrap());
    let is_value = |byte: u8| matches!(byte, 0..0x18 | 0xf4..=0xf6);
    let values: Vec<_> = (0..content.len()).filter(|at| is_value(content[*at])).collect();
    for change in changes.chunks(3).filter(|change| change[2] != 0) {
        let value = &mut content[values[fraction(change, values.len())]];
        *value = if *value < 0x18 { change[2] % 0x18 } else { 0xf4 + change[2] % 3 };
    }
    check_state_of(&framed(&content), options, &file[half..]);
}

/// Checks that a state is refused, or read on with these packets.
pub(crate) fn check_state(state: &[u8], packets: &[u8]) {
    let options = Options { resumable: true, ..Options::default() };
    check_state_of(state, &options, packets);
}

fn check_state_of(state: &[u8], options: &Options, packets: &[u8]) {
    let read_on = || {
        let Ok((mut capture, _)) = Capture::resume(state, options.clone()) else { return };
        let mut rows = Rows::default();
        capture.announce(&mut rows);
        read_on(&mut capture, packets, &mut rows);
        let _ = capture.checkpoint(&[]);
        capture.finish(&mut rows);
    };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(read_on)) {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        // What only debug builds check: that accounts are balanced, and that sums fit.
        if !text.contains("Account {") && !text.contains("with overflow") {
            resume_unwind(panic);
        }
    }
}

/// Gives a capture that was read from a state more bytes.
fn read_on(capture: &mut Capture, mut bytes: &[u8], rows: &mut Rows) {
    while !bytes.is_empty() {
        match capture.receive_data(bytes, rows) {
            Ok(taken) if taken > 0 => bytes = &bytes[taken..],
            _ => return,
        }
    }
    let _ = capture.receive_eof(rows);
}

/// What a capture has.
#[derive(Debug, Default, PartialEq)]
struct Read {
    counts: Option<Counts>,
    damages: Vec<(u32, Damage)>,
    errors: Vec<(u32, FileError)>,
}

/// A place below `length` that two bytes describe.
fn fraction(bytes: &[u8], length: usize) -> usize {
    (usize::from(u16::from_be_bytes([bytes[0], bytes[1]])) * length) >> 16
}

fn check_cuts(files: &[&[u8]], keys: &[u8], options: &Options, places: &[u8; 2 * CUTS]) {
    let length: usize = files.iter().map(|file| file.len()).sum();
    let mut cuts: Vec<_> = places.chunks(2).map(|place| fraction(place, length)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let (rows, read) = read_files(files, keys, options, &[]);
    let (cut_rows, cut_read) = read_files(files, keys, options, &cuts);
    for (index, (cut, whole)) in cut_rows.0.iter().zip(&rows.0).enumerate() {
        assert_eq!(cut, whole, "row {index}, cut at {cuts:?}");
    }
    assert_eq!(cut_rows.0.len(), rows.0.len(), "cut at {cuts:?}");
    assert_eq!(cut_read, read, "cut at {cuts:?}");
}

/// Reads files, merged by time. The capture is cut when so many bytes of them were taken.
fn read_files(files: &[&[u8]], keys: &[u8], options: &Options, cuts: &[usize]) -> (Rows, Read) {
    let (mut rows, mut read) = (Rows::default(), Read::default());
    let mut capture = Capture::new(options.clone());
    if !keys.is_empty() {
        capture.add_keylog(keys, KeySource::KeyLog(0));
    }
    for _ in files {
        capture.add_file(None);
    }
    let is_cut = !cuts.is_empty();
    let mut cuts = cuts.iter().copied().peekable();
    let starts_archive = |file: &&[u8]| matches!(file.first(), Some(b'0'..=b'9' | b'{'));
    let may_be_in_archive = files.iter().any(starts_archive);
    let mut positions = vec![0; files.len()];
    let mut taken = 0;
    let mut stalled = 0;
    while let Some(current) = capture.current() {
        let position = &mut positions[current as usize];
        let rest = &files[current as usize][*position..];
        let length = cuts.peek().map_or(rest.len(), |cut| rest.len().min(cut - taken));
        if length == 0 && !rest.is_empty() {
            cuts.next();
            if may_be_in_archive && is_in_archive(&mut capture) {
                continue;
            }
            read.damages.append(&mut capture.take_damages());
            capture = resumed(&mut capture, options, Some(&rows));
            continue;
        }
        let before = (capture.counts().clone(), taken);
        let result = if rest.is_empty() {
            capture.receive_eof(&mut rows)
        } else {
            capture.receive_data(&rest[..length], &mut rows).map(|count| {
                *position += count;
                taken += count;
                false
            })
        };
        let moved = before != (capture.counts().clone(), taken) || !matches!(result, Ok(false));
        if let Err(error) = result {
            read.errors.push((current, error));
        }
        // A call that does nothing has the file wait for another one.
        stalled = if moved { 0 } else { stalled + 1 };
        assert!(stalled <= files.len(), "no file goes on");
    }
    if is_cut {
        read.damages.append(&mut capture.take_damages());
        capture = resumed(&mut capture, options, Some(&rows));
    }
    assert!(capture.finish(&mut rows));
    read.damages.append(&mut capture.take_damages());
    read.counts = Some(capture.counts().clone());
    (rows, read)
}

/// Whether a capture is inside a flow file or an HTTP archive, where it has no state.
fn is_in_archive(capture: &mut Capture) -> bool {
    matches!(capture.checkpoint(&[]), Err(CheckpointError::NotResumable(_)))
}

/// Writes the state, and goes on with what is read of it.
pub(crate) fn resumed(capture: &mut Capture, options: &Options, rows: Option<&Rows>) -> Capture {
    let state = capture.checkpoint(&[]).unwrap();
    let (mut next, names) = Capture::resume(&state, options.clone()).unwrap();
    assert_eq!(names, []);
    assert_eq!(next.counts(), capture.counts());
    let again = next.checkpoint(&[]).unwrap();
    let (again, state) = (content_of(&again), content_of(&state));
    if let Some(place) = again.iter().zip(&state).position(|(one, other)| one != other) {
        let around = |bytes: &[u8]| {
            let bytes = &bytes[place.saturating_sub(80)..bytes.len().min(place + 20)];
            String::from_utf8_lossy(bytes).into_owned()
        };
        panic!("{:?} became {:?}", around(&state), around(&again));
    }
    assert_eq!(again.len(), state.len());
    if let Some(rows) = rows {
        let mut announced = Rows::default();
        next.announce(&mut announced);
        assert_eq!(announced.0.len(), open(rows).len());
        assert_eq!(open(&announced), open(rows));
    }
    next
}
