//! Close payloads (RFC 6455 sections 5.5.1 and 7.4).
//!
//! A close payload is empty, or a two-byte code in network byte order followed by a reason in
//! UTF-8.

use crate::error::Kind;

/// The code reported for a Close frame without a code (RFC 6455 section 7.1.5).
pub const NO_STATUS_RECEIVED: u16 = 1005;

/// The content of a Close frame, borrowed from its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    /// The code in the frame; 1005 if the frame has none.
    pub code: u16,
    /// The reason in the frame; empty if the frame has none.
    pub reason: &'a str,
}

/// Whether an endpoint may send this code. Codes 1000 to 1014 except 1004, 1005 and 1006 are
/// registered for sending; 3000 to 4999 are free for libraries and applications.
#[must_use]
pub const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

impl<'a> Close<'a> {
    /// Parses a close payload. `any_code` also accepts codes that an endpoint must not send.
    pub fn parse(payload: &'a [u8], any_code: bool) -> Result<Self, Kind> {
        let (code, reason) = match payload {
            [] => return Ok(Self { code: NO_STATUS_RECEIVED, reason: "" }),
            [_] => return Err(Kind::ClosePayloadOneByte),
            [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        };
        if !any_code && !may_be_sent(code) {
            return Err(Kind::InvalidCloseCode(code));
        }
        match std::str::from_utf8(reason) {
            Ok(reason) => Ok(Self { code, reason }),
            Err(_) => Err(Kind::InvalidCloseReason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_may_be_sent_are_those_of_section_7_4() {
        let sendable: Vec<u16> = (0..=u16::MAX).filter(|code| may_be_sent(*code)).collect();
        let expected: Vec<u16> = (1000..=1003).chain(1007..=1014).chain(3000..=4999).collect();
        assert_eq!(sendable, expected);
    }

    #[test]
    fn payload_without_a_code_is_1005() {
        let close = Close::parse(b"", false).unwrap();
        assert_eq!((close.code, close.reason), (1005, ""));
    }

    #[test]
    fn reason_that_is_not_utf8_is_refused() {
        assert_eq!(Close::parse(b"\x03\xe8\xff", false), Err(Kind::InvalidCloseReason));
    }
}
