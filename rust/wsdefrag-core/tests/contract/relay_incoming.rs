//! The incoming frames, and how each event has to be forwarded. A frame decoder finds the frames,
//! independently of the relay.

use wsdefrag_core::Frame;

use super::frames;
use super::journal::Seen;
use super::relay::Case;

/// An event that waits for a decision.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Its number among all events, from 0.
    pub(crate) number: usize,
    /// The position of the first byte of its first frame.
    pub(crate) offset: u64,
    /// The event.
    pub(crate) seen: Seen,
    /// Whether it refers to earlier messages although its sender agreed that none would.
    pub(crate) refers_back: bool,
    /// Whether the caller has marked it as dropped.
    pub(crate) marked: bool,
}

/// The frames that came in.
pub(crate) struct Incoming<'a> {
    case: &'a Case,
    frames: Vec<Frame<Vec<u8>>>,
}

impl<'a> Incoming<'a> {
    /// Finds the frames in all bytes of the case.
    pub(crate) fn new(case: &'a Case) -> Self {
        let (frames, _) = frames::read(&case.reading, [&case.wire[..]]);
        Self { case, frames: frames.list }
    }

    /// The frames of an event.
    pub(crate) fn frames_of(&self, waiting: &Waiting) -> Vec<&Frame<Vec<u8>>> {
        let message = matches!(waiting.seen, Seen::Message(..) | Seen::Opaque(..));
        let from = self.frames.iter().skip_while(|frame| frame.offset < waiting.offset);
        let mut list = Vec::new();
        for frame in from.filter(|frame| frame.header.opcode.is_control() != message) {
            list.push(frame);
            if frame.header.fin {
                break;
            }
        }
        list
    }

    /// The bytes that forwarding it unchanged has to give.
    pub(crate) fn came(&self, waiting: &Waiting) -> Vec<u8> {
        let mut came = Vec::new();
        for frame in self.frames_of(waiting) {
            let start = usize::try_from(frame.offset).unwrap();
            came.extend_from_slice(
                &self.case.wire[start..usize::try_from(frames::end(frame)).unwrap()],
            );
        }
        if matches!(waiting.seen, Seen::Message(..)) && self.case.rsv1_misleads() {
            came[0] &= !0x40;
        }
        came
    }

    /// Whether it is a compressed message.
    pub(crate) fn is_compressed(&self, waiting: &Waiting) -> bool {
        let rsv1 = self.frames_of(waiting)[0].header.rsv1();
        matches!(waiting.seen, Seen::Message(..)) && rsv1 && self.case.reading.deflate.is_some()
    }

    /// Whether its payload is kept to be forwarded unchanged: it is not too long, and a receiver can
    /// inflate it.
    pub(crate) fn is_kept(&self, waiting: &Waiting) -> bool {
        let frames = self.frames_of(waiting);
        let payload: u64 = frames.iter().map(|frame| frame.header.length).sum();
        let most = self.case.reading.limits.max_message_size;
        !waiting.refers_back && most.is_none_or(|most| payload <= most + most / 64 + 64)
    }

    /// Bytes that are held for it: headers, the content, and a payload that is not the content.
    pub(crate) fn held(&self, waiting: &Waiting) -> usize {
        let frames = self.frames_of(waiting);
        let headers: usize = frames.iter().map(|frame| frame.header.size).sum();
        let payload: u64 = frames.iter().map(|frame| frame.header.length).sum();
        let payload = usize::try_from(payload).unwrap();
        match &waiting.seen {
            Seen::Message(_, content) if !self.is_compressed(waiting) => headers + content.len(),
            Seen::Message(_, content) => {
                let kept = if self.is_kept(waiting) { payload } else { 0 };
                headers + content.len() + kept
            }
            _ => headers + payload,
        }
    }
}
