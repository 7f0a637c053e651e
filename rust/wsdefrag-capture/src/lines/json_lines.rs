//! A table as JSON lines: one object on each line, in UTF-8.
//!
//! The keys are the columns of the Arrow tables, with the same values (`docs/schema.md`), but for what
//! JSON cannot hold: `uid` is in hexadecimal digits, `content` and `payload` are in base64, and times are
//! seconds with up to nine decimals. Events stand between the messages, each in its place, and only they
//! have the key `kind`.

use wsdefrag_core::OutOfMemory;

use super::connection_row::ConnectionRow;
use super::event_row::EventRow;
use super::json::{base64_part, raw, string_part};
use super::json_connections::connection_line;
use super::json_events::event_line;
use super::json_messages::{
    MessageAffixes, is_text, length_member, message_line, message_middle, prepared_line,
    write_head, write_tail,
};
use super::line_output::{LONG, LineFormat};
use super::message_row::MessageRow;
use crate::connection::Connection;
use crate::message::Message;
use crate::output::Prepare;

/// Formats rows as JSON lines.
///
/// - `affixes` are those of messages with the connection and the file `last`
#[derive(Clone, Debug)]
pub struct JsonLines {
    /// Whether messages have their contents.
    content: bool,
    last: Option<(u64, u32)>,
    affixes: MessageAffixes,
    /// Whether the content of the long message is written as `text`.
    is_text: bool,
}

impl JsonLines {
    /// Lines with or without the contents of messages.
    #[must_use]
    pub fn new(content: bool) -> Self {
        Self { content, last: None, affixes: MessageAffixes::default(), is_text: false }
    }
}

fn prepare_with_content(message: &Message, middle: &mut Vec<u8>) -> Result<bool, OutOfMemory> {
    // Its line is written in parts.
    if message.content.len() >= LONG {
        return Ok(false);
    }
    message_middle(middle, message, &message.content, true).map(|()| true)
}

fn prepare_without_content(message: &Message, middle: &mut Vec<u8>) -> Result<bool, OutOfMemory> {
    message_middle(middle, message, &[], false).map(|()| true)
}

impl JsonLines {
    /// Makes the affixes of a row, unless they are those of the last one.
    #[inline]
    fn find_affixes(&mut self, row: MessageRow<'_>) -> Result<(), OutOfMemory> {
        let of = Some((row.message.connection, row.message.file));
        if self.last != of {
            self.last = None;
            self.affixes = MessageAffixes::new(row.message.connection, row.connection, row.file)?;
            self.last = of;
        }
        Ok(())
    }
}

impl LineFormat for JsonLines {
    fn begin(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<bool, OutOfMemory> {
        if !self.content {
            return Ok(false);
        }
        self.find_affixes(row)?;
        self.is_text = is_text(row.message) && std::str::from_utf8(row.content).is_ok();
        write_head(line, &self.affixes, row.message)?;
        let start: &[u8] =
            if self.is_text { b"\", \"text\": \"" } else { b"\", \"text\": null, \"content\": \"" };
        raw(line, start)?;
        Ok(true)
    }

    fn part(
        &mut self,
        line: &mut Vec<u8>,
        row: MessageRow<'_>,
        at: usize,
    ) -> Result<usize, OutOfMemory> {
        let rest = &row.content[at..];
        Ok(at + if self.is_text { string_part(line, rest)? } else { base64_part(line, rest)? })
    }

    fn end(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<(), OutOfMemory> {
        raw(line, if self.is_text { b"\", \"content\": null" } else { b"\"" })?;
        length_member(line, row.content)?;
        raw(line, b", \"timestamp\": ")?;
        self.find_affixes(row)?;
        write_tail(line, &self.affixes, row.message)
    }

    #[inline]
    fn message(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<(), OutOfMemory> {
        self.find_affixes(row)?;
        message_line(line, &self.affixes, row, self.content)
    }

    fn prepare(&self) -> Option<Prepare> {
        Some(if self.content { prepare_with_content } else { prepare_without_content })
    }

    #[inline]
    fn prepared(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<(), OutOfMemory> {
        self.find_affixes(row)?;
        prepared_line(line, &self.affixes, row)
    }

    fn event(&mut self, line: &mut Vec<u8>, row: &EventRow<'_>) -> Result<(), OutOfMemory> {
        event_line(line, row)
    }

    fn connection(
        &mut self,
        line: &mut Vec<u8>,
        connection: &Connection,
        file: Option<&str>,
    ) -> Result<(), OutOfMemory> {
        connection_line(line, &ConnectionRow::of(connection, file))
    }
}
