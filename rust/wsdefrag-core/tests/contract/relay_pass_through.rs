//! Relays that forward frames while they read them.
//!
//! Without injected frames, the output is a prefix of the input: up to the last complete frame, or
//! to the last valid byte. With injected frames, a receiver reads the same and the injected ones in
//! order, and nothing after a Close.

use std::cell::Cell;
use std::rc::Rc;

use wsdefrag_core::relay::{Control, Held, Pace, PassThrough};
use wsdefrag_core::{Opcode, Reassembler, Refusal};

use super::journal::{self, Journal, Seen};
use super::ledger::Ledger;
use super::output::Written;
use super::relay::Case;
use super::{frames, input};

/// The first bytes of all injected contents.
const OURS: &[u8] = b"\xFE\xED";

/// Panics unless the frames are forwarded as they came, with the injected ones between them.
pub(crate) fn check(case: &Case, pace: Pace) {
    if !case.fits() {
        assert!(case.outbound().recompresses());
        return;
    }
    let (incoming, _) = journal::read(case.reading, input::cut(&case.wire, case.cuts));
    check_alone(case, pace, &incoming);
    let collides = |seen: &Seen| is_ours(seen) || matches!(seen, Seen::Close(4999, _));
    if !incoming.events.iter().any(|(_, seen)| collides(seen)) {
        check_with_ours(case, pace, &incoming);
    }
}

/// Checks the output without injected frames.
fn check_alone(case: &Case, pace: Pace, incoming: &Journal) {
    let mut relay = Relay::new(case, pace);
    for chunk in input::cut(&case.wire, case.cuts) {
        relay.receive(chunk);
    }
    relay.end();
    let (wire, out) = (&case.wire, &relay.output.bytes);
    let (received, _) = frames::read(&case.reading, [&wire[..]]);
    if !case.fresh_keys && !case.rsv1_misleads() && received.tolerated.mask_direction == 0 {
        assert!(wire.starts_with(out), "what goes out is not what came in");
    }
    let end = match incoming.error {
        Some(error) => error.offset,
        None if incoming.is_closed() => incoming.received - incoming.discarded,
        None => received.end(),
    };
    let whole = received.list.iter().filter(|frame| frames::end(frame) <= end);
    let whole = frames::size_with_right_masks(case.reading.from_client, whole);
    let out = out.len() as u64;
    match pace {
        Pace::Frames if case.longest_held().is_none() => {
            assert_eq!(out, whole, "not all whole frames, or more");
        }
        Pace::Frames | Pace::Bytes => {
            assert!(out >= whole, "{out} bytes of {whole} in whole frames");
        }
    }
}

/// Checks what a receiver reads if messages and control frames are injected after each chunk.
fn check_with_ours(case: &Case, pace: Pace, incoming: &Journal) {
    let mut relay = Relay::new(case, pace);
    let mut decisions = case.decisions.iter().copied().cycle();
    for chunk in input::cut(&case.wire, case.cuts) {
        relay.put(decisions.next().unwrap_or(0));
        relay.receive(chunk);
    }
    relay.put(decisions.next().unwrap_or(0));
    relay.end();
    relay.put(decisions.next().unwrap_or(0));
    let held = relay.way.held() + relay.output.kept_back.len();
    assert_eq!(held, 0, "something is held that will never go");

    let out = &relay.output.bytes;
    let (read, _) = journal::read(case.receiving(), input::cut(out, case.cuts));
    // A fault at the end of a message is found only after its bytes were forwarded.
    let all_held = pace == Pace::Frames && case.longest_held().is_none();
    assert!(!all_held || read.error.is_none(), "{:?}", read.error);
    let whole = read.error.is_none();
    if let Some(error) = read.error {
        assert_eq!(Some(error.kind), incoming.error.map(|error| error.kind));
    } else {
        assert_eq!(read.discarded, 0, "something after a Close: {read:?}");
        case.check_window(out, read.events.iter().map(|(_, seen)| seen));
    }
    let (ours, theirs): (Vec<_>, Vec<_>) =
        read.events.into_iter().map(|(_, seen)| seen).partition(is_ours);
    // The relay tells correctly which messages are forwarded.
    let went_on: Vec<_> =
        relay.went_on.iter().filter(|(_, goes_on)| *goes_on).map(|(seen, _)| seen).collect();
    let arrived = theirs.iter().filter(|seen| matches!(seen, Seen::Message(..)));
    assert!(!whole || arrived.eq(went_on), "{theirs:?} of {:?}", relay.went_on);
    let incoming: Vec<_> = incoming.events.iter().map(|(_, seen)| seen.clone()).collect();
    assert!(incoming.starts_with(&theirs), "{theirs:?} is not the front of {incoming:?}");
    assert!(
        relay.closed || theirs.len() == incoming.len(),
        "{theirs:?} is not all of {incoming:?}"
    );
    let is_message = |seen: &Seen| matches!(seen, Seen::Message(..));
    let (messages, controls): (Vec<_>, Vec<_>) = ours.into_iter().partition(is_message);
    let own = relay.messages();
    assert!(own.starts_with(&messages), "{messages:?} of {own:?}");
    assert!(!whole || messages.len() == own.len());
    // Control frames that waited for the end of a frame are not sent if that frame never ended.
    assert!(relay.controls.starts_with(&controls), "{controls:?} of {:?}", relay.controls);
    let all = whole && !relay.way.is_blocked();
    assert!(!all || controls.len() == relay.controls.len());
}

