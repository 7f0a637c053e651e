//! Sorts the output that the end of a capture causes.
//!
//! Opened connections come first, in the order of their numbers; then messages and events, in the
//! order of the packets that completed them; then ended connections, in the order of their numbers. So the output
//! does not depend on the order in which the connections are ended.

#![expect(clippy::disallowed_methods, reason = "the rows of connections that end together")]

use std::collections::HashMap;

use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use crate::sink::{Row, Sink};

/// The order of rows: the packet, the connection, and whether the client sent it.
type Key = (u64, u64, bool);

/// The output that the end of a capture causes, until it is sorted.
#[derive(Default)]
pub(super) struct FinalOutput {
    opened: Vec<Connection>,
    rows: Vec<(Key, Row)>,
    /// For each direction, the highest packet number of its rows: they stay in their order, also
    /// where a segment was held for an earlier packet.
    latest: HashMap<(u64, bool), u64>,
    ended: Vec<Connection>,
}

impl FinalOutput {
    /// With room for as many connections that end.
    pub(super) fn for_connections(count: usize) -> Self {
        Self { ended: Vec::with_capacity(count), ..Self::default() }
    }

    /// Sorts the output and gives it to `sink`.
    pub(super) fn deliver(self, sink: &mut impl Sink) {
        let Self { mut opened, mut rows, mut ended, .. } = self;
        // The sort is stable, so the rows of a direction stay in their order.
        rows.sort_by_key(|(key, _)| *key);
        opened.sort_by_key(|connection| connection.connection);
        ended.sort_by_key(|connection| connection.connection);
        for connection in &opened {
            sink.opened(connection);
        }
        for (_, row) in rows {
            row.deliver(sink);
        }
        for connection in ended {
            sink.ended(connection);
        }
    }

    fn push(&mut self, connection: u64, from_client: bool, packet: u64, row: Row) {
        let latest = self.latest.entry((connection, from_client)).or_default();
        *latest = packet.max(*latest);
        self.rows.push(((*latest, connection, from_client), row));
    }

    fn push_event(&mut self, event: &CaptureEvent, row: Row) {
        let packet = event.last.or(event.first).unwrap_or_default().packet;
        self.push(event.connection, event.from_client, packet, row);
    }
}

impl Sink for FinalOutput {
    fn opened(&mut self, connection: &Connection) {
        self.opened.push(connection.clone());
    }

    fn message(&mut self, message: Message) {
        let Message { connection, from_client, last_packet, .. } = message;
        self.push(connection, from_client, last_packet, Row::Message(message));
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.push_event(gap, Row::Gap(gap.clone()));
    }

    fn event(&mut self, event: CaptureEvent) {
        self.push_event(&event.clone(), Row::Event(event));
    }

    fn ended(&mut self, connection: Connection) {
        self.ended.push(connection);
    }
}
