//! The holes of a stream: which are confirmed, and when they become gaps.
//!
//! How long a confirmed hole is waited for is said in [`patience`](crate::tcp::patience).

use crate::stream_part::StreamPart;
use crate::tcp::history::History;
use crate::tcp::out_of_order::OutOfOrder;
use crate::tcp::patience::{Confirmation, MAX_WAIT};
use crate::tcp::stream::{MAX_JUMP, Stream};

impl Stream {
    /// Turns the hole at `next` into a gap and gives out the held segments that follow it.
    pub(super) fn give_up_hole(
        &mut self,
        total_held: &mut usize,
        out: &mut impl FnMut(StreamPart<'_>),
    ) {
        if let Some(held) = self.held.first() {
            self.skip(held - self.next, out);
            self.release(total_held, out);
        }
    }

    /// Takes an acknowledgment by the peer, captured at `now` (nanoseconds since the epoch).
    pub(crate) fn acknowledge(&mut self, acknowledgment: u32, now: i64) {
        self.start_at(acknowledgment);
        let distance = self.distance(acknowledgment);
        let position = self.next.cast_signed() + distance;
        if distance > MAX_JUMP {
            let confirms = |other: i64| (1..=MAX_JUMP).contains(&(position - other));
            if !self.unconfirmed.replace(position).is_some_and(confirms) {
                return;
            }
        }
        let before = self.acknowledged;
        self.acknowledged = before.max(position.max(0).cast_unsigned());
        if !self.held.is_empty() {
            self.held.confirm(before, self.acknowledged, self.confirmation(now));
        } else if self.next == 0 && self.trailing_hole_length() > 0 {
            self.uncaptured_since.get_or_insert(now);
        }
    }

    pub(super) const fn confirmation(&self, now: i64) -> Confirmation {
        Confirmation { time: now, segments: self.segments_held }
    }

    /// Bytes from `next` on that were received or cut, if no segment is held.
    fn trailing_hole_length(&self) -> u64 {
        let until = self.acknowledged.min(self.fin.unwrap_or(u64::MAX));
        let length = until.saturating_sub(self.next);
        // A FIN has a sequence number too, so a FIN that was not captured looks like a missing byte.
        let may_be_fin = length == 1 && self.fin.is_none();
        let length = if may_be_fin { 0 } else { length };
        length.max(self.cut_until.saturating_sub(self.next))
    }

    /// Whether [`settle`](Self::settle) has to be called.
    pub(crate) fn has_hole(&self) -> bool {
        !self.held.is_empty() || self.uncaptured_since.is_some()
    }

    /// Turns holes into gaps if the patience for them is over. `now` is in nanoseconds since the epoch.
    pub(crate) fn settle(
        &mut self,
        now: i64,
        total_held: &mut usize,
        out: &mut impl FnMut(StreamPart<'_>),
    ) {
        while let Some((_, confirmed)) = self.held.first_confirmed()
            && confirmed.is_over(now, self.segments_held)
        {
            self.give_up_hole(total_held, out);
        }
        // If a later byte was captured, no held segment confirms the acknowledgment, which may be wrong.
        if self.next > 0 || !self.held.is_empty() {
            self.uncaptured_since = None;
        } else if self.uncaptured_since.is_some_and(|since| now.saturating_sub(since) >= MAX_WAIT) {
            self.skip(self.trailing_hole_length(), out);
        }
    }

    /// The memory that the held segments and the history take, in bytes.
    #[inline]
    pub(crate) fn bytes_held(&self) -> usize {
        self.held.memory() + self.history.capacity() + self.given_up.bytes_held()
    }

    /// The memory that the held segments take, in bytes.
    pub(crate) fn segments_memory(&self) -> usize {
        self.held.memory()
    }

    /// Turns all holes into gaps and gives out all held segments.
    pub(crate) fn give_up_holes(
        &mut self,
        total_held: &mut usize,
        out: &mut impl FnMut(StreamPart<'_>),
    ) {
        while !self.held.is_empty() {
            self.give_up_hole(total_held, out);
        }
    }

    /// Ends the stream. Every hole becomes a gap, and so do bytes after the last captured one that
    /// the peer has acknowledged.
    pub(crate) fn finish(&mut self, total_held: &mut usize, out: &mut impl FnMut(StreamPart<'_>)) {
        while let Some(held) = self.held.first() {
            let far = (held - self.next).cast_signed() > MAX_JUMP;
            if far && self.acknowledged <= held && self.held.len() == 1 {
                *total_held -= self.held.memory();
                self.held = OutOfOrder::default();
                break;
            }
            self.give_up_hole(total_held, out);
        }
        let length = self.trailing_hole_length();
        if length > 0 {
            self.skip(length, out);
        }
        self.history = History::default();
    }
}
