//! The byte order of a pcapng section, and numbers in it.
//!
//! draft-ietf-opsawg-pcapng section 4.1.

use pcap_parser::nom::error::Error as OptionError;
use pcap_parser::pcapng::{PcapNGOption, parse_option_be, parse_option_le};

use crate::file::error::FileErrorKind;
use serde::{Deserialize, Serialize};

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// A section's byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    #[default]
    Little,
    Big,
}

impl Order {
    /// The byte order shown by the byte-order magic of a Section Header Block.
    pub(super) fn of(magic: &[u8]) -> Result<Self, FileErrorKind> {
        match Self::Little.u32(magic, 0) {
            BYTE_ORDER_MAGIC => Ok(Self::Little),
            magic if magic.swap_bytes() == BYTE_ORDER_MAGIC => Ok(Self::Big),
            magic => Err(FileErrorKind::ByteOrder(magic)),
        }
    }

    /// The number at index `at`.
    #[inline]
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let number = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        match self {
            Self::Little => u32::from_le_bytes(number),
            Self::Big => u32::from_be_bytes(number),
        }
    }

    #[inline]
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let number = [bytes[at], bytes[at + 1]];
        match self {
            Self::Little => u16::from_le_bytes(number),
            Self::Big => u16::from_be_bytes(number),
        }
    }

    pub(super) const fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }

    /// The bytes after the option at the start of `bytes`, and the option, if it is complete.
    pub(super) fn option(self, bytes: &[u8]) -> Option<(&[u8], PcapNGOption<'_>)> {
        match self {
            Self::Little => parse_option_le::<OptionError<_>>(bytes).ok(),
            Self::Big => parse_option_be::<OptionError<_>>(bytes).ok(),
        }
    }
}
