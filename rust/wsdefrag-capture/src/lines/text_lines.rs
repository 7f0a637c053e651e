//! Messages and events as lines of text, for people.
//!
//! A line has the time of day, the number of the message as a selection takes it (`2/c17`: connection,
//! sender, number), an arrow (`->` from the client, `<-` from the server), the type (`?` if the first
//! frame was not captured), the size in bytes, and the content. Before the content of an incomplete,
//! invalid, resynced or unauthenticated message, the problem is named in brackets.
//!
//! The line of an event has the number of its connection, and its kind instead of a type: `ping` and
//! `pong` with their payload, `close` with code and reason, `gap` with its length and what it cost,
//! `violation` with the broken rule. The time of a gap is that of the packet after it, or of the packet
//! before it if none follows.
//!
//! - a line is not wider than requested, unless less than `MIN_CONTENT` columns would be left for the
//!   content

use wsdefrag_core::fallible::TryGrow;
use wsdefrag_core::{Opcode, OutOfMemory};

use super::clock::{Clock, LENGTH};
use super::event_row::EventRow;
use super::event_text::event_text;
use super::line_output::LineFormat;
use super::message_row::MessageRow;
use super::shown::{Shown, binary};
use super::text_head::{Colour, Head, Number, end_line};
use crate::message::{Message, Status};

/// Columns for a content, at least.
const MIN_CONTENT: usize = 16;

/// Bytes of a long binary content that are shown at a time.
const PART: usize = 16 << 10;

/// Columns of the type and the size of a message, which the kind of an event takes.
const KIND: usize = 16;

/// Formats messages and events as lines of text.
pub struct TextLines {
    /// The most columns of a line.
    width: usize,
    colours: bool,
    /// Whether contents are shown; if not, the size is that of the payload on the wire.
    content: bool,
    clock: Clock,
    pub(super) shown: Shown,
}

impl TextLines {
    /// Lines of at most `width` columns; 0 for no limit.
    #[must_use]
    pub fn new(width: usize, colours: bool, content: bool, clock: Clock) -> Self {
        let width = if width == 0 { usize::MAX } else { width };
        Self { width, colours, content, clock, shown: Shown::new() }
    }

    /// Appends the beginning of a message's line, up to the problems, with this number after the time.
    /// Returns its columns.
    pub(super) fn message_head(
        &mut self,
        line: &mut Vec<u8>,
        message: &Message,
        number: Number,
        size: u64,
    ) -> Result<usize, OutOfMemory> {
        let time = self.clock.time_of_day(message.timestamp);
        let mut head = Head { line, columns: 0, colours: self.colours };
        head.start(time, number)?;
        head.arrow(message.from_client)?;
        head.text(b" ")?;
        head.text(type_column(message.opcode))?;
        head.end()?;
        head.text(b" ")?;
        head.number(size, 7)?;
        head.text(b" B  ")?;
        let resynced = if message.resynced { "resynced" } else { "" };
        let unauthenticated = if message.unauthenticated { "unauthenticated" } else { "" };
        let dropped = if message.dropped { "dropped" } else { "" };
        let injected = if message.injected { "injected" } else { "" };
        let marks = [status_words(message.status), resynced, unauthenticated, dropped, injected];
        head.marks(message.missing_bytes, marks)?;
        Ok(head.columns)
    }

    /// Begins the colour of a sender, if there are colours.
    pub(super) fn begin_sender(
        &self,
        line: &mut Vec<u8>,
        from_client: bool,
    ) -> Result<(), OutOfMemory> {
        Head { line, columns: 0, colours: self.colours }.begin(Colour::of_sender(from_client))
    }

    /// Ends a colour, if there are colours.
    pub(super) fn end_sender(&self, line: &mut Vec<u8>) -> Result<(), OutOfMemory> {
        Head { line, columns: 0, colours: self.colours }.end()
    }

