//! Which connections there is room for: a new one may end the one that is needed least, and takes the
//! place of the oldest one that has ended.

#![expect(clippy::disallowed_methods, reason = "one for each followed connection")]

use crate::connection::{Connection, Ended};
use crate::conversation::Conversation;
use crate::packet::{Origin, Packet};
use crate::sink::Sink;
use crate::tcp::connection_table::{Class, SlotIndex};
use crate::tcp::connections::{Connections, Route};
use crate::tcp::entry::Entry;
use crate::tcp::key::BUCKETS;
use crate::tcp::live_connection::LiveConnection;
use crate::tcp::past_connection::IN_TABLE;

/// Bytes for a connection in other tables than that of the connections, here and in a sink, when they
/// double.
const OTHER_TABLES: usize = 256;

/// Connections that a sink may take before it is full, for [`Connections::bytes_to_finish`].
const BATCH: usize = 1 << 12;

/// Past connections that are remembered at most.
const MAX_PAST: usize = 65_536;

/// The part of the memory that past connections may take is one of so many.
const PAST_PART: usize = 16;

impl Connections {
    /// Opens a connection. `client` is the index of the client, if it is known.
    pub(super) fn open<S: Sink>(
        &mut self,
        route: Route<'_>,
        client: Option<usize>,
        first: Origin,
        sink: &mut S,
    ) -> SlotIndex {
        let room = self.options.max_connections;
        while self.live_connections() >= room {
            let Some(index) = self.least_needed() else { break };
            self.end_connection(index, Ended::Evicted, sink);
            self.table.touch(index, Class::Past, self.clock.now());
        }
        let bucket = route.key.bucket();
        while self.table.past(bucket) > self.max_past() {
            let Some(index) = self.table.oldest_past(bucket) else { break };
            self.forget(index);
        }
        let Packet { source, destination, .. } = *route.packet;
        let endpoints =
            if route.sender == 0 { [source, destination] } else { [destination, source] };
        let mut conversation = Conversation::new(self.next_number, endpoints, client, first);
        conversation.transport.tenant = route.tenant;
        self.next_number += 1;
        let live = LiveConnection::new(conversation);
        self.table.insert(route.key, Class::Pending, self.clock.now(), Entry::Live(Box::new(live)))
    }

    /// Past connections of a bucket that are remembered.
    const fn max_past(&self) -> usize {
        let fit = self.ledger.limit() / PAST_PART / IN_TABLE;
        let all = if fit < MAX_PAST { fit } else { MAX_PAST };
        all.div_ceil(BUCKETS)
    }

    /// Removes a connection that has ended.
    pub(super) fn forget(&mut self, index: SlotIndex) {
        if let Some(Entry::Past(past)) = self.table.remove(index) {
            self.ledger.change(past.bytes_held(), 0);
        }
    }

    pub(super) fn live_connections(&self) -> usize {
        [Class::Pending, Class::WebSocket, Class::Closing]
            .map(|class| self.table.len(class))
            .iter()
            .sum()
    }

    /// The live connection that is ended first to make room.
    pub(super) fn least_needed(&self) -> Option<SlotIndex> {
        if let Some((index, _)) = self.table.oldest(Class::Closing) {
            return Some(index);
        }
        // Handshakes may come in large numbers, and most of them are none.
        let many_pending = self.table.len(Class::Pending) > self.options.max_connections / 4;
        let lists: &[_] =
            if many_pending { &[Class::Pending] } else { &[Class::Pending, Class::WebSocket] };
        let oldest = lists.iter().filter_map(|class| self.table.oldest(*class));
        oldest.min_by_key(|(_, last)| *last).map(|(index, _)| index)
    }

    /// Bytes that tables take when `more` connections open.
    pub(crate) fn growth(&self, more: usize) -> usize {
        self.table.growth(more) + self.live_connections() * OTHER_TABLES
    }

