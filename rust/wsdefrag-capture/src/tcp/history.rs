//! The last bytes of a stream, kept to compare retransmissions with.
//!
//! A sender may repeat only bytes that the peer has not acknowledged. So the history restarts
//! when everything before new bytes is acknowledged, or when it would grow too large.
//!
//! - `bytes.len() <= MAX_HISTORY`
//! - `bytes` is empty, or its last byte is the last byte of the stream before position `next`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_HISTORY` bytes")]

use serde::{Deserialize, Serialize};

/// Bytes of the stream that are kept at most.
const MAX_HISTORY: usize = 4 << 10;

/// The last bytes of one direction's stream.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct History {
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

impl History {
    /// Appends bytes of the stream. `acknowledged` tells whether the peer has acknowledged all bytes
    /// before them.
    pub(super) fn push(&mut self, bytes: &[u8], acknowledged: bool) {
        if acknowledged || self.bytes.len() + bytes.len() > MAX_HISTORY {
            self.bytes.clear();
        }
        if bytes.len() <= MAX_HISTORY {
            self.bytes.extend_from_slice(bytes);
        }
    }

    pub(super) const fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets all bytes, because a gap follows them.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Whether captured bytes at position `start` differ from the kept ones. The stream has been
    /// given out up to position `next`.
    pub(super) fn differs(&self, next: i64, start: i64, captured: &[u8]) -> bool {
        let first = next - length(&self.bytes);
        let from = first.max(start);
        let until = (start + length(captured)).min(next);
        if from >= until {
            return false;
        }
        let range = |base: i64| {
            let index = |position: i64| usize::try_from(position - base).unwrap_or(0);
            index(from)..index(until)
        };
        self.bytes[range(first)] != captured[range(start)]
    }
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}
