//! The engine's requests for memory, and its behaviour when one is refused.
//!
//! The [`Ledger`] of all tests panics on a request over the limit, or out of proportion to the
//! received bytes.

use crate::common;
use crate::contract::journal::{self, Recorder, Seen};
use crate::contract::ledger::{EAGERNESS, FIRST_GUESS, FIRST_STEP, Ledger};
use crate::contract::script::Script;
use crate::contract::writer::{Deflater, Ending, Wire};
use proptest::prelude::*;
use wsdefrag_core::{FrameDecoder, Kind, Limits, Opcode, Reassembler, Settings};
use zlib_rs::Strategy as Matching;

const HUGE: usize = 40 << 20;

fn header(wire: Wire, length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    wire.write_header(length, &mut out);
    out
}

#[test]
fn announcement_alone_takes_no_memory() {
    for wire in [Wire::new(2), Wire { fin: false, ..Wire::new(1) }, Wire { rsv: 4, ..Wire::new(2) }]
    {
        let mut ledger = Ledger::new(None);
        let mut recorder = Recorder::new(Ledger::new(None));
        let mut reassembler = Reassembler::new(common::strict_deflate());
        let mut decoder = FrameDecoder::new(common::strict_deflate().rules(), Limits::default());
        reassembler.receive_data(&header(wire, HUGE), &mut recorder);
        decoder.receive_data(&header(wire, HUGE), &mut ledger, |_| Ok(()));
        assert_eq!((recorder.ledger.requests, ledger.requests), (0, 0), "{wire:?}");
        assert_eq!((reassembler.bytes_buffered(), decoder.bytes_buffered()), (0, 0));
    }
}

#[test]
fn announcement_with_few_bytes_takes_little_memory() {
    for (wire, most) in [
        (Wire::new(2), FIRST_STEP),
        (Wire { fin: false, ..Wire::new(2) }, FIRST_STEP),
        (Wire { rsv: 4, ..Wire::new(2) }, FIRST_GUESS),
    ] {
        let data = [header(wire, HUGE), vec![0; FIRST_STEP / EAGERNESS]].concat();
        let (_, ledger) = journal::read(common::strict_deflate(), [&data[..]]);
        assert!(ledger.largest <= most, "{wire:?}: {} bytes", ledger.largest);
    }
}

#[test]
fn message_byte_by_byte_takes_few_requests() {
    let mut plain = Vec::new();
    Wire::new(2).write(&vec![1; 1 << 18], &mut plain);
    let (journal, ledger) = journal::read(common::strict(), plain.chunks(1));
    assert_eq!((journal.events.len(), journal.error), (1, None));
    assert_eq!(ledger.largest, 1 << 18, "the last step is not the exact size");
    assert!(ledger.requests < 6, "{} requests", ledger.requests);

    let mut wire = Vec::new();
    for first in [2].into_iter().chain(std::iter::repeat_n(0, 10_000)) {
        Wire { fin: false, ..Wire::new(first) }.write(b"fragment", &mut wire);
    }
    let (_, ledger) = journal::read(common::strict(), [&wire[..]]);
    assert!(ledger.requests < 20, "{} requests for tiny fragments", ledger.requests);
    assert!(ledger.largest < 4 * 8 * 10_000);

    let content: Vec<u8> = (0_u64..100_000).map(|n| (n * n % 65_521 % 251) as u8).collect();
    let payload = Deflater::new(1, 15, Matching::Default, true).compress(&content, Ending::Flush);
    let mut wire = Vec::new();
    Wire { rsv: 4, ..Wire::new(2) }.write(&payload, &mut wire);
    let (journal, ledger) = journal::read(common::strict_deflate(), wire.chunks(7));
    assert!(journal.events == [(0, Seen::Message(Opcode::Binary, content))]);
    assert!(ledger.requests < 15, "{} requests for an inflated message", ledger.requests);
}

#[test]
fn buffer_that_is_large_enough_does_not_grow() {
    let mut wire = Vec::new();
    Wire::new(2).write(&[1; 100], &mut wire);
    for size in 1..wire.len() {
        let (_, ledger) = journal::read(common::strict(), wire.chunks(size));
        // One for the content, and one for its place among the events.
        assert_eq!((ledger.requests, ledger.largest), (2, 100), "{size}");
    }
}

/// Of a message, a control frame and a header what has arrived is held, and of a compressed frame what
/// was inflated.
#[test]
fn bytes_held_are_those_of_incomplete_things() {
    for (wire, held) in [
        (&b"\x82\x03abc"[..], 0),
        (b"\x82\x7e\x01", 3),
        (b"\x82\x05abc", 3),
        (b"\x02\x03abc\x80", 4),
        (b"\x02\x03abc\x89\x04pi", 5),
        (b"\x02\x03abc\x89\x02pi", 3),
        (b"\x02\x03abc\x89\x02pi\x80\x7e", 5),
        (b"\x42\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x89\x03pi", 7),
        (b"\x88\x02\x03\xe8\x82", 0),
    ] {
        let mut reassembler = Reassembler::new(common::strict_deflate());
        reassembler.receive_data(wire, &mut Recorder::new(Ledger::new(None)));
        assert_eq!(reassembler.bytes_buffered(), held, "{wire:02x?}");
    }
}

