//! Where payloads go, and what comes out.
//!
//! The caller owns the memory: a message's content grows in a buffer of the
//! caller's kind, is written once and in order, and is handed over whole. The
//! engine says how large a buffer has to be and never asks for more than the
//! limits and what has arrived allow.

use std::collections::TryReserveError;

use crate::close::Close;
use crate::deflate::{Outcome, Progress, Stream};
use crate::error::Kind;
use crate::header::Header;
use crate::limits::Excess;
use crate::mask::Mask;
use crate::opcode::Opcode;

/// The allocator said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl From<TryReserveError> for OutOfMemory {
    fn from(_: TryReserveError) -> Self {
        Self
    }
}

/// What a message was made of on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Its frames.
    pub frames: u64,
    /// Bytes of its frames, headers included.
    pub wire_length: u64,
    /// Bytes of its frames' payloads: compressed, where it was compressed.
    pub payload_length: u64,
    /// Whether it was compressed.
    pub compressed: bool,
}

/// Why a message of a [passive](crate::reassembler::Passive) direction is not as it was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Damage {
    /// Payload bytes did not come.
    Missing,
    /// What it takes to inflate it did not come.
    Undecodable,
    /// A rule was broken, or a limit would have been exceeded.
    Fault(Kind),
}

/// What one direction holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a, C> {
    /// A whole message; the offset is that of its first frame.
    Message {
        /// Text or binary.
        opcode: Opcode,
        /// The decoded payload.
        content: C,
        /// What it was made of.
        extent: Extent,
    },
    /// What there is of a message, or of a control frame, that is not as it was sent; only passive
    /// directions give it. The offset is that of its first frame.
    Damaged {
        /// The opcode of its first frame.
        opcode: Opcode,
        /// The decoded payload before the first byte that is missing or was refused; all of a text
        /// that is not UTF-8; the payload as it was sent of what cannot be inflated.
        content: C,
        /// What it was made of. Bytes that did not come count where their frame is known.
        extent: Extent,
        /// What is wrong with it.
        damage: Damage,
        /// Payload bytes that did not come.
        missing: u64,
    },
    /// A ping with its payload.
    Ping(&'a [u8]),
    /// A pong with its payload.
    Pong(&'a [u8]),
    /// The peer's close frame; nothing follows it.
    Close(Close<'a>),
}

/// A buffer that a message grows in.
pub trait Content {
    /// The bytes written so far.
    fn as_slice(&self) -> &[u8];
    /// The bytes it can hold without growing.
    fn capacity(&self) -> usize;
}

/// The caller's memory.
pub trait Memory {
    /// The buffer that a message grows in.
    type Content: Content;

    /// Asks to hold `wanted` more bytes of content, of which `least` have to be; as many as may be.
    /// Nothing is held that was not admitted.
    #[inline]
    fn admit(&mut self, wanted: usize, least: usize) -> Result<usize, Excess> {
        let _ = least;
        Ok(wanted)
    }

    /// Says that so many bytes fewer came than were admitted.
    #[inline]
    fn forgo(&mut self, bytes: usize) {
        let _ = bytes;
    }

    /// A content that is just `wire`, unmasked, and the OR of its bytes. It will not grow.
    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(Self::Content, u8), OutOfMemory>;

    /// An empty buffer that holds `capacity` bytes.
    fn allocate(&mut self, capacity: usize) -> Result<Self::Content, OutOfMemory>;

    /// Makes room for `capacity` bytes in all; what was written stays.
    fn grow(&mut self, content: &mut Self::Content, capacity: usize) -> Result<(), OutOfMemory>;

    /// Appends `wire`, unmasked, and returns the OR of the appended bytes. There is room for it.
    fn unmask(&mut self, content: &mut Self::Content, wire: &[u8], mask: Mask) -> u8;

    /// Lets `stream` inflate from the front of `input`, appending at most `room` bytes. There is
    /// room for them, and all of it has to be offered: fewer bytes mean that no more are to come.
    fn inflate(
        &mut self,
        content: &mut Self::Content,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
    ) -> Progress;
}

/// The caller's side of the engine: its memory, and what it does with events.
pub trait Sink {
    /// Where contents live.
    type Memory: Memory;

    /// The memory to use now.
    fn memory(&mut self) -> &mut Self::Memory;

    /// Takes what was completed; `offset` is the first byte of its first frame, in bytes from the
    /// start of the direction.
    fn event(&mut self, offset: u64, event: Event<'_, <Self::Memory as Memory>::Content>);

    /// Is told of a frame whose header has come and may be, before anything of its payload.
    #[inline]
    fn frame(&mut self, header: &Header) -> Result<(), Kind> {
        let _ = header;
        Ok(())
    }

    /// Is told of a range of the frame's payload that was taken, and with it `decoded` bytes of its
    /// message so far. Nothing was wrong with it.
    #[inline]
    fn payload(&mut self, wire: &[u8], mask: Mask, decoded: usize) -> Result<(), Kind> {
        let _ = (wire, mask, decoded);
        Ok(())
    }

    /// Is told that the frame is whole and nothing is wrong with it, before the event that it
    /// completes.
    #[inline]
    fn frame_end(&mut self) -> Result<(), Kind> {
        Ok(())
    }
}

impl Content for Vec<u8> {
    fn as_slice(&self) -> &[u8] {
        self
    }

    fn capacity(&self) -> usize {
        self.capacity()
    }
}

/// Memory for callers without any of their own: contents are vectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct VecMemory;

impl Memory for VecMemory {
    type Content = Vec<u8>;

    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(Vec<u8>, u8), OutOfMemory> {
        let mut content = self.allocate(wire.len())?;
        let any = self.unmask(&mut content, wire, mask);
        Ok((content, any))
    }

    fn allocate(&mut self, capacity: usize) -> Result<Vec<u8>, OutOfMemory> {
        let mut content = Vec::new();
        content.try_reserve_exact(capacity)?;
        Ok(content)
    }

    fn grow(&mut self, content: &mut Vec<u8>, capacity: usize) -> Result<(), OutOfMemory> {
        Ok(content.try_reserve_exact(capacity - content.len())?)
    }

    fn unmask(&mut self, content: &mut Vec<u8>, wire: &[u8], mask: Mask) -> u8 {
        let start = content.len();
        content.resize(start + wire.len(), 0);
        mask.unmask(wire, &mut content[start..])
    }

    fn inflate(
        &mut self,
        content: &mut Vec<u8>,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
    ) -> Progress {
        // Without unsafe code a vector's spare room cannot be written to before it is cleared, and
        // clearing all of it for each call would be quadratic.
        let mut piece = [0; 4096];
        let mut total = Progress { consumed: 0, produced: 0, outcome: Outcome::More };
        loop {
            let space = piece.len().min(room - total.produced);
            let progress = stream.inflate(&input[total.consumed..], &mut piece[..space]);
            content.extend_from_slice(&piece[..progress.produced]);
            total.consumed += progress.consumed;
            total.produced += progress.produced;
            total.outcome = progress.outcome;
            let full = progress.produced == space && total.produced < room;
            if !full || progress.outcome != Outcome::More {
                return total;
            }
        }
    }
}

/// A [`Sink`] that hands events to a closure, with each event's offset.
pub struct Events<F>(VecMemory, F);

impl<F: FnMut(u64, Event<'_, Vec<u8>>)> Events<F> {
    /// Calls `f` with each event.
    pub const fn to(f: F) -> Self {
        Self(VecMemory, f)
    }
}

impl<F: FnMut(u64, Event<'_, Vec<u8>>)> Sink for Events<F> {
    type Memory = VecMemory;

    fn memory(&mut self) -> &mut VecMemory {
        &mut self.0
    }

    fn event(&mut self, offset: u64, event: Event<'_, Vec<u8>>) {
        (self.1)(offset, event);
    }
}
