//! A direction of a capture: it is only observed, and bytes may be missing.
//!
//! It differs in two ways from a direction of an endpoint. An error in a message's content affects
//! only that message, because the frame boundaries are still known. And the reader can report a
//! gap, bytes that were not captured:
//!
//! ```text
//! a gap that ends inside a frame with a known header    skipped; its message is damaged
//! any other gap, or one of unknown length               the rest of the direction is lost
//! a gap in a compressed message                         the window is unknown from then on,
//!                                                       unless the sender resets it anyway
//! ```
//!
//! The content of a damaged message ends before its first missing byte. Bytes on the two sides of a
//! gap are never joined. Without memory for an event there is no event, and its bytes are skipped.
//!
//! - `bytes_received == bytes of all extents + control_bytes + bytes_skipped + bytes_discarded`
//!   after [`finish`](Reassembler::finish)

use crate::error::{Error, Kind};
use crate::read::account::Decoding;
use crate::read::event::Damage;
use crate::read::memory::Content;
use crate::read::message::PayloadUse;
use crate::read::reassembler::Reassembler;
use crate::read::settings::Settings;
use crate::read::sink::SinkFor;

/// How a direction is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passive {
    /// Whether contents are wanted. If not, payloads are skipped without unmasking, inflating or
    /// checking them.
    pub contents: bool,
    /// Whether the direction was captured from its start. Compressed messages that may refer to
    /// earlier ones require this.
    pub from_the_start: bool,
}

impl<C: Content> Reassembler<C> {
    /// Creates a reassembler for an observed direction, from the first captured byte.
    #[must_use]
    pub fn passive(settings: Settings, how: Passive) -> Self {
        let mut direction = Self::new(settings);
        direction.passive.on = true;
        direction.passive.contents = how.contents;
        if !how.contents {
            direction.too_long = 0;
        }
        direction.passive.window_known = how.from_the_start || settings.no_context_takeover();
        direction
    }

