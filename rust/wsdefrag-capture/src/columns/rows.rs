//! The sink that fills tables: batches of rows of one or more of them, in the order in which they are
//! full.

#![expect(clippy::disallowed_methods, reason = "the batches of one packet, beyond the first")]

use std::collections::VecDeque;
use std::mem;

use arrow_array::RecordBatch;

use super::connections::ConnectionColumns;
use super::events::EventColumns;
use super::messages::MessageColumns;
use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use crate::sink::Sink;
use crate::table::Table;

/// Most bytes of a content whose buffer is used again.
const MOST_SPARE: usize = 16 << 10;

/// Fills the columns of tables.
///
/// ```
/// use wsdefrag_capture::columns::{Choice, MessageColumns, TableRows};
/// use wsdefrag_capture::table::Table;
///
/// let mut rows = TableRows::default();
/// rows.messages = Some(MessageColumns::new(Choice::all(Table::Messages)));
/// rows.finish();
/// assert!(rows.next_batch().is_none());
/// ```
#[derive(Default)]
pub struct TableRows {
    /// The columns of the messages table, if it is filled.
    pub messages: Option<MessageColumns>,
    /// The columns of the connections table, if it is filled.
    pub connections: Option<ConnectionColumns>,
    /// The columns of the events table, if it is filled.
    pub events: Option<EventColumns>,
    ready: VecDeque<(Table, RecordBatch)>,
    /// The content of the last message, which was copied to its column.
    spare: Vec<u8>,
    /// Whether a column could not get memory.
    out_of_memory: bool,
}

impl std::fmt::Debug for TableRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableRows").field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}

impl TableRows {
    /// The next batch that is full.
    pub fn next_batch(&mut self) -> Option<(Table, RecordBatch)> {
        self.ready.pop_front()
    }

    /// Whether memory for a content was refused. That row is lost.
    #[must_use]
    pub const fn out_of_memory(&self) -> bool {
        self.out_of_memory
    }

    /// Stops filling a table.
    pub fn stop(&mut self, table: Table) {
        match table {
            Table::Messages => self.messages = None,
            Table::Connections => self.connections = None,
            Table::Events => self.events = None,
        }
    }

    /// Makes batches of the rows that are left.
    pub fn finish(&mut self) {
        self.finish_messages();
        self.finish_connections();
        self.finish_events();
    }

    #[cold]
    fn finish_messages(&mut self) {
        if let Some(columns) = &mut self.messages
            && !columns.is_empty()
        {
            self.ready.push_back((Table::Messages, columns.finish()));
        }
    }

    #[cold]
    fn finish_connections(&mut self) {
        if let Some(columns) = &mut self.connections
            && !columns.is_empty()
        {
            self.ready.push_back((Table::Connections, columns.finish()));
        }
    }

    #[cold]
    fn finish_events(&mut self) {
        if let Some(columns) = &mut self.events
            && !columns.is_empty()
        {
            self.ready.push_back((Table::Events, columns.finish()));
        }
    }
}

impl Sink for TableRows {
    fn opened(&mut self, connection: &Connection) {
        if let Some(columns) = &mut self.messages {
            columns.opened(connection);
        }
        if let Some(columns) = &mut self.events {
            columns.opened(connection);
        }
    }

    // A call passes a reference to the message; inlined, the message would be copied first.
    #[inline(never)]
    fn message(&mut self, message: Message) {
        let Some(columns) = &mut self.messages else { return };
        if MessageColumns::needs_own_batch(&message) {
            self.finish_messages();
            if let Some(columns) = &mut self.messages {
                self.ready.push_back((Table::Messages, columns.batch_of_one(message)));
            }
            return;
        }
        self.out_of_memory |= columns.push(&message).is_err();
        if columns.is_full() {
            self.finish_messages();
        }
        if message.content.capacity() <= MOST_SPARE {
            self.spare = message.content;
        }
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        mem::take(&mut self.spare)
    }

    fn event(&mut self, event: CaptureEvent) {
        let Some(columns) = &mut self.events else { return };
        columns.push(event);
        if columns.is_full() {
            self.finish_events();
        }
    }

    fn ended(&mut self, connection: Connection) {
        if let Some(columns) = &mut self.messages {
            columns.ended(&connection);
            if columns.is_full() {
                self.finish_messages();
            }
        }
        if let Some(columns) = &mut self.events {
            columns.ended(&connection);
            if columns.is_full() {
                self.finish_events();
            }
        }
        if let Some(columns) = &mut self.connections {
            columns.push(connection);
            if columns.is_full() {
                self.finish_connections();
            }
        }
    }

    fn is_full(&self) -> bool {
        self.out_of_memory || !self.ready.is_empty()
    }
}
