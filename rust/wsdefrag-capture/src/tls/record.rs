//! The header of a TLS record, and the places in a stream where a record may start.
//!
//! ```text
//! type    1 byte    20 to 23
//! version 2 bytes   3, minor version
//! length  2 bytes   bytes after the header, big-endian
//! ```
//!
//! RFC 5246 section 6.2 (TLS 1.2), RFC 8446 sections 5.1 and 5.2 (TLS 1.3).

use serde::{Deserialize, Serialize};

/// Bytes of a header.
pub const HEADER: usize = 5;
/// The most content that a record may have, in bytes.
pub const MAX_CONTENT: usize = 1 << 14;
/// The greatest length in a header of TLS 1.3 (RFC 8446 section 5.2).
pub const MAX_LENGTH_TLS13: usize = MAX_CONTENT + 256;
/// The greatest length in a header of TLS 1.2 (RFC 5246 section 6.2.3).
pub const MAX_LENGTH: usize = MAX_CONTENT + 2048;

/// What a record's content is. TLS 1.3 writes `ApplicationData` into the header of every encrypted
/// record, and the true type into the encrypted content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContentType {
    /// The next record of the sender is encrypted with new keys (TLS 1.2); nothing in TLS 1.3.
    ChangeCipherSpec,
    /// An error, or the end of the sender's data.
    Alert,
    /// Messages of the handshake.
    Handshake,
    /// Bytes of the application.
    ApplicationData,
    /// One that no version of TLS over TCP uses for what is read here, such as a heartbeat.
    Other(u8),
}

impl ContentType {
    /// The type of this number.
    #[must_use]
    pub const fn of(number: u8) -> Self {
        match number {
            20 => Self::ChangeCipherSpec,
            21 => Self::Alert,
            22 => Self::Handshake,
            23 => Self::ApplicationData,
            other => Self::Other(other),
        }
    }
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What the record holds.
    pub content_type: ContentType,
    /// 0x0303 in all but the first records of TLS 1.2 and 1.3.
    pub version: u16,
    /// Bytes of the record after the header, from 1 to [`MAX_LENGTH`].
    pub length: usize,
    /// The header as it stood on the wire, which TLS 1.3 authenticates.
    #[serde(with = "serde_bytes")]
    pub bytes: [u8; HEADER],
}

impl Header {
    /// The header that `bytes` start with. `None` if they are too few or no header: its type is one
    /// of the four, its version at most 3.4, its length allowed.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = *bytes.first_chunk::<HEADER>()?;
        let [content_type @ 20..=23, 3, 0..=4, ..] = bytes else { return None };
        let length = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        let version = u16::from_be_bytes([bytes[1], bytes[2]]);
        let content_type = ContentType::of(content_type);
        (1..=MAX_LENGTH).contains(&length).then_some(Self { content_type, version, length, bytes })
    }

    /// Bytes of the record with its header.
    #[must_use]
    pub const fn whole(&self) -> usize {
        HEADER + self.length
    }
}

/// Whether a stream that starts with `bytes` may start with a record. `None` if they are too few to
/// tell.
#[must_use]
pub fn starts_like_record(bytes: &[u8]) -> Option<bool> {
    if bytes.len() >= HEADER {
        return Some(Header::parse(bytes).is_some());
    }
    let allowed = |(index, &byte): (usize, &u8)| match index {
        0 => (20..=23).contains(&byte),
        1 => byte == 3,
        2 => byte <= 4,
        _ => usize::from(byte) << 8 <= MAX_LENGTH,
    };
    if bytes.iter().enumerate().all(allowed) { None } else { Some(false) }
}

/// The first position from `from` on where an encrypted record of TLS 1.2 or 1.3 may start: a
/// header of version 3.3 whose length is at most `max_length`. `None` if no header that is whole
/// starts in `bytes`; then the last four bytes may still be the start of one.
///
/// In random bytes, one position in 16.5 million is one: four types, two bytes of version, and a
/// quarter of all lengths.
#[must_use]
pub fn find_candidate(bytes: &[u8], from: usize, max_length: usize) -> Option<(usize, Header)> {
    let mut position = from;
    while let Some(rest) = bytes.get(position..).filter(|rest| rest.len() >= HEADER) {
        // The second byte of a header is rarer than the first in text and in zeros.
        let skipped = rest[1..].iter().position(|&byte| byte == 3)?;
        let start = position + skipped;
        position = start + 1;
        if let Some(header) = Header::parse(&bytes[start..])
            && header.version == 0x0303
            && header.length <= max_length
        {
            return Some((start, header));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_within_the_limits_are_read() {
        for (bytes, expected) in [
            (&b"\x16\x03\x01\x02\x00\x01"[..], Some((ContentType::Handshake, 0x0301, 512))),
            (b"\x14\x03\x03\x00\x01", Some((ContentType::ChangeCipherSpec, 0x0303, 1))),
            (b"\x17\x03\x03\x48\x00", Some((ContentType::ApplicationData, 0x0303, 18_432))),
            (b"\x15\x03\x00\x00\x02", Some((ContentType::Alert, 0x0300, 2))),
            // Too long, empty, of another type, of versions 4.3 and 3.5, and too short.
            (b"\x17\x03\x03\x48\x01", None),
            (b"\x17\x03\x03\x00\x00", None),
            (b"\x18\x03\x03\x00\x10", None),
            (b"\x16\x04\x03\x00\x10", None),
            (b"\x16\x03\x05\x00\x10", None),
            (b"\x16\x03\x03\x00", None),
        ] {
            let header = Header::parse(bytes);
            let read = header.map(|header| (header.content_type, header.version, header.length));
            assert_eq!(read, expected, "{bytes:x?}");
            if bytes.len() >= HEADER {
                assert_eq!(starts_like_record(bytes), Some(expected.is_some()), "{bytes:x?}");
            }
        }
    }

    #[test]
    fn the_start_of_a_header_may_be_too_short_to_tell() {
        let header = b"\x16\x03\x01\x02";
        for length in 0..=header.len() {
            assert_eq!(starts_like_record(&header[..length]), None);
        }
        for bytes in [&b"G"[..], b"\x16G", b"\x16\x03\x05", b"\x16\x03\x03\x49"] {
            assert_eq!(starts_like_record(bytes), Some(false), "{bytes:x?}");
        }
    }

    #[test]
    fn candidates_are_found_wherever_they_stand() {
        let record = b"\x17\x03\x03\x00\x20";
        for before in 0..20 {
            for filler in [0, 3, 0x17] {
                let mut bytes = vec![filler; before];
                bytes.extend_from_slice(record);
                let (position, header) = find_candidate(&bytes, 0, MAX_LENGTH_TLS13).unwrap();
                assert_eq!((position, header.length), (before, 32));
                assert_eq!(find_candidate(&bytes, before + 1, MAX_LENGTH_TLS13), None);
                assert_eq!(find_candidate(&bytes[..before + 4], 0, MAX_LENGTH_TLS13), None);
                assert_eq!(find_candidate(&bytes, 0, 31), None);
            }
        }
    }
}
