//! What the reader of one direction gives out.

use crate::http2::frame::FrameHeader;
use crate::packet::Origin;
use crate::stream_part::{Gap, StreamPart};

/// What a reader gives out.
#[derive(Debug)]
pub(super) enum FrameEvent<'a> {
    /// Bytes of the DATA of a stream, without padding, or a gap in them of known length.
    Data(u32, StreamPart<'a>),
    /// The end of a DATA frame that ends its stream, and the packet with its last captured byte.
    DataEnd(u32, Origin),
    /// Another frame that matters, with its payload.
    Frame(FrameHeader, &'a [u8], Origin),
    /// Such a frame that was not captured whole, or is too long, with the start of its payload.
    Incomplete(FrameHeader, &'a [u8], Origin),
    /// The start of the next frame is unknown: anything may have been lost.
    Lost(Gap),
}
