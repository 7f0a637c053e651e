//! The state of the capture that a conversation reads and changes.

use crate::options::Options;

/// The state of the capture that the protocol on top of a connection needs.
pub(crate) struct Context<'a, S> {
    pub(crate) options: &'a Options,
    /// The number of the next connection.
    pub(crate) next_number: &'a mut u64,
    pub(crate) sink: &'a mut S,
}
