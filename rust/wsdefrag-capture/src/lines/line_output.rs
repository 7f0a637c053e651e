//! An output of lines: chooses the rows of a table and has each formatted.
//!
//! A line with a long content becomes ready in parts, so it is never in memory as a whole. Rows that the
//! same packet completed wait for its end.

#![expect(
    clippy::disallowed_methods,
    reason = "rows that one packet completes beside a long message; the reader has them already"
)]

use std::collections::VecDeque;

use wsdefrag_core::OutOfMemory;

use super::event_row::EventRow;
use super::message_row::MessageRow;
use super::open_connections::OpenConnections;
use crate::connection::Connection;
use crate::event::{CaptureEvent, Detail};
use crate::message::Message;
use crate::output::{FULL, Output, OutputError, Prepare, move_ready};
use crate::sink::Sink;
use crate::table::Table;

/// Most bytes of a content whose buffer is used again.
const MOST_SPARE: usize = 16 << 10;

/// Bytes of a content that is written in parts.
pub(super) const LONG: usize = 64 << 10;

/// Appends a row as a line, with its line feed; or as several, or as none.
pub trait LineFormat {
    /// Appends a message.
    fn message(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<(), OutOfMemory>;
    /// Begins the line of a message with a long content. Returns whether it is written in parts; if
    /// not, nothing was appended.
    fn begin(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<bool, OutOfMemory> {
        let _ = (line, row);
        Ok(false)
    }
    /// Appends a part of the content from `at` on. Returns up to where; the length of the content at
    /// its end.
    fn part(
        &mut self,
        line: &mut Vec<u8>,
        row: MessageRow<'_>,
        at: usize,
    ) -> Result<usize, OutOfMemory> {
        let _ = (line, at);
        Ok(row.content.len())
    }
    /// Ends the line after the last part.
    fn end(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<(), OutOfMemory> {
        let _ = (line, row);
        Ok(())
    }
    /// What other threads may do of [`message`](Self::message).
    fn prepare(&self) -> Option<Prepare> {
        None
    }
    /// Appends a message with what was prepared.
    fn prepared(&mut self, line: &mut Vec<u8>, row: MessageRow<'_>) -> Result<(), OutOfMemory> {
        self.message(line, row)
    }
    /// Appends an event.
    fn event(&mut self, line: &mut Vec<u8>, row: &EventRow<'_>) -> Result<(), OutOfMemory>;
    /// Appends a connection that has ended. `file` is the name of the file with its last packet. A format
    /// of messages and events alone appends nothing.
    fn connection(
        &mut self,
        line: &mut Vec<u8>,
        connection: &Connection,
        file: Option<&str>,
    ) -> Result<(), OutOfMemory> {
        let _ = (line, connection, file);
        Ok(())
    }
}

/// Which rows become lines.
#[derive(Clone, Copy, Debug)]
pub struct LineRows {
    /// The table.
    pub table: Table,
    /// Whether events stand between the messages, each in its place.
    pub events: bool,
    /// Whether control frames are among these events.
    pub control_frames: bool,
}

/// A row that waits for the end of a long line.
#[derive(Debug)]
enum Waiting {
    Message(Message),
    Prepared(Message),
    Event(CaptureEvent),
    /// The number of a connection that has ended.
    Ended(u64),
}

/// Makes lines of the rows of a table.
///
/// - without a long message, `ready` has whole lines and nothing is waiting
/// - after `failed`, nothing is added
#[derive(Debug)]
pub struct LineOutput<F> {
    format: F,
    wanted: LineRows,
    files: Vec<String>,
    connections: OpenConnections,
    ready: Vec<u8>,
    /// The message whose content is written in parts, and up to where it is written.
    long: Option<(Message, usize)>,
    waiting: VecDeque<Waiting>,
    rows: u64,
    /// The content of the last message.
    spare: Vec<u8>,
    /// Whether memory for a line was refused.
    failed: bool,
}

/// What a line of a message is made of.
#[inline]
fn message_row<'a>(
    message: &'a Message,
    connections: &'a OpenConnections,
    files: &'a [String],
) -> MessageRow<'a> {
    MessageRow {
        message,
        content: &message.content,
        connection: connections.find(message.connection),
        file: file_name(files, message.file),
    }
}

impl<F: LineFormat> LineOutput<F> {
    /// No lines yet. `files` are the names of the capture's files, in order.
    #[must_use]
    pub fn new(format: F, wanted: LineRows, files: Vec<String>) -> Self {
        Self {
            format,
            wanted,
            files,
            connections: OpenConnections::default(),
            ready: Vec::new(),
            long: None,
            waiting: VecDeque::new(),
            rows: 0,
            spare: Vec::new(),
            failed: false,
        }
    }

    /// Keeps a line, or drops what there is of one that failed.
    #[inline]
    fn keep(&mut self, start: usize, written: Result<(), OutOfMemory>) {
        if written.is_ok() {
            self.rows += 1;
        } else {
            self.ready.truncate(start);
            self.failed = true;
        }
    }

    #[inline]
    fn write_message(&mut self, message: Message) {
        let start = self.ready.len();
        let row = message_row(&message, &self.connections, &self.files);
        if message.content.len() >= LONG {
            match self.format.begin(&mut self.ready, row) {
                Ok(true) => return self.long = Some((message, 0)),
                Ok(false) => {}
                Err(error) => return self.keep(start, Err(error)),
            }
        }
        let written = self.format.message(&mut self.ready, row);
        self.keep(start, written);
        if message.content.capacity() <= MOST_SPARE {
            self.spare = message.content;
        }
    }

    #[inline]
    fn write_prepared(&mut self, message: Message) {
        let start = self.ready.len();
        let row = message_row(&message, &self.connections, &self.files);
        let written = self.format.prepared(&mut self.ready, row);
        self.keep(start, written);
        self.spare = message.content;
    }

    /// Writes a part of the long message. Returns whether there is more.
    fn write_part(&mut self) -> Result<bool, OutOfMemory> {
        let Some((message, at)) = &mut self.long else { return Ok(false) };
        let row = message_row(message, &self.connections, &self.files);
        if *at < message.content.len() {
            *at = self.format.part(&mut self.ready, row, *at)?;
            return Ok(true);
        }
        self.format.end(&mut self.ready, row)?;
        self.long = None;
        self.rows += 1;
        Ok(false)
    }

    /// Makes more of the long message ready, and of what waits for it.
    fn advance(&mut self) {
        while self.ready.len() < FULL && !self.failed {
            if self.long.is_some() {
                self.failed |= self.write_part().is_err();
                continue;
            }
            match self.waiting.pop_front() {
                Some(Waiting::Message(message)) => self.write_message(message),
                Some(Waiting::Prepared(message)) => self.write_prepared(message),
                Some(Waiting::Event(event)) => self.write_event(&event),
                Some(Waiting::Ended(connection)) => self.connections.ended(connection),
                None => return,
            }
        }
    }

    /// Whether rows have to wait.
    #[inline]
    fn is_busy(&self) -> bool {
        self.long.is_some() || !self.waiting.is_empty()
    }

    /// Writes an event, or has it wait.
    fn take_event(&mut self, event: &CaptureEvent) {
        if self.failed {
            return;
        }
        if self.is_busy() {
            self.waiting.push_back(Waiting::Event(event.clone()));
        } else {
            self.write_event(event);
        }
    }

    fn write_event(&mut self, event: &CaptureEvent) {
        let start = self.ready.len();
        let origin = event.last.or(event.first);
        let file = origin.and_then(|origin| file_name(&self.files, origin.file));
        let row = EventRow::of(event, self.connections.find(event.connection), file);
        let written = self.format.event(&mut self.ready, &row);
        self.keep(start, written);
    }

    /// Whether an event stands in its place between the messages.
    fn wants_in_place(&self, event: &CaptureEvent) -> bool {
        self.wanted.table == Table::Messages
            && self.wanted.events
            && (self.wanted.control_frames || event.detail.payload().is_none())
    }
}

/// The name of the file at this index.
#[inline]
fn file_name(files: &[String], file: u32) -> Option<&str> {
    files.get(file as usize).map(String::as_str)
}

impl<F: LineFormat> Sink for LineOutput<F> {
    fn opened(&mut self, connection: &Connection) {
        if self.wanted.table != Table::Connections {
            self.connections.opened(connection);
        }
    }

    fn message(&mut self, message: Message) {
        if self.wanted.table != Table::Messages || self.failed {
            return;
        }
        if self.is_busy() {
            self.waiting.push_back(Waiting::Message(message));
        } else {
            self.write_message(message);
        }
    }

    #[inline]
    fn prepared(&mut self, message: Message, _: usize) {
        if self.wanted.table != Table::Messages || self.failed {
            return;
        }
        if self.is_busy() {
            self.waiting.push_back(Waiting::Prepared(message));
        } else {
            self.write_prepared(message);
        }
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        if self.wants_in_place(gap) {
            self.take_event(gap);
        }
    }

    fn event(&mut self, event: CaptureEvent) {
        let wanted = match self.wanted.table {
            Table::Events => true,
            // A gap was there already, in its place.
            _ => !matches!(event.detail, Detail::Gap(_)) && self.wants_in_place(&event),
        };
        if wanted {
            self.take_event(&event);
        }
    }

    fn ended(&mut self, connection: Connection) {
        if self.wanted.table == Table::Connections && !self.failed {
            let start = self.ready.len();
            let file = file_name(&self.files, connection.last.file);
            let written = self.format.connection(&mut self.ready, &connection, file);
            self.keep(start, written);
        }
        if self.is_busy() {
            self.waiting.push_back(Waiting::Ended(connection.connection));
        } else {
            self.connections.ended(connection.connection);
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.failed || self.ready.len() >= FULL || self.is_busy()
    }
}

impl<F: LineFormat> Output for LineOutput<F> {
    fn take(&mut self, block: &mut Vec<u8>) -> Result<(), OutputError> {
        if self.ready.len() < FULL {
            self.advance();
        }
        move_ready(&mut self.ready, block)?;
        if self.failed { Err(OutputError::OutOfMemory) } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn prepare(&self) -> Option<Prepare> {
        self.format.prepare().filter(|_| self.wanted.table == Table::Messages)
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn bytes_held(&self) -> usize {
        self.long.as_ref().map_or(0, |(message, _)| message.content.len())
    }
}
