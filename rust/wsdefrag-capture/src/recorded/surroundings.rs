//! What a reader of recorded connections needs of its surroundings.

use crate::options::Options;
use crate::protocol::ProtocolCounts;

/// What a reader needs of its surroundings.
pub(crate) struct Surroundings<'a> {
    pub(crate) options: &'a Options,
    /// The number of the next connection.
    pub(crate) next_number: &'a mut u64,
    pub(crate) protocols: &'a mut ProtocolCounts,
    /// The index of the file.
    pub(crate) file: u32,
}
