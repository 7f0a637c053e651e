//! The bytes of an incomplete record, collected from chunks.
//!
//! Bytes leave at the front. They are moved only when half of the buffer is free, so that taking
//! many short records from a long buffer costs time in proportion to its length.
//!
//! - `start <= bytes.len()`

#![expect(
    clippy::disallowed_methods,
    reason = "a record of at most `MAX_RECORD` bytes, and a chunk"
)]

use serde::{Deserialize, Serialize};

/// Capacity that is kept between records, in bytes.
const CAPACITY: usize = 1 << 20;

/// A buffer that grows at its end and shrinks at its front.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Partial {
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    start: usize,
}

impl Partial {
    pub(crate) const fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Removes `count` bytes at the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.bytes.len() {
            self.clear();
        } else if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
            self.bytes.shrink_to(CAPACITY);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(CAPACITY);
        self.start = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_order() {
        let mut partial = Partial::default();
        let mut next = 0_u8;
        let mut expected = 0_u8;
        for count in [3, 0, 5, 1, 9, 2] {
            partial.extend(&[next, next + 1, next + 2, next + 3]);
            next += 4;
            let taken = count.min(partial.len());
            assert!(partial.as_slice().iter().zip(expected..).all(|(byte, other)| *byte == other));
            partial.consume(taken);
            expected += u8::try_from(taken).unwrap();
            assert_eq!(partial.len(), usize::from(next - expected));
        }
    }
}
