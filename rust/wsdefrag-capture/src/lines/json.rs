//! Values of JSON, appended to a line.
//!
//! Control characters, DEL, the C1 control characters and Unicode's line ends are escaped, so a
//! terminal can print a line safely. RFC 8259.

#![expect(clippy::disallowed_methods, reason = "each call has room that was asked for before")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

/// Bytes of a text that are escaped at a time.
const PART: usize = 4 << 10;

/// Bytes that a byte of a text takes at most, as `\u001f`.
const LONGEST_ESCAPE: usize = 6;

/// Bytes that are looked at together.
const WORD: usize = size_of::<u64>();

/// Bytes of an escaped text that are appended together.
const BUFFER: usize = 512;

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// A line that grows.
pub(crate) type Line = Vec<u8>;

/// Appends a text as a string with its quotes.
///
/// `text` is UTF-8. Other bytes are passed on as they are.
#[inline]
pub(crate) fn string(line: &mut Line, text: &[u8]) -> Result<(), OutOfMemory> {
    line.try_push(b'"')?;
    characters(line, text)?;
    line.try_push(b'"')
}

/// Appends a text as a part of a string, without quotes. The text ends between characters.
#[inline]
pub(crate) fn characters(line: &mut Line, text: &[u8]) -> Result<(), OutOfMemory> {
    let mut rest = text;
    while !rest.is_empty() {
        rest = &rest[string_part(line, rest)?..];
    }
    Ok(())
}

/// Appends the first part of a text that is escaped. Returns its length in bytes.
#[inline]
pub(super) fn string_part(line: &mut Line, text: &[u8]) -> Result<usize, OutOfMemory> {
    line.try_reserve(text.len().min(PART) * LONGEST_ESCAPE + 1)?;
    // A part may end inside a character, but not before the last byte that decides about an escape.
    let part = if text.len() > PART { PART - 2 } else { text.len() };
    Ok(escape(line, text, part))
}

/// Appends the first `part` bytes of a text, and the rest of an escaped character that begins in them.
/// Returns how many bytes were taken. The line has room for them.
///
/// Texts are often JSON themselves, with a quote every few bytes. So a word is copied as a whole, and
/// counts up to its first byte that may need an escape.
fn escape(line: &mut Line, text: &[u8], part: usize) -> usize {
    let mut buffer = [0; BUFFER];
    let mut filled = 0;
    let mut rest = &text[..part];
    while let Some(word) = rest.first_chunk::<WORD>() {
        if filled > BUFFER - 2 * WORD {
            line.extend_from_slice(&buffer[..filled]);
            filled = 0;
        }
        buffer[filled..filled + WORD].copy_from_slice(word);
        let word = u64::from_le_bytes(*word);
        let plain = plain_bytes(word);
        filled += plain;
        if plain == WORD {
            rest = &rest[WORD..];
            continue;
        }
        let short = SHORT_ESCAPES[(word >> (8 * plain) & 0xff) as usize];
        if short > LONG_ESCAPE {
            buffer[filled..filled + 2].copy_from_slice(&[b'\\', short]);
            filled += 2;
            rest = &rest[plain + 1..];
        } else {
            line.extend_from_slice(&buffer[..filled]);
            filled = 0;
            let at = part - rest.len() + plain;
            let taken = special(line, &text[at..]);
            if at + taken > part {
                return at + taken;
            }
            rest = &text[at + taken..part];
        }
    }
    line.extend_from_slice(&buffer[..filled]);
    let mut at = part - rest.len();
    while at < part {
        match SHORT_ESCAPES[usize::from(text[at])] {
            0 => line.push(text[at]),
            LONG_ESCAPE => {
                at += special(line, &text[at..]);
                continue;
            }
            short => line.extend_from_slice(&[b'\\', short]),
        }
        at += 1;
    }
    at
}

/// A word whose bytes are all 1.
const ONES: u64 = u64::from_le_bytes([1; WORD]);
/// A word whose bytes have only their highest bit.
const HIGH: u64 = 0x80 * ONES;

/// How many bytes of a word, from the lowest on, stand for themselves in a string. Bytes that may begin
/// a character with an escape (`C2`: U+0080 to U+009F; `E2`: U+2028 and U+2029) do not.
#[inline]
const fn plain_bytes(word: u64) -> usize {
    // Each term has the highest bit of the first byte that it is for, and none of the bytes before it.
    let control = word.wrapping_sub(0x20 * ONES);
    let quote = (word ^ (0x22 * ONES)).wrapping_sub(ONES);
    let backslash = (word ^ (0x5c * ONES)).wrapping_sub(ONES);
    let found = if word & HIGH == 0 {
        control | quote | backslash | (word + ONES)
    } else {
        // Bytes of 0x80 and more are none of these.
        let delete = (word ^ (0x7f * ONES)).wrapping_sub(ONES);
        let beginning = (word ^ (0xc2 * ONES)) & (0xdf * ONES);
        ((control | quote | backslash | delete) & !word)
            | (beginning.wrapping_sub(ONES) & !beginning)
    };
    (found & HIGH).trailing_zeros() as usize / 8
}

