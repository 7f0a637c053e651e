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

use serde::{Deserialize, Serialize};
use wsdefrag_core::InflaterPool;

use crate::connection::Ended;
use crate::conversation::context::{CaptureState, Context, Scan};
use crate::http2::problems::Http2Problems;
use crate::options::{ConnectionKey, Options};
use crate::packet::{Origin, Packet, Payload, Segment};
use crate::protocol::ProtocolCounts;
use crate::recorded::surroundings::Surroundings;
use crate::sink::Sink;
use crate::tcp::clock::Clock;
use crate::tcp::connection_table::{Class, ConnectionTable, SlotIndex};
use crate::tcp::entry::Entry;
use crate::tcp::final_output::Ending;
use crate::tcp::inflaters::Inflaters;
use crate::tcp::key::Key;
use crate::tcp::ledger::Ledger;
use crate::tcp::past_connection::{Afterwards, PastConnection};
use crate::tcp::port_reuse::PortReuse;
use crate::tcp::tenants::Tenants;
use crate::threads::report::Place;
use crate::tls::keys::Keys;
use crate::tls_counts::TlsCounts;

/// The addresses, ports and tags of a packet, and who sent it.
#[derive(Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) key: Key,
    pub(super) packet: &'a Packet<'a>,
    /// An index of an endpoint, in the order of the key.
    pub(super) sender: usize,
    /// The hash of the tags, if they tell the connection from another one; else 0.
    pub(super) tenant: u64,
}

/// The connections of a capture.
#[derive(Serialize, Deserialize)]
pub(crate) struct Connections {
    #[serde(skip)]
    pub(crate) options: Options,
    pub(super) table: ConnectionTable<Entry>,
    pub(super) tenants: Tenants,
    #[serde(skip)]
    pub(super) total_held: usize,
    #[serde(skip)]
    pub(super) ledger: Ledger,
    #[serde(skip)]
    pub(super) inflaters: Inflaters,
    /// The end of the capture, once it has begun.
    #[serde(skip)]
    pub(super) ending: Option<Box<Ending>>,
    /// The number of the next connection.
    pub(crate) next_number: u64,
    pub(crate) clock: Clock,
    /// The connection of the last packet, if the time of that is doubtful.
    #[serde(skip)]
    doubtful: Option<SlotIndex>,
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
    /// Whether memory had to be given back, or may have had to if one thread, or one reader of all shares,
    /// followed the connections.
    #[serde(skip)]
    pub(crate) has_met_limit: bool,
    /// Whether several threads have followed the connections.
    #[serde(skip)]
    pub(crate) were_spread: bool,
    /// Where the names in `tls.servers` come among those of other threads.
    #[serde(skip)]
    pub(super) server_places: Vec<Place>,
}

impl Connections {
    pub(crate) fn new(options: Options) -> Self {
        let inflaters = Inflaters::new(&options);
        Self {
            ledger: Ledger::new(&options, &inflaters),
            inflaters,
            options,
            table: ConnectionTable::new(),
            tenants: Tenants::default(),
            total_held: 0,
            ending: None,
            next_number: 0,
            clock: Clock::default(),
            doubtful: None,
            evicted: 0,
            evicted_packets: 0,
            protocols: ProtocolCounts::default(),
            tls: TlsCounts::default(),
            http2: Http2Problems::default(),
            keys: Keys::default(),
            scan: Scan::None,
            has_met_limit: false,
            were_spread: false,
            server_places: Vec::new(),
        }
    }

    /// The memory that the connections may hold, if they are read by shares and have held more.
    pub(crate) const fn outgrown(&self) -> Option<usize> {
        let is_share = self.options.filter.share.is_some();
        if is_share && self.has_met_limit { Some(self.ledger.most()) } else { None }
    }