/// Whether an event was injected.
fn is_ours(seen: &Seen) -> bool {
    match seen {
        Seen::Message(_, content) | Seen::Ping(content) | Seen::Pong(content) => {
            content.starts_with(OURS)
        }
        Seen::Close(code, _) => *code == 4999,
        Seen::Opaque(..) | Seen::Uncollected(..) => false,
    }
}

/// An injected message, and whether the relay dropped it.
struct Own {
    content: Vec<u8>,
    dropped: Rc<Cell<bool>>,
}

impl Held for Own {
    fn content(&self) -> &[u8] {
        &self.content
    }

    fn set_dropped(&mut self) {
        self.dropped.set(true);
    }
}

/// One direction: the reassembler, the relay, its output, and what was injected.
struct Relay<'a> {
    case: &'a Case,
    reassembler: Reassembler<Vec<u8>>,
    sink: journal::Recorder,
    way: PassThrough<Own>,
    output: Written,
    /// The injected messages in order, and whether each was dropped.
    put_in: Vec<(Seen, Rc<Cell<bool>>)>,
    controls: Vec<Seen>,
    /// The received messages, and whether each was forwarded.
    went_on: Vec<(Seen, bool)>,
    /// Whether the caller injected a Close.
    closed: bool,
    count: u32,
}

impl<'a> Relay<'a> {
    fn new(case: &'a Case, pace: Pace) -> Self {
        Self {
            case,
            reassembler: Reassembler::new(case.reading),
            sink: journal::Recorder::new(Ledger::new(case.reading.limits.max_message_size)),
            way: PassThrough::new(pace, case.outbound()).with_longest_held(case.longest_held()),
            output: Written::default(),
            put_in: Vec::new(),
            controls: Vec::new(),
            went_on: Vec::new(),
            closed: false,
            count: 0,
        }
    }

    /// The injected messages that a receiver has to read.
    fn messages(&self) -> Vec<Seen> {
        let kept = self.put_in.iter().filter(|(_, dropped)| !dropped.get());
        kept.map(|(seen, _)| seen.clone()).collect()
    }

    fn receive(&mut self, chunk: &[u8]) {
        let mut completing = self.way.completing();
        assert_eq!(completing.all_go_on(), !self.way.outbound().is_closed());
        let before = self.sink.events.len();
        self.reassembler
            .receive_data(chunk, &mut self.way.passing(&mut self.sink, &mut self.output));
        let is_close = |(_, seen): &(u64, Seen)| matches!(seen, Seen::Close(..));
        let over = self.sink.events.last().is_some_and(is_close);
        self.way.settle(over || self.reassembler.error().is_some(), &mut self.output);
        for (_, seen) in &self.sink.events[before..] {
            if matches!(seen, Seen::Message(..)) {
                self.went_on.push((seen.clone(), completing.goes_on()));
            }
        }
    }

    fn end(&mut self) {
        self.way.settle(true, &mut self.output);
    }

    /// Injects what `decision` chooses.
    fn put(&mut self, decision: u8) {
        self.count += 1;
        let content = [OURS, &self.count.to_be_bytes()].concat();
        match decision & 7 {
            3 => self.inject(content, None),
            5 => self.inject(content, Some(true)),
            4 => self.control(Control::Ping(&content), Seen::Ping(content.clone())),
            6 => self.control(Control::Pong(&content), Seen::Pong(content.clone())),
            7 if decision >> 3 > 24 => self.close(),
            _ => {}
        }
    }

    fn inject(&mut self, content: Vec<u8>, compress: Option<bool>) {
        let closed = self.way.outbound().is_closed();
        let broken_off = self.way.is_broken_off();
        let dropped = Rc::new(Cell::new(false));
        let seen = Seen::Message(Opcode::Binary, content.clone());
        let own = Own { content, dropped: Rc::clone(&dropped) };
        match self.way.inject(own, Opcode::Binary, compress, &mut self.output) {
            Ok(()) => {
                assert!(!closed && !broken_off);
                self.put_in.push((seen, dropped));
            }
            Err(Refusal::AfterClose) => assert!(closed),
            Err(Refusal::AfterUnfinished) => assert!(broken_off),
            Err(Refusal::WindowsWouldDiffer) => assert!(self.case.has_context()),
            Err(Refusal::DeflateNotAgreed) => assert!(self.case.sending.deflate.is_none()),
            Err(refusal) => panic!("{refusal}"),
        }
    }

    fn control(&mut self, control: Control<'_>, seen: Seen) {
        let closed = self.way.outbound().is_closed();
        let blocked = self.way.is_blocked();
        match self.way.control(control, &mut self.output) {
            Ok(()) => {
                assert!(!closed && !blocked);
                self.controls.push(seen);
            }
            Err(Refusal::AfterClose) => assert!(closed),
            Err(Refusal::AfterUnfinished) => assert!(blocked),
            Err(refusal) => panic!("{refusal}"),
        }
    }

    fn close(&mut self) {
        let open = !self.way.outbound().is_closed() && !self.way.is_blocked();
        let closes = self.way.close(Some(4999), "", &mut self.output);
        assert_eq!(closes, Ok(open));
        if open {
            self.closed = true;
            self.controls.push(Seen::Close(4999, String::new()));
        }
    }
}
