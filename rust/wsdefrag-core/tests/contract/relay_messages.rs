//! Relays whose caller decides on each message.
//!
//! The model is a list of waiting events and a list of events that a receiver must read. Unchanged
//! messages keep their bytes as long as the windows on both sides are equal. After any decisions, a
//! receiver reads exactly the second list, in order, and every event that was dropped is marked so.
//!
//! A decision's lowest three bits say what happens to the event that arrived; the others say how:
//!
//! ```text
//! 0   forward: it, or a waiting event chosen by index     4   edit it into something longer
//! 1   leave it waiting                                    5   discard it
//! 2   mark it as dropped, and leave it                    6   inject a message, and forward it
//! 3   edit it, at the same length                         7   send a control frame, and forward it
//! ```

use std::cell::RefCell;
use std::rc::Rc;

use wsdefrag_core::frame::header::MAX_CONTROL;
use wsdefrag_core::relay::{Control, Held, Message, Relay};
use wsdefrag_core::{Event, Opcode, OutOfMemory, Reassembler, Refusal, Sink};

use super::journal::{self, Seen};
use super::ledger::Ledger;
use super::output::Written;
use super::relay::Case;
use super::relay_incoming::{Incoming, Waiting};
use super::{frames, input};

/// The content of each injected message.
const INJECTED: &[u8] = b"injected";

/// The state of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Waiting,
    /// Waiting, and marked by the caller.
    Marked,
    Sent,
    Dropped,
    Released,
}

/// The caller's object for an event: its content, and the states that the relay has set.
struct Handle {
    number: usize,
    content: Vec<u8>,
    fates: Rc<RefCell<Vec<Fate>>>,
}

impl Held for Handle {
    fn content(&self) -> &[u8] {
        &self.content
    }

    fn is_dropped(&self) -> bool {
        self.fates.borrow()[self.number] == Fate::Marked
    }

    fn set_dropped(&mut self) {
        self.fates.borrow_mut()[self.number] = Fate::Dropped;
    }

    fn set_released(&mut self) {
        self.fates.borrow_mut()[self.number] = Fate::Released;
    }
}

/// A journal that also notes which messages refer to earlier ones against the agreement.
struct Watched {
    journal: journal::Recorder,
    /// One for each event.
    refers_back: Vec<bool>,
}

impl Sink for Watched {
    type Memory = Ledger;

    fn memory(&mut self) -> &mut Ledger {
        self.journal.memory()
    }

    fn event(&mut self, offset: u64, event: Event<'_, Vec<u8>>) -> Result<(), OutOfMemory> {
        let refers_back = matches!(&event, Event::Message { extent, .. } if extent.refers_back);
        self.refers_back.push(refers_back);
        self.journal.event(offset, event)
    }
}

/// One direction: the incoming bytes, the relay, its output, and the model of both.
struct Talk<'a> {
    case: &'a Case,
    incoming: Incoming<'a>,
    relay: Relay<Handle>,
    output: Written,
    /// The state of each event: as the relay has set it in `said`, and as the model has it in
    /// `fates`.
    said: Rc<RefCell<Vec<Fate>>>,
    fates: Vec<Fate>,
    waiting: Vec<Waiting>,
    /// The events that a receiver has to read, in order.
    expected: Vec<Seen>,
    /// Whether a compressed message that later ones may refer to was not forwarded unchanged.
    differs: bool,
    closed: bool,
}

/// Panics unless a receiver reads exactly the forwarded and injected messages.
pub(crate) fn check(case: &Case) {
    let mut reassembler = Reassembler::new(case.reading);
    let ledger = Ledger::new(case.reading.limits.max_message_size);
    let mut sink = Watched { journal: journal::Recorder::new(ledger), refers_back: Vec::new() };
    let mut decisions = case.decisions.iter().copied().cycle();
    let mut talk = Talk {
        case,
        incoming: Incoming::new(case),
        relay: Relay::new(&case.reading, case.outbound()),
        output: Written::default(),
        said: Rc::default(),
        fates: Vec::new(),
        waiting: Vec::new(),
        expected: Vec::new(),
        differs: false,
        closed: false,
    };
    for chunk in input::cut(&case.wire, case.cuts) {
        reassembler.receive_data(chunk, &mut talk.relay.recording(&mut sink));
        assert_eq!(sink.journal.events.len(), talk.relay.recorded(), "a log for each event");
        if talk.waiting.is_empty() && sink.journal.events.is_empty() {
            let (held, received) = (talk.relay.held() as u64, reassembler.bytes_received());
            assert!(held <= received, "{held} of {received} bytes held");
        }
        let first = talk.fates.len();
        for ((offset, seen), refers_back) in
            sink.journal.events.drain(..).zip(sink.refers_back.drain(..))
        {
            talk.hold(offset, seen, refers_back);
        }
        for number in first..talk.fates.len() {
            talk.decide(decisions.next().unwrap_or(0), number);
            talk.check();
        }
    }
    // An incomplete control frame is returned unchanged; no limit applies to it.
    sink.journal.ledger.allow(MAX_CONTROL);
    let ended = reassembler.receive_eof(&mut sink.journal.ledger);
    let held = talk.relay.held();
    assert!(held == talk.held() || !matches!(ended, Ok(None)), "something is held of nothing");
    talk.relay.end();
    assert_eq!(talk.relay.held(), talk.held());
    if let Some(last) = talk.waiting.len().checked_sub(1) {
        talk.relay.discard(last);
        talk.drop_first(last + 1);
        talk.check();
    }
    assert_eq!(talk.relay.held(), 0);
    talk.read();
}

