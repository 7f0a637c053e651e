//! All connections of a capture: each packet goes to the one it belongs to.
//!
//! A connection begins with a SYN, or with the first bytes that are seen of it, and ends with its
//! FINs or a RST, when it has been idle for too long, when it has to make room, when a SYN begins
//! another on the same ports, or with the capture. The clock is the packets'. What is over, or
//! turned out to be of no interest, is remembered for a while, so that a late packet does not
//! begin it again.

use crate::connection::{Connection, Ended};
use crate::message::Message;
use crate::options::Options;
use crate::packet::{Origin, Packet, Payload, Segment};
use crate::sink::Sink;
use crate::tcp::connection_table::{Class, ConnectionTable, Key, Place};
use crate::tcp::live_connection::{Challenge, LiveConnection};
use crate::websocket::conversation::{Context, Conversation};

/// A connection.
enum Entry {
    Live(Box<LiveConnection>),
    /// Of no interest.
    Ignored,
    /// Over; the sequence numbers of its SYNs tell copies of its packets from those of another.
    Over([Option<u32>; 2]),
}

/// Nanoseconds by which the clock may go ahead at once.
const LEAP: i64 = 60_000_000_000;

/// All connections.
pub(crate) struct Connections {
    options: Options,
    table: ConnectionTable<Entry>,
    held_in_all: usize,
    next_id: u64,
    now: i64,
    /// A time that is too far ahead to be believed alone.
    claimed: Option<i64>,
}

