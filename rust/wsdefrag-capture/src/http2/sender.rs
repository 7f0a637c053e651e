//! Which side sent frames of HTTP/2, where the start of the connection was not captured.
//!
//! A block of fields begins with a pseudo-field, and those of requests have other indexes than that of
//! responses. A DATA frame with one whole frame of a WebSocket tells by its mask.
//!
//! RFC 9113 section 8.3, RFC 7541 appendix A, RFC 6455 section 5.1.

use crate::http2::frame::{FrameHeader, FrameType, HEADER_LENGTH, PADDED, PRIORITY};

/// Indexes of the static table: `:authority`, `:method`, `:path` and `:scheme`.
const OF_REQUESTS: std::ops::RangeInclusive<u8> = 1..=7;
/// Indexes of the static table: `:status`.
const OF_RESPONSES: std::ops::RangeInclusive<u8> = 8..=14;

/// Whether whole frames are those of a client, if they tell.
pub(crate) fn are_of_client(mut bytes: &[u8]) -> Option<bool> {
    while let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LENGTH>() {
        let header = FrameHeader::of(*header);
        let (payload, next) = rest.split_at((header.length as usize).min(rest.len()));
        let found = match header.kind {
            FrameType::Headers => block(&header, payload).and_then(begins_request),
            FrameType::Data if !header.has(PADDED) => is_masked(payload),
            FrameType::PushPromise => Some(false),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        bytes = next;
    }
    None
}

/// The block of fields of a HEADERS frame, perhaps with padding after it.
fn block<'a>(header: &FrameHeader, payload: &'a [u8]) -> Option<&'a [u8]> {
    let before = usize::from(header.has(PADDED)) + if header.has(PRIORITY) { 5 } else { 0 };
    payload.get(before..)
}

/// Whether a block of fields begins like that of a request.
fn begins_request(block: &[u8]) -> Option<bool> {
    // Changes of the table's size stand before the first field.
    let first = *block.iter().find(|byte| **byte & 0xE0 != 0x20)?;
    let index = match first {
        0x80.. => first & 0x7F,
        0x40.. => first & 0x3F,
        _ => first & 0x0F,
    };
    let is_request = OF_REQUESTS.contains(&index);
    (is_request || OF_RESPONSES.contains(&index)).then_some(is_request)
}

/// Whether bytes are one whole frame of a WebSocket, and whether it is masked.
fn is_masked(bytes: &[u8]) -> Option<bool> {
    let [first, second, rest @ ..] = bytes else { return None };
    if !matches!(first & 0x0F, 0..=2 | 8..=10) || first & 0x30 != 0 {
        return None;
    }
    let masked = second & 0x80 != 0;
    let (length, extended) = match (second & 0x7F, rest) {
        (126, [high, low, ..]) => (usize::from(u16::from_be_bytes([*high, *low])), 2),
        (length @ 0..=125, _) => (usize::from(length), 0),
        _ => return None,
    };
    let key = if masked { 4 } else { 0 };
    (rest.len() == extended + key + length).then_some(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn frames_tell_who_sent_them() {
        // Blocks of RFC 7541 appendix C.3.1 and C.5.1, and `:method CONNECT` as a literal.
        for (block, expected) in [
            (&b"\x82\x86\x84\x41\x0f"[..], Some(true)),
            (b"\x42\x07CONNECT", Some(true)),
            (b"\x48\x03302\x58\x07", Some(false)),
            (b"\x88", Some(false)),
            (b"\x20\x88", Some(false)),
            (b"\xbf", None),
            (b"", None),
        ] {
            assert_eq!(are_of_client(&frame(1, 4, block)), expected, "{block:x?}");
        }
        assert_eq!(are_of_client(&frame(1, 0x2C, b"\x01\0\0\0\0\0\x82\0")), Some(true));
        let masked = frame(0, 0, b"\x81\x82\x01\x02\x03\x04hi");
        let plain = frame(0, 0, b"\x81\x02hi");
        assert_eq!(are_of_client(&masked), Some(true));
        assert_eq!(are_of_client(&plain), Some(false));
        // Others tell nothing, and leave it to those after them.
        let ping = frame(6, 0, &[0; 8]);
        assert_eq!(are_of_client(&[ping.clone(), masked].concat()), Some(true));
        assert_eq!(are_of_client(&[ping, frame(0, 0, b"\x81\x03hi")].concat()), None);
    }
}
