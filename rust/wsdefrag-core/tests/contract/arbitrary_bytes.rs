//! Reading any bytes with any settings has one of the allowed outcomes.

use super::{agreement, collection, frames, input, journal, outcomes};

/// Panics unless reading `input` has an allowed outcome.
pub(crate) fn check(input: &[u8]) {
    let Some((settings, cuts, wire)) = input::read(input) else { return };
    let (journal, _) = journal::read(settings, input::cut(wire, cuts));
    assert_eq!(journal.received, wire.len() as u64);
    outcomes::check(&settings, &journal);
    let (frames, _) = frames::read(&settings, input::cut(wire, cuts));
    agreement::check(&settings, &frames, &journal);
    collection::check(settings, cuts, wire);
}
