//! A direction that collects only some messages, or none, reads the same as one that collects all.

use wsdefrag_core::frame::header::MAX_CONTROL;
use wsdefrag_core::{Collection, Kind, Limits, Settings};

use super::journal::{self, Journal, Seen};
use super::{input, ledger};

/// Panics unless what is not collected is still read and checked.
pub(crate) fn check(settings: Settings, cuts: u8, wire: &[u8]) {
    let unlimited = Settings {
        limits: Limits {
            max_frame_size: None,
            max_message_size: None,
            max_fragments: None,
            max_inflate_ratio: None,
        },
        ..settings
    };
    let read = |settings, collection| {
        journal::read_collecting(settings, collection, input::cut(wire, cuts))
    };
    let (whole, _) = read(unlimited, Collection::Required);
    let (nothing, memory) = read(settings, Collection::Nothing);
    assert!(memory.largest <= MAX_CONTROL, "{} bytes for what is not collected", memory.largest);
    assert!(nothing.events.iter().all(|(_, seen)| !has_content(seen)), "{nothing:?}");
    same_but_for_contents(&whole, &nothing);
    let (some, _) = read(settings, Collection::WithinLimits);
    same_but_for_contents(&whole, &some);
    collected_within_limits(&read(settings, Collection::Required).0, &some);
}

fn has_content(seen: &Seen) -> bool {
    matches!(seen, Seen::Message(..) | Seen::Opaque(..))
}

/// Compares with a direction that collects all messages, whatever their length.
fn same_but_for_contents(whole: &Journal, other: &Journal) {
    assert_eq!(whole.events.len(), other.events.len(), "{whole:?}\n{other:?}");
    for (ours, theirs) in whole.events.iter().zip(&other.events) {
        assert_eq!(ours.0, theirs.0, "{ours:?} {theirs:?}");
        match (&ours.1, &theirs.1) {
            (Seen::Message(opcode, content), Seen::Uncollected(other, length)) => {
                assert_eq!((opcode, content.len() as u64), (other, *length));
            }
            (Seen::Opaque(opcode, content, _), Seen::Uncollected(other, length)) => {
                assert_eq!(opcode, other);
                // A message of which a part was inflated has no content.
                assert!(content.is_empty() || content.len() as u64 == *length);
            }
            (ours, theirs) => assert_eq!(ours, theirs),
        }
    }
    assert_eq!(whole.error, other.error);
    assert_eq!(whole.tolerated, other.tolerated);
    assert_eq!((whole.received, whole.discarded), (other.received, other.discarded));
    match (&whole.ending, &other.ending) {
        (Ok(Some(ours)), Ok(Some(theirs))) => {
            assert_eq!((ours.opcode, ours.offset), (theirs.opcode, theirs.offset));
            assert!(theirs.content.is_empty() || theirs.content == ours.content);
        }
        (ours, theirs) => assert_eq!(ours, theirs),
    }
}

/// Compares with a direction that a limit ends: `strict` has what is collected before that.
fn collected_within_limits(strict: &Journal, some: &Journal) {
    let (before, after) = some.events.split_at(strict.events.len());
    assert_eq!(before, strict.events, "not collected although no limit was exceeded");
    let is_limit = strict.error.is_some_and(|error| matches!(error.kind, Kind::Limit(_)));
    let next = after.iter().map(|(_, seen)| seen).find(|seen| !is_control(seen));
    assert!(
        !is_limit || next.is_none_or(|seen| matches!(seen, Seen::Uncollected(..))),
        "collected although a limit was exceeded: {next:?}"
    );
}

fn is_control(seen: &Seen) -> bool {
    matches!(seen, Seen::Ping(_) | Seen::Pong(_) | Seen::Close(..))
}

/// The memory for a direction: none for contents if nothing is collected.
pub(crate) fn memory(settings: &Settings, collection: Collection) -> ledger::Ledger {
    let most = settings.limits.max_message_size;
    ledger::Ledger::new(if collection == Collection::Nothing { Some(0) } else { most })
}
