//! All connections together: the memory that they are said to hold, and which of them end for others.

use std::net::SocketAddr;

use crate::connection::{Connection, Ended};
use crate::event::CaptureEvent;
use crate::message::{Message, Status};
use crate::options::Options;
use crate::packet::tags::Tags;
use crate::packet::{Packet, Payload, Segment};
use crate::sink::Sink;
use crate::tcp::connection_table::Key;
use crate::tcp::connections::Connections;
use crate::tcp::entry::Entry;
use crate::tcp::live_connection::LiveConnection;
use crate::tcp::past_connection::IN_TABLE;

const SECOND: i64 = 1_000_000_000;
const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// The header of a message of 64 KiB.
const LARGE: &[u8] = b"\x82\x7f\0\0\0\0\0\x01\0\0";

/// How connections ended, by their client's port, and the messages that were not complete.
#[derive(Default)]
struct Seen {
    ended: Vec<(u16, Ended)>,
    incomplete: Vec<Status>,
    messages: usize,
}

impl Sink for Seen {
    fn opened(&mut self, _: &Connection) {}

    fn message(&mut self, message: Message) {
        self.messages += 1;
        if message.status != Status::Ok {
            self.incomplete.push(message.status);
        }
    }

    fn event(&mut self, _: CaptureEvent) {}

    fn ended(&mut self, connection: Connection) {
        let ended = connection.ended.expect("it has ended");
        self.ended.push((connection.client_address.port(), ended));
    }
}

/// A capture of connections between ports of one client and one server.
struct Wire {
    connections: Connections,
    seen: Seen,
    number: u64,
    now: i64,
}

/// The client and the server.
fn ends(port: u16) -> (SocketAddr, SocketAddr) {
    (SocketAddr::from(([192, 0, 2, 1], port)), SocketAddr::from(([192, 0, 2, 2], 80)))
}

impl Wire {
    fn new(options: Options) -> Self {
        Self {
            connections: Connections::new(options),
            seen: Seen::default(),
            number: 0,
            now: 1_700_000_000 * SECOND,
        }
    }

    fn segment(&mut self, port: u16, from_client: bool, segment: Segment<'_>) {
        let (client, server) = ends(port);
        let (source, destination) = if from_client { (client, server) } else { (server, client) };
        self.number += 1;
        let packet = Packet {
            number: self.number,
            file: 0,
            time: self.now,
            source,
            destination,
            tags: Tags::default(),
            payload: Payload::Segment(segment),
        };
        self.connections.packet(&packet, &mut self.seen);
        self.check();
    }

    fn data(&mut self, port: u16, from_client: bool, sequence: u32, bytes: &[u8]) {
        self.segment(port, from_client, Segment { sequence, bytes, ..Segment::default() });
    }

    /// A connection after its handshake: client and server go on with these sequence numbers.
    fn open(&mut self, port: u16) -> (u32, u32) {
        let syn = Segment { sequence: 99, syn: true, ..Segment::default() };
        self.segment(port, true, syn);
        let answer = Segment { sequence: 4_999, acknowledgment: Some(100), ..syn };
        self.segment(port, false, answer);
        self.data(port, true, 100, REQUEST);
        self.data(port, false, 5_000, ANSWER);
        (100 + u32::try_from(REQUEST.len()).unwrap(), 5_000 + u32::try_from(ANSWER.len()).unwrap())
    }

    /// What is said to be held is what is found if everything is measured again.
    fn check(&mut self) {
        let Connections { table, ledger, total_held, .. } = &mut self.connections;
        let used = ledger.used();
        let (mut sum, mut held) = (0, 0);
        for index in table.indexes() {
            match table.get(index) {
                Some(Entry::Live(live)) => {
                    let measured = live.measured();
                    live.measure(ledger);
                    assert_eq!(live.measured(), measured, "measured after packet {}", self.number);
                    assert!(measured >= size_of::<LiveConnection>() + IN_TABLE);
                    sum += measured;
                    held += live.segments_memory();
                }
                Some(Entry::Past(past)) => {
                    assert!(past.bytes_held() > IN_TABLE + size_of_val(&**past));
                    sum += past.bytes_held();
                }
                None => {}
            }
        }
        assert_eq!((used, ledger.used(), *total_held), (sum, sum, held), "packet {}", self.number);
    }

