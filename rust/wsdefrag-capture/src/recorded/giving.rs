//! An entry whose rows are given out, and what is counted of them.

use crate::connection::{Connection, Ended};
use crate::event::{CaptureEvent, Detail};
use crate::message::Message;
use crate::protocol::Protocol;
use crate::recorded::entry::{Item, problem};
use crate::recorded::flow_rows::FlowRows;
use crate::recorded::har::HarRows;
use crate::recorded::surroundings::Surroundings;
use crate::sink::Sink;

/// The rows of an entry.
#[derive(Debug)]
pub(super) enum Rows {
    Flow(FlowRows),
    Har(HarRows),
}

/// An entry whose rows are given out.
#[derive(Debug)]
pub(super) struct Giving {
    connection: Connection,
    rows: Rows,
    /// Messages of the client and the server that were given out.
    seq: [u64; 2],
    is_wanted: bool,
}

impl Giving {
    /// Opens the connection of an entry.
    pub(super) fn open(
        connection: Connection,
        rows: Rows,
        around: &mut Surroundings<'_>,
        sink: &mut impl Sink,
    ) -> Self {
        let filter = &around.options.filter;
        let is_wanted = filter.wants_connection(connection.connection)
            && filter.wants_endpoints([connection.client_address, connection.server_address])
            && filter.wants_request(connection.host().as_deref(), connection.path());
        if is_wanted {
            sink.opened(&connection);
        }
        *around.next_number += 1;
        Self { connection, rows, seq: [0; 2], is_wanted }
    }

    /// Gives rows out. `buffer` has the bytes of the entry. Returns whether all were; if not, the sink is
    /// full.
    pub(super) fn give(
        &mut self,
        buffer: &[u8],
        around: &Surroundings<'_>,
        sink: &mut impl Sink,
    ) -> bool {
        let (number, file) = (self.connection.connection, around.file);
        while self.is_wanted {
            if sink.is_full() {
                return false;
            }
            let item = match &mut self.rows {
                Rows::Flow(rows) => rows.next(buffer, number, file),
                Rows::Har(rows) => rows.next(buffer, number, file),
            };
            match item {
                Some(Item::Message(message)) => {
                    let side = usize::from(!message.from_client);
                    let has_content = around.options.contents;
                    let length = message.content.len() as u64;
                    let row = message.row(number, self.seq[side], file, has_content);
                    self.seq[side] += 1;
                    count_message(&mut self.connection, &row, length);
                    sink.message(row);
                }
                Some(Item::Event(event)) => {
                    count_event(&mut self.connection, &event);
                    if matches!(event.detail, Detail::Gap(_)) {
                        sink.gap(&event);
                    }
                    sink.event(event);
                }
                Some(Item::Problem(text)) => problem(&mut self.connection, &text),
                None => break,
            }
        }
        true
    }

    /// Ends the connection.
    pub(super) fn end(self, around: &mut Surroundings<'_>, sink: &mut impl Sink) {
        let Self { mut connection, is_wanted, .. } = self;
        around.protocols.connection(Protocol::WebSocket, 0);
        connection.ended.get_or_insert(Ended::EndOfCapture);
        if is_wanted {
            sink.ended(connection);
        }
    }
}

fn count_message(connection: &mut Connection, row: &Message, length: u64) {
    connection.last.time = connection.last.time.max(row.timestamp);
    let account =
        if row.from_client { &mut connection.from_client } else { &mut connection.from_server };
    account.messages += 1;
    account.content += length;
    account.counts.add(row.opcode, row.status, length);
}

fn count_event(connection: &mut Connection, event: &CaptureEvent) {
    let account =
        if event.from_client { &mut connection.from_client } else { &mut connection.from_server };
    match &event.detail {
        Detail::Ping(_) | Detail::Pong(_) => account.pings += 1,
        Detail::Gap(_) => {
            account.gaps += 1;
            account.missing += event.missing_bytes;
            // Nothing else is known of the stream.
            account.bytes += event.missing_bytes;
            account.lost += event.missing_bytes;
        }
        Detail::Close { .. } | Detail::Violation(_) => {}
    }
}
