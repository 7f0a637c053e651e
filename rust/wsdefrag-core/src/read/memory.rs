//! The caller's memory for payloads.
//!
//! The content of a message grows in a buffer of the caller's type, is written once and in order,
//! and is then given to the caller. The engine requests the size of the buffer, and never more than
//! the limits and the received bytes allow.

use crate::deflate::inflater::{Outcome, Progress, Stream};
use crate::error::OutOfMemory;
use crate::frame::mask::Mask;
use crate::limits::Excess;

/// A buffer that a message grows in.
pub trait Content {
    /// The bytes written so far.
    fn as_slice(&self) -> &[u8];
    /// Bytes that it can hold without growing.
    fn capacity(&self) -> usize;
}

/// The caller's memory.
pub trait Memory {
    /// The buffer that a message grows in.
    type Content: Content;

    /// Reserves between `least` and `wanted` more bytes of a budget; returns how many were granted.
    /// The engine holds no bytes without this.
    #[inline]
    fn admit(&mut self, wanted: usize, least: usize) -> Result<usize, Excess> {
        let _ = least;
        Ok(wanted)
    }

    /// Returns reserved bytes that are not needed.
    #[inline]
    fn forgo(&mut self, bytes: usize) {
        let _ = bytes;
    }

    /// A complete content with `wire`, unmasked, and the OR of its bytes. It never grows.
    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(Self::Content, u8), OutOfMemory>;

    /// An empty buffer with room for `capacity` bytes.
    fn allocate(&mut self, capacity: usize) -> Result<Self::Content, OutOfMemory>;

    /// Enlarges a buffer to `capacity` bytes; keeps the written bytes.
    fn grow(&mut self, content: &mut Self::Content, capacity: usize) -> Result<(), OutOfMemory>;

    /// Appends `wire`, unmasked; returns the OR of the appended bytes. The buffer has room for
    /// them.
    fn unmask(&mut self, content: &mut Self::Content, wire: &[u8], mask: Mask) -> u8;

    /// Inflates the front of `input` with `stream` and appends at most `room` bytes. The buffer has
    /// room for them. All of `room` has to be offered, because fewer bytes of output mean that no
    /// more follow.
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

/// Bytes that are inflated at a time beside a vector.
const BUFFER: usize = 4096;

/// Memory whose contents are vectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct VecMemory;

impl Memory for VecMemory {
    type Content = Vec<u8>;

    #[inline]
    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(Vec<u8>, u8), OutOfMemory> {
        let mut content = self.allocate(wire.len())?;
        let any = self.unmask(&mut content, wire, mask);
        Ok((content, any))
    }

    #[inline]
    fn allocate(&mut self, capacity: usize) -> Result<Vec<u8>, OutOfMemory> {
        let mut content = Vec::new();
        content.try_reserve_exact(capacity)?;
        Ok(content)
    }

    fn grow(&mut self, content: &mut Vec<u8>, capacity: usize) -> Result<(), OutOfMemory> {
        Ok(content.try_reserve_exact(capacity - content.len())?)
    }

    #[inline]
    fn unmask(&mut self, content: &mut Vec<u8>, wire: &[u8], mask: Mask) -> u8 {
        let start = content.len();
        #[expect(clippy::disallowed_methods, reason = "the engine has made room for them")]
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
        // Safe code cannot write to a vector's spare capacity before clearing it, and clearing all
        // of it for each call would take quadratic time, if it is large.
        if room <= BUFFER {
            let start = content.len();
            #[expect(clippy::disallowed_methods, reason = "the engine has made room for them")]
            content.resize(start + room, 0);
            let progress = stream.inflate(input, &mut content[start..]);
            content.truncate(start + progress.produced);
            return progress;
        }
        let mut buffer = [0; BUFFER];
        let mut total = Progress { consumed: 0, produced: 0, outcome: Outcome::More };
        loop {
            let space = buffer.len().min(room - total.produced);
            let progress = stream.inflate(&input[total.consumed..], &mut buffer[..space]);
            #[expect(clippy::disallowed_methods, reason = "the engine has made room for them")]
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