    fn is_live(&mut self, port: u16) -> bool {
        let (client, server) = ends(port);
        let (key, _) = Key::new(client, server);
        let table = &mut self.connections.table;
        let index = table.find(&key);
        matches!(index.and_then(|index| table.get(index)), Some(Entry::Live(_)))
    }

    fn used(&self) -> usize {
        self.connections.ledger.used()
    }

    fn finish(mut self) -> Seen {
        assert!(self.connections.finish(&mut self.seen));
        self.seen
    }
}

#[test]
fn connection_is_measured_with_what_it_holds() {
    let mut wire = Wire::new(Options::default());
    let (client, server) = wire.open(1);
    let idle = wire.used();
    // A segment after a hole, and the one that fills it.
    wire.data(1, false, server + 10, &[0; 1000]);
    assert!(wire.used() >= idle + 1000);
    wire.data(1, false, server, LARGE);
    assert!(wire.used() >= idle + 1000, "a part of a message");
    wire.data(1, false, server + 1010, &vec![0; 64_536]);
    assert_eq!(wire.seen.messages, 1);
    assert!(wire.used() < idle + 10_000, "what was given out is not held");
    // A compressed message leaves a window, or an inflater.
    let before = wire.used();
    let hello = b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00";
    wire.data(1, true, client, hello);
    assert!(wire.used() > before);
    let end = |sequence| Segment { sequence, fin: true, ..Segment::default() };
    wire.segment(1, true, end(client + 13));
    wire.segment(1, false, end(server + 65_546));
    assert!(wire.used() < idle && wire.used() > IN_TABLE, "an ended connection is remembered");
    assert_eq!(wire.finish().ended, [(1, Ended::Fin)]);
}

/// Before it is known where a direction begins its segments wait, and are held.
#[test]
fn segments_that_wait_for_a_beginning_are_held() {
    let mut wire = Wire::new(Options::default());
    wire.data(1, true, 500, &[b'a'; 5_000]);
    let first = wire.used();
    assert!(wire.connections.total_held >= 5_000);
    wire.data(1, false, 900, &[b'a'; 5_000]);
    assert!(wire.used() >= first + 5_000 && wire.connections.total_held >= 10_000);
    // They are read when the wait is over.
    wire.now += 3 * SECOND;
    wire.data(1, true, 5_500, b"a");
    wire.data(1, false, 5_900, b"a");
    assert_eq!(wire.connections.total_held, 0);
}

#[test]
fn connection_that_is_not_a_websocket_is_remembered_only() {
    let mut wire = Wire::new(Options::default());
    wire.segment(1, true, Segment { sequence: 99, syn: true, ..Segment::default() });
    let live = wire.used();
    wire.data(1, true, 100, b"\x16\x00\xff\xff not HTTP, and no frames\r\n\r\n\0\0\0");
    assert!(wire.used() < live);
    assert!(wire.finish().ended.is_empty());
}

/// Over the bound, unfinished messages are dropped, the largest first, and connections stay.
#[test]
fn memory_over_the_bound_costs_the_largest_messages() {
    let memory = 1 << 20;
    let mut wire = Wire::new(Options { memory, ..Options::default() });
    for port in 1..=40 {
        let (_, server) = wire.open(port);
        wire.data(port, false, server, LARGE);
        wire.data(port, false, server + 10, &vec![0; 30_000 + usize::from(port) * 100]);
        let idle = wire.connections.inflaters.pool.idle_bytes();
        assert!(wire.used() + idle <= memory, "{} bytes", wire.used());
    }
    assert!(wire.connections.has_met_limit);
    // About as many as there is room for go on.
    let seen = wire.finish();
    assert_eq!(seen.ended.len(), 40);
    assert!(seen.ended.iter().all(|(_, ended)| *ended == Ended::EndOfCapture));
    let dropped = seen.incomplete.iter().filter(|status| **status == Status::TooBig).count();
    assert!((10..40).contains(&dropped), "{dropped} messages were dropped");
}

