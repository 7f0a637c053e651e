//! All TCP connections of a capture. Each packet is given to the connection it belongs to.
//!
//! ```text
//! live      opened by a SYN or by the first payload bytes; carries streams and a conversation
//! closing   live, but a RST or both FINs were captured; ends when nothing follows
//! past      ended: both streams finished, a new SYN on the same ports, no room, idle too long, or
//!           the end of the capture; or turned out not to be a WebSocket
//! ```
//!
//! Silence ends no connection, unless `options.idle_timeout` is set. Where there is no room for
//! another one, the one unused for longest is ended: a closing one if there is one, then one
//! without a WebSocket if those take more than a quarter of the room. Past connections are
//! remembered, too, as long as there is room, so that their late packets are recognised.
//!
//! All of them together, the past ones included, hold at most `options.memory` bytes (see
//! [`ledger`](crate::tcp::ledger)).
//!
//! Every connection has a number, in the order of their first packets. Connections that the filter
//! drops are followed like all others, so that numbers do not depend on the filter. Time is the
//! time of the packets; the system's clock is never read.
//!
//! - pending, WebSocket and closing connections together `<= options.max_connections`
//! - past connections `<= max_past()`, when another one opens
//! - `total_held` is the memory that the held segments of all streams take, in bytes

use wsdefrag_core::InflaterPool;

use crate::connection::{Connection, Ended};
use crate::conversation::Conversation;
use crate::conversation::context::{CaptureState, Context, Scan};
use crate::conversation::transport::Transport;
use crate::http2::problems::Http2Problems;
use crate::options::{ConnectionKey, Options};
use crate::packet::{Origin, Packet, Payload, Segment};
use crate::protocol::{Carried, ProtocolCounts};
use crate::recorded::reader::Surroundings;
use crate::sink::Sink;
use crate::tcp::clock::Clock;
use crate::tcp::connection_table::{Class, ConnectionTable, Key, SlotIndex};
use crate::tcp::entry::Entry;
use crate::tcp::final_output::{Ending, FinalEnd, Settling};
use crate::tcp::inflaters::Inflaters;
use crate::tcp::ledger::Ledger;
use crate::tcp::live_connection::LiveConnection;
use crate::tcp::past_connection::{Afterwards, IN_TABLE, PastConnection, Reason};
use crate::tcp::port_reuse::PortReuse;
use crate::tcp::tenants::{Fit, Tenants};
use crate::tls::keys::Keys;
use crate::tls_counts::TlsCounts;

/// Nanoseconds of capture time without a packet after which a closing connection ends.
const CLOSING_WAIT: i64 = 300_000_000_000;

/// Bytes for a connection in the tables beside [`ConnectionTable`], here and in a sink, when they
/// double.
const OTHER_TABLES: usize = 256;

/// Connections that a sink may take before it is full, for [`Connections::bytes_to_finish`].
const BATCH: usize = 1 << 12;

/// Past connections that are remembered at most.
const MAX_PAST: usize = 65_536;

/// The part of the memory that past connections may take is one of so many.
const PAST_PART: usize = 16;

/// The part of the memory that the last rows may take in any case is one of so many.
const ROWS_PART: usize = 16;

/// The addresses, ports and tags of a packet, and who sent it.
#[derive(Clone, Copy)]
struct Route<'a> {
    key: Key,
    packet: &'a Packet<'a>,
    /// An index of an endpoint, in the order of the key.
    sender: usize,
    /// The hash of the tags, if they tell the connection from another one; else 0.
    tenant: u64,
}

/// The connections of a capture.
pub(crate) struct Connections {
    options: Options,
    pub(super) table: ConnectionTable<Entry>,
    tenants: Tenants,
    total_held: usize,
    pub(super) ledger: Ledger,
    pub(super) inflaters: Inflaters,
    /// The end of the capture, once it has begun.
    ending: Option<Box<Ending>>,
    /// The number of the next connection.
    next_number: u64,
    pub(super) clock: Clock,
    /// Connections that were ended because there was no room for them.
    pub(crate) evicted: u64,
    /// Segments of those connections with new payload that came after that.
    pub(crate) evicted_packets: u64,
    /// What the connections carried that have ended and that the filter's ports and addresses want.
    pub(crate) protocols: ProtocolCounts,
    /// The TLS connections among them.
    pub(crate) tls: TlsCounts,
    /// What went wrong on the connections of HTTP/2 among them.
    pub(crate) http2: Http2Problems,
    /// The secrets for TLS.
    pub(crate) keys: Keys,
    /// Whether the files can be scanned for secrets.
    pub(crate) scan: Scan,
}

