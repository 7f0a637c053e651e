//! A header block that several frames carry.
//!
//! RFC 9113 section 4.3 and 6.10.
//!
//! - `bytes.len() <= MAX_BLOCK`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_BLOCK` bytes")]

use crate::http2::frame::{FrameHeader, FrameType, PADDED, PRIORITY};
use serde::{Deserialize, Serialize};

/// The longest block that is decoded whole, in bytes.
pub(super) const MAX_BLOCK: usize = 64 << 10;

/// A block whose last frame has not come yet.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeaderBlock {
    /// The frame that began it.
    pub(super) header: FrameHeader,
    #[serde(with = "serde_bytes")]
    pub(super) bytes: Vec<u8>,
    /// Whether it has more bytes than are kept.
    pub(super) is_too_long: bool,
}

impl HeaderBlock {
    pub(super) fn new(header: FrameHeader, fragment: &[u8]) -> Self {
        let mut block = Self { header, bytes: Vec::new(), is_too_long: false };
        block.append(fragment);
        block
    }

    /// Adds what the next frame carries.
    pub(super) fn append(&mut self, fragment: &[u8]) {
        let room = MAX_BLOCK - self.bytes.len();
        self.is_too_long |= fragment.len() > room;
        self.bytes.extend_from_slice(&fragment[..fragment.len().min(room)]);
    }
}

/// The part of the block in a frame's payload, of which at least the start was captured. `None` if the
/// padding is longer than the payload.
pub(super) fn fragment(header: FrameHeader, payload: &[u8]) -> Option<&[u8]> {
    let is_padded = header.has(PADDED) && header.kind != FrameType::Continuation;
    let padding = if is_padded { payload.first().copied().unwrap_or(0).into() } else { 0 };
    let before = match header.kind {
        FrameType::PushPromise => 4,
        FrameType::Headers if header.has(PRIORITY) => 5,
        _ => 0,
    };
    let before = before + usize::from(is_padded);
    let length = (header.length as usize).checked_sub(before + padding)?;
    let fragment = payload.get(before..).unwrap_or_default();
    Some(&fragment[..fragment.len().min(length)])
}
