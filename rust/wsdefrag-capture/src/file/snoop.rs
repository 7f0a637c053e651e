//! snoop files: the header.
//!
//! RFC 1761: eight bytes of magic, a version and a data link type, all big-endian. Records have
//! microseconds, and a length of their own, because packets are filled up to whole words.

use crate::file::error::FileErrorKind;
use crate::file::fixed_header::{Layout, Records};
use crate::file::start::SNOOP;

/// The size of a snoop file's header, in bytes.
pub(crate) const SNOOP_HEADER: usize = 16;

/// Reads the header of a file.
pub(crate) fn start(header: &[u8; SNOOP_HEADER]) -> Result<Records, FileErrorKind> {
    let field = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    if header[..SNOOP.len()] != SNOOP {
        return Err(FileErrorKind::not_a_capture(header));
    }
    let version = field(8);
    if version != 2 {
        let version = u16::try_from(version).unwrap_or(u16::MAX);
        return Err(FileErrorKind::Version { major: version, minor: 0 });
    }
    // Types of the registry of RFC 1761, and Solaris' own for IP over InfiniBand and IP devices.
    let link = match field(12) {
        // IEEE 802.3 and Ethernet
        0 | 4 => 1,
        // IEEE 802.5 token ring
        2 => 6,
        // FDDI
        8 => 10,
        // IP over InfiniBand
        26 => 242,
        other => return Err(FileErrorKind::SnoopLink(other)),
    };
    Ok(Records::new(Layout::Snoop, link, 1_000, 0))
}
