//! Incremental UTF-8 validation (RFC 3629) of text messages.
//!
//! [`Utf8Progress`] validates a text that grows in one contiguous buffer. Its state is one index,
//! `checked`: the bytes before it are valid, and the bytes after it, at most three, are the start
//! of an incomplete character. [`Utf8Ranges`] validates a text whose earlier bytes are not kept; it
//! stores the incomplete character itself. Both reject a byte as soon as no valid text can contain
//! it there, and examine no byte twice except those of an incomplete character.
//!
//! - `checked <= content.len() <= checked + 3` between calls

use crate::error::Kind;

/// The text contains a byte that UTF-8 does not allow at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8;

impl From<NotUtf8> for Kind {
    fn from(_: NotUtf8) -> Self {
        Self::InvalidUtf8
    }
}

/// How much of a growing text is known to be valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Utf8Progress {
    checked: usize,
}

impl Utf8Progress {
    /// Checks the bytes of `content` from `start` on, which were appended since the last call.
    /// `any` is the OR of these bytes.
    #[inline]
    pub fn appended(&mut self, content: &[u8], start: usize, any: u8) -> Result<(), NotUtf8> {
        if any < 0x80 && self.checked == start {
            self.checked = content.len();
            return Ok(());
        }
        match simdutf8::compat::from_utf8(&content[self.checked..]) {
            Ok(_) => self.checked = content.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(NotUtf8),
        }
        Ok(())
    }

    /// Number of bytes that were checked; the rest is the start of an incomplete character.
    #[must_use]
    pub const fn checked(self) -> usize {
        self.checked
    }

    /// Rejects a text of `length` bytes that ends inside a character.
    #[inline]
    pub const fn finish(self, length: usize) -> Result<(), NotUtf8> {
        if self.checked == length { Ok(()) } else { Err(NotUtf8) }
    }
}

/// Validates a text range by range; stores an incomplete character of at most three bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Utf8Ranges {
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    begun: [u8; 4],
    length: usize,
}

impl Utf8Ranges {
    /// Checks the next range of the text.
    pub fn append(&mut self, mut piece: &[u8]) -> Result<(), NotUtf8> {
        while self.length > 0
            && let Some((&byte, rest)) = piece.split_first()
        {
            self.begun[self.length] = byte;
            self.length += 1;
            piece = rest;
            // Four bytes are a whole character or invalid, so the array never overflows.
            match std::str::from_utf8(&self.begun[..self.length]) {
                Ok(_) => self.length = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(NotUtf8),
            }
        }
        match simdutf8::compat::from_utf8(piece) {
            Ok(_) => {}
            Err(error) if error.error_len().is_none() => {
                let begun = &piece[error.valid_up_to()..];
                self.begun[..begun.len()].copy_from_slice(begun);
                self.length = begun.len();
            }
            Err(_) => return Err(NotUtf8),
        }
        Ok(())
    }

    /// Whether no character is incomplete.
    #[must_use]
    pub const fn is_between_characters(&self) -> bool {
        self.length == 0
    }

    /// Rejects a text that ends inside a character.
    pub const fn finish(self) -> Result<(), NotUtf8> {
        if self.is_between_characters() { Ok(()) } else { Err(NotUtf8) }
    }
}

/// The part of `text` before an incomplete last character of at most three bytes.
#[inline]
pub fn whole_characters(text: &[u8]) -> Result<&str, NotUtf8> {
    match simdutf8::compat::from_utf8(text) {
        Ok(text) => Ok(text),
        Err(error) if error.error_len().is_none() => {
            simdutf8::compat::from_utf8(&text[..error.valid_up_to()]).map_err(|_| NotUtf8)
        }
        Err(_) => Err(NotUtf8),
    }
}

/// Whether a complete text is valid UTF-8.
#[inline]
#[must_use]
pub fn is_valid(content: &[u8]) -> bool {
    simdutf8::basic::from_utf8(content).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `bytes` in steps of `step` bytes; returns the byte count at which they were rejected.
    fn refused_at(bytes: &[u8], step: usize) -> Option<usize> {
        let mut progress = Utf8Progress::default();
        let mut end = 0;
        while end < bytes.len() {
            let start = end;
            end = (end + step).min(bytes.len());
            let any = bytes[start..end].iter().fold(0, |any, byte| any | byte);
            if progress.appended(&bytes[..end], start, any).is_err() {
                return Some(end);
            }
        }
        progress.finish(bytes.len()).is_err().then_some(bytes.len())
    }

    proptest! {
        #[test]
        fn any_step_agrees_with_the_standard_library(
            bytes in prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>(), 0x80_u8..0xF5], 0..90),
            step in 1_usize..20,
        ) {
            prop_assert_eq!(refused_at(&bytes, step).is_some(), std::str::from_utf8(&bytes).is_err());
        }

        #[test]
        fn ranges_are_rejected_where_a_growing_text_is(
            bytes in prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>(), 0x80_u8..0xF5], 0..90),
            step in 1_usize..20,
        ) {
            let mut pieces = Utf8Ranges::default();
            let mut end = 0;
            let refused = bytes.chunks(step).find_map(|piece| {
                end += piece.len();
                pieces.append(piece).is_err().then_some(end)
            });
            let refused = refused.or_else(|| pieces.finish().is_err().then_some(bytes.len()));
            prop_assert_eq!(refused, refused_at(&bytes, step));
        }

        #[test]
        fn invalid_text_is_rejected_at_its_first_invalid_byte(
            bytes in prop::collection::vec(prop_oneof![Just(b'a'), 0x80_u8..=0xFF], 1..40),
        ) {
            let proven = (1..=bytes.len()).find(|end| {
                std::str::from_utf8(&bytes[..*end]).is_err_and(|error| error.error_len().is_some())
            });
            let expected = proven.or_else(|| {
                std::str::from_utf8(&bytes).is_err().then_some(bytes.len())
            });
            prop_assert_eq!(refused_at(&bytes, 1), expected);
        }
    }
}
