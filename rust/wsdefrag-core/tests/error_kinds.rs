//! Each kind of error: the bytes that break the rule, the frame at fault, the close code and the
//! paragraph.

mod common;
mod contract;

use contract::journal;
use contract::ledger::Ledger;
use wsdefrag_core::limits::Excess;
use wsdefrag_core::{DeflateParams, Kind, Limits, Opcode, Reassembler, Settings, Strictness};

/// The bytes are fed behind a ping, so that an offset that is wrong shows.
const PING: &[u8] = b"\x89\x00";
const FROM_CLIENT: &[u8] = b"\x89\x80\x00\x00\x00\x00";
const FRAMES: &str = "RFC 6455 section 5.2";
const ORDER: &str = "RFC 6455 section 5.4";
const CONTROL: &str = "RFC 6455 section 5.5";
const CLOSE: &str = "RFC 6455 section 5.5.1";
const DEFLATE: &str = "RFC 7692 section 7.2.2";
const SAFETY: &str = "RFC 6455 section 10.4";

fn check_with(
    settings: Settings,
    wire: &[u8],
    kind: Kind,
    offset: u64,
    (name, close_code, section): (&str, u16, &str),
) {
    let ping = if settings.from_client { FROM_CLIENT } else { PING };
    let bytes = [ping, wire, b"\x89\x00"].concat();
    let offset = ping.len() as u64 + offset;
    for size in [bytes.len(), 1] {
        let (journal, _) = journal::read(settings, bytes.chunks(size));
        let error = journal.error.unwrap_or_else(|| panic!("{wire:02x?} is let through"));
        assert_eq!((error.kind, error.offset), (kind, offset), "{wire:02x?}");
        assert_eq!(
            (kind.name(), kind.close_code(), kind.rfc_section()),
            (name, close_code, section)
        );
        assert!(error.to_string().ends_with(&format!(" at byte {offset} ({section})")), "{error}");
        assert_eq!(journal.discarded, journal.received - offset);
    }
}

fn check(wire: &[u8], kind: Kind, offset: u64, names: (&str, u16, &str)) {
    check_with(common::strict(), wire, kind, offset, names);
}

#[test]
fn reserved_bits_are_refused_on_frames_they_mean_nothing_on() {
    let names = ("reserved_bits", 1002, FRAMES);
    for (first, bits) in [(0xC1, 4), (0xA1, 2), (0x91, 1), (0xF9, 7)] {
        check(&[first, 0], Kind::ReservedBits(bits), 0, names);
    }
    let agreed = common::strict_deflate();
    check_with(agreed, b"\xc9\x00", Kind::ReservedBits(4), 0, names);
    check_with(agreed, b"\xe1\x00", Kind::ReservedBits(2), 0, names);
    check_with(agreed, b"\x41\x01\x00\xc0\x00", Kind::ReservedBits(4), 3, names);
}

#[test]
fn reserved_opcodes_are_refused() {
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        let names = ("reserved_opcode", 1002, FRAMES);
        check(&[0x80 | opcode, 0], Kind::ReservedOpcode(opcode), 0, names);
    }
}

#[test]
fn fragmented_control_frames_are_refused() {
    for (first, opcode) in [(0x08, Opcode::Close), (0x09, Opcode::Ping), (0x0A, Opcode::Pong)] {
        let names = ("fragmented_control_frame", 1002, CONTROL);
        check(&[first, 0], Kind::FragmentedControl(opcode), 0, names);
    }
}

#[test]
fn control_frames_that_announce_too_much_are_refused() {
    let names = ("control_frame_too_long", 1002, CONTROL);
    check(b"\x89\x7e\x00\x7e", Kind::ControlTooLong(Opcode::Ping), 0, names);
    check(b"\x88\x7f", Kind::ControlTooLong(Opcode::Close), 0, names);
}

#[test]
fn masks_against_the_direction_are_refused() {
    let section = "RFC 6455 section 5.1";
    let names = ("masked_frame_from_server", 1002, section);
    check(b"\x81\x80\x00\x00\x00\x00", Kind::MaskedFromServer, 0, names);
    let client = Settings { from_client: true, ..common::strict() };
    let names = ("unmasked_frame_from_client", 1002, section);
    check_with(client, b"\x81\x00", Kind::UnmaskedFromClient, 0, names);
}

