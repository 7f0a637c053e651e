//! Frames that are ready to be written: their headers, and the payload they share.
//!
//! A [`Layout`] knows its size before a byte of it is written, so that the
//! caller can take memory of exactly that size and have it filled in one pass:
//! header, masked payload, header, masked payload.
//!
//! - the lengths in the headers add up to the payload's
//! - `size` is the sum of the headers' sizes and the payload's length

use std::iter;

use crate::deflate::deflater::Work;
use crate::error::OutOfMemory;
use crate::frame::header::Header;
use crate::frame::mask::{Mask, Slot};
use crate::frame::opcode::Opcode;
use crate::write::refusal::Refusal;

/// One frame or more, to be written.
#[derive(Debug)]
pub struct Layout<'a> {
    first: Header,
    rest: Vec<Header>,
    payload: &'a [u8],
    size: usize,
}

impl<'a> Layout<'a> {
    /// Frames of these headers, over which `payload` is spread.
    pub(crate) fn new(first: Header, rest: Vec<Header>, payload: &'a [u8]) -> Self {
        let headers = first.size + rest.iter().map(|header| header.size).sum::<usize>();
        Self { first, rest, payload, size: headers + payload.len() }
    }

    /// What the first frame is.
    pub(crate) const fn opcode(&self) -> Opcode {
        self.first.opcode
    }

    /// All their bytes.
    #[inline]
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Writes the frames into `out`, every slot of which is written.
    ///
    /// # Panics
    ///
    /// If `out` is not of that size.
    #[inline]
    pub fn write<S: Slot>(&self, out: &mut [S]) {
        let (mut room, mut payload) = (out, self.payload);
        for header in iter::once(&self.first).chain(&self.rest) {
            let (head, behind) = room.split_at_mut(header.size);
            for (slot, byte) in head.iter_mut().zip(header.to_bytes()) {
                *slot = S::of(byte);
            }
            #[expect(clippy::cast_possible_truncation, reason = "the length of a slice")]
            let (part, left) = payload.split_at(header.length as usize);
            let (body, behind) = behind.split_at_mut(part.len());
            header.masking_key.map_or(Mask::NONE, Mask::new).unmask(part, body);
            (room, payload) = (behind, left);
        }
        assert!(room.is_empty() && payload.is_empty(), "frames fill their destination");
    }
}

/// The caller's side of the encoder: its memory, and its source of randomness.
pub trait Output {
    /// What frames are written into.
    type Bytes;

    /// A masking key that nobody can foresee (RFC 6455 section 5.3).
    fn masking_key(&mut self) -> Result<[u8; 4], Refusal>;

    /// Memory of the layout's size, [written](Layout::write).
    fn write(&mut self, layout: &Layout<'_>) -> Result<Self::Bytes, OutOfMemory>;

    /// Does work that takes as long as compressing does, and touches nothing of the caller's but
    /// the content that is compressed.
    fn compress(&mut self, work: Work<'_>) -> Result<Vec<usize>, OutOfMemory> {
        work.run()
    }
}
