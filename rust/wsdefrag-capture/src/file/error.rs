//! The one error type of the file layer: what is wrong with a capture file, and where.
//!
//! What came before it counts: every packet in front of `offset` has been handed out. Record and
//! offset never depend on how the input was cut into chunks.

use std::fmt;

/// Why a capture file cannot be read, or read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The record at hand, counted from 1 in its file: a packet of a pcap file, any block of a
    /// pcapng file.
    pub record: u64,
    /// Its first byte, in bytes from the start of the file (of what it holds, if it is compressed).
    pub offset: u64,
    /// What is wrong with it.
    pub kind: FileErrorKind,
}

impl FileError {
    /// Whether the file merely ends too early: a warning, where every other kind is an error.
    #[must_use]
    pub const fn is_cut_short(&self) -> bool {
        matches!(self.kind, FileErrorKind::CutShort { .. })
    }
}

/// What is wrong with a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileErrorKind {
    /// The file is neither pcap nor pcapng.
    NotACapture {
        /// Its first bytes.
        start: [u8; 4],
        /// How many of them there are.
        length: usize,
    },
    /// A version of the format that is not known.
    Version {
        /// The major version.
        major: u16,
        /// The minor version.
        minor: u16,
    },
    /// A pcapng section whose byte-order magic is none.
    ByteOrder(u32),
    /// A record too short for what has to stand in it, in bytes.
    TooShort(u32),
    /// A record longer than any that is written on purpose, in bytes.
    TooLong(u32),
    /// A pcapng block whose two lengths differ.
    LengthsDiffer {
        /// The length at its start, in bytes.
        first: u32,
        /// The length at its end, in bytes.
        last: u32,
    },
    /// A pcapng block with less room than what it says it holds.
    Overrun {
        /// What it says it holds, in bytes.
        holds: u32,
        /// Its length, in bytes.
        length: u32,
    },
    /// The file ends inside the record.
    CutShort {
        /// Bytes of the record that are there.
        left: usize,
    },
}

impl fmt::Display for FileError {
    /// The place, then the rule broken and the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let FileErrorKind::NotACapture { start, length } = self.kind {
            return not_a_capture(f, &start[..length]);
        }
        write!(f, "record {} at byte {}: ", self.record, self.offset)?;
        match self.kind {
            FileErrorKind::NotACapture { .. } => Ok(()),
            FileErrorKind::Version { major, minor } => {
                write!(f, "version {major}.{minor} of the format is not known")
            }
            FileErrorKind::ByteOrder(magic) => {
                write!(f, "{magic:#010x} is no byte-order magic")
            }
            FileErrorKind::TooShort(length) => write!(f, "a length of {length} bytes is too short"),
            FileErrorKind::TooLong(length) => write!(f, "a length of {length} bytes is too long"),
            FileErrorKind::LengthsDiffer { first, last } => {
                write!(f, "the block's length is {first} bytes at its start and {last} at its end")
            }
            FileErrorKind::Overrun { holds, length } => {
                write!(f, "{holds} bytes do not fit into a block of {length}")
            }
            FileErrorKind::CutShort { left } => {
                write!(f, "the file ends {left} bytes into it")
            }
        }
    }
}

/// Says what stands at the start instead, with a hint where it is known.
fn not_a_capture(f: &mut fmt::Formatter<'_>, start: &[u8]) -> fmt::Result {
    f.write_str("not a capture file: ")?;
    match start {
        [] => f.write_str("it is empty"),
        [0x28, 0xb5, 0x2f, 0xfd] => f.write_str("it is compressed with zstd"),
        [0xfd, b'7', b'z', b'X'] => f.write_str("it is compressed with xz"),
        [b'B', b'Z', b'h', _] => f.write_str("it is compressed with bzip2"),
        [0x04, 0x22, 0x4d, 0x18] => f.write_str("it is compressed with lz4"),
        [b'P', b'K', 3, 4] => f.write_str("it is a zip archive"),
        _ => write!(f, "it starts with \"{}\"", start.escape_ascii()),
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
    fn every_kind_says_its_place_and_value() {
        let not = |start, length| FileErrorKind::NotACapture { start, length };
        for (kind, expected) in [
            (not([0; 4], 0), "not a capture file: it is empty"),
            (not(*b"\x7fELF", 4), "not a capture file: it starts with \"\\x7fELF\""),
            (not(*b"ab\0\0", 2), "not a capture file: it starts with \"ab\""),
            (not([0x28, 0xb5, 0x2f, 0xfd], 4), "not a capture file: it is compressed with zstd"),
            (
                FileErrorKind::Version { major: 3, minor: 1 },
                "record 17 at byte 2210: version 3.1 of the format is not known",
            ),
            (
                FileErrorKind::ByteOrder(7),
                "record 17 at byte 2210: 0x00000007 is no byte-order magic",
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
                "record 17 at byte 2210: the file ends 12 bytes into it",
            ),
        ] {
            assert_eq!(text(kind), expected);
        }
    }

    #[test]
    fn only_a_cut_file_is_cut_short() {
        let error = |kind| FileError { record: 1, offset: 0, kind };
        assert!(error(FileErrorKind::CutShort { left: 1 }).is_cut_short());
        assert!(!error(FileErrorKind::TooLong(1)).is_cut_short());
    }
}
