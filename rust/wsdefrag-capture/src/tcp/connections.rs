//! All TCP connections of a capture. Each packet is given to the connection it belongs to.
//!
//! ```text
//! live      opened by a SYN or by the first payload bytes; carries streams and a conversation
//! ended     both FINs, a RST, idle too long, too many connections, a new SYN on the same ports,
//!           or the end of the capture
//! ignored   turned out not to be a WebSocket, or not to be wanted by the filter
//! ```
//!
//! A connection that ended by FIN or RST, or is ignored, is remembered for as long as the handshake
//! timeout, so that a late packet of it does not open it again. Time is the time of the packets; the
//! system's clock is never read.
//!
//! RFC 9293 section 3.10.7.4 (a SYN on ports that are in use).
//!
//! - pending and WebSocket connections together `<= options.max_connections`
//! - `total_held` is the memory that the held segments of all streams take, in bytes

#![expect(clippy::disallowed_methods, reason = "one for each followed connection")]

use crate::connection::Ended;
use crate::options::Options;
use crate::packet::{Origin, Packet, Payload, Segment};
use crate::sink::Sink;
use crate::tcp::connection_table::{Class, ConnectionTable, Key, SlotIndex};
use crate::tcp::final_output::FinalOutput;
use crate::tcp::live_connection::{LiveConnection, PortReuse};
use crate::websocket::conversation::{Context, Conversation};

/// A connection in the table.
enum Entry {
    Live(Box<LiveConnection>),
    /// Not a WebSocket, or not wanted.
    Ignored,
    /// Ended. The sequence numbers of its SYNs tell a repeated SYN from that of a new connection.
    Ended([Option<u32>; 2]),
}

/// Nanoseconds by which one packet may advance the clock.
const MAX_CLOCK_JUMP: i64 = 60_000_000_000;

/// The connections of a capture.
pub(crate) struct Connections {
    options: Options,
    table: ConnectionTable<Entry>,
    total_held: usize,
    next_id: u64,
    /// The capture's clock, in nanoseconds since the epoch.
    now: i64,
    /// The time of the last packet, if it was too far after `now` to be believed alone.
    unconfirmed: Option<i64>,
}

