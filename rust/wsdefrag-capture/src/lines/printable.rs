//! Which characters a terminal shows, and how many columns they take.

use unicode_width::UnicodeWidthChar;

/// Characters in a word of the table.
const WORD: usize = u64::BITS as usize;

/// Words for the characters of two or three bytes in UTF-8.
const WORDS: usize = 0x1_0000 / WORD;

/// Remembers which characters are printable: all but control characters, formatting characters, spaces
/// other than the ASCII one, and those that Unicode has not assigned.
///
/// - a bit of `printable` is right if the bit of its word in `known` is set
#[derive(Debug)]
pub(super) struct Printable {
    known: [u64; WORDS / WORD],
    printable: Box<[u64]>,
}

impl Printable {
    #[expect(clippy::disallowed_macros, reason = "8 KiB")]
    pub(super) fn new() -> Self {
        Self { known: [0; WORDS / WORD], printable: vec![0; WORDS].into() }
    }

    /// Whether a character is printable.
    #[inline]
    pub(super) fn has(&mut self, char: char) -> bool {
        if char.is_ascii() {
            return (' '..='~').contains(&char);
        }
        let (word, bit) = (char as usize / WORD, char as usize % WORD);
        if word >= WORDS {
            return is_printable(char);
        }
        if self.known[word / WORD] >> (word % WORD) & 1 == 0 {
            self.learn(word);
        }
        self.printable[word] >> bit & 1 == 1
    }

    #[cold]
    fn learn(&mut self, word: usize) {
        self.known[word / WORD] |= 1 << (word % WORD);
        for bit in 0..WORD {
            let code = u32::try_from(word * WORD + bit).unwrap_or(0);
            let printable = char::from_u32(code).is_some_and(is_printable);
            self.printable[word] |= u64::from(printable) << bit;
        }
    }
}

/// Whether a character that is not ASCII is printable. The standard library has the table, for `Debug`.
fn is_printable(char: char) -> bool {
    // A combining character is escaped only at the beginning of a text.
    let mut text = [b'a'; 5];
    let length = 1 + char.encode_utf8(&mut text[1..]).len();
    let text = std::str::from_utf8(&text[..length]).unwrap_or_default();
    text.escape_debug().nth(1) == Some(char)
}

/// The columns of a printable character: 0 for one that combines with the character before it, 2 for a
/// wide one.
#[inline]
pub(super) fn columns(char: char) -> usize {
    if char.is_ascii() { 1 } else { char.width().unwrap_or(1) }
}
