//! Contents as they are shown to people: printable characters on one line, cut to a number of columns.
//!
//! Characters that are not printable, and the backslash, are escaped as in a Python string. A byte that
//! is not UTF-8 is `\xNN`. Binary contents are hexadecimal.

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use super::printable::{Printable, columns};

/// What stands for the part that was cut.
const DOTS: &[u8] = b"...";

/// Most columns of a byte: an escape such as `\x00`.
const COLUMNS_OF_A_BYTE: usize = 4;

/// Characters without columns that are shown for each column. Nothing in Unicode needs more.
const COMBINING: usize = 4;

/// Bytes of a long text that are shown at a time.
const PART: usize = 16 << 10;

/// Bytes of ASCII that are looked at together.
const BLOCK: usize = 16;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Whether a byte is a character that stands for itself.
const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte < 0x7f && byte != b'\\'
}

/// A character or a byte as it is shown.
struct Cell {
    bytes: [u8; 10],
    length: usize,
    columns: usize,
}

impl Cell {
    fn of(char: char, printable: &mut Printable) -> Self {
        let mut cell = Self { bytes: [0; 10], length: 0, columns: 0 };
        match char {
            '\\' => cell.push(b"\\\\"),
            '\n' => cell.push(b"\\n"),
            '\r' => cell.push(b"\\r"),
            '\t' => cell.push(b"\\t"),
            char if printable.has(char) => {
                cell.length = char.encode_utf8(&mut cell.bytes).len();
                cell.columns = columns(char);
                return cell;
            }
            char => {
                let code = char as u32;
                let (letter, digits) = match code {
                    ..0x100 => (b'x', 2),
                    0x100..0x1_0000 => (b'u', 4),
                    _ => (b'U', 8),
                };
                cell.push(&[b'\\', letter]);
                for digit in (0..digits).rev() {
                    cell.push(&[HEX[(code >> (4 * digit) & 0xf) as usize]]);
                }
            }
        }
        cell.columns = cell.length;
        cell
    }

