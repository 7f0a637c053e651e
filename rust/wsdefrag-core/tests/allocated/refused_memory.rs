//! Memory that is refused anywhere is an error like any other: nothing panics, nothing ends the
//! process, and what was complete before stays.
//!
//! Each stream is read or written again and again. In one sweep the memory is limited to ever more
//! bytes, up to what the stream needs; in the other each single request is refused once.

use crate::common;
use std::panic;
use std::sync::Once;

use crate::allocator::{Refuse, Run, refusing};
use crate::contract::writer::{Deflater, Ending, Wire};
use wsdefrag_core::frame::mask::Mask;
use wsdefrag_core::read::passive::Passive;
use wsdefrag_core::relay::{Outbound, Relay};
use wsdefrag_core::write::encoder::Encoder;
use wsdefrag_core::write::settings::{Choice, Settings as Sending};
use wsdefrag_core::{
    Damage, DeflateParams, Error, Event, FragmentEvent, FragmentStream, Fragmenter, FrameDecoder,
    InflaterPool, Kind, Layout, Limits, Memory, Opcode, OutOfMemory, Output, Reassembler, Refusal,
    Settings, Sink, Strictness, VecMemory, fallible,
};
use zlib_rs::Strategy as Matching;

/// Limits that are tried between nothing and what a stream needs.
const STEPS: usize = 50;

/// What is left of an event: its first byte, its opcode and its content.
type Kept = (u64, Opcode, Vec<u8>);

/// A sink with room for all events of a stream, so that only the engine asks for memory, and copies
/// of control payloads.
#[derive(Default)]
struct Keeper {
    memory: VecMemory,
    kept: Vec<Kept>,
    /// Bytes of all frames of messages, whole and damaged.
    extents: u64,
    damaged: usize,
}

impl Keeper {
    fn new() -> Self {
        Self { kept: Vec::with_capacity(100), ..Self::default() }
    }
}

impl Sink for Keeper {
    type Memory = VecMemory;

    fn memory(&mut self) -> &mut VecMemory {
        &mut self.memory
    }

    fn event(&mut self, offset: u64, event: Event<'_, Vec<u8>>) -> Result<(), OutOfMemory> {
        let kept = match event {
            Event::Message { opcode, content, extent } => {
                self.extents += extent.wire_length;
                (offset, opcode, content)
            }
            Event::Damaged { extent, damage, .. } => {
                assert!(matches!(damage, Damage::Fault(_) | Damage::Undecodable), "{damage:?}");
                self.extents += extent.wire_length;
                self.damaged += 1;
                return Ok(());
            }
            Event::Ping(payload) => (offset, Opcode::Ping, fallible::copied(payload)?),
            Event::Pong(payload) => (offset, Opcode::Pong, fallible::copied(payload)?),
            Event::Close(_) => (offset, Opcode::Close, Vec::new()),
            Event::Opaque { .. } => panic!("there is no other extension"),
            Event::Uncollected { .. } => panic!("all messages are collected"),
        };
        self.kept.push(kept);
        Ok(())
    }
}

/// Runs `work` with every refusal of both sweeps; the number of runs in which memory was refused.
fn sweep(mut work: impl FnMut(Refuse) -> Run) -> usize {
    hide_caught_panics();
    let whole = work(Refuse::Nothing);
    assert!(whole.requests > 0 && whole.refused == 0);
    let most = usize::try_from(whole.most).unwrap();
    let limits = (0..STEPS).map(|step| Refuse::Above(most * step / STEPS));
    let requests = (1..=whole.requests).map(Refuse::Request);
    limits.chain(requests).filter(|refuse| work(*refuse).refused > 0).count()
}

/// A panic of zlib-rs is caught, and not worth a message.
fn hide_caught_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            if !panicked.location().is_some_and(|location| location.file().contains("zlib-rs")) {
                usual(panicked);
            }
        }));
    });
}

/// A message with a control frame between its fragments, and others, as a server sends them:
/// compressed if `takeover` is given.
fn stream(takeover: Option<bool>) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut deflater = takeover.map(|takeover| Deflater::new(6, 15, Matching::Default, takeover));
    let mut rsv = 0;
    let mut payload = |content: &[u8]| match &mut deflater {
        None => content.to_vec(),
        Some(deflater) => deflater.compress(content, Ending::Flush),
    };
    rsv |= if takeover.is_some() { 4 } else { 0 };
    let long: Vec<u8> =
        (0..30_000_u32).map(|n| n.wrapping_mul(n).to_be_bytes()[2] & 0x7F).collect();
    for content in [&b"first"[..], &long, &long[..9000], &long[100..], b""] {
        let payload = payload(content);
        let (front, back) = payload.split_at(payload.len() / 3);
        Wire { rsv, fin: false, ..Wire::new(1) }.write(front, &mut wire);
        Wire::new(9).write(b"between", &mut wire);
        Wire::new(0).write(back, &mut wire);
    }
    Wire { rsv, ..Wire::new(2) }.write(&payload(&long), &mut wire);
    Wire::new(2).write(b"plain", &mut wire);
    Wire::new(8).write(b"\x03\xe8", &mut wire);
    wire
}

