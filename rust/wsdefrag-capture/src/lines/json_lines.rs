//! A table as JSON lines: one object on each line, in UTF-8.
//!
//! The keys are the columns of the Arrow tables, with the same values (`docs/schema.md`), but for what
//! JSON cannot hold: `uid` is in hexadecimal digits, `content` and `payload` are in base64, and times are
//! seconds with up to nine decimals. Events stand between the messages, each in its place, and only they
//! have the key `kind`.

use wsdefrag_core::OutOfMemory;

use super::connection_row::ConnectionRow;
use super::event_row::EventRow;
use super::json_connections::connection_line;
use super::json_events::event_line;
use super::json_messages::{MessageAffixes, message_line};
use super::line_output::LineFormat;
use super::message_row::MessageRow;
use crate::connection::Connection;

/// Formats rows as JSON lines.
///
/// - `affixes` are those of messages with the connection and the file `last`
#[derive(Clone, Debug)]
pub struct JsonLines {
    /// Whether messages have their contents.
    content: bool,
    last: Option<(u64, u32)>,
    affixes: MessageAffixes,
}

impl JsonLines {
    /// Lines with or without the contents of messages.
    #[must_use]
    pub fn new(content: bool) -> Self {
        Self { content, last: None, affixes: MessageAffixes::default() }
    }
}

impl LineFormat for JsonLines {
    #[inline]
    fn message(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<(), OutOfMemory> {
        let of = Some((row.message.connection, row.message.file));
        if self.last != of {
            self.affixes = MessageAffixes::new(row.message.connection, row.connection, row.file)?;
            self.last = of;
        }
        message_line(line, &self.affixes, row, self.content)
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