    fn of_byte(byte: u8) -> Self {
        let mut cell = Self { bytes: [0; 10], length: 0, columns: COLUMNS_OF_A_BYTE };
        cell.push(&[b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
        cell
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Appends texts as they are shown.
#[derive(Debug)]
pub struct Shown {
    printable: Printable,
}

impl Default for Shown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shown {
    /// Knows no characters yet.
    #[must_use]
    pub fn new() -> Self {
        Self { printable: Printable::new() }
    }

    /// Appends a text; the last three of `room` columns are dots if it was cut. `room` is at least 3.
    ///
    /// # Errors
    ///
    /// If memory is refused. Then `line` has a part.
    pub fn text(
        &mut self,
        line: &mut Vec<u8>,
        text: &[u8],
        room: usize,
    ) -> Result<(), OutOfMemory> {
        if room / COLUMNS_OF_A_BYTE >= text.len() {
            return self.whole(line, text);
        }
        // A character has four bytes at most.
        let most = room.saturating_mul(COMBINING).saturating_add(1);
        let looked_at = &text[..text.len().min(most.saturating_mul(4))];
        let is_cut = looked_at.len() < text.len();
        let (mut used, mut characters, mut kept) = (0, 0, line.len());
        let mut push = |line: &mut Vec<u8>, cell: &Cell| -> Result<bool, OutOfMemory> {
            used += cell.columns;
            characters += 1;
            if used > room || characters > most {
                return Ok(false);
            }
            line.try_append(cell.bytes())?;
            if used <= room - DOTS.len() {
                kept = line.len();
            }
            Ok(true)
        };
        let mut fits = true;
        'text: for chunk in looked_at.utf8_chunks() {
            for char in chunk.valid().chars() {
                fits = push(line, &Cell::of(char, &mut self.printable))?;
                if !fits {
                    break 'text;
                }
            }
            for byte in chunk.invalid() {
                fits = push(line, &Cell::of_byte(*byte))?;
                if !fits {
                    break 'text;
                }
            }
        }
        if !fits || is_cut {
            line.truncate(kept);
            line.try_append(DOTS)?;
        }
        Ok(())
    }

    /// Appends the first part of a text that is not cut. Returns its length in bytes.
    ///
    /// # Errors
    ///
    /// If memory is refused. Then `line` has some of it.
    pub(super) fn part(&mut self, line: &mut Vec<u8>, text: &[u8]) -> Result<usize, OutOfMemory> {
        let mut part = &text[..text.len().min(PART)];
        // A character has four bytes at most; it is not divided.
        let inside = |byte: u8| byte & 0xc0 == 0x80;
        for _ in 0..3 {
            if part.len() < text.len() && part.len() > 1 && inside(text[part.len()]) {
                part = &part[..part.len() - 1];
            }
        }
        self.whole(line, part)?;
        Ok(part.len())
    }

    /// Appends a text that is not cut, in its own lines: line feeds, tabs and backslashes are not escaped.
    ///
    /// # Errors
    ///
    /// If memory is refused. Then `shown` has a part.
    pub fn lines(&mut self, shown: &mut Vec<u8>, text: &[u8]) -> Result<(), OutOfMemory> {
        let mut rest = text;
        while let Some(place) = rest.iter().position(|byte| b"\n\t\\".contains(byte)) {
            self.whole(shown, &rest[..place])?;
            shown.try_push(rest[place])?;
            rest = &rest[place + 1..];
        }
        self.whole(shown, rest)
    }

    /// Appends a text that is not cut.
    fn whole(&mut self, line: &mut Vec<u8>, text: &[u8]) -> Result<(), OutOfMemory> {
        let mut rest = text;
        loop {
            let plain = plain_length(rest);
            line.try_append(&rest[..plain])?;
            rest = &rest[plain..];
            if rest.is_empty() {
                return Ok(());
            }
            // Up to the next run of ASCII.
            let odd = rest.iter().position(|byte| is_plain(*byte)).unwrap_or(rest.len());
            for chunk in rest[..odd].utf8_chunks() {
                for char in chunk.valid().chars() {
                    line.try_append(Cell::of(char, &mut self.printable).bytes())?;
                }
                for byte in chunk.invalid() {
                    line.try_append(Cell::of_byte(*byte).bytes())?;
                }
            }
            rest = &rest[odd..];
        }
    }
}

/// The length of the run of plain characters that a text begins with.
#[inline]
fn plain_length(text: &[u8]) -> usize {
    let is_plain_block =
        |block: &[u8; BLOCK]| block.iter().fold(true, |plain, byte| plain & is_plain(*byte));
    let (blocks, _) = text.as_chunks::<BLOCK>();
    let start = BLOCK * blocks.iter().take_while(|block| is_plain_block(block)).count();
    start + text[start..].iter().take_while(|byte| is_plain(**byte)).count()
}

/// Appends bytes in hexadecimal digits, two for each; the last three of `room` columns are dots if some
/// were cut. `room` is at least 3.
///
/// # Errors
///
/// If memory is refused. Then `line` has a part.
pub fn binary(line: &mut Vec<u8>, bytes: &[u8], room: usize) -> Result<(), OutOfMemory> {
    let is_cut = bytes.len() > room / 2;
    let shown = if is_cut { &bytes[..(room - DOTS.len()) / 2] } else { bytes };
    line.try_reserve(2 * shown.len() + DOTS.len())?;
    for byte in shown {
        line.try_append(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]])?;
    }
    if is_cut { line.try_append(DOTS) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &[u8], room: usize) -> String {
        let mut line = Vec::new();
        Shown::new().text(&mut line, text, room).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn unprintable_is_escaped() {
        for (content, expected) in [
            (&b""[..], ""),
            (b"plain, and long enough for a block", "plain, and long enough for a block"),
            ("grün €, and so on and so on".as_bytes(), "grün €, and so on and so on"),
            (b"two\r\nlines\t", r"two\r\nlines\t"),
            (b"\x1b[2J\x07\x7f", r"\x1b[2J\x07\x7f"),
            ("\u{9b}31m".as_bytes(), r"\x9b31m"),
            ("\u{202e}gnp.exe".as_bytes(), r"\u202egnp.exe"),
            ("a\u{2028}b\u{feff}".as_bytes(), r"a\u2028b\ufeff"),
            ("\u{e0041}".as_bytes(), r"\U000e0041"),
            ("e\u{301}".as_bytes(), "e\u{301}"),
            (br"C:\new", r"C:\\new"),
            (b"caf\xe9", r"caf\xe9"),
            (b"cut \xe2\x82", r"cut \xe2\x82"),
            (b"\xed\xa0\x80", r"\xed\xa0\x80"),
        ] {
            assert_eq!(shown(content, 80), expected);
            assert_eq!(shown(content, usize::MAX), expected);
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        for (content, room, expected) in [
            ("x".repeat(10), 10, "xxxxxxxxxx"),
            ("x".repeat(11), 10, "xxxxxxx..."),
            ("é".repeat(11), 10, "ééééééé..."),
            ("水".repeat(5), 10, "水水水水水"),
            // Half a character cannot be shown, nor half an escape.
            ("水".repeat(6), 10, "水水水..."),
            ("\n".repeat(5), 10, r"\n\n\n\n\n"),
            ("\n".repeat(6), 10, r"\n\n\n..."),
            ("😀".repeat(1000), 11, "😀😀😀😀..."),
            // What combines takes no column of its own.
            ("e\u{301}".repeat(10), 10, &"e\u{301}".repeat(10)),
            ("e\u{301}".repeat(11), 10, &("e\u{301}".repeat(7) + "...")),
        ] {
            assert_eq!(shown(content.as_bytes(), room), expected);
        }
    }

    #[test]
    fn characters_without_columns_are_bounded() {
        let line = shown("\u{301}".repeat(1 << 20).as_bytes(), 10);
        assert!(line.ends_with("..."));
        assert!(line.chars().count() < 50);
    }

    #[test]
    fn binary_is_cut_between_bytes() {
        for (size, room, expected) in [
            (0, 10, ""),
            (5, 10, "ababababab"),
            (6, 10, "ababab..."),
            (6, 11, "abababab..."),
            (6, 3, "..."),
        ] {
            let mut line = Vec::new();
            binary(&mut line, &vec![0xab; size], room).unwrap();
            assert_eq!(line, expected.as_bytes());
        }
    }
}