/// Every kind of stream, and what it is read with.
fn streams() -> Vec<(Vec<u8>, Settings)> {
    let mut streams = vec![(stream(None), common::strict())];
    for (agreed, takeover, strict) in
        [(false, true, true), (true, false, true), (true, false, false), (true, true, false)]
    {
        let params = DeflateParams { server_no_context_takeover: agreed, ..Default::default() };
        let strictness = Strictness { no_context_takeover: strict, ..Strictness::default() };
        let settings = Settings { deflate: Some(params), strictness, ..common::strict() };
        streams.push((stream(Some(takeover)), settings));
    }
    streams
}

#[test]
fn endpoint_ends_with_an_error_after_what_was_complete() {
    let mut refusals = 0;
    for (wire, settings) in streams() {
        for (size, parks) in [(wire.len(), false), (700, false), (700, true)] {
            let mut whole: Option<Vec<Kept>> = None;
            refusals += sweep(|refuse| {
                let mut sink = Keeper::new();
                let (error, run) = refusing(refuse, || {
                    let mut reassembler = Reassembler::new(settings);
                    for chunk in wire.chunks(size) {
                        reassembler.receive_data(chunk, &mut sink);
                        if parks {
                            reassembler.park_inflater();
                        }
                    }
                    reassembler.error().copied()
                });
                check_prefix(&sink.kept, whole.get_or_insert_with(|| sink.kept.clone()));
                check_error(error, run, parks);
                run
            });
            assert_eq!(whole.unwrap().len(), 13);
        }
    }
    assert!(refusals > 1000, "{refusals} refusals");
}

/// Parking that is refused changes nothing.
fn check_error(error: Option<Error>, run: Run, parks: bool) {
    match error {
        Some(error) => assert_eq!(error.kind, Kind::OutOfMemory),
        None => assert!(run.refused == 0 || parks, "a refusal is an error"),
    }
    assert!(error.is_none() || run.refused > 0, "an error without a refusal");
}

fn check_prefix(kept: &[Kept], whole: &[Kept]) {
    assert!(whole.starts_with(kept), "{} of {} events", kept.len(), whole.len());
}

#[test]
fn passive_direction_goes_on_and_counts_every_byte() {
    for ((wire, settings), shares) in
        streams().into_iter().flat_map(|one| [(one.clone(), false), (one, true)])
    {
        let mut whole: Option<Vec<Kept>> = None;
        sweep(|refuse| {
            let mut sink = Keeper::new();
            let pool = InflaterPool::default();
            let ((known, received), run) = refusing(refuse, || {
                let how = Passive { contents: true, from_the_start: true };
                let mut direction = Reassembler::passive(settings, how);
                if shares {
                    direction = direction.with_inflaters(pool.clone());
                }
                for chunk in wire.chunks(700) {
                    direction.receive_data(chunk, &mut sink);
                    direction.park_inflater();
                }
                direction.finish(&mut sink);
                assert_eq!(direction.error(), None, "without memory only messages are lost");
                let counted = direction.control_bytes() + direction.bytes_skipped();
                (counted + direction.bytes_discarded(), direction.bytes_received())
            });
            assert_eq!(received, sink.extents + known, "every byte is accounted for");
            let whole = whole.get_or_insert_with(|| sink.kept.clone());
            // What is kept is what would be kept with memory; something may be missing.
            let mut all = whole.iter();
            assert!(sink.kept.iter().all(|one| all.any(|other| one == other)));
            assert!(sink.kept.len() == whole.len() || run.refused > 0);
            run
        });
    }
}

#[test]
fn frames_before_a_refusal_stay() {
    let (wire, settings) = (stream(None), common::strict());
    let mut whole: Option<Vec<Kept>> = None;
    sweep(|refuse| {
        let mut frames = Vec::with_capacity(100);
        let (error, run) = refusing(refuse, || {
            let mut decoder = FrameDecoder::new(settings.rules(), settings.limits);
            for chunk in wire.chunks(700) {
                decoder.receive_data(chunk, &mut VecMemory, |frame| {
                    frames.push((frame.offset, frame.header.opcode, frame.payload));
                    Ok(())
                });
            }
            decoder.error().copied()
        });
        check_prefix(&frames, whole.get_or_insert_with(|| frames.clone()));
        check_error(error, run, false);
        run
    });
}

#[test]
fn fragments_before_a_refusal_stay() {
    for (wire, settings) in streams().into_iter().filter(|(_, settings)| {
        // The stream holds its sender to what was agreed.
        settings.strictness.no_context_takeover
    }) {
        let mut whole: Option<Vec<Kept>> = None;
        sweep(|refuse| {
            let mut parts = Vec::with_capacity(1000);
            let (error, run) = refusing(refuse, || {
                let mut stream = FragmentStream::new(false, settings.deflate, settings.limits);
                for mut chunk in wire.chunks(700) {
                    loop {
                        let part = match stream.next(&mut chunk, &mut VecMemory) {
                            Ok(None) => break,
                            Err(error) => return Some(error),
                            Ok(Some(FragmentEvent::Text(text, _))) => text.into_bytes(),
                            Ok(Some(FragmentEvent::Binary(content, _))) => content,
                            Ok(Some(_)) => Vec::new(),
                        };
                        parts.push((0, Opcode::Text, part));
                    }
                }
                None
            });
            check_prefix(&parts, whole.get_or_insert_with(|| parts.clone()));
            check_error(error, run, false);
            run
        });
    }
}

