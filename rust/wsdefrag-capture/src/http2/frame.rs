//! The header of an HTTP/2 frame.
//!
//! ```text
//! length 24 | type 8 | flags 8 | reserved 1, stream identifier 31
//! ```
//!
//! RFC 9113 sections 4.1 and 6.

use serde::{Deserialize, Serialize};

/// The length of the header, in bytes.
pub(super) const HEADER_LENGTH: usize = 9;
/// The longest frame that is taken for one after a loss, in bytes: what an endpoint may send before
/// the other one allows more (RFC 9113 section 4.2). Common endpoints never allow more.
const USUAL_LENGTH: u32 = 16_384;

/// What a frame is (RFC 9113 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum FrameType {
    Data,
    Headers,
    Priority,
    RstStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// ALTSVC, ORIGIN, `PRIORITY_UPDATE` (RFC 7838, 8336, 9218).
    Known,
    /// A type that endpoints must ignore.
    Unknown,
}

impl FrameType {
    const fn of(byte: u8) -> Self {
        match byte {
            0 => Self::Data,
            1 => Self::Headers,
            2 => Self::Priority,
            3 => Self::RstStream,
            4 => Self::Settings,
            5 => Self::PushPromise,
            6 => Self::Ping,
            7 => Self::GoAway,
            8 => Self::WindowUpdate,
            9 => Self::Continuation,
            0xA | 0xC | 0x10 => Self::Known,
            _ => Self::Unknown,
        }
    }
}

// Flags (RFC 9113 section 6).
pub(super) const ACK: u8 = 0x01;
pub(super) const END_STREAM: u8 = 0x01;
pub(super) const END_HEADERS: u8 = 0x04;
pub(super) const PADDED: u8 = 0x08;
pub(super) const PRIORITY: u8 = 0x20;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FrameHeader {
    /// The length of the payload, in bytes.
    pub(super) length: u32,
    pub(super) kind: FrameType,
    pub(super) flags: u8,
    /// The stream identifier; 0 for the connection.
    pub(super) stream: u32,
    /// Whether the reserved bit is set, which endpoints ignore.
    is_reserved_set: bool,
}

impl FrameHeader {
    pub(super) const fn of(bytes: [u8; HEADER_LENGTH]) -> Self {
        let [a, b, c, kind, flags, s1, s2, s3, s4] = bytes;
        Self {
            length: u32::from_be_bytes([0, a, b, c]),
            kind: FrameType::of(kind),
            flags,
            stream: u32::from_be_bytes([s1 & 0x7F, s2, s3, s4]),
            is_reserved_set: s1 & 0x80 != 0,
        }
    }

    pub(super) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether endpoints accept a frame with this header (RFC 9113 section 6), whatever its size.
    pub(super) const fn is_valid(&self) -> bool {
        let on_stream = self.stream != 0;
        match self.kind {
            FrameType::Data => on_stream && (!self.has(PADDED) || self.length > 0),
            FrameType::Headers => {
                let least = self.has(PADDED) as u32 + if self.has(PRIORITY) { 5 } else { 0 };
                on_stream && self.length >= least
            }
            FrameType::Priority => on_stream && self.length == 5,
            FrameType::RstStream => on_stream && self.length == 4,
            FrameType::Settings => {
                let length_is_right =
                    if self.has(ACK) { self.length == 0 } else { self.length.is_multiple_of(6) };
                !on_stream && length_is_right
            }
            FrameType::PushPromise => on_stream && self.length >= 4 + self.has(PADDED) as u32,
            FrameType::Ping => !on_stream && self.length == 8,
            FrameType::GoAway => !on_stream && self.length >= 8,
            FrameType::WindowUpdate => self.length == 4,
            FrameType::Continuation => on_stream,
            FrameType::Known | FrameType::Unknown => true,
        }
    }

    /// Whether bytes that may be anything look like this header: it is valid, has only flags that its
    /// type has, and a usual length. About one in 10^9 random headers does, if its stream is one of the
    /// first million.
    pub(super) const fn is_plausible(&self, highest_stream: u32) -> bool {
        let flags = match self.kind {
            FrameType::Data => END_STREAM | PADDED,
            FrameType::Headers => END_STREAM | END_HEADERS | PADDED | PRIORITY,
            FrameType::Settings | FrameType::Ping => ACK,
            FrameType::PushPromise => END_HEADERS | PADDED,
            FrameType::Continuation => END_HEADERS,
            FrameType::Unknown => return false,
            _ => 0,
        };
        self.is_valid()
            && self.flags & !flags == 0
            && self.length <= USUAL_LENGTH
            && !self.is_reserved_set
            && self.stream <= highest_stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(length: u32, kind: u8, flags: u8, stream: u32) -> FrameHeader {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[..3].copy_from_slice(&length.to_be_bytes()[1..]);
        (bytes[3], bytes[4]) = (kind, flags);
        bytes[5..].copy_from_slice(&stream.to_be_bytes());
        FrameHeader::of(bytes)
    }

    #[test]
    fn fields_are_where_the_rfc_has_them() {
        let found = FrameHeader::of([0x01, 0x02, 0x03, 0x01, 0x25, 0x80, 0, 1, 5]);
        let expected = FrameHeader {
            length: 0x01_0203,
            kind: FrameType::Headers,
            flags: END_STREAM | END_HEADERS | PRIORITY,
            stream: 261,
            is_reserved_set: true,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn headers_are_valid_as_the_rfc_says() {
        for (length, kind, flags, stream, is_valid) in [
            (0, 0, 0, 1, true),
            (0, 0, PADDED, 1, false),
            (1, 0, PADDED, 1, true),
            (1, 0, 0, 0, false),
            (0x00FF_FFFF, 0, 0, 1, true),
            (5, 1, PADDED | PRIORITY, 3, false),
            (6, 1, PADDED | PRIORITY, 3, true),
            (4, 2, 0, 3, false),
            (4, 3, 0, 3, true),
            (4, 3, 0, 0, false),
            (12, 4, 0, 0, true),
            (13, 4, 0, 0, false),
            (6, 4, ACK, 0, false),
            (6, 4, 0, 1, false),
            (4, 5, 0, 1, true),
            (4, 5, PADDED, 1, false),
            (8, 6, 0, 0, true),
            (8, 6, 0, 1, false),
            (7, 7, 0, 0, false),
            (4, 8, 0, 0, true),
            (3, 8, 0, 0, false),
            (9, 9, END_HEADERS, 1, true),
            (9, 9, END_HEADERS, 0, false),
            (77, 0x42, 0xFF, 0, true),
        ] {
            let header = header(length, kind, flags, stream);
            assert_eq!(header.is_valid(), is_valid, "{header:?}");
        }
    }

    #[test]
    fn only_usual_headers_are_plausible() {
        for (header, is_plausible) in [
            (header(16_384, 0, END_STREAM, 7), true),
            (header(16_385, 0, END_STREAM, 7), false),
            (header(10, 0, 0x02, 7), false),
            (header(10, 0, 0, 9), false),
            (header(10, 0, 0, 0x8000_0001), false),
            (header(10, 0x10, 0, 0), true),
            (header(10, 0x42, 0, 0), false),
        ] {
            assert_eq!(header.is_plausible(8), is_plausible, "{header:?}");
        }
    }
}
