//! Where payloads go.
//!
//! The caller owns the memory: a message's content grows in a buffer of the
//! caller's kind, is written once and in order, and is handed over whole. The
//! engine says how large a buffer has to be and never asks for more than the
//! limits and what has arrived allow.

use crate::deflate::inflater::{Outcome, Progress, Stream};
use crate::error::OutOfMemory;
use crate::frame::mask::Mask;
use crate::limits::Excess;

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
        let mut buffer = [0; 4096];
        let mut total = Progress { consumed: 0, produced: 0, outcome: Outcome::More };
        loop {
            let space = buffer.len().min(room - total.produced);
            let progress = stream.inflate(&input[total.consumed..], &mut buffer[..space]);
            content.extend_from_slice(&buffer[..progress.produced]);
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
