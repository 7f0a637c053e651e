//! Each kind of error: the bytes that break the rule, the frame at fault, the close code, the RFC
//! section and the text.

use std::collections::BTreeSet;

use wsdefrag_core::limits::Excess;
use wsdefrag_core::{Kind, Opcode};

use crate::contract::journal;
use crate::{reading, wire};

#[test]
fn error_is_what_the_vectors_say_and_later_bytes_change_nothing() {
    for case in reading::cases("errors.jsonl") {
        let text = case.error.as_ref().and_then(|error| error.text.as_ref());
        assert!(text.is_some(), "{}", case.name);
        let more = [&case.wire[..], b"\x89\x00"].concat();
        for (bytes, added) in [(&case.wire, 0), (&more, 2)] {
            for size in [bytes.len(), 1] {
                let (mut journal, _) = journal::read(case.settings, bytes.chunks(size));
                journal.received -= added;
                wire::check(&case, &journal);
                let offset = journal.error.unwrap().offset;
                assert_eq!(journal.discarded, journal.received + added - offset);
            }
        }
    }
}

/// One of each kind that bytes alone bring about.
const KINDS: [Kind; 21] = [
    Kind::ReservedBits(4),
    Kind::ReservedOpcode(3),
    Kind::FragmentedControl(Opcode::Ping),
    Kind::ControlTooLong(Opcode::Ping),
    Kind::MaskedFromServer,
    Kind::UnmaskedFromClient,
    Kind::NonMinimalLength(5),
    Kind::LengthTopBit,
    Kind::ContinuationWithoutStart,
    Kind::DataInsideMessage(Opcode::Text),
    Kind::ClosePayloadOneByte,
    Kind::InvalidCloseCode(0),
    Kind::InvalidCloseReason,
    Kind::InvalidUtf8,
    Kind::InvalidDeflateData,
    Kind::TruncatedDeflateData,
    Kind::TooManyDeflateMembers(1024),
    Kind::Limit(Excess::FrameSize { limit: 4, requested: 5 }),
    Kind::Limit(Excess::MessageSize { limit: 4, requested: 5 }),
    Kind::Limit(Excess::Fragments { limit: 4, requested: 5 }),
    Kind::Limit(Excess::InflateRatio { limit: 4.0, requested: 5 }),
];

/// Whether bytes alone bring the kind about. A new kind does not compile before it is here.
const fn is_of_the_wire(kind: &Kind) -> bool {
    match kind {
        Kind::ReservedBits(_)
        | Kind::ReservedOpcode(_)
        | Kind::FragmentedControl(_)
        | Kind::ControlTooLong(_)
        | Kind::MaskedFromServer
        | Kind::UnmaskedFromClient
        | Kind::NonMinimalLength(_)
        | Kind::LengthTopBit
        | Kind::ContinuationWithoutStart
        | Kind::DataInsideMessage(_)
        | Kind::ClosePayloadOneByte
        | Kind::InvalidCloseCode(_)
        | Kind::InvalidCloseReason
        | Kind::InvalidUtf8
        | Kind::InvalidDeflateData
        | Kind::TruncatedDeflateData
        | Kind::TooManyDeflateMembers(_)
        | Kind::Limit(
            Excess::FrameSize { .. }
            | Excess::MessageSize { .. }
            | Excess::Fragments { .. }
            | Excess::InflateRatio { .. },
        ) => true,
        // They depend on the memory that the caller has.
        Kind::Limit(Excess::Budget { .. }) | Kind::OutOfMemory => false,
    }
}

#[test]
fn every_kind_has_a_line() {
    let has_lines: BTreeSet<String> =
        reading::cases("errors.jsonl").into_iter().map(|case| case.error.unwrap().kind).collect();
    assert!(KINDS.iter().all(is_of_the_wire));
    let kinds: BTreeSet<String> = KINDS.iter().map(|kind| kind.name().to_owned()).collect();
    assert_eq!(has_lines, kinds);
}
