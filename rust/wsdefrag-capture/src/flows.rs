//! All connections of a capture: each packet goes to the one it belongs to.
//!
//! A connection begins with a SYN, or with the first bytes that are seen of it, and ends with its
//! FINs or a RST, when it has been idle for too long, when it has to make room, when a SYN begins
//! another on the same ports, or with the capture. The clock is the packets'. What is over, or
//! turned out to be of no interest, is remembered for a while, so that a late packet does not
//! begin it again.

use crate::conversation::{Context, Conversation};
use crate::event::{Connection, Ended, Message, Sink};
use crate::exported_pdu::Seam;
use crate::options::Options;
use crate::packet::{Packet, Payload, Segment};
use crate::table::{Class, Key, Place, Table};
use crate::tcp::{Origin, Piece, Stream};

/// A connection.
enum Flow {
    Live(Box<Live>),
    Ignored,
}

struct Live {
    streams: [Stream; 2],
    /// Where the last pieces of exported PDUs ended.
    seams: Box<[Seam; 2]>,
    conversation: Conversation,
}

/// All connections.
pub(crate) struct Flows {
    options: Options,
    table: Table<Flow>,
    held_in_all: usize,
    next_id: u64,
    now: i64,
}

impl Flows {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, table: Table::new(), held_in_all: 0, next_id: 0, now: i64::MIN }
    }

    /// Takes a packet; packets come in the order of the capture.
    pub(crate) fn packet<S: Sink>(&mut self, packet: &Packet<'_>, sink: &mut S) {
        let ends = [packet.source, packet.destination];
        self.now = self.now.max(packet.time);
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
        if segment.syn
            && let Some(old) = place
            && self.is_over(old, end, segment)
        {
            self.end(old, Ended::Replaced, sink);
            self.table.remove(old);
            place = None;
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
        let Some(Flow::Live(live)) = self.table.get(place) else {
            self.table.touch(place, Class::Ignored, now);
            return;
        };
        let mut context = Context { options: &self.options, next_id: &mut self.next_id, sink };
        let ended = live.segment(end, segment, origin, now, &mut self.held_in_all, &mut context);
        self.after(place, ended, sink);
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
        if let Some(Flow::Live(live)) = self.table.get(place) {
            let mut context = Context { options: &self.options, next_id: &mut self.next_id, sink };
            live.ordered(end, bytes, origin, &mut context);
        }
        self.after(place, None, sink);
    }

    /// Puts a connection where it belongs after a packet of it.
    fn after<S: Sink>(&mut self, place: Place, ended: Option<Ended>, sink: &mut S) {
        let class = match self.table.get(place) {
            Some(Flow::Live(live)) if live.conversation.is_dead() => {
                // What it still holds is of no interest either.
                self.end(place, Ended::Fin, sink);
                Class::Ignored
            }
            Some(Flow::Live(live)) => {
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
        self.table.touch(place, class, self.now);
    }

    /// Whether this SYN cannot belong to the connection that is there.
    fn is_over(&mut self, place: Place, end: usize, segment: &Segment<'_>) -> bool {
        match self.table.get(place) {
            Some(Flow::Live(live)) => live.streams[end].is_other_syn(segment.sequence),
            Some(Flow::Ignored) => segment.acknowledgment.is_none(),
            None => false,
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
        let live = Live { streams: Default::default(), seams: Box::default(), conversation };
        self.table.insert(key, Class::Young, self.now, Flow::Live(Box::new(live)))
    }

    /// Ends what has been idle for too long.
    #[inline]
    fn expire<S: Sink>(&mut self, sink: &mut S) {
        let Options { idle, idle_before_upgrade, .. } = self.options;
        for (class, patience) in [
            (Class::Open, idle),
            (Class::Young, idle_before_upgrade),
            (Class::Ignored, idle_before_upgrade),
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
        let Some(flow) = self.table.get(place) else { return };
        if let Flow::Live(mut live) = std::mem::replace(flow, Flow::Ignored) {
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
        opened.sort_by_key(|connection| connection.id);
        ended.sort_by_key(|connection| connection.id);
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

impl Live {
    /// Takes a piece that needs no putting in order.
    fn ordered<S: Sink>(
        &mut self,
        end: usize,
        bytes: &[u8],
        origin: Origin,
        context: &mut Context<'_, S>,
    ) {
        let Self { seams, conversation, .. } = self;
        conversation.last = origin.time;
        let fresh = seams[end].fresh(bytes);
        if !fresh.is_empty() {
            conversation.piece(end, Piece::Data(fresh, origin), context);
        }
        seams[end].ended(bytes, conversation.unfinished(end));
    }

    /// Takes a segment; tells how it ended the connection, if it did.
    fn segment<S: Sink>(
        &mut self,
        end: usize,
        segment: &Segment<'_>,
        origin: Origin,
        now: i64,
        held_in_all: &mut usize,
        context: &mut Context<'_, S>,
    ) -> Option<Ended> {
        let Self { streams, conversation, .. } = self;
        conversation.last = origin.time;
        if segment.rst {
            return streams[end].accepts_reset(segment.sequence).then_some(Ended::Rst);
        }
        streams[end].segment(segment, origin, held_in_all, &mut |piece| {
            conversation.piece(end, piece, context);
        });
        if let Some(acknowledgment) = segment.acknowledgment {
            streams[1 - end].acknowledge(acknowledgment, now);
        }
        for (end, stream) in streams.iter_mut().enumerate() {
            if stream.is_in_doubt() {
                stream.settle(now, held_in_all, &mut |piece| {
                    conversation.piece(end, piece, context);
                });
            }
        }
        streams.iter().all(Stream::is_finished).then_some(Ended::Fin)
    }

    fn finish<S: Sink>(
        &mut self,
        ended: Ended,
        held_in_all: &mut usize,
        context: &mut Context<'_, S>,
    ) {
        let Self { streams, conversation, .. } = self;
        for (end, stream) in streams.iter_mut().enumerate() {
            stream.finish(held_in_all, &mut |piece| conversation.piece(end, piece, context));
        }
        conversation.finish(ended, [streams[0].repeats, streams[1].repeats], context);
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
