//! Where inflated bytes go, and how many there may be.

use crate::deflate::inflater::{Progress, Stream};
use crate::error::{Kind, OutOfMemory};
use crate::limits::{Excess, Limits};

/// Receives inflated bytes.
pub(crate) trait Target {
    /// Makes room for the next inflated bytes.
    fn room(&mut self) -> Result<Room, OutOfMemory>;

    /// Inflates the front of `input` with `stream` into the room.
    fn inflate(&mut self, room: usize, stream: &mut Stream, input: &[u8]) -> Progress;

    /// Notes how many bytes of the room were filled.
    fn took(&mut self, room: usize, produced: usize) -> Result<(), Kind>;

    /// Called when the message exceeds the ceiling by `byte`. If this succeeds, further bytes are
    /// dropped.
    fn exceeded(&mut self, excess: Excess, byte: u8) -> Result<(), Kind>;
}

/// Room for inflated bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Room {
    /// Room for this many bytes, at least one.
    Bytes(usize),
    /// No room; one more byte exceeds this limit.
    Full(Excess),
}

/// The most bytes that a compressed message may inflate to. It depends on announced lengths, not on
/// the bytes that have arrived, so that the chunks do not matter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceiling {
    pub(crate) bytes: usize,
    /// The limit that one more byte exceeds.
    pub(crate) exceeded: Excess,
}

impl Ceiling {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a float that is too large saturates, which is right for a ceiling"
    )]
    pub(crate) fn new(limits: &Limits, announced: u64) -> Self {
        let size = limits.max_message_size.unwrap_or(u64::MAX);
        let ratio = limits.max_inflate_ratio.unwrap_or(f64::INFINITY);
        let by_ratio = if ratio.is_finite() { (ratio * announced as f64) as u64 } else { u64::MAX };
        let bytes = size.min(by_ratio);
        let requested = bytes.saturating_add(1);
        let exceeded = if by_ratio < size {
            Excess::InflateRatio { limit: ratio, requested }
        } else {
            Excess::MessageSize { limit: size, requested }
        };
        Self { bytes: usize::try_from(bytes).unwrap_or(usize::MAX), exceeded }
    }
}
