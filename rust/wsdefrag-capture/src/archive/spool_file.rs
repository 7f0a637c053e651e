//! The bytes of rows that left their streams: the last of them in memory, the others in the [`Spool`].
//!
//! Bytes have positions, from 0. A block is what a stream appended at once; no read crosses two blocks.
//!
//! - `blocks` have the positions up to `end` without a gap; what is before them is in the spool
//! - `memory` = the capacities of `blocks`, at most [`MOST_IN_MEMORY`] after each call

use std::collections::VecDeque;

use wsdefrag_core::fallible::{TryGrow, filled};

use super::spool::Spool;
use crate::output::OutputError;

/// Bytes of blocks in memory at most.
const MOST_IN_MEMORY: usize = 32 << 20;

/// Bytes outside their streams.
#[derive(Default)]
pub(super) struct SpoolFile {
    spool: Option<Box<dyn Spool>>,
    blocks: VecDeque<Block>,
    memory: usize,
    end: u64,
    /// Streams with extents.
    streams: u64,
}

/// Bytes that were appended at once.
struct Block {
    position: u64,
    bytes: Vec<u8>,
}

impl SpoolFile {
    pub(super) fn new(spool: Option<Box<dyn Spool>>) -> Self {
        Self { spool, ..Self::default() }
    }

    /// Whether rows can leave their streams.
    pub(super) const fn is_there(&self) -> bool {
        self.spool.is_some()
    }

    /// The memory that blocks take, in bytes.
    pub(super) const fn memory(&self) -> usize {
        self.memory
    }

    /// Appends bytes and returns their position. There must be a spool.
    pub(super) fn append(&mut self, bytes: Vec<u8>) -> Result<u64, OutputError> {
        let position = self.end;
        self.end += bytes.len() as u64;
        self.memory += bytes.capacity();
        self.blocks.try_push(Block { position, bytes })?;
        while self.memory > MOST_IN_MEMORY
            && let Some(first) = self.blocks.pop_front()
        {
            self.memory -= first.bytes.capacity();
            if let Some(spool) = &mut self.spool {
                spool.append(first.position, &first.bytes)?;
            }
        }
        Ok(position)
    }

    /// Appends `length` bytes of a block, from `position` on, to `out`.
    pub(super) fn read(
        &mut self,
        position: u64,
        length: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), OutputError> {
        let number = self.blocks.partition_point(|block| block.position <= position);
        if let Some(block) = number.checked_sub(1).and_then(|number| self.blocks.get(number)) {
            let start = usize::try_from(position - block.position).unwrap_or(usize::MAX);
            let bytes = block.bytes.get(start..).and_then(|bytes| bytes.get(..length));
            out.try_append(bytes.unwrap_or_default())?;
        } else if let Some(spool) = &mut self.spool {
            let mut bytes = filled(0, length)?;
            spool.read(position, &mut bytes)?;
            out.try_append(&bytes)?;
        }
        Ok(())
    }

    /// Counts a stream that has its first extent.
    pub(super) const fn begin_stream(&mut self) {
        self.streams += 1;
    }

    /// Counts a stream whose extents are read from now on, and then dropped.
    pub(super) const fn end_stream(&mut self) {
        self.streams -= 1;
    }

    /// Drops all bytes, if no stream has extents. Nobody may read an extent any more.
    pub(super) fn clear_unused(&mut self) -> Result<(), OutputError> {
        if self.end == 0 || self.streams > 0 {
            return Ok(());
        }
        let in_spool = self.blocks.front().map_or(self.end, |block| block.position);
        self.blocks.clear();
        self.memory = 0;
        self.end = 0;
        if in_spool > 0
            && let Some(spool) = &mut self.spool
        {
            spool.clear()?;
        }
        Ok(())
    }
}
