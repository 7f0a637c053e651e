//! Frames that go on by themselves.
//!
//! Left alone, what goes out is the front of what came in: up to the last whole frame, or as far as
//! bytes came and nothing was wrong with them. With what the caller puts in, a receiver reads the
//! same, and the caller's own in the caller's order, and nothing behind a Close.

use wsdefrag_core::relay::{Control, Outbound, Pace, PassThrough, Passing};
use wsdefrag_core::{Opcode, Reassembler, Refusal};

use super::journal::{self, Journal, Seen};
use super::ledger::Ledger;
use super::output::Written;
use super::relay::Case;
use super::{frames, input};

/// How what the caller puts in begins.
const OURS: &[u8] = b"\xFE\xED";

/// Panics unless it goes through as it should.
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

/// What goes out if nobody puts anything in.
fn check_alone(case: &Case, pace: Pace, incoming: &Journal) {
    let mut relay = Relay::new(case, pace);
    for chunk in input::cut(&case.wire, case.cuts) {
        relay.receive(chunk);
    }
    relay.end();
    let (wire, out) = (&case.wire, &relay.output.bytes);
    if !case.fresh_keys && !case.rsv1_misleads() {
        assert!(wire.starts_with(out), "what goes out is not what came in");
    }
    let (whole, _) = frames::read(&case.reading, [&wire[..]]);
    let whole = match incoming.error {
        Some(error) => error.offset,
        None if incoming.is_closed() => incoming.received - incoming.discarded,
        None => whole.end(),
    };
    let out = out.len() as u64;
    match pace {
        Pace::Frames => assert_eq!(out, whole, "not all whole frames, or more"),
        Pace::Bytes => assert!(out >= whole, "{out} bytes of {whole} in whole frames"),
    }
}

/// What a receiver reads if the caller puts things in wherever a chunk ends.
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
    assert_eq!(relay.pass_through.held(), 0, "something is held that will never go");

    let out = &relay.output.bytes;
    let (read, _) = journal::read(case.receiving(), input::cut(out, case.cuts));
    // What is wrong with the end of a message is only found when its bytes are on their way.
    assert!(pace == Pace::Bytes || read.error.is_none(), "{:?}", read.error);
    let whole = read.error.is_none();
    if let Some(error) = read.error {
        assert_eq!(Some(error.kind), incoming.error.map(|error| error.kind));
    } else {
        assert_eq!(read.discarded, 0, "something behind a Close: {read:?}");
        case.check_window(out, read.events.iter().map(|(_, seen)| seen));
    }
    let (ours, theirs): (Vec<_>, Vec<_>) =
        read.events.into_iter().map(|(_, seen)| seen).partition(is_ours);
    let incoming: Vec<_> = incoming.events.iter().map(|(_, seen)| seen.clone()).collect();
    assert!(incoming.starts_with(&theirs), "{theirs:?} is not the front of {incoming:?}");
    assert!(
        relay.closed || theirs.len() == incoming.len(),
        "{theirs:?} is not all of {incoming:?}"
    );
    let is_message = |seen: &Seen| matches!(seen, Seen::Message(..));
    let (messages, controls): (Vec<_>, Vec<_>) = ours.into_iter().partition(is_message);
    assert!(relay.messages.starts_with(&messages), "{messages:?} of {:?}", relay.messages);
    assert!(!whole || messages.len() == relay.messages.len());
    // Those that waited for the end of a frame that never came are not sent.
    assert!(relay.controls.starts_with(&controls), "{controls:?} of {:?}", relay.controls);
    let all = whole && !relay.pass_through.is_blocked();
    assert!(!all || controls.len() == relay.controls.len());
}

/// Whether the caller put it in.
fn is_ours(seen: &Seen) -> bool {
    match seen {
        Seen::Message(_, content) | Seen::Ping(content) | Seen::Pong(content) => {
            content.starts_with(OURS)
        }
        Seen::Close(code, _) => *code == 4999,
        Seen::Opaque(..) => false,
    }
}

