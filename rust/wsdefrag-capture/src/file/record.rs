//! The records that every format of capture files gives.

/// The longest record that is read, in bytes. The largest that programs write on purpose are
/// those of D-Bus captures, with 128 MiB.
pub const MAX_RECORD: u32 = 256 << 20;

/// A captured packet of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it was captured, in nanoseconds since the epoch.
    pub time: i64,
    /// What it starts with, as <https://www.tcpdump.org/linktypes.html> numbers them; `None` where
    /// its interface was not described.
    pub link: Option<u32>,
    /// The packet, as far as it was captured.
    pub bytes: &'a [u8],
    /// Its length on the wire, in bytes.
    pub length: u32,
}

/// What came of looking at the front of a range.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A record of this many bytes has been handed out, or passed over.
    Taken(usize),
    /// The record at the front has at least this many bytes.
    Needs(usize),
}