    /// Whether a gap made the frame boundaries unknown.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.passive.lost
    }

    /// Whether the open message is incomplete because bytes of it did not come.
    #[must_use]
    pub fn is_message_incomplete(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.damage == Some(Damage::Missing))
    }

    /// Whether compressed messages that refer to earlier ones can be inflated.
    #[must_use]
    pub const fn is_window_known(&self) -> bool {
        self.passive.window_known
    }

    /// Bytes of incomplete headers and control frames, and of messages that the sink did not keep.
    #[must_use]
    pub const fn bytes_skipped(&self) -> u64 {
        self.passive.skipped
    }

    /// Position of the first byte of the open message, or of the incomplete frame.
    #[must_use]
    pub fn pending(&self) -> Option<u64> {
        match &self.message {
            Some(message) => Some(message.account.offset),
            None if self.walker.parser.remaining() > 0
                || !self.walker.parser.cut_header().is_empty() =>
            {
                Some(self.walker.parser.start())
            }
            None => None,
        }
    }

    /// Bytes that have arrived of the incomplete frame, its header included.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        let between =
            self.walker.parser.remaining() == 0 && self.walker.parser.cut_header().is_empty();
        if between { 0 } else { self.walker.parser.position() - self.walker.parser.start() }
    }

    /// Notes a gap: the next `length` bytes of the direction were not captured.
    pub fn receive_gap<S: SinkFor<C>>(&mut self, length: u64, sink: &mut S) {
        self.received += length;
        if self.discarded_from.is_some() || length == 0 {
            return;
        }
        let inside = self.walker.parser.remaining().min(length);
        if inside > 0 {
            self.walker.parser.skip(inside);
            self.missed(inside, sink);
        }
        if inside < length {
            self.lose(inside, sink);
        } else if self.walker.parser.remaining() == 0 {
            let _ = self.end_frame(sink);
        }
    }

    /// Notes a gap of unknown length: the next frame may begin anywhere after it. `estimate` is the
    /// number of bytes that it counts for.
    pub fn receive_unknown_gap<S: SinkFor<C>>(&mut self, estimate: u64, sink: &mut S) {
        if self.discarded_from.is_none() {
            self.finish(sink);
            self.passive.lost = true;
        }
        self.received += estimate;
    }

    /// Payload bytes of the current frame that are still to come.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.walker.parser.remaining()
    }

    /// Whether the current frame is the last one of its message, or a control frame outside a message.
    #[must_use]
    pub fn ends_message(&self) -> bool {
        let header = &self.walker.header;
        if header.opcode.is_control() { self.message.is_none() } else { header.fin }
    }

    /// Notes that payload bytes of the current frame were not captured.
    fn missed<S: SinkFor<C>>(&mut self, length: u64, sink: &mut S) {
        if self.walker.header.opcode.is_control() {
            if self.passive.control_missing == 0 {
                self.passive.control_whole = self.walker.control().len();
            }
            self.passive.control_missing += length;
            return;
        }
        self.inflate_cut_off(sink);
        let Some(message) = &mut self.message else { return };
        message.missing += length;
        message.damaged(Damage::Missing);
        message.payload_use = PayloadUse::PassedOver;
        if message.account.decoding == Decoding::Deflate {
            self.lose_window();
        }
    }

    /// Ends the direction at a gap whose first `inside` bytes belong to the current frame.
    fn lose<S: SinkFor<C>>(&mut self, inside: u64, sink: &mut S) {
        if inside > 0 && self.walker.header.opcode.is_control() {
            let _ = self.end_frame(sink);
        }
        if let Some(message) = &mut self.message {
            message.damaged(Damage::Missing);
        }
        let _ = self.hand_over(sink);
        let from = match self.walker.parser.cut_header() {
            [] => self.walker.parser.position(),
            _ => self.walker.parser.start(),
        };
        if self.discarded_from.is_none() {
            self.passive.lost = true;
            self.discarded_from = Some(from);
        }
        self.forget();
    }

    /// Ends a direction: gives the incomplete message or control frame to `sink`, and counts the
    /// bytes that belong to no event.
    pub fn finish<S: SinkFor<C>>(&mut self, sink: &mut S) {
        let unsent = self.walker.parser.remaining();
        let cut = self.walker.parser.cut_header().len() as u64;
        if self.discarded_from.is_none() {
            if unsent > 0 && self.walker.header.opcode.is_control() {
                self.passive.skipped +=
                    self.walker.header.size as u64 + self.walker.header.length - unsent;
            } else if let Some(message) = self.message.as_mut().filter(|_| unsent > 0) {
                message.cut_off(unsent);
            }
            self.passive.skipped += cut;
        }
        self.inflate_cut_off(sink);
        if let Some(message) = &mut self.message {
            message.damaged(Damage::Missing);
        }
        let _ = self.hand_over(sink);
        self.forget();
        self.discarded_from.get_or_insert(self.received);
    }

    /// Gives the message or control frame that a violation ended to `sink`.
    #[cold]
    pub(super) fn break_off<S: SinkFor<C>>(&mut self, error: &Error, sink: &mut S) {
        if !self.passive.on {
            return;
        }
        if let Some(message) = &mut self.message {
            message.damaged(Damage::Fault(error.kind));
        }
        let _ = self.hand_over(sink);
    }

    /// Handles an invalid content: ends the direction of an endpoint, or only the message of a
    /// passive direction.
    #[cold]
    pub(super) fn content_fault(&mut self, kind: Kind) -> Result<(), Kind> {
        if matches!(kind, Kind::Limit(_))
            && let Some(message) = self.message.as_mut().filter(|open| open.content_rules.optional)
        {
            message.stop_collecting()?;
            return Ok(());
        }
        let lenient = self.passive.on && kind.is_of_content();
        let Some(message) = self.message.as_mut().filter(|_| lenient) else { return Err(kind) };
        message.damaged(Damage::Fault(kind));
        let inflated = message.is_inflated();
        message.payload_use = PayloadUse::PassedOver;
        self.waiting = Vec::new();
        match kind {
            Kind::Limit(_) if inflated && !self.settings.no_context_takeover() => {
                message.payload_use = PayloadUse::Drained;
            }
            _ if inflated => self.lose_window(),
            _ => {}
        }
        Ok(())
    }

    /// Notes that the window is unknown: compressed messages can only be read if the sender resets
    /// its window.
    pub(super) fn lose_window(&mut self) {
        self.inflation.clear();
        self.passive.window_known = self.settings.no_context_takeover();
    }
}