/// A limit far from a power of two, and messages that reach it in fragments.
#[test]
fn growing_stops_at_the_limit() {
    let limits = Limits { max_message_size: Some(10_000), ..Limits::default() };
    let settings = Settings { limits, ..common::strict() };
    let mut wire = Vec::new();
    for (index, length) in [6000, 3000, 1000].into_iter().enumerate() {
        let opcode = if index == 0 { 2 } else { 0 };
        Wire { fin: index == 2, ..Wire::new(opcode) }.write(&vec![1; length], &mut wire);
    }
    for size in [wire.len(), 1, 999] {
        let (journal, ledger) = journal::read(settings, wire.chunks(size));
        assert_eq!((journal.events.len(), journal.error), (1, None));
        assert!(ledger.largest <= 10_000);
    }
}

/// One message that inflates to much costs little more than its own size.
#[test]
fn inflated_message_takes_its_size_and_a_quarter() {
    let content = vec![0; 33 << 20];
    let payload = Deflater::new(9, 15, Matching::Default, true).compress(&content, Ending::Flush);
    assert!(payload.len() < 40_000);
    let mut wire = Vec::new();
    Wire { rsv: 4, ..Wire::new(2) }.write(&payload, &mut wire);
    for size in [wire.len(), 1000] {
        let (journal, ledger) = journal::read(common::strict_deflate(), wire.chunks(size));
        assert!(journal.events == [(0, Seen::Message(Opcode::Binary, content.clone()))]);
        assert!(ledger.largest <= content.len() / 4 * 5, "{} bytes", ledger.largest);
        assert!(ledger.requests < 40, "{} requests", ledger.requests);
    }
}

proptest! {
    #![proptest_config(common::times(80))]

    /// Whichever request is refused, the direction ends with `OutOfMemory` at the current frame,
    /// and the earlier events are the same.
    #[test]
    fn refused_request_is_an_error_like_any_other(
        script in common::script(4100), n in 1_u64..40, size in 1_usize..200,
    ) {
        check_refusal(&script, n, size);
    }
}

fn check_refusal(script: &Script, n: u64, size: usize) {
    let written = script.write();
    // Ends inside the last frame, so that there is an incomplete message at the end.
    let wire = &written.wire[..written.wire.len() - 1];
    let mut recorder = Recorder::new(Ledger::refusing(n));
    let mut reassembler = Reassembler::new(script.settings());
    for chunk in wire.chunks(size) {
        reassembler.receive_data(chunk, &mut recorder);
    }
    let ending = reassembler.receive_eof(&mut recorder.ledger);
    let error = reassembler.error().copied();
    assert!(written.events.starts_with(&recorder.events));
    match (&ending, error) {
        (Err(ended), Some(error)) => {
            assert_eq!((error.kind, *ended), (Kind::OutOfMemory, error));
            assert!(error.offset < wire.len() as u64);
            assert_eq!((reassembler.bytes_buffered(), error.kind.close_code()), (0, 1011));
        }
        // Refused at the end of the stream: nothing is lost, and the call is repeated.
        (Err(refused), None) => {
            assert_eq!(refused.kind, Kind::OutOfMemory);
            let mut whole = Reassembler::new(script.settings());
            let mut plenty = Recorder::new(Ledger::new(None));
            whole.receive_data(wire, &mut plenty);
            let expected = whole.receive_eof(&mut plenty.ledger);
            assert!(matches!(expected, Ok(Some(_))));
            assert_eq!(reassembler.receive_eof(&mut Ledger::new(None)), expected);
            assert_eq!(reassembler.bytes_buffered(), 0);
        }
        (Ok(_), _) => assert!(error.is_none()),
    }
    assert_eq!(recorder.ledger.has_refused(), ending.is_err());

    let mut ledger = Ledger::refusing(n);
    let mut decoder = FrameDecoder::new(script.settings().rules(), script.settings().limits);
    for chunk in wire.chunks(size) {
        decoder.receive_data(chunk, &mut ledger, |_| Ok(()));
    }
    let failed = decoder.error().is_some();
    let ending = decoder.receive_eof(&mut ledger);
    assert_eq!(ledger.has_refused(), ending.is_err());
    if let Err(error) = ending {
        assert_eq!(error.kind, Kind::OutOfMemory);
        assert_eq!(decoder.receive_eof(&mut Ledger::new(None)).is_err(), failed);
        assert_eq!(decoder.bytes_buffered(), 0);
    }
}

#[test]
fn memory_that_runs_out_is_an_error_at_the_current_frame() {
    // Each message takes one request for its content and one for its place among the events.
    for (n, offset, events) in [(1, 0, 0), (2, 0, 0), (3, 3, 1), (4, 3, 1), (5, 6, 2), (6, 6, 2)] {
        let mut recorder = Recorder::new(Ledger::refusing(n));
        let mut reassembler = Reassembler::new(common::strict());
        reassembler.receive_data(b"\x81\x01a\x82\x01b\x89\x01c", &mut recorder);
        let (refused, kept) = (reassembler.error().copied(), recorder.events.len());
        // The payload of a control frame takes no request.
        if n == 6 {
            assert_eq!((refused, kept), (None, 3));
            continue;
        }
        let error = refused.unwrap();
        assert_eq!((error.kind, error.offset, kept), (Kind::OutOfMemory, offset, events), "{n}");
        assert_eq!((error.kind.name(), error.kind.close_code()), ("out_of_memory", 1011));
        let text = format!("no memory for the payload at byte {offset} (RFC 6455 section 10.4)");
        assert_eq!(error.to_string(), text);
        assert_eq!(reassembler.control_bytes(), 0);
    }
}
