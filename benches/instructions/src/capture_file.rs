//! A capture file in memory: one WebSocket connection, a packet for each message.

use crate::wire::{Numbers, frame, json, key};

const CLIENT: ([u8; 4], u16) = ([192, 0, 2, 1], 40_000);
const SERVER: ([u8; 4], u16) = ([192, 0, 2, 2], 80);

const REQUEST: &[u8] = b"GET /feed HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// The file while it is written, and where both directions stand.
struct File {
    bytes: Vec<u8>,
    time: u32,
    client_next: u32,
    server_next: u32,
}

impl File {
    fn new() -> Self {
        // pcap, little-endian, microseconds, Ethernet.
        let header = [0xA1B2_C3D4, 0x0004_0002, 0, 0, 0x0004_0000, 1_u32];
        let bytes = header.into_iter().flat_map(u32::to_le_bytes).collect();
        Self { bytes, time: 0, client_next: 1000, server_next: 5000 }
    }

    fn packet(&mut self, from_client: bool, flags: u8, payload: &[u8]) {
        let (from, to) = if from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let (mut sequence, mut acknowledged) = (self.client_next, self.server_next);
        if !from_client {
            std::mem::swap(&mut sequence, &mut acknowledged);
        }
        let total = u16::try_from(20 + 20 + payload.len()).expect("a packet's length");
        let mut packet = vec![0; 12];
        packet.extend([0x08, 0x00]);
        packet.extend([0x45, 0]);
        packet.extend(total.to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        packet.extend(from.0);
        packet.extend(to.0);
        packet.extend(from.1.to_be_bytes());
        packet.extend(to.1.to_be_bytes());
        packet.extend(sequence.to_be_bytes());
        packet.extend(acknowledged.to_be_bytes());
        packet.extend([0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
        packet.extend(payload);
        let length = u32::try_from(packet.len()).expect("a packet's length");
        self.time += 100;
        let record = [1_700_000_000 + self.time / 1_000_000, self.time % 1_000_000, length, length];
        self.bytes.extend(record.into_iter().flat_map(u32::to_le_bytes));
        self.bytes.extend(packet);
        let taken =
            u32::try_from(payload.len()).expect("a packet's length") + u32::from(flags & SYN != 0);
        if from_client {
            self.client_next += taken;
        } else {
            self.server_next += taken;
        }
    }
}

/// A capture with this many messages; every fourth is the client's.
pub(crate) fn capture_file(messages: u32) -> Vec<u8> {
    let mut numbers = Numbers::new(8);
    let mut file = File::new();
    file.packet(true, SYN, b"");
    file.packet(false, SYN | ACK, b"");
    file.packet(true, ACK, b"");
    file.packet(true, ACK, REQUEST);
    file.packet(false, ACK, ANSWER);
    for place in 0..messages {
        let from_client = place % 4 == 0;
        let key = if from_client { key(&mut numbers) } else { None };
        let mut bytes = Vec::new();
        frame(&mut bytes, 0x81, key, &json(&mut numbers));
        file.packet(from_client, ACK, &bytes);
        file.packet(!from_client, ACK, b"");
    }
    file.bytes
}
