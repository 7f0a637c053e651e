//! Tests a guess: that the bytes missing inside a frame are as many as the numbers of TLS records say.
//!
//! Records without application data, or with padding, may be among the lost ones, and then the guess
//! is wrong. So what follows is stored until the guess is proved: the frame ends where the guess says,
//! and frames follow there, by the measure of the search for frames. Whatever contradicts it refutes
//! it.
//!
//! ```text
//! inside the frame   bytes are counted, and further gaps
//! after the frame    headers of frames have to follow
//! ```
//!
//! - besides its last part, `parts` has at most [`MAX_BYTES`] bytes in [`MAX_PARTS`] parts

#![expect(clippy::disallowed_methods, reason = "at most `MAX_BYTES` bytes and `MAX_PARTS`")]

use std::collections::VecDeque;

use crate::stream_part::{Gap, GapKind, OwnedPart, StreamPart};
use crate::websocket::candidate::Candidate;
use serde::{Deserialize, Serialize};

/// Valid headers in a row that prove the guess. The end of the frame counts as one if a record ends
/// there, too.
const MIN_HEADERS: u32 = 3;
/// Bytes that are stored while the guess is tested.
const MAX_BYTES: usize = 1 << 20;
/// Parts that are stored while the guess is tested.
const MAX_PARTS: usize = 1024;

/// What is to be thought of the guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Open,
    Proved,
    Refuted,
}

/// A part of the stream, and its position.
pub(super) type StoredPart = (u64, OwnedPart);

/// A guess, and what followed the gap.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GapTest {
    /// Bytes of the frame that are still to come.
    left: u64,
    /// What follows the frame.
    candidate: Candidate,
    /// Whether the frame ends with a record.
    is_aligned: bool,
    /// The longest frame that counts as valid, in bytes.
    max_frame: u64,
    /// The gap, and what followed it.
    parts: VecDeque<StoredPart>,
    bytes: usize,
}

impl GapTest {
    /// A guess about a frame of which `left` bytes are missing or to come. `candidate` takes what
    /// follows the frame.
    pub(super) const fn new(left: u64, candidate: Candidate, max_frame: u64) -> Self {
        let parts = VecDeque::new();
        Self { left, candidate, is_aligned: false, max_frame, parts, bytes: 0 }
    }

    /// The memory that the stored parts take, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.bytes + self.parts.capacity() * size_of::<StoredPart>()
    }

    /// Whether a further gap may be inside the frame.
    pub(super) fn takes(&self, gap: &Gap) -> bool {
        gap.kind != GapKind::Unknown && gap.length <= self.left
    }

    /// Takes a gap inside the frame, at this position of the stream.
    pub(super) fn gap(&mut self, position: u64, gap: Gap) -> Verdict {
        self.left = self.left.saturating_sub(gap.length);
        self.store(position, OwnedPart::Gap(gap))
    }

    /// Takes the bytes of a record, which begins at this position of the stream.
    pub(super) fn data(&mut self, position: u64, part: StreamPart<'_>) -> Verdict {
        if self.store(position, part.to_owned()) == Verdict::Refuted {
            return Verdict::Refuted;
        }
        let Some((bytes, _)) = part.bytes() else { return Verdict::Open };
        let inside = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let after = &bytes[inside..];
        self.left -= inside as u64;
        self.is_aligned |= inside > 0 && self.left == 0 && after.is_empty();
        if !after.is_empty() && self.candidate.take(after, self.max_frame).is_err() {
            return Verdict::Refuted;
        }
        let aligned = u32::from(self.is_aligned);
        let is_proved = self.candidate.headers() + aligned >= MIN_HEADERS
            && self.candidate.aligned() + aligned > 0;
        if is_proved { Verdict::Proved } else { Verdict::Open }
    }

    /// What is to be thought of the guess at the end of the stream: a record ended where a frame did.
    pub(super) const fn at_end(&self) -> Verdict {
        if self.is_aligned || self.candidate.aligned() > 0 {
            Verdict::Proved
        } else {
            Verdict::Refuted
        }
    }

    /// The gap, and what followed it.
    pub(super) fn into_parts(self) -> VecDeque<StoredPart> {
        self.parts
    }

    /// Stores a part. The one that is too much is stored, too, since it has to be read later.
    fn store(&mut self, position: u64, part: OwnedPart) -> Verdict {
        self.bytes += part.data_length();
        self.parts.push_back((position, part));
        let is_full = self.bytes > MAX_BYTES || self.parts.len() > MAX_PARTS;
        if is_full { Verdict::Refuted } else { Verdict::Open }
    }
}