/// One direction between its two sides.
struct Relay<'a> {
    case: &'a Case,
    reassembler: Reassembler<Vec<u8>>,
    sink: journal::Recorder,
    pass_through: PassThrough,
    outbound: Outbound,
    output: Written,
    /// What was put in and has to be read, in order.
    messages: Vec<Seen>,
    /// Of these, how many wait for their place.
    waiting: usize,
    controls: Vec<Seen>,
    /// Whether the caller closed the way.
    closed: bool,
    over: bool,
    count: u32,
}

impl<'a> Relay<'a> {
    fn new(case: &'a Case, pace: Pace) -> Self {
        Self {
            case,
            reassembler: Reassembler::new(case.reading),
            sink: journal::Recorder::new(Ledger::new(case.reading.limits.max_message_size)),
            pass_through: PassThrough::new(pace),
            outbound: case.outbound(),
            output: Written::default(),
            messages: Vec::new(),
            controls: Vec::new(),
            waiting: 0,
            closed: false,
            over: false,
            count: 0,
        }
    }

    fn receive(&mut self, chunk: &[u8]) {
        let Self { sink, pass_through, outbound, output, .. } = self;
        self.reassembler.receive_data(chunk, &mut Passing { sink, pass_through, outbound, output });
        let closed = matches!(self.sink.events.last(), Some((_, Seen::Close(..))));
        self.over = closed || self.reassembler.error().is_some();
        self.tidy();
    }

    fn end(&mut self) {
        self.over = true;
        self.tidy();
    }

    /// What the caller of the engine does when something has come in.
    fn tidy(&mut self) {
        if self.over {
            self.pass_through.end();
        }
        if !self.pass_through.has_waiting() {
            self.waiting = 0;
        }
        if self.outbound.is_closed() || self.pass_through.is_broken_off() {
            self.drop_waiting();
        }
    }

    fn drop_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        if self.pass_through.drop_waiting() {
            self.messages.truncate(self.messages.len() - waiting);
        }
    }

    /// Puts in what `decision` says.
    fn put(&mut self, decision: u8) {
        self.count += 1;
        let content = [OURS, &self.count.to_be_bytes()].concat();
        match decision & 7 {
            3 => self.inject(content, None),
            5 => self.inject(content, Some(true)),
            4 => self.control(Control::Ping(&content), Seen::Ping(content.clone())),
            6 => self.control(Control::Pong(&content), Seen::Pong(content.clone())),
            7 if decision >> 3 > 24 => {
                let seen = Seen::Close(4999, String::new());
                let open = !self.outbound.is_closed();
                self.control(Control::Close(Some(4999), ""), seen);
                self.closed |= open && self.outbound.is_closed();
                if self.closed {
                    self.drop_waiting();
                }
            }
            _ => {}
        }
    }

    fn inject(&mut self, content: Vec<u8>, compress: Option<bool>) {
        let Self { pass_through, outbound, output, .. } = self;
        let closed = outbound.is_closed();
        match pass_through.inject(outbound, Opcode::Binary, &content, compress, output) {
            Ok(waits) => {
                assert!(!closed && !pass_through.is_broken_off());
                self.waiting += usize::from(waits);
                self.messages.push(Seen::Message(Opcode::Binary, content));
            }
            Err(Refusal::AfterClose) => assert!(closed),
            Err(Refusal::BehindUnfinished) => assert!(pass_through.is_broken_off()),
            Err(Refusal::WindowsWouldDiffer) => assert!(self.case.has_context()),
            Err(Refusal::DeflateNotAgreed) => assert!(self.case.sending.deflate.is_none()),
            Err(refusal) => panic!("{refusal}"),
        }
    }

    fn control(&mut self, control: Control<'_>, seen: Seen) {
        let Self { pass_through, outbound, output, .. } = self;
        let closed = outbound.is_closed();
        match pass_through.put(outbound, control, output) {
            Ok(()) => {
                assert!(!closed && !pass_through.is_blocked());
                self.controls.push(seen);
            }
            Err(Refusal::AfterClose) => assert!(closed),
            Err(Refusal::BehindUnfinished) => assert!(pass_through.is_blocked()),
            Err(refusal) => panic!("{refusal}"),
        }
    }
}
