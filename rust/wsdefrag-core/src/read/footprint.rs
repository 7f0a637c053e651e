//! What a direction costs in memory, and how its caller gets some of it back.
//!
//! A caller with many directions adds up [`bytes_held`](Reassembler::bytes_held). Over its bound it
//! first parks inflaters, which loses nothing, and then abandons open messages.

use crate::error::Kind;
use crate::limits::Excess;
use crate::read::memory::Content;
use crate::read::message::OpenMessage;
use crate::read::reassembler::Reassembler;

impl<C: Content> Reassembler<C> {
    /// Bytes of memory that the direction takes: this value, the room allocated for the open
    /// message's content, and the inflater or what is left of a parked one.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        let content = self.message.as_ref().map_or(0, OpenMessage::capacity);
        size_of::<Self>() + content + self.waiting.capacity() + self.inflation.bytes_held()
    }

    /// Gives up the inflater's state between compressed messages, and keeps only what later messages
    /// may refer to: at most 32 KiB. The next compressed message restores it; what is read stays the
    /// same. Returns how many bytes were given back: 0 inside a compressed message, and where there
    /// is no memory for what has to be kept.
    pub fn park_inflater(&mut self) -> usize {
        if self.is_inflating() {
            return 0;
        }
        let before = self.inflation.bytes_held();
        self.inflation.park();
        before.saturating_sub(self.inflation.bytes_held())
    }

    /// Whether it has an inflater that is not parked.
    #[must_use]
    pub const fn has_inflater(&self) -> bool {
        self.inflation.is_live()
    }

    /// Frees the inflater of a direction that has [finished](Self::finish).
    pub fn drop_inflater(&mut self) {
        self.inflation.clear();
    }

    /// Drops the open message's content because of `excess`, in a passive direction. The rest of
    /// the message is skipped and counted like that of a message over a limit, and at its end there
    /// is an [`Event::Damaged`](crate::Event::Damaged) with an empty content and that limit. Returns
    /// how many bytes were given back: 0 if no message is open.
    pub fn abandon_message(&mut self, excess: Excess) -> usize {
        let before = self.bytes_held();
        let Some(message) = self.message.as_mut().filter(|_| self.passive.on) else { return 0 };
        message.abandon(Kind::Limit(excess));
        // A passive direction goes on after a content that exceeds a limit.
        let _ = self.content_fault(Kind::Limit(excess));
        before.saturating_sub(self.bytes_held())
    }
}
