//! The error for a capture file that cannot be read: the rule broken, the record and its offset.
//!
//! Every packet before `offset` has been handed out. The record and the offset do not depend on the
//! size of the chunks.

use std::fmt;

/// Why a capture file cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileErrorKind {
    /// The file is neither pcap nor pcapng.
    NotACapture {
        /// The first bytes of the file.
        start: [u8; 4],
        /// How many bytes of `start` the file has.
        length: usize,
    },
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
    /// A record longer than [`MAX_RECORD`](crate::file::record::MAX_RECORD); its length in bytes.
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
    /// The file ends inside the record.
    CutShort {
        /// Bytes of the record that the file has.
        left: usize,
    },
}

impl fmt::Display for FileError {
    /// The record and its offset, then the rule broken and the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let FileErrorKind::NotACapture { start, length } = self.kind {
            return not_a_capture(f, &start[..length]);
        }
        write!(f, "record {} at byte {}: ", self.record, self.offset)?;
        match self.kind {
            FileErrorKind::NotACapture { .. } => Ok(()),
            FileErrorKind::Version { major, minor } => {
                write!(f, "version {major}.{minor} of the format is not supported")
            }
            FileErrorKind::ByteOrder(magic) => {
                write!(f, "{magic:#010x} is not a byte-order magic")
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
                write!(f, "the file ends after {left} bytes of the record")
            }
        }
    }
}

/// Names the format that the first bytes belong to, if it is known, and else shows them.
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
    fn every_kind_names_its_record_and_value() {
        let not = |start, length| FileErrorKind::NotACapture { start, length };
        for (kind, expected) in [
            (not([0; 4], 0), "not a capture file: it is empty"),
            (not(*b"\x7fELF", 4), "not a capture file: it starts with \"\\x7fELF\""),
            (not(*b"ab\0\0", 2), "not a capture file: it starts with \"ab\""),
            (not([0x28, 0xb5, 0x2f, 0xfd], 4), "not a capture file: it is compressed with zstd"),
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