    /// Appends an event's line, with this number after the time.
    pub(super) fn event_line(
        &mut self,
        line: &mut Vec<u8>,
        row: &EventRow<'_>,
        number: Number,
    ) -> Result<(), OutOfMemory> {
        let start = line.len();
        let time = row.time().map_or([b' '; LENGTH], |time| self.clock.time_of_day(time));
        let mut head = Head { line, columns: 0, colours: self.colours };
        head.start(time, number)?;
        head.arrow(row.from_client)?;
        head.end()?;
        head.text(b" ")?;
        let has_payload = matches!(row.kind, "ping" | "pong");
        let is_problem = matches!(row.kind, "gap" | "violation");
        if is_problem {
            head.begin(Colour::Yellow)?;
        }
        let before = head.columns;
        head.text(row.kind.as_bytes())?;
        if has_payload {
            head.text(b"   ")?;
            head.number(row.length, 7)?;
            head.text(b" B")?;
        }
        while head.columns < before + KIND {
            head.text(b" ")?;
        }
        if is_problem {
            head.end()?;
        }
        head.text(b"  ")?;
        if has_payload {
            head.marks(row.missing_bytes, [""; 5])?;
        }
        let room = self.room(head.columns);
        if !has_payload {
            self.shown.text(line, event_text(row).as_bytes(), room)?;
        } else if self.content {
            self.shown.text(line, row.payload.unwrap_or_default(), room)?;
        }
        end_line(line, start)
    }

    /// The columns that are left for a content in a line with a head of so many.
    fn room(&self, head: usize) -> usize {
        self.width.saturating_sub(head).max(MIN_CONTENT)
    }
}

/// A status in words; empty for a message that is whole.
const fn status_words(status: Status) -> &'static str {
    match status {
        Status::Ok => "",
        Status::Incomplete => "incomplete",
        Status::Undecodable => "undecodable",
        Status::TooBig => "too big",
        Status::InvalidUtf8 => "invalid utf8",
        Status::ProtocolError => "protocol error",
    }
}

/// The type of a message in as many columns as the longest has.
const fn type_column(opcode: Opcode) -> &'static [u8; 6] {
    match opcode {
        Opcode::Text => b"text  ",
        Opcode::Binary => b"binary",
        _ => b"?     ",
    }
}

/// Whether the content of a message is shown as a text.
fn is_text(message: &Message) -> bool {
    message.opcode == Opcode::Text && message.status != Status::Undecodable
}

/// The content as far as it is shown: a line does not end in spaces.
fn without_end(row: MessageRow<'_>) -> &[u8] {
    let spaces = row.content.iter().rev().take_while(|byte| **byte == b' ').count();
    if is_text(row.message) { &row.content[..row.content.len() - spaces] } else { row.content }
}

impl TextLines {
    /// Appends what stands before the content. Returns its columns.
    fn head(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<usize, OutOfMemory> {
        let MessageRow { message, content, .. } = row;
        let size = if self.content { content.len() as u64 } else { message.payload_length };
        let Message { connection, from_client, seq, .. } = *message;
        let number = Number::Message { connection, from_client, seq };
        self.message_head(line, message, number, size)
    }
}

impl LineFormat for TextLines {
    fn message(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<(), OutOfMemory> {
        let start = line.len();
        let columns = self.head(line, row)?;
        if self.content {
            let room = self.room(columns);
            if is_text(row.message) {
                self.shown.text(line, row.content, room)?;
            } else {
                binary(line, row.content, room)?;
            }
        }
        end_line(line, start)
    }

    fn begin(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<bool, OutOfMemory> {
        let is_whole = self.content && self.width == usize::MAX && !without_end(row).is_empty();
        if is_whole {
            self.head(line, row)?;
        }
        Ok(is_whole)
    }

    fn part(
        &mut self,
        line: &mut Vec<u8>,
        row: MessageRow<'_>,
        at: usize,
    ) -> Result<usize, OutOfMemory> {
        let content = without_end(row);
        let Some(rest) = content.get(at..).filter(|rest| !rest.is_empty()) else {
            return Ok(row.content.len());
        };
        if is_text(row.message) {
            return Ok(at + self.shown.part(line, rest)?);
        }
        let part = &rest[..rest.len().min(PART)];
        binary(line, part, usize::MAX)?;
        Ok(at + part.len())
    }

    fn end(&mut self, line: &mut Vec<u8>, _: MessageRow<'_>) -> Result<(), OutOfMemory> {
        line.try_push(b'\n')
    }

    fn event(&mut self, line: &mut Vec<u8>, row: &EventRow<'_>) -> Result<(), OutOfMemory> {
        self.event_line(line, row, Number::Connection(row.number))
    }
}
