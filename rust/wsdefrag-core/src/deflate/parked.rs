//! What remains of an inflation between messages, when its state is given up.

use crate::deflate::context::Context;

/// The bytes that later messages may refer to.
pub(crate) struct Parked {
    /// The bytes of the inflater's window.
    pub(crate) window: Vec<u8>,
    /// Earlier content, for a sender that may break its agreement.
    pub(crate) context: Option<Context>,
}

impl Parked {
    /// Number of bytes allocated.
    pub(crate) fn bytes_held(&self) -> usize {
        self.window.capacity() + self.context.as_ref().map_or(0, Context::bytes_held)
    }
}
