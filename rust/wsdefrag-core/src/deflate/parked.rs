//! What remains of an inflation between messages, when its state is given up.

use crate::deflate::context::Context;

/// The bytes that later messages may refer to.
#[derive(Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Parked {
    /// The bytes of the inflater's window.
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    pub(crate) window: Vec<u8>,
    /// Whether the last message ended with a final block, after which the inflater resets itself.
    pub(crate) begins_with_reset: bool,
    /// Earlier content, for a sender that may break its agreement.
    pub(crate) context: Option<Context>,
}

impl Parked {
    /// Whether it differs from an inflation that was just made.
    pub(crate) fn is_needed(&self) -> bool {
        !self.window.is_empty() || self.begins_with_reset || self.context.is_some()
    }

    /// Number of bytes allocated.
    pub(crate) fn bytes_held(&self) -> usize {
        self.window.capacity() + self.context.as_ref().map_or(0, Context::bytes_held)
    }
}
