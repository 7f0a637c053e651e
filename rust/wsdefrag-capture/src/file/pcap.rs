//! pcap files: the header.
//!
//! The header gives the byte order, the layout of records, the link type and the unit of times.
//! `pcap-parser` parses it.
//!
//! Before version 2.3 a record's header had the length on the wire first (libpcap's `sf-pcap.c`).
//!
//! draft-ietf-opsawg-pcap.

use pcap_parser::parse_pcap_header;

use crate::file::error::FileErrorKind;
use crate::file::fixed_header::{Layout, Lengths, Records};

/// The size of a pcap file's header, in bytes.
pub(crate) const PCAP_HEADER: usize = 24;

/// Reads the header of a file.
pub(crate) fn start(bytes: &[u8; PCAP_HEADER]) -> Result<Records, FileErrorKind> {
    let Ok((_, header)) = parse_pcap_header(bytes) else {
        return Err(FileErrorKind::not_a_capture(bytes));
    };
    let (major, minor) = (header.version_major, header.version_minor);
    if major != 2 {
        return Err(FileErrorKind::Version { major, minor });
    }
    let layout = match (header.is_modified_format(), header.is_bigendian()) {
        (true, _) => Layout::Modified,
        (false, true) => Layout::Big,
        (false, false) => Layout::Little,
    };
    // The upper bits give the length of the check sequence after a frame.
    let link = header.network.0.cast_unsigned() & 0x03ff_ffff;
    let unit = if header.is_nanosecond_precision() { 1 } else { 1_000 };
    let lengths = match minor {
        0..=2 => Lengths::WireFirst,
        3 => Lengths::Either,
        _ => Lengths::CapturedFirst,
    };
    Ok(Records::new(layout, link, unit, header.snaplen).with_lengths(lengths))
}
