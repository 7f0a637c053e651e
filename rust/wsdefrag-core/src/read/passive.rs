//! A direction that is only watched, out of a capture: bytes may be missing, and nobody can ask
//! the sender to stop.
//!
//! Two things differ from a direction that is answered. What is wrong with a message's content
//! costs that message and nothing else, since its frames still say where the next one begins. And
//! the reader can say that bytes did not come:
//!
//! ```text
//! a gap that ends inside a frame whose header was seen     skipped; its message is damaged
//! any other gap                                            the direction is lost, for good
//! a gap in a compressed message                            the window is not known from then on,
//!                                                          unless the sender empties it anyway
//! ```
//!
//! Nothing is put together across a gap and nothing is inflated on a guess: the content of a
//! damaged message is what stood before the first byte that is missing.
//!
//! Invariant: `bytes_received == bytes of all extents + control_bytes + bytes_skipped +
//! bytes_discarded` after [`finish`](Reassembler::finish).

use crate::error::{Error, Kind};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::read::account::Coding;
use crate::read::event::{Damage, Event, Extent};
use crate::read::memory::{Content, Memory};
use crate::read::message::Fate;
use crate::read::reassembler::Reassembler;
use crate::read::settings::Settings;
use crate::read::sink::SinkFor;

/// How a direction is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passive {
    /// Whether contents are wanted. Without them frames are walked over, and nothing is unmasked,
    /// inflated or checked.
    pub contents: bool,
    /// Whether all of the direction so far was seen, as it has to be for a compressed message that
    /// may refer to earlier ones.
    pub from_the_start: bool,
}

impl<C: Content> Reassembler<C> {
    /// A direction that is watched, from the first byte that was seen of it.
    #[must_use]
    pub fn passive(settings: Settings, how: Passive) -> Self {
        let mut direction = Self::new(settings);
        direction.passive.on = true;
        direction.passive.contents = how.contents;
        direction.passive.window_known = how.from_the_start || settings.no_context_takeover();
        direction
    }

    /// Whether a gap left nothing to tell frames by.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.passive.lost
    }

    /// Bytes of headers and control frames that were not whole.
    #[must_use]
    pub const fn bytes_skipped(&self) -> u64 {
        self.passive.skipped
    }

    /// The first byte of what is not complete: of the open message, or of the frame at hand.
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

    /// Bytes that have come of the frame at hand, its header included.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        let between =
            self.walker.parser.remaining() == 0 && self.walker.parser.cut_header().is_empty();
        if between { 0 } else { self.walker.parser.position() - self.walker.parser.start() }
    }

    /// Says that the next `length` bytes of the direction did not come.
    pub fn receive_gap<S: SinkFor<C>>(&mut self, length: u64, sink: &mut S) {
        self.received += length;
        if self.discarded_from.is_some() || length == 0 {
            return;
        }
        let inside = self.walker.parser.remaining().min(length);
        if inside > 0 {
            self.walker.parser.skip(inside);
            self.missed(inside);
        }
        if inside < length {
            self.lose(inside, sink);
        } else if self.walker.parser.remaining() == 0 {
            // Only an allocation can fail here, and then there is nothing to hand over.
            let _ = self.end_frame(sink);
        }
    }

    /// Notes that payload bytes of the frame at hand did not come.
    fn missed(&mut self, length: u64) {
        if self.walker.header.opcode.is_control() {
            if self.passive.control_missing == 0 {
                self.passive.control_whole = self.walker.control().len();
            }
            self.passive.control_missing += length;
            return;
        }
        let Some(message) = &mut self.message else { return };
        message.missing += length;
        message.damaged(Damage::Missing);
        message.fate = Fate::PassedOver;
        if message.account.coding == Coding::Deflate {
            self.lose_window();
        }
    }

    /// Gives the direction up at a gap whose first `inside` bytes belonged to the frame at hand.
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

    /// Ends a direction: what was left incomplete goes to `sink`, and what the account lacks is
    /// counted.
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
        if let Some(message) = &mut self.message {
            message.damaged(Damage::Missing);
        }
        let _ = self.hand_over(sink);
        self.forget();
        self.discarded_from.get_or_insert(self.received);
    }

    /// Hands over what a violation breaks off.
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

    /// What is wrong with a content ends a direction, or else only the message.
    #[cold]
    pub(super) fn content_fault(&mut self, kind: Kind) -> Result<(), Kind> {
        let lenient = self.passive.on && kind.is_of_content();
        let Some(message) = self.message.as_mut().filter(|_| lenient) else { return Err(kind) };
        message.damaged(Damage::Fault(kind));
        let inflated = message.is_inflated();
        message.fate = Fate::PassedOver;
        match kind {
            Kind::Limit(_) if inflated && !self.settings.no_context_takeover() => {
                message.fate = Fate::Drained;
            }
            _ if inflated => self.lose_window(),
            _ => {}
        }
        Ok(())
    }

    /// From here on compressed messages can only be read where the sender empties its window.
    pub(super) fn lose_window(&mut self) {
        self.inflation = None;
        self.passive.window_known = self.settings.no_context_takeover();
    }

    /// The end of a control frame of which bytes are missing.
    #[cold]
    pub(super) fn end_damaged_control<S: SinkFor<C>>(&mut self, sink: &mut S) -> Result<(), Kind> {
        let missing = std::mem::take(&mut self.passive.control_missing);
        let payload = &self.walker.control()[..self.passive.control_whole];
        let (content, _) = sink.memory().whole(payload, Mask::NONE)?;
        let extent = Extent {
            frames: 1,
            wire_length: self.walker.header.size as u64 + self.walker.header.length,
            payload_length: self.walker.header.length,
            compressed: false,
            refers_back: false,
        };
        let opcode = self.walker.header.opcode;
        if opcode == Opcode::Close {
            self.discarded_from = Some(self.walker.parser.position());
            self.inflation = None;
        }
        let damage = Damage::Missing;
        let event = Event::Damaged { opcode, content, extent, damage, missing };
        sink.event(self.walker.parser.start(), event);
        self.walker.end_control();
        Ok(())
    }
}