impl Connections {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            table: ConnectionTable::new(),
            total_held: 0,
            next_id: 0,
            now: i64::MIN,
            unconfirmed: None,
        }
    }

    /// Takes the next packet of the capture.
    pub(crate) fn packet<S: Sink>(&mut self, packet: &Packet<'_>, sink: &mut S) {
        let endpoints = [packet.source, packet.destination];
        self.advance_clock(packet.time);
        self.expire(sink);
        if !self.options.filter.wants_endpoints(endpoints) {
            return;
        }
        let (key, is_reversed) = Key::new(packet.source, packet.destination);
        let sender = usize::from(is_reversed);
        let endpoints = if is_reversed { [endpoints[1], endpoints[0]] } else { endpoints };
        let origin = Origin { packet: packet.number, file: packet.file, time: packet.time };
        match packet.payload {
            Payload::Segment(segment) => {
                self.segment(key, endpoints, sender, &segment, origin, sink);
            }
            Payload::Ordered(bytes) => self.ordered(key, endpoints, sender, bytes, origin, sink),
        }
    }

    /// Advances the clock to the time of a packet. A time far after the clock counts only when the
    /// next packet agrees, because interfaces may have different clocks and records may be damaged.
    fn advance_clock(&mut self, time: i64) {
        let far = self.now != i64::MIN && time.saturating_sub(self.now) > MAX_CLOCK_JUMP;
        let agrees = self
            .unconfirmed
            .is_some_and(|unconfirmed| time >= unconfirmed.saturating_sub(MAX_CLOCK_JUMP));
        self.unconfirmed = (far && !agrees).then_some(time);
        if !far || agrees {
            self.now = self.now.max(time);
        }
    }

    fn segment<S: Sink>(
        &mut self,
        key: Key,
        endpoints: [std::net::SocketAddr; 2],
        sender: usize,
        segment: &Segment<'_>,
        origin: Origin,
        sink: &mut S,
    ) {
        let mut index = self.table.find(&key);
        if let Some(old) = index {
            match self.port_reuse(old, sender, segment) {
                PortReuse::No => {}
                PortReuse::Possible => return,
                PortReuse::Confirmed(syn) => {
                    self.end_connection(old, Ended::Replaced, sink);
                    self.table.remove(old);
                    index = syn.map(|(client, sequence)| {
                        let conversation = Conversation::new(endpoints, Some(client), origin.time);
                        let index = self.open(key, conversation, sink);
                        if let Some(Entry::Live(live)) = self.table.get(index) {
                            live.streams[client].start_with_syn(sequence);
                        }
                        index
                    });
                }
            }
        }
        let has_payload = !segment.bytes.is_empty() || segment.cut > 0;
        let index = match index {
            Some(index) => index,
            None if segment.syn => {
                let client = if segment.acknowledgment.is_some() { 1 - sender } else { sender };
                self.open(key, Conversation::new(endpoints, Some(client), origin.time), sink)
            }
            None if has_payload && !segment.rst => {
                self.open(key, Conversation::new(endpoints, None, origin.time), sink)
            }
            None => return,
        };
        let now = self.now;
        let live = match self.table.get(index) {
            Some(Entry::Live(live)) => live,
            // A late packet does not make the table remember the connection for longer.
            Some(Entry::Ended(_)) => return,
            _ => return self.table.touch(index, Class::Ignored, now),
        };
        let mut context = Context { options: &self.options, next_id: &mut self.next_id, sink };
        let ended = live.segment(sender, segment, origin, now, &mut self.total_held, &mut context);
        self.reclassify(index, ended, origin.time, sink);
    }

    fn ordered<S: Sink>(
        &mut self,
        key: Key,
        endpoints: [std::net::SocketAddr; 2],
        sender: usize,
        bytes: &[u8],
        origin: Origin,
        sink: &mut S,
    ) {
        let index = match self.table.find(&key) {
            Some(index) => index,
            None => self.open(key, Conversation::new(endpoints, None, origin.time), sink),
        };
        if let Some(Entry::Live(live)) = self.table.get(index) {
            let mut context = Context { options: &self.options, next_id: &mut self.next_id, sink };
            live.ordered(sender, bytes, origin, &mut context);
        }
        self.reclassify(index, None, origin.time, sink);
    }

    /// Moves a connection to the right list after one of its packets.
    fn reclassify<S: Sink>(
        &mut self,
        index: SlotIndex,
        ended: Option<Ended>,
        time: i64,
        sink: &mut S,
    ) {
        let class = match self.table.get(index) {
            Some(Entry::Live(live)) if live.conversation.is_dead() => {
                // The segments it still holds are not needed.
                self.end_connection(index, Ended::Fin, sink);
                Class::Ignored
            }
            Some(Entry::Live(live)) => {
                let open = live.conversation.is_open();
                match ended {
                    Some(ended) => {
                        self.end_connection(index, ended, sink);
                        Class::Ignored
                    }
                    None if open => Class::WebSocket,
                    None => Class::Pending,
                }
            }
            _ => Class::Ignored,
        };
        // `now` may not have advanced to an unconfirmed time, but the connection was active then.
        self.table.touch(index, class, self.now.max(time));
    }

    /// Whether a segment opens a new connection on the ports of the one in slot `index`.
    ///
    /// A SYN during an active WebSocket may be a stray packet, and the peer would not reset the
    /// connection because of it (RFC 9293 section 3.10.7.4). So it is only remembered, and opens a
    /// new connection once a later packet confirms it.
    fn port_reuse(&mut self, index: SlotIndex, sender: usize, segment: &Segment<'_>) -> PortReuse {
        match self.table.get(index) {
            Some(Entry::Live(live)) => live.port_reuse(sender, segment),
            Some(Entry::Ended(initial)) if segment.syn => {
                let copy = initial[sender] == Some(segment.sequence);
                if copy { PortReuse::Possible } else { PortReuse::Confirmed(None) }
            }
            Some(Entry::Ignored) if segment.syn && segment.acknowledgment.is_none() => {
                PortReuse::Confirmed(None)
            }
            _ => PortReuse::No,
        }
    }

    fn open<S: Sink>(&mut self, key: Key, conversation: Conversation, sink: &mut S) -> SlotIndex {
        while self.table.len(Class::Pending) + self.table.len(Class::WebSocket)
            >= self.options.max_connections
        {
            let lists = [Class::Pending, Class::WebSocket];
            let oldest = lists.iter().filter_map(|class| self.table.oldest(*class));
            let Some((index, _)) = oldest.min_by_key(|(_, last)| *last) else { break };
            self.end_connection(index, Ended::Evicted, sink);
            self.table.remove(index);
        }
        while self.table.len(Class::Ignored) >= self.options.max_connections {
            let Some((index, _)) = self.table.oldest(Class::Ignored) else { break };
            self.table.remove(index);
        }
        let live = LiveConnection::new(conversation);
        self.table.insert(key, Class::Pending, self.now, Entry::Live(Box::new(live)))
    }

    /// Ends the connections that have been idle for too long.
    #[inline]
    fn expire<S: Sink>(&mut self, sink: &mut S) {
        let Options { idle_timeout, handshake_timeout, .. } = self.options;
        for (class, timeout) in [
            (Class::WebSocket, idle_timeout),
            (Class::Pending, handshake_timeout),
            (Class::Ignored, handshake_timeout),
        ] {
            let deadline = self.now.saturating_sub(timeout);
            while let Some((index, last)) = self.table.oldest(class)
                && last < deadline
            {
                self.end_connection(index, Ended::Idle, sink);
                self.table.remove(index);
            }
        }
    }

    /// Ends a connection. Its slot stays in use, so that late packets are recognised.
    fn end_connection<S: Sink>(&mut self, index: SlotIndex, ended: Ended, sink: &mut S) {
        let Some(entry) = self.table.get(index) else { return };
        let after = match entry {
            Entry::Live(live) if live.conversation.is_dead() => Entry::Ignored,
            Entry::Live(live) => Entry::Ended([
                live.streams[0].initial_sequence(),
                live.streams[1].initial_sequence(),
            ]),
            Entry::Ignored | Entry::Ended(_) => return,
        };
        if let Entry::Live(mut live) = std::mem::replace(entry, after) {
            let mut context = Context { options: &self.options, next_id: &mut self.next_id, sink };
            live.finish(ended, &mut self.total_held, &mut context);
        }
    }

    /// Ends all connections, and reports them in the order of [`FinalOutput`].
    pub(crate) fn finish<S: Sink>(&mut self, sink: &mut S) {
        let mut indexes = self.table.indexes();
        indexes.sort_unstable();
        let mut output = FinalOutput::default();
        for index in indexes {
            self.end_connection(index, Ended::EndOfCapture, &mut output);
            self.table.remove(index);
        }
        output.deliver(sink);
    }
}
