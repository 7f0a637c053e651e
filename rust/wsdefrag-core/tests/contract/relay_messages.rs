//! Messages that are decided on one by one.
//!
//! What nobody touches is the same bytes as long as the windows on both sides are the same; whatever
//! is decided, a receiver reads just that, in that order.

use std::collections::VecDeque;

use wsdefrag_core::relay::{Control, Edit, FrameLog, Outbound, Recorder, Recording};
use wsdefrag_core::{Frame, Opcode, Reassembler, Refusal};

use super::journal::{self, Seen};
use super::ledger::Ledger;
use super::output::Written;
use super::relay::Case;
use super::{frames, input};

/// What the caller puts in.
const INJECTED: &[u8] = b"injected";

/// One direction between its two sides.
struct Relay<'a> {
    case: &'a Case,
    /// The frames that came in.
    frames: &'a [Frame<Vec<u8>>],
    outbound: Outbound,
    output: Written,
    /// What a receiver has to read.
    expected: Vec<Seen>,
    /// Whether a compressed message that others may refer to did not go on as it came.
    differs: bool,
    closed: bool,
}

/// Panics unless a receiver reads what was decided.
pub(crate) fn check(case: &Case) {
    let (frames, _) = frames::read(&case.reading, [&case.wire[..]]);
    let mut reassembler = Reassembler::new(case.reading);
    let mut sink = journal::Recorder::new(Ledger::new(case.reading.limits.max_message_size));
    let mut recorder = Recorder::new(&case.reading);
    let mut logs = VecDeque::new();
    let mut decisions = case.decisions.iter().copied().cycle();
    let mut relay = Relay {
        case,
        frames: &frames.list,
        outbound: case.outbound(),
        output: Written::default(),
        expected: Vec::new(),
        differs: false,
        closed: false,
    };
    for chunk in input::cut(&case.wire, case.cuts) {
        let recording =
            &mut Recording { sink: &mut sink, recorder: &mut recorder, logs: &mut logs };
        reassembler.receive_data(chunk, recording);
        assert_eq!(sink.events.len(), logs.len(), "a log for each event");
        let (held, received) = (recorder.held() as u64, reassembler.bytes_received());
        assert!(held <= received, "{held} of {received} bytes held");
        for ((offset, seen), log) in sink.events.drain(..).zip(logs.drain(..)) {
            relay.decide(decisions.next().unwrap_or(0), offset, seen, log);
            let recompresses = !case.fits() || relay.differs;
            assert_eq!(relay.outbound.recompresses(), recompresses);
            assert_eq!(relay.outbound.is_closed(), relay.closed);
        }
    }
    let ended = reassembler.receive_eof(&mut sink.ledger);
    assert!(recorder.held() == 0 || !matches!(ended, Ok(None)), "something is held of nothing");
    relay.read();
}

