//! A record of a capture file: a captured packet, in the same form for every file format.

use crate::file::error::FileErrorKind;

/// The length of the longest record with a packet that is read, in bytes. It bounds what is buffered of a
/// file. Packets with TCP have at most some hundred KiB.
pub const MAX_RECORD: u32 = 16 << 20;

/// The length of the longest block of a pcapng file that has no packet, in bytes.
pub const MAX_BLOCK: u32 = 256 << 20;

/// The longest record that is believed after damage, in bytes. It bounds what is buffered to find
/// out whether the records after it are plausible.
pub(crate) const MAX_FOUND: u32 = 1 << 20;

/// Two packets of a file are seldom further apart than this, in nanoseconds: a day. A larger step is
/// compared with the packets that follow.
pub(crate) const USUAL_STEP: u64 = 86_400_000_000_000;

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

/// What a receiver of records did with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It took the record and wants more.
    Yes,
    /// It took the record and wants no more for now.
    Last,
    /// It refused the record, which comes again.
    No,
}

/// The record at the start of some bytes.
#[derive(Debug)]
pub(crate) enum Parsed<'a> {
    /// A packet, and the length of its record in bytes.
    Packet(Record<'a>, usize),
    /// As `Packet`, but its time could not be right and is that of the packet before.
    Retimed(Record<'a>, usize),
    /// Something of this many bytes that is no packet.
    Other(usize),
    /// Bytes of a record without a packet; more of it follows.
    Part(usize),
    /// The start of another capture file.
    NewFile,
    /// The record is incomplete; at least this many bytes from its start are needed.
    Needs(usize),
    /// The record cannot be right.
    Damaged(FileErrorKind),
}

/// Whether some bytes start with a plausible record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plausible {
    Yes,
    No,
    /// At least this many bytes are needed to tell.
    Needs(usize),
}

/// Whether two times are no further apart than packets of a file usually are.
#[inline]
pub(crate) const fn is_near(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= USUAL_STEP
}
