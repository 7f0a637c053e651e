//! Sorts the rows that the end of a capture causes.
//!
//! First each connection gives out what it holds, in the order of the numbers; then their messages
//! and events come, in the order of the packets that completed them; then each connection ends, in
//! the order of the numbers. So the rows do not depend on where the connections are in the table.
//!
//! Nothing is collected but the messages and events, and of those no more than the bound of the
//! memory: over it, the ones so far come before those of the connections that have not given out
//! theirs yet. The sink is given one thing after the other until it is full.

#![expect(clippy::disallowed_methods, reason = "the rows of connections that end together")]

use std::collections::HashMap;
use std::vec::IntoIter;

use foldhash::fast::FixedState;

use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use crate::sink::{Row, Sink};
use crate::tcp::connection_table::SlotIndex;

/// The order of rows: the packet, the connection, and whether the client sent it.
type Key = (u64, u64, bool);

/// Bytes of memory that a row takes without its content: itself, its key while rows are sorted, and a
/// half of its direction's entry in the map.
const ROW: usize = size_of::<(Key, Row)>() + 2 * size_of::<(Key, usize)>();

/// The end of a capture, as far as it has come.
#[derive(Default)]
pub(super) struct Ending {
    /// The connections that still hold something.
    pub(super) unsettled: IntoIter<SlotIndex>,
    pub(super) rows: FinalRows,
    /// The connections that have not been reported yet; `None` before all are settled.
    pub(super) unreported: Option<IntoIter<FinalEnd>>,
}

/// A connection that is to be reported.
pub(super) enum FinalEnd {
    Live(SlotIndex),
    /// A WebSocket that has ended: the server refused it in what was held, or it is a stream of HTTP/2.
    Ended(Box<Connection>),
}

/// The rows that the end of a capture causes.
#[derive(Default)]
pub(super) struct FinalRows {
    rows: Vec<(Key, Row)>,
    /// The memory that the rows take, in bytes.
    bytes: usize,
    /// For each direction of the connection that gives out its rows, the highest packet number of them:
    /// they stay in their order, also where a segment was held for an earlier packet.
    latest: HashMap<(u64, bool), u64, FixedState>,
    /// Rows that were sorted.
    sorted: IntoIter<(Key, Row)>,
    /// WebSockets that have ended.
    pub(super) ended: Vec<Connection>,
}

impl FinalRows {
    /// The next row, if rows are sorted.
    pub(super) fn next(&mut self) -> Option<Row> {
        self.sorted.next().map(|(_, row)| row)
    }

    /// Says that the rows of another connection follow.
    pub(super) fn begin_connection(&mut self) {
        self.latest.clear();
    }

    /// Whether the rows so far take less than this memory, in bytes.
    pub(super) const fn fit(&self, bytes: usize) -> bool {
        self.bytes < bytes
    }

    /// Sorts the rows so far, if they take at least this memory, in bytes.
    pub(super) fn sort(&mut self, at_least: usize) {
        if self.bytes >= at_least {
            let mut rows = std::mem::take(&mut self.rows);
            // The sort is stable, so the rows of a direction stay in their order. Only keys move while
            // it runs, because rows are large.
            rows.sort_by_cached_key(|(key, _)| *key);
            (self.sorted, self.bytes) = (rows.into_iter(), 0);
        }
    }

    fn push(&mut self, connection: u64, from_client: bool, packet: u64, row: Row) {
        let latest = self.latest.entry((connection, from_client)).or_default();
        *latest = packet.max(*latest);
        self.bytes += ROW;
        self.rows.push(((*latest, connection, from_client), row));
    }

    fn push_event(&mut self, event: CaptureEvent, row: fn(CaptureEvent) -> Row) {
        let packet = event.last.or(event.first).unwrap_or_default().packet;
        self.push(event.connection, event.from_client, packet, row(event));
    }
}

/// Keeps the rows, and passes connections on that open.
pub(super) struct Settling<'a, S> {
    pub(super) rows: &'a mut FinalRows,
    pub(super) sink: &'a mut S,
}