/// For bytes that have an escape of two bytes, the second one; [`LONG_ESCAPE`] for those that may have a
/// longer one; 0 for those that stand for themselves.
const SHORT_ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escapes[byte] = LONG_ESCAPE;
        byte += 1;
    }
    escapes[0x7f] = LONG_ESCAPE;
    escapes[0xc2] = LONG_ESCAPE;
    escapes[0xe2] = LONG_ESCAPE;
    let known = *b"\"\"\\\\\nn\rr\tt\x08b\x0cf";
    let mut index = 0;
    while index < known.len() {
        escapes[known[index] as usize] = known[index + 1];
        index += 2;
    }
    escapes
};

/// What [`SHORT_ESCAPES`] has for bytes that may have a longer escape.
const LONG_ESCAPE: u8 = 1;

/// Appends the character that begins here, which may need a long escape. Returns its length in bytes.
#[cold]
fn special(line: &mut Line, text: &[u8]) -> usize {
    match *text {
        [byte @ (0..0x20 | 0x7f), ..] => {
            code(line, byte.into());
            1
        }
        [0xc2, low @ 0x80..=0x9f, ..] => {
            code(line, low.into());
            2
        }
        [0xe2, 0x80, low @ (0xa8 | 0xa9), ..] => {
            code(line, 0x2000 | u16::from(low - 0x80));
            3
        }
        _ => {
            line.push(text[0]);
            1
        }
    }
}