    /// Bytes that [`finish`](Self::finish) takes, with a sink that makes an Arrow table.
    pub(crate) fn bytes_to_finish(&self) -> usize {
        // The rows of a batch, what they are copied to, and their values in the columns; and the lists
        // of those that have yet to end.
        let live = self.live_connections();
        live.min(BATCH) * 4 * size_of::<Connection>() + live * 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::packet::tags::Tags;
    use crate::packet::{Payload, Segment};
    use crate::sink::HeldRows;
    use crate::tcp::key::Key;

    fn with_memory(memory: usize) -> Connections {
        Connections::new(Options { memory, ..Options::default() })
    }

    /// A packet from a port of a client to a server.
    fn packet(port: u16, segment: Segment<'_>) -> Packet<'_> {
        Packet {
            number: 1,
            file: 0,
            time: 0,
            source: ([10, 0, 0, 1], port).into(),
            destination: ([10, 0, 0, 2], 80).into(),
            tags: Tags::default(),
            payload: Payload::Segment(segment),
        }
    }

    fn bucket(port: u16) -> u8 {
        Key::of_port(port).bucket()
    }

    const SYN: Segment<'_> = Segment {
        sequence: 99,
        acknowledgment: None,
        syn: true,
        fin: false,
        rst: false,
        bytes: b"",
        cut: 0,
    };

    #[test]
    fn past_connections_take_a_sixteenth_of_the_memory_up_to_a_number() {
        for (all, each) in [(0, 0), (1, 1), (64, 1), (65, 2), (6_400, 100), (1 << 20, 1024)] {
            assert_eq!(with_memory(all * 16 * IN_TABLE).max_past(), each, "{all}");
        }
        assert_eq!(with_memory(65 * 16 * IN_TABLE - 1).max_past(), 1);
        assert_eq!(with_memory(65_536 * 16 * IN_TABLE).max_past(), 1024);
    }

    /// When another one opens, no more are remembered of its bucket than may be.
    #[test]
    fn oldest_past_connections_of_a_bucket_are_forgotten() {
        let mut connections = with_memory(64 * 16 * IN_TABLE);
        assert_eq!(connections.max_past(), 1);
        let ports = (1..).filter(|port| bucket(*port) == bucket(1)).take(5);
        let past = ports.map(|port| {
            let sink = &mut HeldRows::default();
            connections.packet(&packet(port, SYN), sink);
            let bytes = b"\x16\x00\xff\xff not HTTP, and no frames\r\n\r\n\0\0\0";
            connections
                .packet(&packet(port, Segment { sequence: 100, syn: false, bytes, ..SYN }), sink);
            connections.table.past(bucket(port))
        });
        assert_eq!(past.collect::<Vec<_>>(), [1, 2, 2, 2, 2]);
        assert_eq!(connections.live_connections(), 0);
    }

    /// A past connection of which bytes come is forgotten later, but not for an acknowledgment.
    #[test]
    fn past_connection_that_goes_on_is_remembered_for_longer() {
        let mut connections = with_memory(1 << 30);
        let ports: Vec<u16> = (1..).filter(|port| bucket(*port) == bucket(1)).take(3).collect();
        let data = |bytes| Segment { sequence: 100, syn: false, bytes, ..SYN };
        let oldest = |connections: &Connections| {
            let index = connections.table.oldest_past(bucket(1)).unwrap();
            ports
                .iter()
                .position(|port| connections.table.find(&Key::of_port(*port)) == Some(index))
        };
        let sink = &mut HeldRows::default();
        for port in &ports {
            connections.packet(&packet(*port, SYN), sink);
            let bytes = b"\x16\x00\xff\xff not HTTP, and no frames\r\n\r\n\0\0\0";
            connections.packet(&packet(*port, data(bytes)), sink);
        }
        assert_eq!(oldest(&connections), Some(0));
        connections.packet(&packet(ports[0], data(b"")), sink);
        assert_eq!(oldest(&connections), Some(0));
        connections.packet(&packet(ports[0], data(b"more of them")), sink);
        assert_eq!(oldest(&connections), Some(1));
    }

    #[test]
    fn memory_of_tables_is_that_of_each_connection() {
        let mut connections = with_memory(1 << 30);
        assert_eq!(connections.growth(7), connections.table.growth(7));
        assert_eq!(connections.bytes_to_finish(), 0);
        let rows = 4 * size_of::<Connection>();
        for port in 1..=5_000 {
            connections.packet(&packet(port, SYN), &mut HeldRows::default());
            let live = usize::from(port);
            assert_eq!(connections.live_connections(), live);
            assert_eq!(connections.growth(7), connections.table.growth(7) + live * 256);
            assert_eq!(connections.bytes_to_finish(), live.min(4_096) * rows + live * 64);
        }
    }
}
