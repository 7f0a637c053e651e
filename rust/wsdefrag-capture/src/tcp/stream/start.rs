//! Where a stream begins: after its SYN, or with the earliest byte that came.
//!
//! RFC 9293 section 3.4.1.

use crate::packet::Segment;
use crate::tcp::stream::{NEAR, Start, Stream};

impl Stream {
    /// Whether it is known where the stream begins, or nothing earlier is waited for any more.
    #[inline]
    pub(crate) fn has_begun(&self) -> bool {
        self.start == Start::Known
    }

    /// Takes note of a segment that waits until the stream [begins](Self::begin).
    pub(crate) fn await_beginning(&mut self, segment: &Segment<'_>) {
        self.locate(segment);
        if segment.has_payload() && !self.has_begun() {
            self.start = Start::Awaited;
        }
    }

    /// Lets the stream begin at the earliest byte that came, although no SYN was captured.
    pub(crate) const fn begin(&mut self) {
        self.start = Start::Known;
    }

    /// Whether a SYN with this sequence number is not the SYN that the stream began with.
    pub(crate) fn is_other_syn(&self, sequence: u32) -> bool {
        let may_begin_here = self.can_rewind_to(sequence.wrapping_add(1));
        self.initial_sequence().is_some_and(|initial| initial != sequence) && !may_begin_here
    }

    /// Starts the stream with a SYN of this sequence number, unless bytes have been given out.
    pub(crate) fn start_with_syn(&mut self, sequence: u32) {
        let first = sequence.wrapping_add(1);
        self.start_at(first);
        self.rewind(first);
        self.has_syn |= self.next == 0 && self.sequence == first;
        if self.has_syn {
            self.start = Start::Known;
        }
    }

    /// Starts the stream with the byte of this sequence number, unless it has started.
    pub(crate) const fn start_at(&mut self, sequence: u32) {
        if !self.started {
            self.started = true;
            self.sequence = sequence;
        }
    }

    /// Whether the stream may begin at an earlier byte than it seemed to.
    fn can_rewind_to(&self, sequence: u32) -> bool {
        let distance = self.distance(sequence);
        self.next == 0 && !self.has_syn && (-NEAR..0).contains(&distance)
    }

    /// Lets the stream begin at an earlier byte, if no SYN told where it begins and nothing has been
    /// given out.
    pub(super) fn rewind(&mut self, sequence: u32) {
        if self.can_rewind_to(sequence) {
            let earlier = self.distance(sequence).unsigned_abs();
            self.sequence = sequence;
            self.held.shift(earlier);
            self.acknowledged += earlier;
            self.fin = self.fin.map(|fin| fin + earlier);
            self.unconfirmed = None;
        }
    }
}
