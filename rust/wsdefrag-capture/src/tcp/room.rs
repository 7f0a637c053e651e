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
    pub(super) const fn max_past(&self) -> usize {
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