impl Connections {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            table: ConnectionTable::new(),
            held_in_all: 0,
            next_id: 0,
            now: i64::MIN,
            claimed: None,
        }
    }

    /// Takes a packet; packets come in the order of the capture.
    pub(crate) fn packet<S: Sink>(&mut self, packet: &Packet<'_>, sink: &mut S) {
        let ends = [packet.source, packet.destination];
        self.tick(packet.time);
        self.expire(sink);
        if !self.options.filter.wants_ends(ends) {
            return;
        }
        let (key, swapped) = Key::new(packet.source, packet.destination);
        let end = usize::from(swapped);
        let ends = if swapped { [ends[1], ends[0]] } else { ends };
        let origin = Origin { packet: packet.number, time: packet.time };
        match packet.payload {
            Payload::Segment(segment) => self.segment(key, ends, end, &segment, origin, sink),
            Payload::Ordered(bytes) => self.ordered(key, ends, end, bytes, origin, sink),
        }
    }

    /// Moves the clock. A packet far ahead of the others needs the next one to agree: interfaces
    /// may have different clocks, and records may be damaged.
    fn tick(&mut self, time: i64) {
        let far = self.now != i64::MIN && time.saturating_sub(self.now) > LEAP;
        let agrees = self.claimed.is_some_and(|claimed| time >= claimed.saturating_sub(LEAP));
        self.claimed = (far && !agrees).then_some(time);
        if !far || agrees {
            self.now = self.now.max(time);
        }
    }

    fn segment<S: Sink>(
        &mut self,
        key: Key,
        ends: [std::net::SocketAddr; 2],
        end: usize,
        segment: &Segment<'_>,
        origin: Origin,
        sink: &mut S,
    ) {
        let mut place = self.table.find(&key);
        if let Some(old) = place {
            match self.challenge(old, end, segment) {
                Challenge::None => {}
                Challenge::Open => return,
                Challenge::Won(syn) => {
                    self.end(old, Ended::Replaced, sink);
                    self.table.remove(old);
                    place = syn.map(|(end, sequence)| {
                        let conversation = Conversation::new(ends, Some(end), origin.time);
                        let place = self.begin(key, conversation, sink);
                        if let Some(Entry::Live(live)) = self.table.get(place) {
                            live.streams[end].begin(sequence);
                        }
                        place
                    });
                }
            }
        }
        let carries = !segment.bytes.is_empty() || segment.cut > 0;
        let place = match place {
            Some(place) => place,
            None if segment.syn => {
                let client = if segment.acknowledgment.is_some() { 1 - end } else { end };
                self.begin(key, Conversation::new(ends, Some(client), origin.time), sink)
            }
            None if carries && !segment.rst => {
                self.begin(key, Conversation::new(ends, None, origin.time), sink)
            }
            None => return,
        };
        let now = self.now;
        let live = match self.table.get(place) {
            Some(Entry::Live(live)) => live,
            // What is over is remembered for a while, and no longer.
            Some(Entry::Over(_)) => return,
            _ => return self.table.touch(place, Class::Ignored, now),
        };
        let mut context = Context { options: &self.options, next_id: &mut self.next_id, sink };
        let ended = live.segment(end, segment, origin, now, &mut self.held_in_all, &mut context);
        self.after(place, ended, origin.time, sink);
    }

    fn ordered<S: Sink>(
        &mut self,
        key: Key,
        ends: [std::net::SocketAddr; 2],
        end: usize,
        bytes: &[u8],
        origin: Origin,
        sink: &mut S,
    ) {
        let place = match self.table.find(&key) {
            Some(place) => place,
            None => self.begin(key, Conversation::new(ends, None, origin.time), sink),
        };
        if let Some(Entry::Live(live)) = self.table.get(place) {
            let mut context = Context { options: &self.options, next_id: &mut self.next_id, sink };
            live.ordered(end, bytes, origin, &mut context);
        }
        self.after(place, None, origin.time, sink);
    }

    /// Puts a connection where it belongs after a packet of it.
    fn after<S: Sink>(&mut self, place: Place, ended: Option<Ended>, time: i64, sink: &mut S) {
        let class = match self.table.get(place) {
            Some(Entry::Live(live)) if live.conversation.is_dead() => {
                // What it still holds is of no interest either.
                self.end(place, Ended::Fin, sink);
                Class::Ignored
            }
            Some(Entry::Live(live)) => {
                let open = live.conversation.is_open();
                match ended {
                    Some(ended) => {
                        self.end(place, ended, sink);
                        Class::Ignored
                    }
                    None if open => Class::Open,
                    None => Class::Young,
                }
            }
            _ => Class::Ignored,
        };
        // Where the clock is still in doubt, the packet is not.
        self.table.touch(place, class, self.now.max(time));
    }

    /// Whether a segment begins another connection on the ports of the one that is there.
    ///
    /// A SYN that comes while a WebSocket goes on may be a stray: the other end would not believe
    /// it before it is sure (RFC 9293 section 3.10.7.4). So it is only noted, and wins when
    /// something follows it.
    fn challenge(&mut self, place: Place, end: usize, segment: &Segment<'_>) -> Challenge {
        match self.table.get(place) {
            Some(Entry::Live(live)) => live.challenge(end, segment),
            Some(Entry::Over(initial)) if segment.syn => {
                let copy = initial[end] == Some(segment.sequence);
                if copy { Challenge::Open } else { Challenge::Won(None) }
            }
            Some(Entry::Ignored) if segment.syn && segment.acknowledgment.is_none() => {
                Challenge::Won(None)
            }
            _ => Challenge::None,
        }
    }

    fn begin<S: Sink>(&mut self, key: Key, conversation: Conversation, sink: &mut S) -> Place {
        while self.table.len(Class::Young) + self.table.len(Class::Open)
            >= self.options.max_connections
        {
            let lists = [Class::Young, Class::Open];
            let oldest = lists.iter().filter_map(|class| self.table.oldest(*class));
            let Some((place, _)) = oldest.min_by_key(|(_, last)| *last) else { break };
            self.end(place, Ended::Evicted, sink);
            self.table.remove(place);
        }
        while self.table.len(Class::Ignored) >= self.options.max_connections {
            let Some((place, _)) = self.table.oldest(Class::Ignored) else { break };
            self.table.remove(place);
        }
        let live = LiveConnection::new(conversation);
        self.table.insert(key, Class::Young, self.now, Entry::Live(Box::new(live)))
    }

    /// Ends what has been idle for too long.
    #[inline]
    fn expire<S: Sink>(&mut self, sink: &mut S) {
        let Options { idle_timeout, handshake_timeout, .. } = self.options;
        for (class, patience) in [
            (Class::Open, idle_timeout),
            (Class::Young, handshake_timeout),
            (Class::Ignored, handshake_timeout),
        ] {
            let before = self.now.saturating_sub(patience);
            while let Some((place, last)) = self.table.oldest(class)
                && last < before
            {
                self.end(place, Ended::Idle, sink);
                self.table.remove(place);
            }
        }
    }

    /// Ends a connection; its place stays taken.
    fn end<S: Sink>(&mut self, place: Place, ended: Ended, sink: &mut S) {
        let Some(entry) = self.table.get(place) else { return };
        let after = match entry {
            Entry::Live(live) if live.conversation.is_dead() => Entry::Ignored,
            Entry::Live(live) => {
                Entry::Over([live.streams[0].initial(), live.streams[1].initial()])
            }
            Entry::Ignored | Entry::Over(_) => return,
        };
        if let Entry::Live(mut live) = std::mem::replace(entry, after) {
            let mut context = Context { options: &self.options, next_id: &mut self.next_id, sink };
            live.finish(ended, &mut self.held_in_all, &mut context);
        }
    }

    /// Ends all connections. Messages come in the order of the packets that completed them, as
    /// before, and then the connections in the order of their numbers.
    pub(crate) fn finish<S: Sink>(&mut self, sink: &mut S) {
        let mut places = self.table.places();
        places.sort_unstable();
        let mut last = Collected::default();
        for place in places {
            self.end(place, Ended::EndOfCapture, &mut last);
            self.table.remove(place);
        }
        let Collected { mut opened, mut messages, mut ended } = last;
        messages.sort_by_key(|m| (m.last_packet, m.connection, m.from_client, m.seq));
        opened.sort_by_key(|connection| connection.connection);
        ended.sort_by_key(|connection| connection.connection);
        for connection in &opened {
            sink.opened(connection);
        }
        for message in messages {
            sink.message(message);
        }
        for connection in ended {
            sink.ended(connection);
        }
    }
}

/// What the end of a capture brings, before it is put in order.
#[derive(Default)]
struct Collected {
    opened: Vec<Connection>,
    messages: Vec<Message>,
    ended: Vec<Connection>,
}

impl Sink for Collected {
    fn opened(&mut self, connection: &Connection) {
        self.opened.push(connection.clone());
    }

    fn message(&mut self, message: Message) {
        self.messages.push(message);
    }

    fn ended(&mut self, connection: Connection) {
        self.ended.push(connection);
    }
}
