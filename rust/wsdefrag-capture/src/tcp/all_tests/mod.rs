//! All connections together: the memory that they are said to hold, and which of them end for others.

mod choice;
mod ends;
mod last_rows;
mod memory;
mod room;
mod secrets;
mod shards;

use std::net::SocketAddr;

use crate::connection::{Connection, Ended};
use crate::event::CaptureEvent;
use crate::message::{Message, Status};
use crate::options::Options;
use crate::packet::tags::Tags;
use crate::packet::{Packet, Payload, Segment};
use crate::sink::Sink;
use crate::tcp::connection_table::SlotIndex;
use crate::tcp::connections::Connections;
use crate::tcp::entry::Entry;
use crate::tcp::key::Key;
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

/// "a" as a message of the client, and of the server.
const FROM_CLIENT: &[u8] = b"\x81\x81\0\0\0\0a";
const FROM_SERVER: &[u8] = b"\x81\x01a";
/// "Hello" of the client, compressed, and once more as a reference to it (RFC 7692 section 7.2.3.2).
const HELLO: &[u8] = b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00";
const HELLO_AGAIN: &[u8] = b"\xc1\x85\0\0\0\0\xf2\x00\x11\x00\x00";
/// What no WebSocket begins with.
const NO_WEBSOCKET: &[u8] = b"\x16\x00\xff\xff not HTTP, and no frames\r\n\r\n\0\0\0";
/// The first segment of a client.
const SYN: Segment<'_> = Segment {
    sequence: 99,
    acknowledgment: None,
    syn: true,
    fin: false,
    rst: false,
    bytes: b"",
    cut: 0,
};

/// How connections ended, by their client's port, and what is known of their messages.
#[derive(Default)]
struct Seen {
    ended: Vec<(u16, Ended)>,
    incomplete: Vec<Status>,
    messages: usize,
    /// The numbers of the messages' connections.
    order: Vec<u64>,
}

impl Sink for Seen {
    fn opened(&mut self, _: &Connection) {}

    fn message(&mut self, message: Message) {
        self.messages += 1;
        self.order.push(message.connection);
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
    /// The hash of the tags of packets.
    tags: u64,
}

/// The client and the server.
fn ends(port: u16) -> (SocketAddr, SocketAddr) {
    (SocketAddr::from(([192, 0, 2, 1], port)), SocketAddr::from(([192, 0, 2, 2], 80)))
}

fn key(port: u16) -> Key {
    let (client, server) = ends(port);
    Key::new(client, server).0
}

/// The sequence number after these bytes.
fn after(sequence: u32, bytes: &[u8]) -> u32 {
    sequence + u32::try_from(bytes.len()).unwrap()
}

impl Wire {
    fn new(options: Options) -> Self {
        Self {
            connections: Connections::new(options),
            seen: Seen::default(),
            number: 0,
            now: 1_700_000_000 * SECOND,
            tags: 0,
        }
    }

    fn segment(&mut self, port: u16, from_client: bool, segment: Segment<'_>) {
        self.packet(port, from_client, segment);
        self.check();
    }

    fn packet(&mut self, port: u16, from_client: bool, segment: Segment<'_>) {
        let (client, server) = ends(port);
        let (source, destination) = if from_client { (client, server) } else { (server, client) };
        self.number += 1;
        let packet = Packet {
            number: self.number,
            file: 0,
            time: self.now,
            source,
            destination,
            tags: Tags { hash: self.tags, shared: self.tags, list: &[] },
            payload: Payload::Segment(segment),
        };
        self.connections.packet(&packet, &mut self.seen);
    }

    fn data(&mut self, port: u16, from_client: bool, sequence: u32, bytes: &[u8]) {
        self.segment(port, from_client, Segment { sequence, bytes, ..Segment::default() });
    }

    /// A connection after its handshake: client and server go on with these sequence numbers.
    fn open(&mut self, port: u16) -> (u32, u32) {
        self.open_at(port, SYN.sequence)
    }

    /// The same, where this is the number of the client's SYN.
    fn open_at(&mut self, port: u16, sequence: u32) -> (u32, u32) {
        self.open_from(port, true, sequence)
    }

    /// The same, where the client may be the end that is the server else.
    fn open_from(&mut self, port: u16, client_is_first: bool, sequence: u32) -> (u32, u32) {
        let syn = Segment { sequence, ..SYN };
        let (client, server) = (sequence + 1, sequence + 4_901);
        self.segment(port, client_is_first, syn);
        let answer = Segment { sequence: server - 1, acknowledgment: Some(client), ..syn };
        self.segment(port, !client_is_first, answer);
        self.data(port, client_is_first, client, REQUEST);
        self.data(port, !client_is_first, server, ANSWER);
        (after(client, REQUEST), after(server, ANSWER))
    }

    /// A RST of the client.
    fn reset(&mut self, port: u16) {
        self.segment(port, true, Segment { sequence: 400, rst: true, ..Segment::default() });
    }

    /// The FINs of the client and of the server, with these numbers.
    fn close(&mut self, port: u16, client: u32, server: u32) {
        for (from_client, sequence) in [(true, client), (false, server)] {
            self.segment(port, from_client, Segment { sequence, fin: true, ..Segment::default() });
        }
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

    fn index(&self, port: u16) -> Option<SlotIndex> {
        self.connections.table.find(&key(port))
    }

    fn is_live(&mut self, port: u16) -> bool {
        let index = self.index(port);
        matches!(index.and_then(|index| self.connections.table.get(index)), Some(Entry::Live(_)))
    }

    fn live(&mut self, port: u16) -> &mut LiveConnection {
        let index = self.index(port).expect("it is in the table");
        match self.connections.table.get(index) {
            Some(Entry::Live(live)) => live,
            _ => panic!("it has ended"),
        }
    }

    fn used(&self) -> usize {
        self.connections.ledger.used()
    }

    fn finish(mut self) -> Seen {
        assert!(self.connections.finish(&mut self.seen));
        self.seen
    }
}
