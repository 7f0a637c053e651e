//! The interface between TCP and the protocol above it: one direction's stream as a sequence of
//! parts, in order.

use serde::{Deserialize, Serialize};
use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::copied;

use crate::packet::Origin;

/// The next part of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamPart<'a> {
    /// Bytes of one segment.
    Data(&'a [u8], Origin),
    /// Bytes of a TLS record that was captured in part: they are decrypted, and no tag confirms them.
    Unauthenticated(&'a [u8], Origin),
    /// Bytes that were not captured.
    Gap(Gap),
}

/// What is known of a gap's length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum GapKind {
    /// The length is right.
    #[default]
    Exact,
    /// The length follows from the number of lost TLS records. It is right unless records without
    /// application data, or with padding, are among them; so only what follows can prove it.
    Likely,
    /// The length is unknown, and counts 0. There may be no bytes at all.
    Unknown,
}

/// Bytes of the stream that were not captured, and the packets around them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    /// The number of bytes.
    pub(crate) length: u64,
    /// What is known of `length`.
    pub(crate) kind: GapKind,
    /// The packet with the last byte before the gap; `None` if the stream begins with the gap.
    pub(crate) before: Option<Origin>,
    /// The packet with the first byte after the gap; `None` if it was not captured either, or not yet.
    pub(crate) after: Option<Origin>,
}

impl Gap {
    /// This gap and the one that follows it at once, as one.
    pub(crate) fn join(self, next: Self) -> Self {
        let kind = self.kind.max(next.kind);
        Self { length: self.length + next.length, kind, before: self.before, after: next.after }
    }
}

/// A part of the stream that is stored for later.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum OwnedPart {
    /// Bytes of one segment.
    Data(#[serde(with = "serde_bytes")] Vec<u8>, Origin),
    /// Bytes of a TLS record that was captured in part.
    Unauthenticated(#[serde(with = "serde_bytes")] Vec<u8>, Origin),
    /// Bytes that were not captured.
    Gap(Gap),
}

impl<'a> StreamPart<'a> {
    /// The bytes, unless it is a gap.
    pub(crate) const fn bytes(&self) -> Option<(&'a [u8], Origin)> {
        match *self {
            Self::Data(bytes, origin) | Self::Unauthenticated(bytes, origin) => {
                Some((bytes, origin))
            }
            Self::Gap(_) => None,
        }
    }

    /// A copy that can be kept. Without memory for it, the bytes become a gap.
    pub(crate) fn to_owned(self) -> OwnedPart {
        let around = self.bytes().map(|(_, origin)| origin);
        self.copied().unwrap_or_else(|OutOfMemory| {
            let (length, kind) = (self.length(), GapKind::Exact);
            OwnedPart::Gap(Gap { length, kind, before: around, after: around })
        })
    }

    /// A copy that can be kept.
    pub(crate) fn copied(self) -> Result<OwnedPart, OutOfMemory> {
        Ok(match self {
            Self::Data(bytes, origin) => OwnedPart::Data(copied(bytes)?, origin),
            Self::Unauthenticated(bytes, origin) => {
                OwnedPart::Unauthenticated(copied(bytes)?, origin)
            }
            Self::Gap(gap) => OwnedPart::Gap(gap),
        })
    }

    /// The part without its first bytes, which are at most its length.
    pub(crate) fn after(self, skipped: u64) -> Self {
        let rest = |bytes: &'a [u8]| {
            &bytes[usize::try_from(skipped).map_or(bytes.len(), |it| it.min(bytes.len()))..]
        };
        match self {
            Self::Data(bytes, origin) => Self::Data(rest(bytes), origin),
            Self::Unauthenticated(bytes, origin) => Self::Unauthenticated(rest(bytes), origin),
            Self::Gap(gap) => Self::Gap(Gap { length: gap.length.saturating_sub(skipped), ..gap }),
        }
    }

    /// Bytes of the stream, captured or not.
    pub(crate) const fn length(&self) -> u64 {
        match self {
            Self::Data(bytes, _) | Self::Unauthenticated(bytes, _) => bytes.len() as u64,
            Self::Gap(gap) => gap.length,
        }
    }
}

impl OwnedPart {
    /// Bytes of data; none in a gap.
    pub(crate) const fn data_length(&self) -> usize {
        match self {
            Self::Data(bytes, _) | Self::Unauthenticated(bytes, _) => bytes.len(),
            Self::Gap(_) => 0,
        }
    }

    /// Its bytes, unless it is a gap.
    pub(crate) fn bytes(&self) -> Option<(&[u8], Origin)> {
        self.as_part().bytes()
    }

    pub(crate) fn as_part(&self) -> StreamPart<'_> {
        match self {
            Self::Data(bytes, origin) => StreamPart::Data(bytes, *origin),
            Self::Unauthenticated(bytes, origin) => StreamPart::Unauthenticated(bytes, *origin),
            Self::Gap(gap) => StreamPart::Gap(*gap),
        }
    }
}

/// How often bytes of one direction were captured again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repeats {
    /// Segments that repeated bytes captured before.
    pub(crate) retransmissions: u64,
    /// Segments whose repeated bytes differed from those captured before.
    pub(crate) overlaps: u64,
    /// Bytes that were captured after the gap that they are in had been given out.
    pub(crate) late: u64,
}
