//! Bytes as ASCII text: four bytes in five characters of 85.
//!
//! It is 1.25 times as long as the bytes, where base64 is 1.33 times as long. The alphabet has the 85
//! characters from `#` to `w`, but `!`, `x` and `~` stand for `&`, `<` and `>`. So no text of it can
//! begin or end markup. A group is a big-endian number with its most significant digit first, as in
//! Ascii85; the last group of `n` bytes has `n + 1` characters.

#![expect(clippy::disallowed_methods, reason = "room is reserved first")]

use wsdefrag_core::OutOfMemory;

/// The characters of the digits.
const ALPHABET: [u8; 85] = {
    let mut alphabet = [0; 85];
    let mut digit = 0;
    let mut character = b'#';
    while digit < alphabet.len() {
        alphabet[digit] = match character {
            b'&' => b'!',
            b'<' => b'x',
            b'>' => b'~',
            other => other,
        };
        digit += 1;
        character += 1;
    }
    alphabet
};

/// Encodes bytes that come in parts.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// The start of a group that is not complete, and how many bytes it has.
    carry: [u8; 4],
    held: usize,
}

impl Encoder {
    /// Appends the text of `bytes`, up to the last whole group.
    pub(super) fn push(&mut self, mut bytes: &[u8], text: &mut Vec<u8>) -> Result<(), OutOfMemory> {
        text.try_reserve(bytes.len() / 4 * 5 + 10)?;
        if self.held > 0 {
            let taken = bytes.len().min(4 - self.held);
            self.carry[self.held..self.held + taken].copy_from_slice(&bytes[..taken]);
            self.held += taken;
            bytes = &bytes[taken..];
            if self.held < 4 {
                return Ok(());
            }
            text.extend_from_slice(&group(self.carry));
        }
        let (groups, rest) = bytes.as_chunks::<4>();
        for bytes in groups {
            text.extend_from_slice(&group(*bytes));
        }
        self.carry[..rest.len()].copy_from_slice(rest);
        self.held = rest.len();
        Ok(())
    }

    /// Appends the last group. The next byte begins a new text.
    pub(super) fn finish(&mut self, text: &mut Vec<u8>) -> Result<(), OutOfMemory> {
        let held = std::mem::take(&mut self.held);
        if held > 0 {
            self.carry[held..].fill(0);
            text.try_reserve(5)?;
            text.extend_from_slice(&group(self.carry)[..=held]);
        }
        Ok(())
    }
}

/// The characters of a group.
#[inline]
fn group(bytes: [u8; 4]) -> [u8; 5] {
    let mut number = u32::from_be_bytes(bytes);
    let mut text = [0; 5];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(number % 85) as usize];
        number /= 85;
    }
    text
}

/// The bytes of a text, by the definition of Ascii85: a short group is filled with the last digit.
#[cfg(test)]
pub(super) fn decoded(text: &str) -> Vec<u8> {
    let mut digits = [0_u64; 256];
    for (digit, character) in (0..).zip(ALPHABET) {
        digits[usize::from(character)] = digit;
    }
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(5) {
        let digit = |place| group.get(place).map_or(84, |one| digits[usize::from(*one)]);
        let number = (0..5).fold(0, |sum, place| sum * 85 + digit(place));
        let number = u32::try_from(number).unwrap();
        bytes.extend_from_slice(&number.to_be_bytes()[..group.len() - 1]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(parts: &[&[u8]]) -> String {
        let (mut encoder, mut text) = (Encoder::default(), Vec::new());
        for part in parts {
            encoder.push(part, &mut text).unwrap();
        }
        encoder.finish(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn bytes_are_what_their_text_says() {
        assert_eq!(encoded(&[b""]), "");
        assert_eq!(encoded(&[&[0; 4]]), "#####");
        // 255 is 3 * 85, and `&` would be the digit 3.
        assert_eq!(encoded(&[&[0, 0, 0, 255]]), "###!#");
        let bytes: Vec<u8> = (0..=255).rev().chain(0..=255).collect();
        for length in [1, 2, 3, 4, 5, 511, 512] {
            let text = encoded(&[&bytes[..length]]);
            assert_eq!(decoded(&text), &bytes[..length]);
            assert_eq!(text.len(), length + length.div_ceil(4));
        }
    }

    #[test]
    fn parts_do_not_show() {
        let bytes: Vec<u8> = (0..100).collect();
        for first in 0..12 {
            for second in first..12 {
                let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(encoded(&parts), encoded(&[&bytes]));
            }
        }
    }

    #[test]
    fn characters_are_different_and_no_markup() {
        for (place, one) in ALPHABET.iter().enumerate() {
            assert!(one.is_ascii_graphic() && !b"<>&".contains(one));
            assert!(!ALPHABET[..place].contains(one));
        }
    }
}