impl Connections {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            ledger: Ledger::new(options.memory),
            inflaters: Inflaters::new(options.memory),
            options,
            table: ConnectionTable::new(),
            tenants: Tenants::default(),
            total_held: 0,
            ending: None,
            next_number: 0,
            clock: Clock::default(),
            evicted: 0,
            evicted_packets: 0,
            protocols: ProtocolCounts::default(),
            tls: TlsCounts::default(),
            http2: Http2Problems::default(),
            keys: Keys::default(),
            scan: Scan::None,
        }
    }

    /// What a reader of recorded connections needs.
    pub(crate) const fn surroundings(&mut self, file: u32) -> Surroundings<'_> {
        let Self { options, next_number, protocols, .. } = self;
        Surroundings { options, next_number, protocols, file }
    }

    /// Takes the next packet of the capture.
    pub(crate) fn packet<S: Sink>(&mut self, packet: &Packet<'_>, sink: &mut S) {
        self.clock.advance(packet.time);
        self.expire(sink);
        let (key, is_reversed) = Key::new(packet.source, packet.destination);
        let (tags, sender) = (&packet.tags, usize::from(is_reversed));
        let mut route = Route { key, packet, sender, tenant: 0 };
        if tags.shared != 0 && self.options.key == ConnectionKey::Tagged {
            route.key = key.of_tenant(self.tenants.number_of(tags.shared));
            route.tenant = tags.shared;
        }
        let origin = Origin { packet: packet.number, time: packet.time, file: packet.file };
        match packet.payload {
            Payload::Segment(segment) => self.segment(route, &segment, origin, sink),
            Payload::Ordered(bytes) => self.ordered(route, bytes, origin, sink),
        }
    }

    fn segment<S: Sink>(
        &mut self,
        mut route: Route<'_>,
        segment: &Segment<'_>,
        origin: Origin,
        sink: &mut S,
    ) {
        let (sender, tags) = (route.sender, &route.packet.tags);
        let mut index = self.table.find_next(&route.key);
        let is_sure = match index.and_then(|index| self.table.get(index)) {
            Some(entry) => entry.last_tags_were(sender, tags.hash),
            None => self.tenants.is_empty(),
        };
        if !is_sure && self.options.key == ConnectionKey::Auto {
            if !self.choose_tenant(&mut route, segment) {
                return;
            }
            index = self.table.find(&route.key);
        }
        let mut syn = None;
        if let Some(old) = index {
            let reuse = match self.table.get(old) {
                Some(Entry::Live(live)) => live.port_reuse(sender, segment),
                Some(Entry::Past(past)) => {
                    let before = past.bytes_held();
                    let afterwards = past.segment(sender, segment, tags.hash);
                    self.ledger.change(before, past.bytes_held());
                    if afterwards != Afterwards::Opens {
                        count_later(past, &mut self.protocols, &mut self.tls);
                        self.evicted_packets += u64::from(afterwards == Afterwards::Unread);
                        return self.touch_past(old, segment);
                    }
                    PortReuse::Confirmed(None)
                }
                None => PortReuse::No,
            };
            match reuse {
                PortReuse::No => {}
                PortReuse::Possible => return,
                PortReuse::Confirmed(other) => {
                    self.end_connection(old, Ended::Replaced, sink);
                    self.forget(old);
                    (index, syn) = (None, other);
                }
            }
        }
        let has_payload = !segment.bytes.is_empty() || segment.cut > 0;
        let index = match (index, syn) {
            (Some(index), _) => index,
            (None, Some(syn)) => {
                let index = self.open(route, Some(syn.client), origin, sink);
                if let Some(Entry::Live(live)) = self.table.get(index) {
                    live.streams[syn.sender].start_with_syn(syn.sequence);
                    live.conversation.transport.syn(syn.sender, syn.sequence, None);
                }
                index
            }
            (None, None) if segment.syn => {
                let client = if segment.acknowledgment.is_some() { 1 - sender } else { sender };
                self.open(route, Some(client), origin, sink)
            }
            (None, None) if has_payload && !segment.rst => self.open(route, None, origin, sink),
            (None, None) => return,
        };
        let now = self.clock.now();
        let Some(Entry::Live(live)) = self.table.get(index) else { return };
        if !live.tags.last_was(sender, tags.hash) {
            live.note_tags(sender, *tags);
        }
        let change = live.change_of(sender, segment);
        let mut state = capture_state(
            (&self.options, &self.inflaters.pool),
            &mut self.next_number,
            (&mut self.keys, &mut self.scan),
            sink,
        );
        let ended = live.segment(sender, segment, origin, now, &mut self.total_held, &mut state);
        live.measure_after(change, &mut self.ledger);
        self.reclassify(index, ended, origin.time, sink);
        self.bound_memory(index, sink);
    }

    /// Gives a segment to one of the connections with its addresses and ports, or to none: sets the key
    /// and the tenant. Returns `false` if it is not part of any and opens none.
    #[cold]
    fn choose_tenant(&mut self, route: &mut Route<'_>, segment: &Segment<'_>) -> bool {
        let first = route.key;
        let mut best = None;
        for key in std::iter::once(first).chain(self.tenants.others(&first)) {
            let Some(index) = self.table.find(&key) else { continue };
            let Some(entry) = self.table.get(index) else { continue };
            let fit = entry.fit(route.sender, segment, route.packet.tags.hash);
            if best.is_none_or(|(best, _)| fit < best) {
                best = Some((fit, key));
            }
        }
        match best {
            Some((Fit::Conflicts, _)) => {
                let has_payload = !segment.bytes.is_empty() || segment.cut > 0;
                if !segment.syn && (!has_payload || segment.rst) {
                    return false;
                }
                let is_used = |key: &Key| self.table.find(key).is_some();
                let added = is_used(&first).then(|| self.tenants.add(first, is_used));
                if let Some(Some(key)) = added {
                    (route.key, route.tenant) = (key, route.packet.tags.hash);
                }
            }
            Some((_, key)) => route.key = key,
            None => {}
        }
        true
    }

    fn ordered<S: Sink>(&mut self, route: Route<'_>, bytes: &[u8], origin: Origin, sink: &mut S) {
        let index = match self.table.find_next(&route.key) {
            Some(index) => index,
            None => self.open(route, None, origin, sink),
        };
        match self.table.get(index) {
            Some(Entry::Live(live)) => {
                let mut state = capture_state(
                    (&self.options, &self.inflaters.pool),
                    &mut self.next_number,
                    (&mut self.keys, &mut self.scan),
                    sink,
                );
                live.ordered(route.sender, bytes, origin, &mut state);
                live.measure(&mut self.ledger);
            }
            Some(Entry::Past(past)) => count_later(past, &mut self.protocols, &mut self.tls),
            None => {}
        }
        self.reclassify(index, None, origin.time, sink);
        self.bound_memory(index, sink);
    }

    /// Keeps to the bounds of memory after a packet of a connection.
    #[inline]
    fn bound_memory<S: Sink>(&mut self, index: SlotIndex, sink: &mut S) {
        if self.inflaters.were_taken() {
            self.limit_inflaters(index);
        }
        if self.ledger.is_over(self.inflaters.pool.idle_bytes()) {
            self.relieve(sink);
        }
    }

    /// Keeps a past connection in memory for longer, if the segment is more than a late copy.
    fn touch_past(&mut self, index: SlotIndex, segment: &Segment<'_>) {
        if !segment.bytes.is_empty() {
            self.table.touch(index, Class::Past, self.clock.now());
        }
    }

    /// Moves a connection to the right list after one of its packets.
    fn reclassify<S: Sink>(
        &mut self,
        index: SlotIndex,
        ended: Option<Ended>,
        time: i64,
        sink: &mut S,
    ) {
        let Some(Entry::Live(live)) = self.table.get(index) else { return };
        let class = if live.conversation.is_dead() {
            // The segments it still holds are not needed.
            self.end_connection(index, Ended::Fin, sink);
            Class::Past
        } else if let Some(ended) = ended {
            self.end_connection(index, ended, sink);
            Class::Past
        } else if live.is_closing() {
            Class::Closing
        } else if live.conversation.is_open() {
            Class::WebSocket
        } else {
            Class::Pending
        };
        // The clock may not have advanced to an unconfirmed time, but the connection was active then.
        self.table.touch(index, class, self.clock.now().max(time));
    }

    /// Opens a connection. `client` is the index of the client, if it is known.
    fn open<S: Sink>(
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
        while self.table.len(Class::Past) > self.max_past() {
            let Some((index, _)) = self.table.oldest(Class::Past) else { break };
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

    /// Past connections that are remembered.
    const fn max_past(&self) -> usize {
        let fit = self.ledger.limit() / PAST_PART / IN_TABLE;
        if fit < MAX_PAST { fit } else { MAX_PAST }
    }

    /// Removes a connection that has ended.
    fn forget(&mut self, index: SlotIndex) {
        if let Some(Entry::Past(past)) = self.table.remove(index) {
            self.ledger.change(past.bytes_held(), 0);
        }
    }

    fn live_connections(&self) -> usize {
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

    /// Ends closing connections of which nothing has followed, and others that have been idle for too
    /// long if there is a limit.
    #[inline]
    fn expire<S: Sink>(&mut self, sink: &mut S) {
        if self.table.len(Class::Closing) > 0 {
            self.expire_class(Class::Closing, CLOSING_WAIT, sink);
        }
        if let Some(timeout) = self.options.idle_timeout {
            for class in [Class::WebSocket, Class::Pending, Class::Closing] {
                self.expire_class(class, timeout, sink);
            }
        }
    }

    #[inline]
    fn expire_class<S: Sink>(&mut self, class: Class, timeout: i64, sink: &mut S) {
        let now = self.clock.now();
        while let Some((index, last)) = self.table.oldest(class)
            && last < now.saturating_sub(timeout)
        {
            self.end_connection(index, Ended::Idle, sink);
            self.table.touch(index, Class::Past, now);
        }
    }

    /// Ends a connection. Its slot stays in use, so that late packets are recognised.
    pub(super) fn end_connection<S: Sink>(&mut self, index: SlotIndex, ended: Ended, sink: &mut S) {
        let Some(entry) = self.table.get(index) else { return };
        let Entry::Live(live) = &*entry else { return };
        let reason = match ended {
            _ if live.conversation.is_dead() => Reason::NotWebSocket,
            Ended::Evicted if !live.is_closing() => Reason::Evicted,
            _ if live.is_reset() => Reason::Reset,
            _ => Reason::Ended,
        };
        self.evicted += u64::from(reason == Reason::Evicted);
        let past = Box::new(PastConnection::new(reason, &live.streams, live.tags.clone()));
        let bytes_after = past.bytes_held();
        if let Entry::Live(live) = std::mem::replace(entry, Entry::Past(past)) {
            self.ledger.change(live.measured(), bytes_after);
            let carried = self.report(live, ended, sink);
            if let Some(Entry::Past(past)) = self.table.get(index) {
                past.carried = carried;
            }
        }
    }

    /// Ends a connection at the end of the capture, when no late packets can follow.
    fn end_last<S: Sink>(&mut self, index: SlotIndex, sink: &mut S) {
        match self.table.remove(index) {
            Some(Entry::Live(live)) => {
                self.ledger.change(live.measured(), 0);
                self.report(live, Ended::EndOfCapture, sink);
            }
            Some(Entry::Past(past)) => self.ledger.change(past.bytes_held(), 0),
            None => {}
        }
    }

    /// Ends the layers of a connection, and counts it. Returns what it carried, if the filter wants its
    /// addresses and ports.
    fn report<S: Sink>(
        &mut self,
        mut live: Box<LiveConnection>,
        ended: Ended,
        sink: &mut S,
    ) -> Option<Carried> {
        let mut state = capture_state(
            (&self.options, &self.inflaters.pool),
            &mut self.next_number,
            (&mut self.keys, &mut self.scan),
            sink,
        );
        live.finish(ended, &mut self.total_held, &mut state);
        let carried = live.conversation.transport.carried();
        let Transport { endpoints, packets, tls, http2, .. } = live.conversation.transport;
        if !self.options.filter.wants_endpoints(endpoints) {
            return None;
        }
        self.protocols.connection(carried.protocol, packets);
        self.http2.add(http2);
        if let Some(status) = carried.tls {
            self.tls.connection(status, packets, tls.as_deref());
        }
        Some(carried)
    }

    /// Drops the largest unfinished thing of a connection.
    pub(super) fn drop_unfinished<S: Sink>(&mut self, index: SlotIndex, sink: &mut S) {
        let limit = self.ledger.limit();
        if let Some(Entry::Live(live)) = self.table.get(index) {
            let mut state = capture_state(
                (&self.options, &self.inflaters.pool),
                &mut self.next_number,
                (&mut self.keys, &mut self.scan),
                sink,
            );
            live.drop_unfinished(limit, &mut self.total_held, &mut state);
            live.measure(&mut self.ledger);
        }
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

    /// Ends all connections, and reports them in the order of [`Ending`], until the sink is full.
    /// Returns whether all are reported; if not, the call must be repeated.
    pub(crate) fn finish<S: Sink>(&mut self, sink: &mut S) -> bool {
        let mut ending = self.ending.take().unwrap_or_else(|| {
            let unsettled = self.live_in_order().map(|(_, index)| index);
            let unsettled = unsettled.collect::<Vec<_>>().into_iter();
            Box::new(Ending { unsettled, ..Ending::default() })
        });
        while !sink.is_full() {
            if !self.finish_next(&mut ending, sink) {
                self.table = ConnectionTable::new();
                return true;
            }
        }
        self.ending = Some(ending);
        false
    }

    /// Does the next step of the end. Returns `false` if there is none.
    fn finish_next<S: Sink>(&mut self, ending: &mut Ending, sink: &mut S) -> bool {
        if let Some(row) = ending.rows.next() {
            row.deliver(sink);
            return true;
        }
        if let Some(index) = ending.unsettled.next() {
            let Some(Entry::Live(live)) = self.table.get(index) else { return true };
            ending.rows.begin_connection();
            let sink = &mut Settling { rows: &mut ending.rows, sink };
            let mut state = capture_state(
                (&self.options, &self.inflaters.pool),
                &mut self.next_number,
                (&mut self.keys, &mut self.scan),
                sink,
            );
            live.settle(Ended::EndOfCapture, &mut self.total_held, &mut state);
            // Contents have moved to the rows, and nothing is kept for what may follow.
            live.measure(&mut self.ledger);
            let is_last = ending.unsettled.len() == 0;
            let limit = self.ledger.limit();
            let room = limit.saturating_sub(self.ledger.used()).max(limit / ROWS_PART);
            ending.rows.sort(if is_last { 0 } else { room });
            return true;
        }
        let unreported = ending.unreported.get_or_insert_with(|| {
            let live = self.live_in_order().map(|(number, index)| (number, FinalEnd::Live(index)));
            let ended = ending.rows.ended.drain(..);
            let ended = ended.map(|it| (it.connection, FinalEnd::Ended(Box::new(it))));
            let mut all: Vec<_> = live.chain(ended).collect();
            all.sort_by_key(|(number, _)| *number);
            all.into_iter().map(|(_, end)| end).collect::<Vec<_>>().into_iter()
        });
        match unreported.next() {
            Some(FinalEnd::Live(index)) => {
                self.end_last(index, sink);
            }
            Some(FinalEnd::Ended(connection)) => sink.ended(*connection),
            None => return false,
        }
        true
    }

    /// The live connections with their numbers, in the order of the numbers.
    fn live_in_order(&mut self) -> impl Iterator<Item = (u64, SlotIndex)> + use<> {
        let mut live = Vec::new();
        for index in self.table.indexes() {
            if let Some(Entry::Live(connection)) = self.table.get(index) {
                live.push((connection.conversation.transport.number, index));
            }
        }
        live.sort_unstable();
        live.into_iter()
    }
}

/// What a connection needs of the capture.
fn capture_state<'a, S>(
    (options, inflaters): (&'a Options, &'a InflaterPool),
    next_number: &'a mut u64,
    (keys, scan): (&'a mut Keys, &'a mut Scan),
    sink: &'a mut S,
) -> CaptureState<'a, S> {
    let reads_tls = keys.may_grow || !keys.is_empty();
    let context = Context { options, inflaters, reads_tls, next_number, sink };
    CaptureState { keys, scan, context }
}

/// Counts a packet of a connection that has ended.
const fn count_later(past: &PastConnection, protocols: &mut ProtocolCounts, tls: &mut TlsCounts) {
    let Some(carried) = past.carried else { return };
    protocols.later_packet(carried.protocol);
    if let Some(status) = carried.tls {
        tls.later_packet(status);
    }
}
