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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_bytes_are_compared_as_far_as_both_are_kept() {
        let mut history = History::default();
        history.push(b"abc", true);
        history.push(b"def", false);
        for (start, captured, expected) in [
            (0, &b"abcdef"[..], false),
            (0, b"abxdef", true),
            (3, b"def", false),
            (3, b"dex", true),
            (2, b"cd", false),
            (2, b"cx", true),
            (-2, b"..abc", false),
            (-2, b"..xbc", true),
            (5, b"fghi", false),
            (5, b"xghi", true),
            (6, b"ghi", false),
            (-4, b"...", false),
            (3, b"", false),
        ] {
            assert_eq!(history.differs(6, start, captured), expected, "{start} {captured:?}");
        }
        // What is acknowledged is not repeated, and neither is what is before a gap.
        history.push(b"ghi", true);
        assert!(!history.differs(9, 3, b"xxx") && history.differs(9, 6, b"xxx"));
        history.clear();
        assert!(!history.differs(9, 6, b"xxx"));
    }

    #[test]
    fn history_begins_anew_where_it_would_grow_too_large() {
        let (most, half) = (vec![1; MAX_HISTORY], vec![1; MAX_HISTORY / 2]);
        let length = |pushed: &[&[u8]]| {
            let mut history = History::default();
            for bytes in pushed {
                history.push(bytes, false);
            }
            assert!(history.capacity() >= history.bytes.len());
            history.bytes.len()
        };
        assert_eq!(length(&[&half, &half]), MAX_HISTORY);
        assert_eq!(length(&[&half, &half, b"a"]), 1);
        assert_eq!(length(&[&most]), MAX_HISTORY);
        assert_eq!(length(&[b"a", &most]), MAX_HISTORY);
        assert_eq!(length(&[&half, &[&most[..], b"a"].concat()]), 0);
    }
}
