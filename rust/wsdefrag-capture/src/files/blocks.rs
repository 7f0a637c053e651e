//! The bytes of a file that are ready, in blocks.
//!
//! - every block but the last is full: it has [`SIZE`](Blocks::SIZE) bytes

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::mem;

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

/// Bytes that were written and not taken yet.
#[derive(Debug, Default)]
pub struct Blocks {
    full: VecDeque<Vec<u8>>,
    last: Vec<u8>,
}

impl Blocks {
    /// Bytes of a block.
    pub const SIZE: usize = 256 << 10;

    /// Bytes that were not taken yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.full.len() * Self::SIZE + self.last.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.full.is_empty() && self.last.is_empty()
    }

    /// Whether a whole block is ready.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// Moves the next block to the end of `block`, or swaps the two if it is empty.
    ///
    /// # Errors
    ///
    /// If there is no memory to lengthen `block`; nothing was moved.
    pub fn take(&mut self, block: &mut Vec<u8>) -> Result<(), OutOfMemory> {
        let next = self.full.front_mut().unwrap_or(&mut self.last);
        if block.is_empty() {
            mem::swap(block, next);
            next.clear();
        } else {
            block.try_append(next)?;
        }
        if self.full.pop_front().is_none() {
            self.last = Vec::new();
        }
        Ok(())
    }

    /// Adds a whole block, or what is left at the end.
    pub(super) fn push(&mut self, block: Vec<u8>) -> Result<(), OutOfMemory> {
        debug_assert!(self.last.is_empty());
        if block.len() == Self::SIZE {
            self.full.try_push(block)?;
        } else {
            self.last = block;
        }
        Ok(())
    }

    fn append(&mut self, data: &[u8]) -> Result<usize, OutOfMemory> {
        if self.last.len() == Self::SIZE {
            self.full.try_push(mem::take(&mut self.last))?;
        }
        if self.last.capacity() < Self::SIZE {
            self.last.try_reserve_exact(Self::SIZE - self.last.len())?;
        }
        let length = data.len().min(Self::SIZE - self.last.len());
        self.last.try_append(&data[..length])?;
        Ok(length)
    }
}

impl Write for Blocks {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.append(data).map_err(|_| ErrorKind::OutOfMemory.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_give_what_was_written() {
        let data: Vec<u8> = (0..=250).cycle().take(Blocks::SIZE * 2 + 7).collect();
        let mut blocks = Blocks::default();
        for part in data.chunks(10_007) {
            blocks.write_all(part).unwrap();
        }
        assert_eq!(blocks.len(), data.len());
        let mut all = Vec::new();
        let mut block = Vec::new();
        while blocks.is_full() {
            blocks.take(&mut block).unwrap();
            assert_eq!(block.len(), Blocks::SIZE);
            all.append(&mut block);
        }
        blocks.take(&mut all).unwrap();
        assert!(all == data && blocks.is_empty());
    }
}
