//! Parts of both streams that are kept until it is known who has to read them.
//!
//! - `bytes` is the sum of the lengths of the data in `parts`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_HEAD` bytes of a direction")]

use crate::packet::Origin;
use crate::stream_part::{Gap, OwnedPart};

/// A part of a stream that is kept.
#[derive(Debug)]
pub(crate) struct BufferedPart {
    pub(crate) from_client: bool,
    pub(crate) part: OwnedPart,
}

/// The parts that are kept, in the order in which they came.
#[derive(Debug, Default)]
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

    pub(crate) fn data(&mut self, from_client: bool, data: &[u8], origin: Origin) {
        if !data.is_empty() {
            self.bytes += data.len();
            let part = OwnedPart::Data(data.to_vec(), origin);
            self.parts.push(BufferedPart { from_client, part });
        }
    }

    pub(crate) fn gap(&mut self, from_client: bool, gap: Gap) {
        match self.parts.last_mut() {
            Some(BufferedPart { from_client: other, part: OwnedPart::Gap(before) })
                if *other == from_client =>
            {
                *before = before.join(gap);
            }
            _ => self.parts.push(BufferedPart { from_client, part: OwnedPart::Gap(gap) }),
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
