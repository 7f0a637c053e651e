//! Wire cases: bytes of one direction, read whole, byte by byte and split at every position.

use wsdefrag_core::{Error, Reassembler};

use crate::contract::journal::{self, Journal, Recorder, Seen};
use crate::contract::ledger::Ledger;
use crate::contract::{agreement, fragments, frames};
use crate::reading::{self, Case, Expected, ExpectedError};

/// Bytes from which on a wire is cut near its ends only.
const LONG: usize = 2000;
/// Bytes from which on it is read in large chunks only; Python reads it byte by byte as well.
const LONGEST: usize = 100_000;

/// The events and the error are those of the line.
pub(crate) fn check(case: &Case, journal: &Journal) {
    let name = &case.name;
    let events: Vec<_> = journal.events.iter().map(|(_, event)| expected(event)).collect();
    assert_eq!(events, case.events, "{name}");
    check_error(case, journal.error.as_ref());
    match (&case.incomplete, &journal.ending) {
        (Some(cut), Ok(Some(ending))) => {
            assert_eq!(
                (ending.opcode, &ending.content, ending.offset),
                (cut.opcode, &cut.content, cut.offset),
                "{name}"
            );
        }
        (None, Ok(None)) => assert!(case.error.is_none(), "{name}"),
        (None, Err(error)) => assert_eq!(Some(error), journal.error.as_ref(), "{name}"),
        (cut, ending) => panic!("{name}: {ending:?} instead of {cut:?}"),
    }
    assert_eq!(journal.received, case.wire.len() as u64, "{name}");
    if let Some(discarded) = case.discarded {
        assert_eq!(journal.discarded, discarded, "{name}");
    }
    let counted = journal.tolerated.counters().filter(|(_, count)| *count > 0);
    let mut counted: Vec<_> = counted.map(|(rule, count)| (rule.to_owned(), count)).collect();
    counted.sort();
    assert_eq!(counted, case.tolerated, "{name}");
}

/// Panics unless the error is the line's.
pub(crate) fn check_error(case: &Case, error: Option<&Error>) {
    let found = error.map(|error| ExpectedError {
        kind: error.kind.name().to_owned(),
        offset: error.offset,
        close_code: error.kind.close_code(),
        rfc_section: error.kind.rfc_section().to_owned(),
        known_after: case.error.as_ref().and_then(|error| error.known_after),
        text: case.error.as_ref().and_then(|error| error.text.as_ref()).map(|_| error.to_string()),
    });
    assert_eq!(found, case.error, "{}", case.name);
}

fn expected(event: &Seen) -> Expected {
    match event.clone() {
        Seen::Message(opcode, content) => Expected::Message(opcode, content),
        Seen::Opaque(opcode, content, rsv) => Expected::Opaque(opcode, content, rsv),
        Seen::Ping(payload) => Expected::Ping(payload),
        Seen::Pong(payload) => Expected::Pong(payload),
        Seen::Close(code, reason) => Expected::Close(code, reason),
        Seen::Uncollected(..) => panic!("all messages are collected"),
    }
}

#[test]
fn case_read_whole_gives_what_the_vectors_say() {
    for case in reading::cases("wire.jsonl") {
        let (journal, _) = journal::read(case.settings, [&case.wire[..]]);
        check(&case, &journal);
    }
}

#[test]
fn case_cut_anywhere_gives_the_same() {
    for Case { name, settings, wire, .. } in reading::cases("wire.jsonl") {
        let (whole, _) = journal::read(settings, [&wire[..]]);
        let (whole_frames, _) = frames::read(&settings, [&wire[..]]);
        agreement::check(&settings, &whole_frames, &whole);
        let sizes = if wire.len() < LONGEST { &[1, 2, 3, 7, 4093][..] } else { &[4093] };
        for size in sizes.iter().copied() {
            let (journal, _) = journal::read(settings, wire.chunks(size));
            assert_eq!(journal, whole, "{name} in chunks of {size}");
            let (frames, _) = frames::read(&settings, wire.chunks(size));
            assert_eq!(frames, whole_frames, "{name} in chunks of {size}");
        }
        let places: Vec<usize> = match wire.len() {
            LONGEST.. => Vec::new(),
            size @ LONG.. => (0..16).chain(size - 4..=size).collect(),
            size => (0..=size).collect(),
        };
        for at in places {
            let halves = [&wire[..at], &wire[at..]];
            let (journal, _) = journal::read(settings, halves);
            assert_eq!(journal, whole, "{name} cut at {at}");
            let (frames, _) = frames::read(&settings, halves);
            assert_eq!(frames, whole_frames, "{name} cut at {at}");
        }
    }
}

#[test]
fn case_read_in_fragments_gives_the_same() {
    // A stream of fragments knows of no other extension.
    let cases = reading::cases("wire.jsonl").into_iter();
    for case in cases.filter(|case| !case.settings.foreign_extension) {
        // The seeds stand for chunks of one byte, of up to 19, and for the whole.
        for cuts in [0, 3, 7] {
            fragments::check(case.settings, cuts, &case.wire);
        }
    }
}

#[test]
fn error_is_known_after_the_byte_that_proves_it() {
    for case in reading::cases("wire.jsonl") {
        let Some(proof) = case.error.as_ref().and_then(|error| error.known_after) else { continue };
        let mut recorder = Recorder::new(Ledger::new(case.settings.limits.max_message_size));
        let mut reassembler = Reassembler::new(case.settings);
        reassembler.receive_data(&case.wire[..proof - 1], &mut recorder);
        assert_eq!(reassembler.error(), None, "{}", case.name);
        reassembler.receive_data(&case.wire[proof - 1..proof], &mut recorder);
        check_error(&case, reassembler.error());
    }
}
