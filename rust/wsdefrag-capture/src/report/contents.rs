//! The contents of all rows as one stream, which is cut into blocks of equal length.
//!
//! A row knows how long its content is, and so where it begins: after those of all rows before. The
//! blocks that have it follow from that, so there is no index, and a long content is in many blocks.

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow as _;

use crate::report::packer::Packer;

/// Bytes of a block but the last; `CONTENT_BLOCK` in `page/store.js`.
pub(super) const BLOCK: usize = 256 << 10;

/// Collects contents.
#[derive(Default)]
pub(super) struct Contents {
    /// The block that is not full. Invariant: fewer than [`BLOCK`] bytes.
    block: Vec<u8>,
}

impl Contents {
    /// Takes the next bytes of the stream; appends the blocks that they fill to the page.
    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        packer: &mut Packer,
        page: &mut Vec<u8>,
    ) -> Result<(), OutOfMemory> {
        while self.block.len() + bytes.len() >= BLOCK {
            let (first, rest) = bytes.split_at(BLOCK - self.block.len());
            bytes = rest;
            if self.block.is_empty() {
                packer.element("contents", &[], first, page)?;
                continue;
            }
            self.block.try_append(first)?;
            let written = packer.element("contents", &[], &self.block, page);
            self.block.clear();
            written?;
        }
        if self.block.capacity() == 0 {
            self.block.try_reserve_exact(BLOCK)?;
        }
        self.block.try_append(bytes)
    }

    /// Appends the last block to the page.
    pub(super) fn finish(
        &mut self,
        packer: &mut Packer,
        page: &mut Vec<u8>,
    ) -> Result<(), OutOfMemory> {
        if self.block.is_empty() {
            return Ok(());
        }
        packer.element("contents", &[], &std::mem::take(&mut self.block), page)
    }

    /// Bytes that are in no block of the page yet.
    pub(super) const fn bytes_held(&self) -> usize {
        self.block.capacity()
    }
}