impl Relay<'_> {
    fn decide(&mut self, decision: u8, offset: u64, seen: Seen, log: FrameLog) {
        let with = decision >> 3;
        match (decision & 7, seen) {
            (3, Seen::Message(opcode, content)) => {
                let mut edited = content.clone();
                if opcode == Opcode::Text {
                    edited.make_ascii_uppercase();
                } else {
                    for byte in &mut edited {
                        *byte ^= 1;
                    }
                }
                self.edit(offset, &log, opcode, content.len(), edited);
            }
            (4, Seen::Message(opcode, content)) => {
                let edited = [&content[..], "é".repeat(usize::from(with)).as_bytes()].concat();
                self.edit(offset, &log, opcode, content.len(), edited);
            }
            (5, _) => self.drop(&log),
            (6, seen) => {
                self.inject([None, Some(true), Some(false)][usize::from(with % 3)]);
                self.forward(offset, seen, log);
            }
            (7, seen) => {
                self.control(with);
                self.forward(offset, seen, log);
            }
            (_, seen) => self.forward(offset, seen, log),
        }
    }

    /// Whether a receiver's window was, or will not be, what the sender takes it for.
    fn drop(&mut self, log: &FrameLog) {
        self.outbound.altered([log]);
        self.differs |= log.is_compressed() && self.case.has_context();
    }

    fn forward(&mut self, offset: u64, seen: Seen, mut log: FrameLog) {
        let content = match &seen {
            Seen::Message(_, content) => &content[..],
            _ => &[],
        };
        let start = self.output.bytes.len();
        let came = self.came(offset, matches!(seen, Seen::Message(..)));
        let result = self.outbound.forward(&mut log, content, &mut self.output);
        let written = &self.output.bytes[start..];
        if self.closed {
            assert_eq!((result, written), (Err(Refusal::AfterClose), &[][..]));
            return;
        }
        assert_eq!(result, Ok(()));
        let anew =
            log.is_compressed() && (self.differs || !self.case.fits() || !self.is_kept(offset));
        if anew {
            self.differs |= self.case.has_context();
        } else if self.case.fresh_keys {
            assert_eq!(written.len(), came.len());
        } else {
            assert_eq!(written, came, "{seen:?} did not go on as it came");
        }
        self.closed = matches!(seen, Seen::Close(..));
        self.expected.push(seen);
    }

    fn edit(
        &mut self,
        offset: u64,
        log: &FrameLog,
        opcode: Opcode,
        length: usize,
        content: Vec<u8>,
    ) {
        let start = self.output.bytes.len();
        let edit = Edit { opcode, content: &content, length };
        let result = self.outbound.forward_edited(log, edit, &mut self.output);
        let written = &self.output.bytes[start..];
        if self.closed {
            assert_eq!((result, written), (Err(Refusal::AfterClose), &[][..]));
            return;
        }
        assert_eq!(result, Ok(()));
        self.differs |= log.is_compressed() && self.case.has_context();
        if content.len() == length {
            let (frames, _) = frames::read(&self.case.receiving(), [written]);
            assert_eq!(frames.list.len(), self.frames_of(offset, true).len(), "as many fragments");
        }
        self.expected.push(Seen::Message(opcode, content));
    }

    fn inject(&mut self, compress: Option<bool>) {
        let result = self.outbound.inject(Opcode::Binary, INJECTED, compress, &mut self.output);
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
        let (control, seen) = match with {
            0..15 => (Control::Ping(&[1; 9]), Seen::Ping(vec![1; 9])),
            15..30 => (Control::Pong(b""), Seen::Pong(Vec::new())),
            30 => (Control::Close(Some(1001), "on"), Seen::Close(1001, "on".to_owned())),
            _ => (Control::Close(None, ""), Seen::Close(1005, String::new())),
        };
        let result = self.outbound.control(control, &mut self.output);
        assert_eq!(result.err(), self.closed.then_some(Refusal::AfterClose));
        if !self.closed {
            self.closed = matches!(seen, Seen::Close(..));
            self.expected.push(seen);
        }
    }

    /// The frames of the message, or the control frame, that began at `offset`.
    fn frames_of(&self, offset: u64, message: bool) -> Vec<&Frame<Vec<u8>>> {
        let from = self.frames.iter().skip_while(|frame| frame.offset < offset);
        let mut list = Vec::new();
        for frame in from.filter(|frame| frame.header.opcode.is_control() != message) {
            list.push(frame);
            if frame.header.fin {
                break;
            }
        }
        list
    }

    /// The bytes that it came in, as they are to go on.
    fn came(&self, offset: u64, message: bool) -> Vec<u8> {
        let mut came = Vec::new();
        for frame in self.frames_of(offset, message) {
            let start = usize::try_from(frame.offset).unwrap();
            came.extend_from_slice(
                &self.case.wire[start..usize::try_from(frames::end(frame)).unwrap()],
            );
        }
        if message && self.case.rsv1_misleads() {
            came[0] &= !0x40;
        }
        came
    }

    /// Whether its payload was not too long to be kept.
    fn is_kept(&self, offset: u64) -> bool {
        let frames = self.frames_of(offset, true);
        let payload: u64 = frames.iter().map(|frame| frame.header.length).sum();
        let most = self.case.reading.limits.max_message_size;
        most.is_none_or(|most| payload <= most + most / 64 + 64)
    }

    /// Panics unless a receiver reads what is expected.
    fn read(&self) {
        let wire = &self.output.bytes;
        let (journal, _) = journal::read(self.case.receiving(), input::cut(wire, self.case.cuts));
        assert_eq!((journal.error, journal.discarded), (None, 0));
        assert!(journal.events.iter().map(|(_, seen)| seen).eq(&self.expected), "{journal:?}");
        assert_eq!(journal.ending, Ok(None));
        self.case.check_window(wire, self.expected.iter());
    }
}
