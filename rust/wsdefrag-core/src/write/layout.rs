//! Frames that are ready to be written: their headers and their common payload.
//!
//! The size of a [`Layout`] is known before any byte is written, so the caller can reserve exactly
//! that much memory. One pass then writes each header and its masked part of the payload.
//!
//! - the sum of the lengths in the headers is the length of the payload
//! - `size` is the sum of the headers' sizes and the payload's length

use std::iter;

use crate::deflate::deflater::Compression;
use crate::error::OutOfMemory;
use crate::frame::header::Header;
use crate::frame::mask::{Mask, Slot};
use crate::frame::opcode::Opcode;
use crate::write::refusal::Refusal;

/// One or more frames to be written.
#[derive(Debug)]
pub struct Layout<'a> {
    first: Header,
    rest: Vec<Header>,
    payload: &'a [u8],
    size: usize,
}

impl<'a> Layout<'a> {
    /// Frames with these headers, which share `payload` in order.
    pub(crate) fn new(first: Header, rest: Vec<Header>, payload: &'a [u8]) -> Self {
        let headers = first.size + rest.iter().map(|header| header.size).sum::<usize>();
        Self { first, rest, payload, size: headers + payload.len() }
    }

    /// The first frame's opcode.
    pub(crate) const fn opcode(&self) -> Opcode {
        self.first.opcode
    }

    /// The header, if this is one frame without a mask: then its payload is written as it is.
    #[must_use]
    pub fn plain_header(&self) -> Option<&Header> {
        Some(&self.first).filter(|first| first.masking_key.is_none() && self.rest.is_empty())
    }

    /// The payload of all frames, without a mask.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The size of all frames, in bytes.
    #[inline]
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Writes the frames into `out`; writes every slot.
    ///
    /// # Panics
    ///
    /// If the length of `out` is not `size`.
    #[inline]
    pub fn write<S: Slot>(&self, out: &mut [S]) {
        let (mut room, mut payload) = (out, self.payload);
        for header in iter::once(&self.first).chain(&self.rest) {
            let (head, after) = room.split_at_mut(header.size);
            for (slot, byte) in head.iter_mut().zip(header.to_bytes()) {
                *slot = S::of(byte);
            }
            #[expect(clippy::cast_possible_truncation, reason = "the length of a slice")]
            let (part, left) = payload.split_at(header.length as usize);
            let (body, after) = after.split_at_mut(part.len());
            header.masking_key.map_or(Mask::NONE, Mask::new).unmask(part, body);
            (room, payload) = (after, left);
        }
        assert!(room.is_empty() && payload.is_empty(), "frames fill their destination");
    }
}

/// What the caller supplies to an encoder: memory and masking keys.
pub trait Output {
    /// The written frames.
    type Bytes;

    /// An unpredictable masking key (RFC 6455 section 5.3).
    fn masking_key(&mut self) -> Result<[u8; 4], Refusal>;

    /// Reserves memory of the layout's size and [writes](Layout::write) the frames into it.
    fn write(&mut self, layout: &Layout<'_>) -> Result<Self::Bytes, OutOfMemory>;

    /// Runs the compressor. The caller may release its locks first: compressing uses nothing of the
    /// caller except the content.
    fn compress(&mut self, work: Compression<'_>) -> Result<Vec<usize>, OutOfMemory> {
        work.run()
    }
}