/// Appends a character by its number: `\u001f`.
fn code(line: &mut Line, code: u16) {
    let digit = |shift: u32| HEX[usize::from(code >> shift & 0xf)];
    line.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends these bytes as they are.
#[inline]
pub(crate) fn raw(line: &mut Line, bytes: &[u8]) -> Result<(), OutOfMemory> {
    line.try_append(bytes)
}

/// Appends bytes to a line that has room for them. Where their number is a constant, no function is
/// called.
#[inline]
pub(super) fn put(line: &mut Line, bytes: &[u8]) {
    debug_assert!(line.capacity() - line.len() >= bytes.len(), "no room for {}", bytes.len());
    line.extend_from_slice(bytes);
}

/// Appends an integer to a line that has room for it.
#[inline]
pub(super) fn put_integer(line: &mut Line, value: impl itoa::Integer) {
    put(line, itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a bool to a line that has room for it.
#[inline]
pub(super) fn put_bool(line: &mut Line, value: bool) {
    if value { put(line, b"true") } else { put(line, b"false") }
}

/// Appends an integer.
#[inline]
pub(crate) fn integer(line: &mut Line, value: impl itoa::Integer) -> Result<(), OutOfMemory> {
    line.try_append(itoa::Buffer::new().format(value).as_bytes())
}

/// Appends a bool.
#[inline]
pub(crate) fn bool(line: &mut Line, value: bool) -> Result<(), OutOfMemory> {
    raw(line, if value { b"true" } else { b"false" })
}

/// Appends a value, or `null`.
#[inline]
pub(crate) fn optional<T>(
    line: &mut Line,
    value: Option<T>,
    write: impl FnOnce(&mut Line, T) -> Result<(), OutOfMemory>,
) -> Result<(), OutOfMemory> {
    match value {
        Some(value) => write(line, value),
        None => raw(line, b"null"),
    }
}

/// Appends a text, or `null`.
#[inline]
pub(crate) fn optional_string(line: &mut Line, text: Option<&str>) -> Result<(), OutOfMemory> {
    optional(line, text, |line, text| string(line, text.as_bytes()))
}

/// Appends an integer, or `null`.
#[inline]
pub(crate) fn optional_integer(
    line: &mut Line,
    value: Option<impl itoa::Integer>,
) -> Result<(), OutOfMemory> {
    optional(line, value, |line, value| integer(line, value))
}

/// Bytes of a time as a number of seconds, at most.
pub(super) const MOST_SECONDS: usize = 32;

/// Appends a time as a number of seconds with one to nine decimals, without rounding.
///
/// `nanoseconds` are since the epoch.
pub fn seconds(line: &mut Vec<u8>, nanoseconds: i64) -> Result<(), OutOfMemory> {
    line.try_reserve(MOST_SECONDS)?;
    put_seconds(line, nanoseconds);
    Ok(())
}

/// Appends a time as [`seconds`] does, to a line that has room for it.
pub(super) fn put_seconds(line: &mut Line, nanoseconds: i64) {
    if nanoseconds < 0 {
        put(line, b"-");
    }
    let (whole, rest) = (nanoseconds.unsigned_abs() / SECOND, nanoseconds.unsigned_abs() % SECOND);
    put_integer(line, whole);
    put(line, b".");
    // The digit before the decimals keeps their zeros.
    let mut buffer = itoa::Buffer::new();
    let decimals = &buffer.format(SECOND + rest).as_bytes()[1..];
    let zeros = decimals[1..].iter().rev().take_while(|digit| **digit == b'0').count();
    put(line, &decimals[..decimals.len() - zeros]);
}

/// Appends bytes as a string in base64.
pub(crate) fn base64(line: &mut Line, bytes: &[u8]) -> Result<(), OutOfMemory> {
    line.try_push(b'"')?;
    base64_digits(line, bytes)?;
    line.try_push(b'"')
}

/// Appends bytes in base64, without quotes. More may follow if there are a multiple of three.
pub(crate) fn base64_digits(line: &mut Line, bytes: &[u8]) -> Result<(), OutOfMemory> {
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[base64_part(line, rest)?..];
    }
    Ok(())
}

/// Appends the first part of some bytes in base64. Returns its length in bytes.
pub(super) fn base64_part(line: &mut Line, bytes: &[u8]) -> Result<usize, OutOfMemory> {
    // A multiple of three, so that only the last part is padded.
    const PART: usize = 3 << 10;
    let part = &bytes[..bytes.len().min(PART)];
    let mut digits = [0; PART / 3 * 4];
    // It has room for every part.
    let length = STANDARD.encode_slice(part, &mut digits).unwrap_or(0);
    raw(line, &digits[..length])?;
    Ok(part.len())
}

/// Appends bytes as a string of hexadecimal digits.
#[inline]
pub(crate) fn hex(line: &mut Line, bytes: &[u8]) -> Result<(), OutOfMemory> {
    line.try_reserve(2 * bytes.len() + 2)?;
    line.push(b'"');
    for byte in bytes {
        line.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
    }
    line.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Line) -> Result<(), OutOfMemory>) -> String {
        let mut line = Vec::new();
        write(&mut line).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn unsafe_characters_are_escaped() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain, and longer than a block", r#""plain, and longer than a block""#),
            ("\"\\\n\r\t\u{8}\u{c}", r#""\"\\\n\r\t\b\f""#),
            ("\0\u{1f}\u{7f}", r#""\u0000\u001f\u007f""#),
            ("\u{80}\u{9f}\u{a0}\u{c0}", "\"\\u0080\\u009f\u{a0}\u{c0}\""),
            ("\u{2027}\u{2028}\u{2029}\u{202a}", "\"\u{2027}\\u2028\\u2029\u{202a}\""),
            ("â€¨ 😀", "\"â€¨ 😀\""),
        ] {
            assert_eq!(written(|line| string(line, text.as_bytes())), expected);
        }
    }

    #[test]
    fn escape_at_the_end_of_a_part_is_whole() {
        for length in PART - 20..PART + 20 {
            for odd in ["\u{9f}", "\u{2028}", "\""] {
                let text = "x".repeat(length) + odd + &"y".repeat(40);
                let line = written(|line| string(line, text.as_bytes()));
                assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
                assert!(!line[1..line.len() - 1].contains(['\u{9f}', '\u{2028}']));
            }
        }
    }

    #[test]
    fn time_is_written_with_all_its_digits() {
        for (nanoseconds, expected) in [
            (0, "0.0"),
            (1, "0.000000001"),
            (1_700_000_000_000_000_000, "1700000000.0"),
            (1_700_000_000_250_000_000, "1700000000.25"),
            (1_795_405_778_822_064_752, "1795405778.822064752"),
            (-1, "-0.000000001"),
            (-1_500_000_000, "-1.5"),
            (i64::MIN, "-9223372036.854775808"),
        ] {
            assert_eq!(written(|line| seconds(line, nanoseconds)), expected);
        }
    }

    proptest! {
        #[test]
        fn string_is_kept_on_one_line(text in any::<String>()) {
            let line = written(|line| string(line, text.as_bytes()));
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
            let is_unsafe = |char: char| char.is_control() || ('\u{2028}'..='\u{2029}').contains(&char);
            prop_assert!(!line.chars().any(is_unsafe));
        }

        #[test]
        fn bytes_are_kept(bytes in prop::collection::vec(any::<u8>(), 0..8000)) {
            let line = written(|line| base64(line, &bytes));
            prop_assert_eq!(STANDARD.decode(&line[1..line.len() - 1]).unwrap(), bytes);
        }
    }
}
