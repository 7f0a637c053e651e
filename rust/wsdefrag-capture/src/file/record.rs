//! A record of a capture file: a captured packet, in the same form for every file format.

/// The length of the longest record that is read, in bytes. The longest in real files are packets of
/// D-Bus captures, which may have 128 MiB.
pub const MAX_RECORD: u32 = 256 << 20;

/// A captured packet of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When the packet was captured, in nanoseconds since the epoch.
    pub time: i64,
    /// The link type, a number of <https://www.tcpdump.org/linktypes.html>; `None` if the file does
    /// not describe the packet's interface.
    pub link: Option<u32>,
    /// The captured bytes of the packet.
    pub bytes: &'a [u8],
    /// The length of the packet on the wire, in bytes.
    pub length: u32,
}

/// The result of reading the record at the start of some bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Progress {
    /// A record of this many bytes was handed out or ignored.
    Consumed(usize),
    /// The record is incomplete; at least this many of its bytes are needed.
    Needs(usize),
}
