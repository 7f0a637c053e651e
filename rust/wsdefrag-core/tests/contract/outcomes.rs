//! The allowed results of reading any bytes of a direction.

use wsdefrag_core::frame::close;
use wsdefrag_core::frame::header::MAX_CONTROL;
use wsdefrag_core::limits::Excess;
use wsdefrag_core::{Incomplete, Kind, Opcode, Settings};

use super::journal::{Journal, Seen};

/// Panics unless these settings allow the results in the journal.
pub(crate) fn check(settings: &Settings, journal: &Journal) {
    for (index, (offset, seen)) in journal.events.iter().enumerate() {
        check_event(settings, seen);
        assert!(*offset < journal.received - journal.discarded, "an event of bytes not read");
        let is_last = index + 1 == journal.events.len();
        assert!(is_last || !matches!(seen, Seen::Close(..)), "an event after the close frame");
    }
    let is_message = |seen: &Seen| matches!(seen, Seen::Message(..) | Seen::Opaque(..));
    assert!(is_ordered(journal, is_message));
    assert!(is_ordered(journal, |seen| !is_message(seen)));
    if let Some(error) = journal.error {
        assert!(error.offset < journal.received, "{error}, and {} received", journal.received);
        assert!(may_occur(error.kind, settings), "{error} under {settings:?}");
        assert!(!journal.is_closed(), "{error}, after a close frame");
        assert!(error.to_string().contains(&format!(" at byte {} (RFC", error.offset)));
    }
    match (&journal.ending, journal.error) {
        (Err(said), Some(error)) => assert_eq!(*said, error),
        (Ok(incomplete), None) => check_incomplete(settings, journal, incomplete.as_ref()),
        (said, error) => panic!("ended in {said:?}, and the error is {error:?}"),
    }
}

/// Whether the offsets of these events rise.
fn is_ordered(journal: &Journal, which: impl Fn(&Seen) -> bool) -> bool {
    journal.events.iter().filter(|(_, seen)| which(seen)).map(|(offset, _)| offset).is_sorted()
}

fn check_event(settings: &Settings, seen: &Seen) {
    match seen {
        Seen::Message(opcode, content) => {
            check_content(settings, content);
            assert!(matches!(opcode, Opcode::Text | Opcode::Binary));
            if *opcode == Opcode::Text && settings.strictness.utf8 {
                assert!(std::str::from_utf8(content).is_ok(), "text that is not UTF-8");
            }
        }
        Seen::Opaque(opcode, content, rsv) => {
            assert!(settings.foreign_extension, "only for another extension");
            assert!(matches!(opcode, Opcode::Text | Opcode::Binary));
            assert!((1..8).contains(rsv));
            check_content(settings, content);
        }
        Seen::Uncollected(..) => unreachable!("all messages are collected"),
        Seen::Ping(payload) | Seen::Pong(payload) => assert!(payload.len() <= MAX_CONTROL),
        Seen::Close(code, reason) => {
            let is_empty = *code == close::NO_STATUS_RECEIVED && reason.is_empty();
            let is_known = is_empty || close::may_be_sent(*code);
            assert!(is_known || !settings.strictness.close_codes, "close code {code}");
        }
    }
}

fn check_content(settings: &Settings, content: &[u8]) {
    let limit = settings.limits.max_message_size;
    assert!(limit.is_none_or(|limit| content.len() as u64 <= limit), "content over the limit");
}

fn check_incomplete(
    settings: &Settings,
    journal: &Journal,
    incomplete: Option<&Incomplete<Vec<u8>>>,
) {
    let Some(Incomplete { opcode, content, offset }) = incomplete else { return };
    assert!(*offset < journal.received);
    if let Some((closed_at, Seen::Close(..))) = journal.events.last() {
        // A Close came inside this message.
        assert!(offset < closed_at && !opcode.is_control());
    }
    if opcode.is_control() {
        assert!(content.len() < MAX_CONTROL);
    } else {
        check_content(settings, content);
    }
}

/// Whether a direction that is read with these settings can end with this error.
fn may_occur(kind: Kind, settings: &Settings) -> bool {
    let Settings { from_client, deflate, foreign_extension, limits, strictness } = settings;
    match kind {
        Kind::ReservedBits(bits) => {
            strictness.reserved_bits && !foreign_extension && (1..8).contains(&bits)
        }
        Kind::ReservedOpcode(opcode) => Opcode::from_bits(opcode).is_none() && opcode < 16,
        Kind::FragmentedControl(opcode) | Kind::ControlTooLong(opcode) => opcode.is_control(),
        Kind::DataInsideMessage(opcode) => matches!(opcode, Opcode::Text | Opcode::Binary),
        Kind::MaskedFromServer => strictness.mask_direction && !from_client,
        Kind::UnmaskedFromClient => strictness.mask_direction && *from_client,
        Kind::NonMinimalLength(length) => strictness.minimal_length && length < 1 << 16,
        Kind::InvalidCloseCode(code) => strictness.close_codes && !close::may_be_sent(code),
        Kind::InvalidUtf8 => strictness.utf8,
        Kind::InvalidDeflateData | Kind::TruncatedDeflateData | Kind::TooManyDeflateMembers(_) => {
            deflate.is_some()
        }
        Kind::LengthTopBit
        | Kind::ContinuationWithoutStart
        | Kind::ClosePayloadOneByte
        | Kind::InvalidCloseReason => true,
        Kind::Limit(excess) => match excess {
            Excess::FrameSize { limit, requested } => {
                limits.max_frame_size == Some(limit) && requested > limit
            }
            Excess::MessageSize { limit, requested } => {
                limits.max_message_size == Some(limit) && requested > limit
            }
            Excess::Fragments { limit, requested } => {
                limits.max_fragments == Some(limit) && requested == limit + 1
            }
            Excess::InflateRatio { limit, .. } => {
                limits.max_inflate_ratio == Some(limit) && deflate.is_some()
            }
            Excess::Budget { .. } => false,
        },
        Kind::OutOfMemory => false,
    }
}