impl Talk<'_> {
    fn hold(&mut self, offset: u64, seen: Seen, refers_back: bool) {
        let number = self.fates.len();
        let content = match &seen {
            Seen::Message(_, content) | Seen::Opaque(_, content, _) => content.clone(),
            _ => Vec::new(),
        };
        self.fates.push(Fate::Waiting);
        self.said.borrow_mut().push(Fate::Waiting);
        self.relay.hold(Handle { number, content, fates: Rc::clone(&self.said) });
        self.waiting.push(Waiting { number, offset, seen, refers_back, marked: false });
    }

    fn decide(&mut self, decision: u8, number: usize) {
        let with = decision >> 3;
        let Some(mut place) = self.waiting.iter().position(|waiting| waiting.number == number)
        else {
            return;
        };
        assert_eq!(self.relay.index(|event| event.number == number), Some(place));
        match (decision & 7, self.waiting[place].seen.clone()) {
            (1, _) => {}
            (2, _) => self.mark(place),
            (3, Seen::Message(opcode, mut content)) => {
                if opcode == Opcode::Text {
                    content.make_ascii_uppercase();
                } else {
                    for byte in &mut content {
                        *byte ^= 1;
                    }
                }
                self.forward(place, Some((opcode, content)));
            }
            (4, Seen::Message(opcode, mut content)) => {
                if with == 31 {
                    self.forward_with_invalid_opcode(place);
                }
                content.extend("é".repeat(usize::from(with)).as_bytes());
                self.forward(place, Some((opcode, content)));
            }
            (5, _) => {
                self.relay.discard(place);
                self.drop_first(place + 1);
                self.release();
            }
            (6, _) => {
                self.inject([None, Some(true), Some(false)][usize::from(with % 3)]);
                self.forward(place, None);
            }
            (7, _) => {
                self.control(with);
                self.forward(place, None);
            }
            _ => {
                if with > 0 {
                    place = usize::from(with - 1) % self.waiting.len();
                }
                self.forward(place, None);
            }
        }
    }

    /// Panics unless the relay's state is that of the model.
    fn check(&self) {
        let recompresses = !self.case.fits() || self.differs;
        assert_eq!(self.relay.outbound().recompresses(), recompresses);
        assert_eq!(self.relay.outbound().is_closed(), self.closed);
        // The relay does not tell an event that it was sent.
        let told = |fate: &Fate| if *fate == Fate::Sent { Fate::Waiting } else { *fate };
        assert_eq!(*self.said.borrow(), self.fates.iter().map(told).collect::<Vec<_>>());
        for (place, waiting) in self.waiting.iter().enumerate() {
            assert_eq!(self.relay.index(|event| event.number == waiting.number), Some(place));
        }
    }

    /// Notes the final state of an event that no longer waits.
    fn settle(&mut self, waiting: &Waiting, fate: Fate) {
        self.fates[waiting.number] = fate;
        let gone = fate != Fate::Sent;
        self.differs |= gone && self.incoming.is_compressed(waiting) && self.case.has_context();
    }

    fn drop_first(&mut self, count: usize) {
        for waiting in self.waiting.drain(..count).collect::<Vec<_>>() {
            self.settle(&waiting, Fate::Dropped);
        }
    }

    /// Releases the events at the front that the caller has marked.
    fn release(&mut self) {
        while self.waiting.first().is_some_and(|first| first.marked) {
            let first = self.waiting.remove(0);
            self.settle(&first, Fate::Released);
        }
    }

    /// Marks an event as dropped, as every holder of its message can; the next call of the relay
    /// sees the mark.
    fn mark(&mut self, place: usize) {
        let waiting = &mut self.waiting[place];
        waiting.marked = true;
        self.said.borrow_mut()[waiting.number] = Fate::Marked;
        self.fates[waiting.number] = Fate::Marked;
        self.relay.release();
        self.release();
    }

    /// Tries to forward a message with the opcode of a control frame: it is refused, and nothing
    /// changes.
    fn forward_with_invalid_opcode(&mut self, place: usize) {
        if self.closed || self.waiting[place].marked {
            return;
        }
        let before = (self.relay.held(), self.output.bytes.len());
        let now = Message { opcode: Opcode::Ping, content: b"" };
        let result = self.relay.forward(place, Some(now), &mut self.output);
        assert_eq!(result, Err(Refusal::NotAMessage(Opcode::Ping)));
        assert_eq!((self.relay.held(), self.output.bytes.len()), before);
        self.check();
    }

    fn forward(&mut self, place: usize, now: Option<(Opcode, Vec<u8>)>) {
        let start = self.output.bytes.len();
        let message = now.as_ref().map(|(opcode, content)| Message { opcode: *opcode, content });
        let result = self.relay.forward(place, message, &mut self.output);
        assert_eq!(result, Ok(()));
        let written = self.output.bytes[start..].to_vec();
        self.drop_first(place);
        let waiting = self.waiting.remove(0);
        if self.closed || waiting.marked {
            assert_eq!(written, b"");
            self.settle(&waiting, Fate::Dropped);
        } else {
            self.sent(&waiting, now, &written);
            self.settle(&waiting, Fate::Sent);
        }
        self.release();
    }

    /// Checks the bytes that were written for an event, and adds it to the expected ones.
    fn sent(&mut self, waiting: &Waiting, now: Option<(Opcode, Vec<u8>)>, written: &[u8]) {
        let now = now.map(|(opcode, content)| Seen::Message(opcode, content));
        let compressed = self.incoming.is_compressed(waiting);
        if let Some(edited) = now.filter(|now| *now != waiting.seen) {
            let length = |seen: &Seen| match seen {
                Seen::Message(_, content) => Some(content.len()),
                _ => None,
            };
            self.differs |= compressed && self.case.has_context();
            if length(&edited) == length(&waiting.seen) {
                let (frames, _) = frames::read(&self.case.receiving(), [written]);
                let came = self.incoming.frames_of(waiting).len();
                assert_eq!(frames.list.len(), came, "as many fragments");
            }
            self.expected.push(edited);
            return;
        }
        let came = self.incoming.came(waiting);
        let anew =
            compressed && (self.differs || !self.case.fits() || !self.incoming.is_kept(waiting));
        if anew {
            self.differs |= self.case.has_context();
        } else {
            let (frames, _) = frames::read(&self.case.reading, [&came[..]]);
            let from_client = self.case.reading.from_client;
            let size = frames::size_with_right_masks(from_client, &frames.list);
            assert_eq!(written.len() as u64, size);
            if !self.case.fresh_keys && frames.tolerated.mask_direction == 0 {
                assert_eq!(written, came, "{:?} did not go on as it came", waiting.seen);
            }
        }
        self.closed = matches!(waiting.seen, Seen::Close(..));
        self.expected.push(waiting.seen.clone());
    }

    fn inject(&mut self, compress: Option<bool>) {
        let message = Message { opcode: Opcode::Binary, content: INJECTED };
        let result = self.relay.inject(message, compress, &mut self.output);
        let refusal = match compress {
            _ if self.closed => Some(Refusal::AfterClose),
            Some(true) if self.case.sending.deflate.is_none() => Some(Refusal::DeflateNotAgreed),
            _ => None,
        };
        assert_eq!(result.err(), refusal);
        if refusal.is_none() {
            self.differs |= compress == Some(true) && self.case.has_context();
            self.expected.push(Seen::Message(Opcode::Binary, INJECTED.to_vec()));
        }
    }

    fn control(&mut self, with: u8) {
        let (result, seen) = match with {
            0..15 => {
                let ping = Control::Ping(&[1; 9]);
                (self.relay.control(ping, &mut self.output), Seen::Ping(vec![1; 9]))
            }
            15..30 => {
                let pong = Control::Pong(b"");
                (self.relay.control(pong, &mut self.output), Seen::Pong(Vec::new()))
            }
            _ => {
                let (code, reason) = if with == 30 { (Some(1001), "on") } else { (None, "") };
                let closes = self.relay.close(code, reason, &mut self.output);
                assert_eq!(closes, Ok(!self.closed));
                let result = if self.closed { Err(Refusal::AfterClose) } else { Ok(()) };
                (result, Seen::Close(code.unwrap_or(1005), reason.to_owned()))
            }
        };
        assert_eq!(result.err(), self.closed.then_some(Refusal::AfterClose));
        if !self.closed {
            self.closed = matches!(seen, Seen::Close(..));
            self.expected.push(seen);
        }
    }

    /// Bytes that are held for the waiting events.
    fn held(&self) -> usize {
        self.waiting.iter().map(|waiting| self.incoming.held(waiting)).sum()
    }

    /// Panics unless a receiver reads the expected events.
    fn read(&self) {
        let wire = &self.output.bytes;
        let (journal, _) = journal::read(self.case.receiving(), input::cut(wire, self.case.cuts));
        assert_eq!((journal.error, journal.discarded), (None, 0));
        assert!(journal.events.iter().map(|(_, seen)| seen).eq(&self.expected), "{journal:?}");
        assert_eq!(journal.ending, Ok(None));
        self.case.check_window(wire, self.expected.iter());
    }
}
