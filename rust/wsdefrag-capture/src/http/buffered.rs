//! Parts of both streams that are kept until it is known who has to read them.
//!
//! - `bytes` is the sum of the lengths of the data in `parts`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_HEAD` bytes of a direction")]

use crate::stream_part::{OwnedPart, StreamPart};
use serde::{Deserialize, Serialize};

/// A part of a stream that is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BufferedPart {
    pub(crate) from_client: bool,
    pub(crate) part: OwnedPart,
}

/// The parts that are kept, in the order in which they came.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Buffered {
    parts: Vec<BufferedPart>,
    bytes: usize,
}

impl Buffered {
    pub(crate) const fn new() -> Self {
        Self { parts: Vec::new(), bytes: 0 }
    }

    /// Bytes of data that are kept.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The memory that the parts take, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        self.bytes + self.parts.len() * 16 + self.parts.capacity() * size_of::<BufferedPart>()
    }

    /// Keeps a part, unless it has no bytes. A gap after a gap is joined to it.
    pub(crate) fn push(&mut self, from_client: bool, part: StreamPart<'_>) {
        match (part, self.parts.last_mut()) {
            (
                StreamPart::Gap(gap),
                Some(BufferedPart { from_client: other, part: OwnedPart::Gap(before) }),
            ) if *other == from_client => *before = before.join(gap),
            (StreamPart::Data([], _) | StreamPart::Unauthenticated([], _), _) => {}
            _ => {
                let part = part.to_owned();
                self.bytes += part.data_length();
                self.parts.push(BufferedPart { from_client, part });
            }
        }
    }

    /// Drops the client's parts.
    pub(crate) fn drop_client(&mut self) {
        self.parts.retain(|buffered| !buffered.from_client);
        let lengths = self.parts.iter().map(|buffered| buffered.part.data_length());
        self.bytes = lengths.sum();
    }

    /// Removes and returns all parts.
    pub(crate) fn take(&mut self) -> Vec<BufferedPart> {
        self.bytes = 0;
        std::mem::take(&mut self.parts)
    }
}