/// Frames in a vector that grows only if there is memory.
#[derive(Default)]
struct Out(Vec<u8>);

impl Output for Out {
    type Bytes = ();

    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        Ok([1, 2, 3, 4])
    }

    fn write(&mut self, layout: &Layout<'_>) -> Result<(), OutOfMemory> {
        let start = self.0.len();
        self.0.try_reserve(layout.size())?;
        self.0.resize(start + layout.size(), 0);
        layout.write(&mut self.0[start..]);
        Ok(())
    }
}

/// The contents of the messages in `wire`.
fn contents(wire: &[u8], settings: Settings) -> Vec<Vec<u8>> {
    let mut sink = Keeper::new();
    let mut reassembler = Reassembler::new(settings);
    reassembler.receive_data(wire, &mut sink);
    assert_eq!(reassembler.error(), None);
    sink.kept.into_iter().map(|(_, _, content)| content).collect()
}

/// A refused call changes nothing, so it can be made again.
#[test]
fn refused_message_can_be_encoded_again() {
    let long: Vec<u8> = (0..30_000_u32).map(|n| n.wrapping_mul(n).to_be_bytes()[2]).collect();
    let messages = [&b"first"[..], &long, &long[..9000], &long[100..]];
    for deflate in [None, Some(DeflateParams::default())] {
        let settings = Settings { deflate, ..common::strict() };
        let sending =
            Sending { from_client: false, deflate, compress_from: 0, level: 6, check_utf8: false };
        sweep(|refuse| {
            let mut out = Out::default();
            let mut encoder = Encoder::new(sending);
            let mut again = Vec::with_capacity(messages.len());
            let (refused, run) = refusing(refuse, || {
                let mut refused = 0;
                for content in messages {
                    let sizes = [1, content.len() - 1];
                    let written = encoder.message(
                        Opcode::Binary,
                        content,
                        Some(&sizes),
                        Choice::default(),
                        &mut out,
                    );
                    if let Err(refusal) = written {
                        assert_eq!(refusal, Refusal::OutOfMemory);
                        refused += 1;
                        again.push(content);
                    }
                }
                refused
            });
            assert_eq!(refused > 0, run.refused > 0, "{refused} calls were refused");
            let mut expected: Vec<_> =
                messages.iter().filter(|content| !again.contains(content)).collect();
            for content in &again {
                let choice = Choice::default();
                encoder.message(Opcode::Binary, content, None, choice, &mut out).unwrap();
                expected.push(content);
            }
            assert!(contents(&out.0, settings).iter().eq(expected));
            run
        });
    }
}

/// A relay that forwards what it read; a refused decision is made again.
#[test]
fn relay_forwards_what_was_read_before_a_refusal() {
    for (wire, settings) in streams() {
        let sending = Sending {
            from_client: false,
            deflate: settings.deflate,
            compress_from: 0,
            level: 6,
            check_utf8: true,
        };
        let expected = contents(&wire, settings);
        sweep(|refuse| {
            let fragmenter = Fragmenter::default();
            let outbound = Outbound::new(sending, settings.deflate, fragmenter, true);
            let mut relay = Relay::<Vec<u8>>::new(&settings, outbound);
            let mut out = Out::default();
            let mut reassembler = Reassembler::new(settings);
            let ((), run) = refusing(refuse, || {
                for chunk in wire.chunks(700) {
                    let mut sink = Keeper::default();
                    if sink.kept.try_reserve_exact(20).is_err() {
                        return;
                    }
                    reassembler.receive_data(chunk, &mut relay.recording(&mut sink));
                    assert_eq!(relay.recorded(), sink.kept.len(), "a log for each event");
                    for (_, _, content) in sink.kept {
                        relay.hold(content);
                        if relay.forward(0, None, &mut out).is_err() {
                            // The caller tries again, until there is memory.
                            return;
                        }
                    }
                }
            });
            while relay.index(|_| true).is_some() {
                relay.forward(0, None, &mut out).unwrap();
            }
            let sent = contents(&out.0, settings);
            assert!(expected.starts_with(&sent), "{} of {}", sent.len(), expected.len());
            assert!(sent.len() == expected.len() || run.refused > 0);
            run
        });
    }
}

#[test]
fn refused_memory_is_refused_to_others_too() {
    // The allocator of these tests does what they rely on.
    let (result, run) = refusing(Refuse::Above(100), || VecMemory.whole(&[0; 101], Mask::NONE));
    assert_eq!((result, run.refused), (Err(OutOfMemory), 1));
    let (result, run) = refusing(Refuse::Request(1), || fallible::copied(&[1; 10]));
    assert_eq!((result, run.refused), (Err(OutOfMemory), 1));
    assert_eq!(Limits::default().max_message_size, Some(64 << 20));
}