/// Where nothing is unfinished, the connections used least recently end.
#[test]
fn memory_over_the_bound_ends_those_used_least_recently() {
    let mut wire = Wire::new(Options { memory: 128 << 10, ..Options::default() });
    for port in 1..=200 {
        wire.now += SECOND;
        wire.open(port);
        // The first one goes on.
        wire.data(1, true, 100, b"GET");
        assert!(wire.used() <= 128 << 10);
    }
    let ended: Vec<u16> = wire.seen.ended.iter().map(|(port, _)| *port).collect();
    assert!(ended.len() > 100 && ended.len() < 200);
    let expected: Vec<u16> = (2..).take(ended.len()).collect();
    assert_eq!(ended, expected);
    assert!(wire.seen.ended.iter().all(|(_, how)| *how == Ended::Evicted));
    assert_eq!(wire.connections.evicted, ended.len() as u64);
}

#[test]
fn room_for_a_connection_is_made_by_those_needed_least() {
    let options = Options { max_connections: 4, ..Options::default() };
    let mut wire = Wire::new(options);
    for port in 1..=4 {
        wire.open(port);
    }
    // A closing one ends first, then the one used least recently.
    wire.segment(3, true, Segment { sequence: 400, rst: true, ..Segment::default() });
    for port in 5..=6 {
        wire.open(port);
        assert_eq!(wire.connections.live_connections(), 4);
    }
    assert_eq!(wire.seen.ended, [(3, Ended::Rst), (1, Ended::Evicted)]);
    assert_eq!((wire.connections.evicted, wire.connections.evicted_packets), (1, 0));
    // New bytes of the evicted one are counted, and copies are not.
    wire.data(1, true, 100, REQUEST);
    assert_eq!(wire.connections.evicted_packets, 0);
    wire.data(1, true, 100 + u32::try_from(REQUEST.len()).unwrap(), b"new");
    assert_eq!(wire.connections.evicted_packets, 1);
    // Connections that are not known to be WebSockets give way if they are many.
    let syn = Segment { sequence: 99, syn: true, ..Segment::default() };
    for port in 11..=13 {
        wire.segment(port, true, syn);
    }
    let live: Vec<_> =
        [2, 4, 5, 6, 11, 12, 13].into_iter().filter(|port| wire.is_live(*port)).collect();
    assert_eq!(live, [4, 5, 6, 13]);
}

/// A reset or closed connection ends after five minutes, and others only if there is a timeout.
#[test]
fn silence_ends_closing_connections_and_others_after_the_timeout() {
    for (idle_timeout, expected) in [
        (None, &[(2, 300, Ended::Rst)][..]),
        (Some(400), &[(2, 300, Ended::Rst), (1, 400, Ended::Idle)]),
        (Some(100), &[(1, 100, Ended::Idle), (2, 100, Ended::Rst)]),
    ] {
        let timeout = idle_timeout.map(|seconds| seconds * SECOND);
        let mut wire = Wire::new(Options { idle_timeout: timeout, ..Options::default() });
        wire.open(1);
        wire.open(2);
        wire.segment(2, true, Segment { sequence: 400, rst: true, ..Segment::default() });
        let began = wire.now;
        let mut ended = Vec::new();
        // One second after the other: a packet of a third connection moves the clock.
        for second in 1..=500 {
            wire.now = began + second * SECOND;
            wire.segment(3, true, Segment { sequence: 99, syn: true, ..Segment::default() });
            for (port, how) in wire.seen.ended.drain(..) {
                ended.push((port, second - 1, how));
            }
        }
        assert_eq!(ended, expected, "{idle_timeout:?}");
    }
}
