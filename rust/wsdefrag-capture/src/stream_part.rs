//! The interface between TCP and the protocol above it: one direction's stream as a sequence of
//! parts, in order.

use crate::packet::Origin;

/// The next part of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamPart<'a> {
    /// Bytes of one segment.
    Data(&'a [u8], Origin),
    /// The number of bytes that were not captured.
    Gap(u64),
}

/// A part of the stream that is stored for later.
#[derive(Debug)]
pub(crate) enum OwnedPart {
    /// Bytes of one segment.
    Data(Vec<u8>, Origin),
    /// The number of bytes that were not captured.
    Gap(u64),
}

impl OwnedPart {
    pub(crate) fn as_part(&self) -> StreamPart<'_> {
        match self {
            Self::Data(bytes, origin) => StreamPart::Data(bytes, *origin),
            Self::Gap(length) => StreamPart::Gap(*length),
        }
    }
}

/// How often bytes of one direction were captured again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeats {
    /// Segments that repeated bytes captured before.
    pub(crate) retransmissions: u64,
    /// Segments whose repeated bytes differed from those captured before.
    pub(crate) overlaps: u64,
}
