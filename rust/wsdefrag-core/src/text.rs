//! Incremental UTF-8 (RFC 3629) over a text message that grows in place.
//!
//! The message's content is one contiguous buffer, so the state is a single
//! index: everything before `checked` is valid, and what stands behind it, at
//! most three bytes, is the start of a character whose rest has not come.
//! A byte that no valid text can hold at its place is refused when it arrives.
//! Nothing is looked at twice but those three bytes.
//!
//! A text whose pieces are not kept is checked with [`Utf8Pieces`], which holds
//! those bytes itself.

use crate::error::Kind;

/// The content holds a byte that UTF-8 does not allow there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8;

impl From<NotUtf8> for Kind {
    fn from(_: NotUtf8) -> Self {
        Self::InvalidUtf8
    }
}

/// How far a growing text is known to be valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8Progress {
    checked: usize,
}

impl Utf8Progress {
    /// Checks what was appended to `content` since the last call; `any` is the
    /// OR of the appended bytes.
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

    /// Refuses a text of `length` bytes that ends inside a character.
    #[inline]
    pub const fn finish(self, length: usize) -> Result<(), NotUtf8> {
        if self.checked == length { Ok(()) } else { Err(NotUtf8) }
    }
}

/// The start of a character at the end of what was seen of a text: at most three bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8Pieces {
    begun: [u8; 4],
    length: usize,
}

impl Utf8Pieces {
    /// Checks the next piece of the text.
    pub fn append(&mut self, mut piece: &[u8]) -> Result<(), NotUtf8> {
        while self.length > 0
            && let Some((&byte, rest)) = piece.split_first()
        {
            self.begun[self.length] = byte;
            self.length += 1;
            piece = rest;
            // Four bytes are a character or not valid, so the array never overflows.
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

    /// Refuses a text that ends inside a character.
    pub const fn finish(self) -> Result<(), NotUtf8> {
        if self.length == 0 { Ok(()) } else { Err(NotUtf8) }
    }
}

/// The whole characters at the front of `text`; what stands behind them, at most three bytes, is
/// the start of a character.
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

/// Whether a text that is there whole is valid.
#[inline]
#[must_use]
pub fn is_valid(content: &[u8]) -> bool {
    simdutf8::basic::from_utf8(content).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `bytes` cut at every place that `cuts` names; the byte count at which it was refused.
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
        fn pieces_that_are_not_kept_are_refused_where_a_growing_text_is(
            bytes in prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>(), 0x80_u8..0xF5], 0..90),
            step in 1_usize..20,
        ) {
            let mut pieces = Utf8Pieces::default();
            let mut end = 0;
            let refused = bytes.chunks(step).find_map(|piece| {
                end += piece.len();
                pieces.append(piece).is_err().then_some(end)
            });
            let refused = refused.or_else(|| pieces.finish().is_err().then_some(bytes.len()));
            prop_assert_eq!(refused, refused_at(&bytes, step));
        }

        #[test]
        fn refusal_comes_with_the_byte_that_proves_it(
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