impl<S: Sink> Sink for Settling<'_, S> {
    fn opened(&mut self, connection: &Connection) {
        self.sink.opened(connection);
    }

    fn message(&mut self, message: Message) {
        let Message { connection, from_client, last_packet, .. } = message;
        self.rows.bytes += message.content.capacity();
        self.rows.push(connection, from_client, last_packet, Row::Message(message));
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.rows.push_event(gap.clone(), Row::Gap);
    }

    fn event(&mut self, event: CaptureEvent) {
        self.rows.push_event(event, Row::Event);
    }

    fn ended(&mut self, connection: Connection) {
        self.rows.ended.push(connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Detail;
    use crate::packet::Origin;
    use crate::sink::HeldRows;

    /// A ping with a number, and the packets of its first and its last byte.
    fn ping(
        connection: u64,
        from_client: bool,
        event: u64,
        packets: [Option<u64>; 2],
    ) -> CaptureEvent {
        let [first, last] =
            packets.map(|packet| packet.map(|packet| Origin { packet, ..Origin::default() }));
        CaptureEvent {
            connection,
            from_client,
            event,
            seq: 0,
            offset: 0,
            length: 0,
            missing_bytes: 0,
            first,
            last,
            resynced: false,
            detail: Detail::Ping(Vec::new()),
        }
    }

    fn numbers(rows: &mut FinalRows) -> Vec<(u64, bool)> {
        let rows = std::iter::from_fn(|| rows.next());
        let numbers = rows.map(|row| match row {
            Row::Event(event) => (event.event, false),
            Row::Gap(event) => (event.event, true),
            Row::Message(_) => panic!("there are none"),
        });
        numbers.collect()
    }

    #[test]
    fn rows_come_in_the_order_of_packets_and_each_direction_in_its_own() {
        let mut rows = FinalRows::default();
        let mut kept = HeldRows::default();
        rows.begin_connection();
        let mut sink = Settling { rows: &mut rows, sink: &mut kept };
        sink.event(ping(0, true, 10, [Some(2), Some(5)]));
        // Held for an earlier packet, but after the other one in its direction.
        sink.event(ping(0, true, 11, [Some(3), None]));
        sink.gap(&ping(0, false, 12, [Some(4), None]));
        sink.event(ping(0, false, 13, [None, None]));
        assert_eq!(rows.latest.len(), 2);
        rows.begin_connection();
        assert!(rows.latest.is_empty(), "nothing more comes of the last one");
        let mut sink = Settling { rows: &mut rows, sink: &mut kept };
        sink.event(ping(1, true, 14, [None, Some(1)]));
        sink.event(ping(1, true, 15, [None, Some(5)]));
        assert!(numbers(&mut rows).is_empty(), "they are not sorted yet");
        rows.sort(0);
        let expected =
            [(14, false), (12, true), (13, false), (10, false), (11, false), (15, false)];
        assert_eq!(numbers(&mut rows), expected);
        assert!(kept.0.is_empty());
    }

    #[test]
    fn rows_are_sorted_when_they_take_enough_memory() {
        assert_eq!(ROW, size_of::<(Key, Row)>() + 2 * size_of::<(Key, usize)>());
        let mut rows = FinalRows::default();
        for number in 0..3 {
            let mut kept = HeldRows::default();
            let mut sink = Settling { rows: &mut rows, sink: &mut kept };
            sink.event(ping(0, true, number, [None, Some(number)]));
        }
        assert!(!rows.fit(3 * ROW) && rows.fit(3 * ROW + 1));
        rows.sort(3 * ROW + 1);
        assert!(numbers(&mut rows).is_empty() && !rows.fit(3 * ROW));
        rows.sort(3 * ROW);
        assert!(rows.fit(1), "what is given out counts no more");
        assert_eq!(numbers(&mut rows), [(0, false), (1, false), (2, false)]);
    }
}
