//! How a capture file starts: what tells the formats apart, and a capture that follows another in
//! one file.

use crate::file::record::{MAX_FOUND, Plausible};

/// The type of pcapng's Section Header Block, the same in either byte order.
pub(crate) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// The first bytes of a snoop file (RFC 1761).
pub(crate) const SNOOP: [u8; 8] = *b"snoop\0\0\0";

/// The first bytes of pcap files, as little-endian numbers: microseconds and nanoseconds in both
/// byte orders, and Kuznetzov's.
const PCAP: [u32; 5] = [0xa1b2_c3d4, 0xd4c3_b2a1, 0xa1b2_3c4d, 0x4d3c_b2a1, 0xa1b2_cd34];

/// Bytes of a Section Header Block without options.
const SECTION: usize = 28;

/// The format of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Pcap,
    Pcapng,
    Snoop,
}

/// The format that the first four bytes show.
#[inline]
pub(crate) fn format(start: [u8; 4]) -> Option<FileFormat> {
    if start == SECTION_HEADER {
        Some(FileFormat::Pcapng)
    } else if PCAP.contains(&u32::from_le_bytes(start)) {
        Some(FileFormat::Pcap)
    } else if start == SNOOP[..4] {
        Some(FileFormat::Snoop)
    } else {
        None
    }
}

/// Whether a capture file starts here, in the middle of another. The whole header is checked, because
/// the first bytes may also be those of a packet.
#[inline]
pub(crate) fn starts_capture(bytes: &[u8]) -> Plausible {
    let Some(start) = bytes.first_chunk::<4>() else { return Plausible::No };
    match format(*start) {
        None => Plausible::No,
        Some(format) => header_is_plausible(format, bytes),
    }
}

#[cold]
fn header_is_plausible(format: FileFormat, bytes: &[u8]) -> Plausible {
    let size = match format {
        FileFormat::Pcap => 24,
        FileFormat::Pcapng => SECTION,
        FileFormat::Snoop => 16,
    };
    let Some(header) = bytes.get(..size) else { return Plausible::Needs(size) };
    let field = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
    let plausible = match format {
        FileFormat::Pcap => {
            // Version 2.0 to 2.4, in the byte order of the first bytes.
            let version = match header[0] {
                0xa1 => u32::from_be_bytes(field(4)).rotate_left(16),
                _ => u32::from_le_bytes(field(4)),
            };
            version & 0xffff == 2 && version >> 16 <= 4
        }
        FileFormat::Pcapng => {
            let length = match field(8) {
                [0x4d, 0x3c, 0x2b, 0x1a] => u32::from_le_bytes(field(4)),
                [0x1a, 0x2b, 0x3c, 0x4d] => u32::from_be_bytes(field(4)),
                _ => 0,
            };
            (28..=MAX_FOUND).contains(&length) && length % 4 == 0
        }
        FileFormat::Snoop => field(4) == SNOOP[4..] && u32::from_be_bytes(field(8)) == 2,
    };
    if plausible { Plausible::Yes } else { Plausible::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_of_a_capture_is_told_from_a_record() {
        let pcap = |order: fn(u32) -> [u8; 4], minor: u32| {
            let version = if order(1) == [1, 0, 0, 0] { minor << 16 | 2 } else { 2 << 16 | minor };
            [order(0xa1b2_c3d4), order(version), [0; 4], [0; 4], [0; 4], [0; 4]].concat()
        };
        for order in [u32::to_le_bytes, u32::to_be_bytes] {
            assert_eq!(starts_capture(&pcap(order, 4)), Plausible::Yes);
            assert_eq!(starts_capture(&pcap(order, 5)), Plausible::No);
            assert_eq!(starts_capture(&pcap(order, 4)[..23]), Plausible::Needs(24));
        }
        assert_eq!(starts_capture(b"snoop\0\0\0\0\0\0\x02\0\0\0\x04"), Plausible::Yes);
        assert_eq!(starts_capture(b"snooping is not nice"), Plausible::No);
        assert_eq!(starts_capture(&[0; 40]), Plausible::No);
    }
}
