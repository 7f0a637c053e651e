//! The content of an open message, as the target that its payload is inflated into.
//!
//! - the content never has more bytes than the ceiling
//! - what is drained is inflated into a buffer on the stack, and only the window learns of it

use crate::deflate::inflater::{Progress, Stream, UNMASK_SIZE};
use crate::deflate::inflation::Inflation;
use crate::deflate::target::{Ceiling, Room, Target};
use crate::error::{Kind, OutOfMemory};
use crate::limits::{Excess, Limits};
use crate::read::event::Damage;
use crate::read::growth;
use crate::read::memory::{Content, Memory};
use crate::read::message::{OpenMessage, PayloadUse};

/// Smallest room for inflated output, in bytes.
const LEAST_INFLATED: usize = 256;

/// A message's content as an inflation target.
pub(crate) struct ContentTarget<'a, C, M> {
    message: &'a mut OpenMessage<C>,
    memory: &'a mut M,
    ceiling: Ceiling,
    /// The expected size of the whole content, in bytes.
    expected: usize,
    /// Whether later messages may refer to this one.
    window_matters: bool,
    /// What the check of the last inflated bytes found, of a message that is not collected.
    checked: Result<(), Kind>,
}

impl<'a, C: Content, M: Memory<Content = C>> ContentTarget<'a, C, M> {
    /// The content of a message that `inflation` inflates.
    #[inline]
    pub(crate) fn new(
        message: &'a mut OpenMessage<C>,
        memory: &'a mut M,
        limits: &Limits,
        expected: usize,
        inflation: &Inflation,
    ) -> Self {
        let ceiling = Ceiling::new(limits, message.account.announced);
        let window_matters = !inflation.no_context_takeover();
        Self { message, memory, ceiling, expected, window_matters, checked: Ok(()) }
    }

    /// Reserves memory for the next inflated bytes; returns their number, 0 at the ceiling.
    fn make_room(&mut self) -> Result<usize, OutOfMemory> {
        let held = self.message.len();
        let most = self.ceiling.bytes.saturating_sub(held);
        if most == 0 {
            return Ok(0);
        }
        let within = |wanted: usize| wanted.min(self.ceiling.bytes);
        let content = match &mut self.message.content {
            Some(content) => {
                if content.capacity() == held {
                    // One that was read from a written state has no room, also if it is empty.
                    let wanted = growth::inflated_capacity(held).max(LEAST_INFLATED);
                    self.memory.grow(content, within(wanted))?;
                }
                content
            }
            none => {
                let expected = within(self.expected.max(LEAST_INFLATED));
                none.insert(self.memory.allocate(expected)?)
            }
        };
        Ok(most.min(content.capacity() - held))
    }
}

impl<C: Content, M: Memory<Content = C>> Target for ContentTarget<'_, C, M> {
    #[inline]
    fn room(&mut self) -> Result<Room, OutOfMemory> {
        if self.message.payload_use != PayloadUse::Kept {
            return Ok(Room::Bytes(UNMASK_SIZE));
        }
        let wanted = self.make_room()?;
        Ok(match self.memory.admit(wanted, wanted.min(1)) {
            Ok(0) => Room::Full(self.ceiling.exceeded),
            Ok(room) => Room::Bytes(room),
            Err(excess) => Room::Full(excess),
        })
    }

    #[inline]
    fn inflate(&mut self, room: usize, stream: &mut Stream, input: &[u8]) -> Progress {
        match &mut self.message.content {
            Some(content) if self.message.payload_use == PayloadUse::Kept => {
                self.memory.inflate(content, room, stream, input)
            }
            _ => {
                let mut buffer = [0; UNMASK_SIZE];
                let progress = stream.inflate(input, &mut buffer);
                if self.message.payload_use == PayloadUse::Checked {
                    self.checked = self.message.check_inflated(&buffer[..progress.produced]);
                }
                progress
            }
        }
    }

    #[inline]
    fn took(&mut self, room: usize, produced: usize) -> Result<(), Kind> {
        if self.message.payload_use != PayloadUse::Kept {
            return self.checked;
        }
        self.memory.forgo(room - produced);
        if produced == 0 {
            return Ok(());
        }
        self.message.check_from(self.message.len() - produced, 0xFF)
    }

    #[cold]
    fn exceeded(&mut self, excess: Excess, byte: u8) -> Result<(), Kind> {
        let exceeded = Kind::Limit(excess);
        if self.message.content_rules.optional {
            self.memory.forgo(self.message.stop_collecting()?);
            return self.message.check_inflated(&[byte]);
        }
        if !self.message.content_rules.lenient || !self.window_matters {
            return Err(exceeded);
        }
        self.message.damaged(Damage::Fault(exceeded));
        self.message.payload_use = PayloadUse::Drained;
        Ok(())
    }
}