    /// What a reader of recorded connections needs.
    pub(crate) const fn surroundings(&mut self, file: u32) -> Surroundings<'_> {
        let Self { options, next_number, protocols, .. } = self;
        Surroundings { options, next_number, protocols, file }
    }

    /// Takes the next packet of the capture.
    pub(crate) fn packet<S: Sink>(&mut self, packet: &Packet<'_>, sink: &mut S) {
        if let Some(time) = self.clock.advance(packet.time) {
            self.confirm(time);
        }
        self.expire(sink);
        let tenant = self.tenant_of(packet);
        self.take(packet, tenant, sink);
    }

    /// The number of the tenant of a packet whose tags always tell connections apart; else 0.
    #[inline]
    pub(crate) fn tenant_of(&mut self, packet: &Packet<'_>) -> u32 {
        let shared = packet.tags.shared;
        let is_tagged = shared != 0 && self.options.key == ConnectionKey::Tagged;
        if is_tagged { self.tenants.number_of(shared) } else { 0 }
    }

    /// Takes note that the last packet was captured at `time`, which was doubtful.
    #[cold]
    pub(crate) fn confirm(&mut self, time: i64) {
        if let Some(index) = self.doubtful.take() {
            self.table.correct_time(index, time);
        }
    }

    /// Takes a packet at the clock's time. `tenant` is the number of its tenant.
    #[inline]
    pub(crate) fn take<S: Sink>(&mut self, packet: &Packet<'_>, tenant: u32, sink: &mut S) {
        let (key, is_reversed) = Key::new(packet.source, packet.destination);
        let sender = usize::from(is_reversed);
        self.doubtful = None;
        let mut route = Route { key, packet, sender, tenant: 0 };
        if tenant != 0 {
            route.key = key.of_tenant(tenant);
            route.tenant = packet.tags.shared;
        }
        let origin = Origin { packet: packet.number, time: packet.time, file: packet.file };
        match packet.payload {
            Payload::Segment(segment) => self.segment(route, &segment, origin, sink),
            Payload::Ordered(bytes) => self.ordered(route, bytes, origin, sink),
        }
    }

    fn segment<S: Sink>(
        &mut self,
        route: Route<'_>,
        segment: &Segment<'_>,
        origin: Origin,
        sink: &mut S,
    ) {
        let (sender, tags) = (route.sender, &route.packet.tags);
        let found = self.table.find_next(&route.key);
        let index = match found.and_then(|index| self.table.get(index)) {
            Some(Entry::Live(live)) if live.goes_on_with(sender, segment, tags.hash) => found,
            _ => self.choose_connection(found, route, segment, origin, sink),
        };
        let Some(index) = index else { return };
        let now = self.clock.now();
        let Some(Entry::Live(live)) = self.table.get(index) else { return };
        if !live.tags.last_was(sender, tags.hash) {
            live.note_tags(sender, *tags, &mut self.ledger);
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
        let class = live.class(ended);
        self.reclassify(index, class, sink);
        self.bound_memory(index, sink);
    }

    /// The connection that a segment belongs to, where that is not clear, or that it opens. `index` is the
    /// one with its addresses and ports.
    #[inline(never)]
    fn choose_connection<S: Sink>(
        &mut self,
        mut index: Option<SlotIndex>,
        mut route: Route<'_>,
        segment: &Segment<'_>,
        origin: Origin,
        sink: &mut S,
    ) -> Option<SlotIndex> {
        let (sender, tags) = (route.sender, &route.packet.tags);
        let is_sure = match index.and_then(|index| self.table.get(index)) {
            Some(entry) => entry.last_tags_were(sender, tags.hash),
            None => self.tenants.is_empty(),
        };
        if !is_sure && self.options.key == ConnectionKey::Auto {
            if !self.choose_tenant(&mut route, segment) {
                return None;
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
                        self.touch_past(old, segment);
                        return None;
                    }
                    PortReuse::Confirmed(None)
                }
                None => PortReuse::No,
            };
            match reuse {
                PortReuse::No => {}
                PortReuse::Possible => return None,
                PortReuse::Confirmed(other) => {
                    self.end_connection(old, Ended::Replaced, sink);
                    self.forget(old);
                    (index, syn) = (None, other);
                }
            }
        }
        match (index, syn) {
            (Some(index), _) => Some(index),
            (None, Some(syn)) => {
                let index = self.open(route, Some(syn.client), origin, sink);
                if let Some(Entry::Live(live)) = self.table.get(index) {
                    live.streams[syn.sender].start_with_syn(syn.sequence);
                    live.conversation.transport.syn(syn.sender, syn.sequence, None);
                }
                Some(index)
            }
            (None, None) if segment.syn => {
                let client = if segment.acknowledgment.is_some() { 1 - sender } else { sender };
                Some(self.open(route, Some(client), origin, sink))
            }
            (None, None) if segment.has_payload() && !segment.rst => {
                Some(self.open(route, None, origin, sink))
            }
            (None, None) => None,
        }
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
                let class = live.class(None);
                self.reclassify(index, class, sink);
            }
            Some(Entry::Past(past)) => count_later(past, &mut self.protocols, &mut self.tls),
            None => {}
        }
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

    /// Moves a connection to the right list after one of its packets, or ends it.
    #[inline]
    fn reclassify<S: Sink>(&mut self, index: SlotIndex, class: Result<Class, Ended>, sink: &mut S) {
        let class = class.unwrap_or_else(|ended| {
            self.end_connection(index, ended, sink);
            Class::Past
        });
        self.table.touch(index, class, self.clock.now());
        // The clock may not have advanced to the time of the packet, but the connection was active then.
        if self.clock.is_doubtful() {
            self.doubtful = Some(index);
        }
    }
}

/// What a connection needs of the capture.
pub(super) fn capture_state<'a, S>(
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
