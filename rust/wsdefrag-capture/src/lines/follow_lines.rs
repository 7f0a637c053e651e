//! A conversation for people: the messages of a connection in order, each with its whole content below its
//! head; control frames, gaps and violations in their places.
//!
//! ```text
//! 14:03:22.123    c17 -> text        22 B
//! {"order": 17, "n": 1}
//!
//! 14:03:22.125        -> gap               100 bytes missing, inside a frame
//! ```
//!
//! A text is shown as it is, but for control characters, which a terminal would obey. A binary content, or
//! any content where that is wanted, is a dump of 16 bytes a line: offset, hexadecimal, ASCII.

use wsdefrag_core::fallible::TryGrow;
use wsdefrag_core::{Opcode, OutOfMemory};

use super::clock::Clock;
use super::event_row::EventRow;
use super::line_output::LineFormat;
use super::message_row::MessageRow;
use super::text_head::{Number, end_line};
use super::text_lines::TextLines;
use crate::message::Status;

/// Bytes in a line of a dump.
const DUMPED: usize = 16;

/// How contents are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentView {
    /// Text as text, the rest as a dump.
    Text,
    /// Everything as a dump.
    Hex,
    /// Contents alone, joined and unchanged, without heads and events.
    Raw,
}

/// Formats the rows of a connection as a conversation.
pub struct FollowLines {
    lines: TextLines,
    view: ContentView,
}

impl FollowLines {
    /// Shows contents in this way.
    #[must_use]
    pub fn new(view: ContentView, colours: bool, clock: Clock) -> Self {
        Self { lines: TextLines::new(0, colours, true, clock), view }
    }
}

impl LineFormat for FollowLines {
    fn message(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<(), OutOfMemory> {
        let MessageRow { message, content, .. } = row;
        if self.view == ContentView::Raw {
            return line.try_append(content);
        }
        let from_client = message.from_client;
        let number = Number::OfSender { from_client, seq: message.seq };
        let start = line.len();
        self.lines.message_head(line, message, number, content.len() as u64)?;
        end_line(line, start)?;
        let is_text = self.view == ContentView::Text
            && message.opcode == Opcode::Text
            && message.status != Status::Undecodable;
        self.lines.begin_sender(line, from_client)?;
        if is_text {
            self.lines.shown.lines(line, content)?;
        } else {
            dump(line, content)?;
        }
        self.lines.end_sender(line)?;
        line.try_append(if content.is_empty() { b"\n" } else { b"\n\n" })
    }

    fn event(&mut self, line: &mut Vec<u8>, row: &EventRow<'_>) -> Result<(), OutOfMemory> {
        if self.view == ContentView::Raw {
            return Ok(());
        }
        self.lines.event_line(line, row, Number::Nothing)?;
        line.try_push(b'\n')
    }
}

/// Appends a dump, without a line end at its end.
fn dump(line: &mut Vec<u8>, content: &[u8]) -> Result<(), OutOfMemory> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (number, bytes) in content.chunks(DUMPED).enumerate() {
        // offset, two spaces, three columns a byte, a gap in the middle, ASCII between bars
        let mut row = [b' '; 8 + 2 + 3 * DUMPED + 2 + DUMPED + 2];
        let offset = number * DUMPED;
        for (digit, place) in row[..8].iter_mut().rev().enumerate() {
            *place = DIGITS[offset >> (4 * digit) & 0xf];
        }
        row[60] = b'|';
        for (index, byte) in bytes.iter().enumerate() {
            let at = 10 + 3 * index + usize::from(index >= DUMPED / 2);
            row[at] = DIGITS[usize::from(byte >> 4)];
            row[at + 1] = DIGITS[usize::from(byte & 0xf)];
            row[61 + index] = if (b' '..=b'~').contains(byte) { *byte } else { b'.' };
        }
        row[61 + bytes.len()] = b'|';
        if number > 0 {
            line.try_push(b'\n')?;
        }
        line.try_append(&row[..62 + bytes.len()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dump_has_offset_hexadecimal_and_ascii() {
        let mut line = Vec::new();
        dump(&mut line, b"Hello, \xff\x00 world!~").unwrap();
        let expected = "00000000  48 65 6c 6c 6f 2c 20 ff  00 20 77 6f 72 6c 64 21  |Hello, .. world!|\n\
                        00000010  7e                                                |~|";
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
