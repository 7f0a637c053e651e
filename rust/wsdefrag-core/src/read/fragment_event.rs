//! The parts of messages, and the control frames, that a fragment stream returns.

use crate::error::OutOfMemory;
use crate::frame::close::Close;
use crate::frame::mask::Mask;
use crate::read::memory::{Memory, VecMemory};

/// The result of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentEvent<'a, T, C> {
    /// A part of a text message, in whole characters.
    Text(T, Ends),
    /// A part of a binary message.
    Binary(C, Ends),
    /// A ping with its payload.
    Ping(&'a [u8]),
    /// A pong with its payload.
    Pong(&'a [u8]),
    /// The peer's Close; no event follows it.
    Close(Close<'a>),
}

/// The caller's memory, also for texts.
pub trait TextMemory: Memory {
    /// A part of a text.
    type Text;

    /// The text of `wire`, unmasked; `None` if it is not ASCII.
    fn ascii(&mut self, wire: &[u8], mask: Mask) -> Result<Option<Self::Text>, OutOfMemory>;

    /// A copy of `text`.
    fn text(&mut self, text: &str) -> Result<Self::Text, OutOfMemory>;
}

impl TextMemory for VecMemory {
    type Text = String;

    fn ascii(&mut self, wire: &[u8], mask: Mask) -> Result<Option<String>, OutOfMemory> {
        let (content, any) = self.whole(wire, mask)?;
        Ok(if any < 0x80 { String::from_utf8(content).ok() } else { None })
    }

    fn text(&mut self, text: &str) -> Result<String, OutOfMemory> {
        let mut copy = String::new();
        copy.try_reserve_exact(text.len())?;
        #[expect(clippy::disallowed_methods, reason = "there is room")]
        copy.push_str(text);
        Ok(copy)
    }
}

/// The result of [`FragmentStream::next`](crate::FragmentStream::next) for this memory.
pub type NextEvent<'a, M> =
    Option<FragmentEvent<'a, <M as TextMemory>::Text, <M as Memory>::Content>>;

/// Whether a part is the last of its frame, and of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Whether the part is the last of its frame.
    pub frame: bool,
    /// Whether the part is the last of its message.
    pub message: bool,
}