#[test]
fn lengths_in_a_longer_form_than_needed_are_refused() {
    let names = ("non_minimal_length", 1002, FRAMES);
    check(b"\x82\x7e\x00\x05hello", Kind::NonMinimalLength(5), 0, names);
    check(b"\x82\x7e\x00\x7d", Kind::NonMinimalLength(125), 0, names);
    check(b"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x05", Kind::NonMinimalLength(5), 0, names);
    check(b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", Kind::NonMinimalLength(65_535), 0, names);
}

#[test]
fn lengths_with_the_top_bit_are_refused() {
    let names = ("length_top_bit", 1002, FRAMES);
    check(b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", Kind::LengthTopBit, 0, names);
    check(b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", Kind::LengthTopBit, 0, names);
}

#[test]
fn continuation_without_a_start_is_refused() {
    let names = ("continuation_without_start", 1002, ORDER);
    check(b"\x80\x05hello", Kind::ContinuationWithoutStart, 0, names);
    check(b"\x81\x01a\x80\x01b", Kind::ContinuationWithoutStart, 3, names);
}

#[test]
fn data_frame_inside_a_message_is_refused() {
    let names = ("data_frame_inside_message", 1002, ORDER);
    check(b"\x01\x01a\x01\x01b", Kind::DataInsideMessage(Opcode::Text), 3, names);
    check(b"\x01\x00\x89\x00\x82\x01b", Kind::DataInsideMessage(Opcode::Binary), 4, names);
}

#[test]
fn close_payloads_that_break_a_rule_are_refused() {
    check(b"\x88\x01\x03", Kind::ClosePayloadOneByte, 0, ("close_payload_one_byte", 1002, CLOSE));
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        let wire = [&b"\x88\x02"[..], &code.to_be_bytes()].concat();
        let names = ("invalid_close_code", 1002, "RFC 6455 section 7.4");
        check(&wire, Kind::InvalidCloseCode(code), 0, names);
    }
    let names = ("invalid_close_reason", 1007, CLOSE);
    check(b"\x88\x03\x03\xe8\xff", Kind::InvalidCloseReason, 0, names);
}

#[test]
fn text_that_is_not_utf8_is_refused_in_the_frame_that_proves_it() {
    let names = ("invalid_utf8", 1007, "RFC 6455 section 8.1");
    for wire in [
        &b"\x81\x01\xc3"[..],
        b"\x81\x03\xed\xa0\x80",
        b"\x81\x02\xc0\x80",
        b"\x81\x01\xf8",
        b"\x81\x01\x80",
    ] {
        check(wire, Kind::InvalidUtf8, 0, names);
    }
    check(b"\x01\x01\xe2\x80\x01a", Kind::InvalidUtf8, 3, names);
    check(b"\x01\x01a\x80\x01\xc3", Kind::InvalidUtf8, 3, names);
    // Proven by the second byte of the payload; the rest never comes.
    check(b"\x81\x7e\x10\x00\xf4\x90", Kind::InvalidUtf8, 0, names);
}

#[test]
fn payloads_that_do_not_inflate_are_refused() {
    let agreed = common::strict_deflate();
    let names = ("invalid_deflate_data", 1007, DEFLATE);
    check_with(agreed, b"\xc2\x01\x07", Kind::InvalidDeflateData, 0, names);
    check_with(agreed, b"\x42\x01\xf2\x80\x03\x48\x07\xff", Kind::InvalidDeflateData, 3, names);
    let names = ("truncated_deflate_data", 1007, DEFLATE);
    check_with(agreed, b"\xc2\x03\xf2\x48\xcd", Kind::TruncatedDeflateData, 0, names);
    let strictness = Strictness { empty_compressed_payload: true, ..Strictness::default() };
    let strict = Settings { strictness, ..agreed };
    check_with(strict, b"\xc2\x00", Kind::TruncatedDeflateData, 0, names);
    let strictness = Strictness { deflate_tail: true, ..Strictness::default() };
    let strict = Settings { strictness, ..agreed };
    let tail = b"\xc2\x0b\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff";
    check_with(strict, tail, Kind::TruncatedDeflateData, 0, names);
    let members = [&b"\xc2\x7e\x10\x00"[..], &b"\x03\x00".repeat(2048)].concat();
    let names = ("too_many_deflate_members", 1007, DEFLATE);
    check_with(agreed, &members, Kind::TooManyDeflateMembers(1024), 0, names);
}

#[test]
fn reference_over_a_boundary_without_takeover_is_refused() {
    let deflate = Some(DeflateParams { server_no_context_takeover: true, ..Default::default() });
    let strictness = Strictness { no_context_takeover: true, ..Strictness::default() };
    let settings = Settings { deflate, strictness, ..common::strict() };
    let twice = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00";
    let names = ("invalid_deflate_data", 1007, DEFLATE);
    check_with(settings, twice, Kind::InvalidDeflateData, 9, names);
}

#[test]
fn limits_are_kept() {
    let limits = Limits {
        max_frame_size: Some(4),
        max_message_size: Some(5),
        max_fragments: Some(2),
        max_inflate_ratio: Some(0.5),
    };
    let settings = Settings { limits, ..common::strict_deflate() };
    for (wire, excess, offset) in [
        (&b"\x82\x05"[..], Excess::FrameSize { limit: 4, requested: 5 }, 0),
        (b"\x02\x04abcd\x80\x02", Excess::MessageSize { limit: 5, requested: 6 }, 6),
        (b"\x02\x00\x00\x00\x80\x00", Excess::Fragments { limit: 2, requested: 3 }, 4),
        (b"\xc2\x04\x4a\x4c\x04\x02", Excess::InflateRatio { limit: 0.5, requested: 3 }, 0),
    ] {
        let names = (excess.name(), 1009, SAFETY);
        check_with(settings, wire, Kind::Limit(excess), offset, names);
    }
}

#[test]
fn memory_that_runs_out_is_an_error_at_the_frame_at_hand() {
    let mut recorder = journal::Recorder::new(Ledger::refusing(2));
    let mut reassembler = Reassembler::new(common::strict());
    reassembler.receive_data(b"\x81\x01a\x82\x01b\x82\x01c", &mut recorder);
    let error = reassembler.error().unwrap();
    assert_eq!((error.kind, error.offset, recorder.events.len()), (Kind::OutOfMemory, 3, 1));
    assert_eq!((error.kind.name(), error.kind.close_code()), ("out_of_memory", 1011));
    assert_eq!(error.to_string(), format!("no memory for the payload at byte 3 ({SAFETY})"));
}
