//! The decoded bytes that a fragment stream has not returned yet.
//!
//! - `given <= filled <= bytes.len()`; `bytes[given..filled]` was not returned yet

use crate::deflate::inflater::{Progress, Stream};
use crate::deflate::target::{Ceiling, Room, Target};
use crate::error::{Kind, OutOfMemory};
use crate::fallible::lengthen;
use crate::frame::mask::Mask;
use crate::limits::Excess;
use crate::read::fragment_event::Ends;
use crate::text;

/// First size of the buffer for decoded bytes.
const FIRST_ROOM: usize = 1 << 12;
/// Largest buffer that is kept between parts, in bytes.
const MOST_KEPT: usize = 1 << 18;

/// A buffer for decoded bytes: inflated payloads, and texts that are not ASCII.
#[derive(Default)]
pub(super) struct Decoded {
    bytes: Vec<u8>,
    filled: usize,
    given: usize,
}

impl Decoded {
    /// The decoded bytes that were not returned yet.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.given..self.filled]
    }

    /// Number of bytes in the buffer.
    pub(super) const fn filled(&self) -> usize {
        self.filled
    }

    /// The bytes that were decoded since there were `filled` in the buffer.
    pub(super) fn since(&self, filled: usize) -> &[u8] {
        &self.bytes[filled..self.filled]
    }

    /// Takes the decoded bytes that were not returned yet.
    pub(super) fn give(&mut self) -> &[u8] {
        let from = std::mem::replace(&mut self.given, self.filled);
        &self.bytes[from..self.filled]
    }

    /// Takes the whole characters of a text that were not returned yet.
    pub(super) fn whole_characters(&mut self, ends: Ends) -> Result<&str, Kind> {
        let waiting = &self.bytes[self.given..self.filled];
        let text = text::whole_characters(waiting)?;
        if ends.message && text.len() < waiting.len() {
            return Err(Kind::InvalidUtf8);
        }
        self.given += text.len();
        Ok(text)
    }

    /// Moves the bytes that were not returned to the front of the buffer.
    #[inline]
    pub(super) fn forget_given(&mut self) {
        self.bytes.copy_within(self.given..self.filled, 0);
        self.filled -= self.given;
        self.given = 0;
        if self.bytes.len() > MOST_KEPT && self.filled < MOST_KEPT {
            self.bytes.truncate(MOST_KEPT);
            #[expect(clippy::disallowed_methods, reason = "at most `MOST_KEPT` bytes are moved")]
            self.bytes.shrink_to(MOST_KEPT);
        }
    }

    /// Makes room for `more` bytes.
    #[inline]
    fn make_room(&mut self, more: usize) -> Result<(), OutOfMemory> {
        let needed = self.filled.checked_add(more).ok_or(OutOfMemory)?;
        if needed > self.bytes.len() {
            let room = needed.max(FIRST_ROOM);
            let more = room - self.bytes.len();
            lengthen(&mut self.bytes, more, 0)?;
        }
        Ok(())
    }

    pub(super) fn append(&mut self, wire: &[u8], mask: Mask) -> Result<(), OutOfMemory> {
        self.make_room(wire.len())?;
        let end = self.filled + wire.len();
        mask.unmask(wire, &mut self.bytes[self.filled..end]);
        self.filled = end;
        Ok(())
    }
}

/// The buffer of decoded bytes as an inflation target.
pub(super) struct DecodedTarget<'a> {
    pub(super) decoded: &'a mut Decoded,
    pub(super) inflated: &'a mut usize,
    pub(super) ceiling: Ceiling,
}

impl Target for DecodedTarget<'_> {
    #[inline]
    fn room(&mut self) -> Result<Room, OutOfMemory> {
        let decoded = &mut *self.decoded;
        if decoded.filled == decoded.bytes.len() {
            decoded.make_room(decoded.filled.max(1))?;
        }
        let most = self.ceiling.bytes.saturating_sub(*self.inflated);
        Ok(match most.min(decoded.bytes.len() - decoded.filled) {
            0 => Room::Full(self.ceiling.exceeded),
            room => Room::Bytes(room),
        })
    }

    #[inline]
    fn inflate(&mut self, room: usize, stream: &mut Stream, input: &[u8]) -> Progress {
        let Decoded { bytes, filled, .. } = &mut *self.decoded;
        stream.inflate(input, &mut bytes[*filled..*filled + room])
    }

    #[inline]
    fn took(&mut self, _room: usize, produced: usize) -> Result<(), Kind> {
        self.decoded.filled += produced;
        *self.inflated += produced;
        Ok(())
    }

    #[cold]
    fn exceeded(&mut self, excess: Excess, _byte: u8) -> Result<(), Kind> {
        Err(Kind::Limit(excess))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(lengths: &[usize]) -> Decoded {
        let mut decoded = Decoded::default();
        for length in lengths {
            decoded.append(&vec![7; *length], Mask::NONE).unwrap();
        }
        decoded
    }

    #[test]
    fn buffer_takes_what_it_needs_and_gives_a_large_one_back() {
        assert_eq!(holding(&[1]).bytes.len(), FIRST_ROOM);
        assert_eq!(holding(&[FIRST_ROOM, 1]).bytes.len(), FIRST_ROOM + 1);
        for (length, kept) in [(5_000, 5_000), (MOST_KEPT, MOST_KEPT), (2 * MOST_KEPT, MOST_KEPT)] {
            let mut decoded = holding(&[length]);
            assert_eq!(decoded.give().len(), length);
            decoded.forget_given();
            assert_eq!((decoded.filled(), decoded.bytes.len()), (0, kept));
            assert!(decoded.bytes.capacity() <= length.max(FIRST_ROOM));
            // The room is used again.
            decoded.append(&[1, 2], Mask::NONE).unwrap();
            assert_eq!((decoded.waiting(), decoded.bytes.len()), (&[1, 2][..], kept));
        }
    }

    #[test]
    fn bytes_that_wait_stay_whatever_their_number() {
        for length in [3, MOST_KEPT - 1, MOST_KEPT, MOST_KEPT + 1] {
            let mut decoded = holding(&[MOST_KEPT]);
            decoded.give();
            decoded.append(&vec![1; length], Mask::NONE).unwrap();
            decoded.forget_given();
            assert_eq!(decoded.waiting(), vec![1; length]);
        }
    }
}
