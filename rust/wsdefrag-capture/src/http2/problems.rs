//! What went wrong on an HTTP/2 connection, besides gaps.

use serde::{Deserialize, Serialize};

/// Counts of problems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Http2Problems {
    /// Header blocks longer than 64 KiB, which were read in part.
    pub(crate) long_blocks: u64,
    /// Header blocks that break the rules of HPACK.
    pub(crate) wrong_blocks: u64,
    /// Streams that were not read for want of room.
    pub(crate) dropped_streams: u64,
}

impl Http2Problems {
    /// Adds the counts of another connection.
    pub(crate) const fn add(&mut self, other: Self) {
        self.long_blocks += other.long_blocks;
        self.wrong_blocks += other.wrong_blocks;
        self.dropped_streams += other.dropped_streams;
    }
}
