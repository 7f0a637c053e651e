//! The integers of HPACK: a prefix of some bits, then groups of seven bits.
//!
//! RFC 7541 section 5.1.

use crate::http2::hpack::error::HpackError;

/// Bytes after the prefix that are read: enough for every 32-bit number.
const MAX_BYTES: u32 = 5;

/// Takes an integer from the front of `block`, whose prefix has `bits` bits, 1 to 8. The bits of the
/// first byte before the prefix are ignored.
pub(super) fn take(block: &mut &[u8], bits: u32) -> Result<usize, HpackError> {
    let (&first, mut rest) = block.split_first().ok_or(HpackError::Truncated)?;
    let limit = 0xFF_u8 >> (8 - bits);
    let mut value = u64::from(first & limit);
    if first & limit == limit {
        for group in 0.. {
            if group == MAX_BYTES {
                return Err(HpackError::IntegerTooLarge);
            }
            let (&byte, after) = rest.split_first().ok_or(HpackError::Truncated)?;
            rest = after;
            value += u64::from(byte & 0x7F) << (7 * group);
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *block = rest;
    u32::try_from(value).map(|value| value as usize).map_err(|_| HpackError::IntegerTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_of_the_rfc() {
        // RFC 7541 appendix C.1, and the borders.
        for (bytes, bits, expected) in [
            (&[0b0000_1010][..], 5, 10),
            (&[0b1110_1010], 5, 10),
            (&[0b0001_1111, 0b1001_1010, 0b0000_1010], 5, 1337),
            (&[0b0010_1010], 8, 42),
            (&[0xFF, 0], 8, 255),
            (&[0xFF, 0x80, 0], 8, 255),
            (&[0xFE], 8, 254),
            (&[0x7F, 0x80, 0xFF, 0xFF, 0xFF, 0x0F], 7, u32::MAX as usize),
        ] {
            let mut block = bytes;
            assert_eq!(take(&mut block, bits), Ok(expected), "{bytes:x?}");
            assert_eq!(block, b"");
        }
    }

    #[test]
    fn what_follows_is_left() {
        let mut block = &[0x3F, 0x01, 0x44][..];
        assert_eq!(take(&mut block, 6), Ok(64));
        assert_eq!(block, [0x44]);
    }

    #[test]
    fn short_and_large_integers_are_errors() {
        for (bytes, expected) in [
            (&[][..], HpackError::Truncated),
            (&[0xFF], HpackError::Truncated),
            (&[0xFF, 0x80, 0x80], HpackError::Truncated),
            (&[0xFF, 0x80, 0x80, 0x80, 0x80, 0x80, 0], HpackError::IntegerTooLarge),
            (&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], HpackError::IntegerTooLarge),
            (&[0xFF, 0x81, 0xFE, 0xFF, 0xFF, 0x0F], HpackError::IntegerTooLarge),
        ] {
            assert_eq!(take(&mut &*bytes, 8), Err(expected), "{bytes:x?}");
        }
    }
}
