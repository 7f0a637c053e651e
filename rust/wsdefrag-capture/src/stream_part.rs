//! What TCP hands on to the protocol above it: the parts of one direction's stream, in order.

use crate::packet::Origin;

/// The next part of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamPart<'a> {
    /// Bytes of one segment.
    Data(&'a [u8], Origin),
    /// Bytes that were not captured: so many.
    Gap(u64),
}

/// What was said of segments that came more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeats {
    pub(crate) retransmissions: u64,
    pub(crate) overlaps: u64,
}
