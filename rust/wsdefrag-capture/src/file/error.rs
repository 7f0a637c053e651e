//! What is wrong with a capture file: the rule broken, the record and its offset.
//!
//! A file that is no capture, and one that ends inside a record, are errors. Damage inside a file is
//! reported and passed over ([`Damage`](crate::file::damage::Damage)). The record and the offset do
//! not depend on the size of the chunks.

use std::fmt;

use crate::file::looks::looks_like;
use serde::{Deserialize, Serialize};

/// A fixed text, which is not kept in a checkpoint.
type Name = &'static str;

/// First bytes of a file that an error shows.
const SHOWN: usize = 8;

/// Why a capture file cannot be read, or cannot be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileError {
    /// The number of the record in its file, from 1: a packet of a pcap file, a block of a pcapng
    /// file.
    pub record: u64,
    /// The offset of the record's first byte in the file, in bytes; in the inflated file, if it is
    /// compressed.
    pub offset: u64,
    /// What is wrong with the record.
    pub kind: FileErrorKind,
}

impl FileError {
    /// Whether the file only ends too early. Callers report this as a warning.
    #[must_use]
    pub const fn is_cut_short(&self) -> bool {
        matches!(self.kind, FileErrorKind::CutShort { .. })
    }
}

/// What is wrong with a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileErrorKind {
    /// The file is no capture.
    NotACapture {
        /// The first bytes of the file.
        #[serde(with = "serde_bytes")]
        start: [u8; SHOWN],
        /// How many bytes of `start` the file has.
        length: usize,
        /// What it looks like instead.
        #[serde(skip)]
        looks: Option<Name>,
    },
    /// A data link type of snoop that is not supported.
    SnoopLink(u32),
    /// A record whose length and time cannot be right.
    Implausible,
    /// A packet whose time is far from those of the packets around it.
    Time,
    /// A version of the format that is not supported.
    Version {
        /// The major version.
        major: u16,
        /// The minor version.
        minor: u16,
    },
    /// A pcapng section whose byte-order magic has another value.
    ByteOrder(u32),
    /// A record that is too short for its fixed fields; its length in bytes.
    TooShort(u32),
    /// A record longer than [`MAX_RECORD`](crate::file::record::MAX_RECORD), or a block without a packet
    /// longer than [`MAX_BLOCK`](crate::file::record::MAX_BLOCK); its length in bytes.
    TooLong(u32),
    /// A pcapng block whose two lengths differ.
    LengthsDiffer {
        /// The length at its start, in bytes.
        first: u32,
        /// The length at its end, in bytes.
        last: u32,
    },
    /// A pcapng block that is shorter than its contents.
    Overrun {
        /// The length of the contents, in bytes.
        holds: u32,
        /// The length of the block, in bytes.
        length: u32,
    },
    /// What is wrong with a flow, or an entry of an HTTP archive.
    #[serde(skip)]
    Entry(Name),
    /// The file ends inside the record.
    CutShort {
        /// Bytes of the record that the file has.
        left: usize,
    },
}

impl FileErrorKind {
    /// The error for a file that starts with `bytes`.
    #[must_use]
    pub fn not_a_capture(bytes: &[u8]) -> Self {
        let length = bytes.len().min(SHOWN);
        let mut start = [0; SHOWN];
        start[..length].copy_from_slice(&bytes[..length]);
        Self::NotACapture { start, length, looks: looks_like(bytes) }
    }
}

impl fmt::Display for FileError {
    /// The record and its offset, then the rule broken and the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(self.kind, FileErrorKind::NotACapture { .. }) {
            write!(f, "record {} at byte {}: ", self.record, self.offset)?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for FileErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotACapture { length: 0, .. } => f.write_str("not a capture file: it is empty"),
            Self::NotACapture { looks: Some(looks), .. } => {
                write!(f, "not a capture file: it looks like {looks}")
            }
            Self::NotACapture { start, length, .. } => {
                let start = start[..length].escape_ascii();
                write!(f, "not a capture file: it starts with \"{start}\"")
            }
            Self::Version { major, minor } => {
                write!(f, "version {major}.{minor} of the format is not supported")
            }
            Self::SnoopLink(link) => {
                write!(f, "data link type {link} of snoop is not supported")
            }
            Self::ByteOrder(magic) => write!(f, "{magic:#010x} is not a byte-order magic"),
            Self::Implausible => f.write_str("its length and time cannot be right"),
            Self::Time => f.write_str("its time cannot be right"),
            Self::TooShort(length) => write!(f, "a length of {length} bytes is too short"),
            Self::TooLong(length) => write!(f, "a length of {length} bytes is too long"),
            Self::LengthsDiffer { first, last } => {
                write!(f, "the block's length is {first} bytes at its start and {last} at its end")
            }
            Self::Overrun { holds, length } => {
                write!(f, "{holds} bytes do not fit into a block of {length}")
            }
            Self::Entry(what) => f.write_str(what),
            Self::CutShort { left } => write!(f, "the file ends after {left} bytes of the record"),
        }
    }
}

impl std::error::Error for FileError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: FileErrorKind) -> String {
        FileError { record: 17, offset: 2210, kind }.to_string()
    }

    #[test]
    fn every_kind_names_its_record_and_value() {
        let not = FileErrorKind::not_a_capture;
        for (kind, expected) in [
            (not(b""), "not a capture file: it is empty"),
            (not(b"\x01\xffabcdefghi"), "not a capture file: it starts with \"\\x01\\xffabcdef\""),
            (not(b"\x7fELF"), "not a capture file: it looks like a program (ELF)"),
            (
                FileErrorKind::SnoopLink(3),
                "record 17 at byte 2210: data link type 3 of snoop is not supported",
            ),
            (
                FileErrorKind::Implausible,
                "record 17 at byte 2210: its length and time cannot be right",
            ),
            (FileErrorKind::Time, "record 17 at byte 2210: its time cannot be right"),
            (
                FileErrorKind::Version { major: 3, minor: 1 },
                "record 17 at byte 2210: version 3.1 of the format is not supported",
            ),
            (
                FileErrorKind::ByteOrder(7),
                "record 17 at byte 2210: 0x00000007 is not a byte-order magic",
            ),
            (
                FileErrorKind::TooShort(3),
                "record 17 at byte 2210: a length of 3 bytes is too short",
            ),
            (
                FileErrorKind::TooLong(4_000_000_000),
                "record 17 at byte 2210: a length of 4000000000 bytes is too long",
            ),
            (
                FileErrorKind::LengthsDiffer { first: 100, last: 96 },
                "record 17 at byte 2210: the block's length is 100 bytes at its start and 96 at \
                 its end",
            ),
            (
                FileErrorKind::Overrun { holds: 1500, length: 100 },
                "record 17 at byte 2210: 1500 bytes do not fit into a block of 100",
            ),
            (
                FileErrorKind::CutShort { left: 12 },
                "record 17 at byte 2210: the file ends after 12 bytes of the record",
            ),
        ] {
            assert_eq!(text(kind), expected);
        }
    }

    #[test]
    fn only_a_file_that_ends_too_early_is_cut_short() {
        let error = |kind| FileError { record: 1, offset: 0, kind };
        assert!(error(FileErrorKind::CutShort { left: 1 }).is_cut_short());
        assert!(!error(FileErrorKind::TooLong(1)).is_cut_short());
    }
}
