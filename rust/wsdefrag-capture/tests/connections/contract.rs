//! The rules that hold for any capture of a connection, shared with the fuzz target `connections`.
//!
//! The input is a script: a byte of options, then steps of an operation, a length and that many
//! bytes. The steps become packets between one pair of ports, in a pcap file of raw IP packets. An
//! option adds a handshake, so that a fuzzer reaches the frames. Another one puts packets into
//! tunnels: as copies of what one connection sends, and as packets of a tenant with other sequence
//! numbers.
//!
//! - nothing panics
//! - every message and event belongs to an open connection, and those of a direction are numbered
//!   from 0; an event comes before the message that it names
//! - every gap is shown once in its place and once as a row, and the rows have every missing byte of
//!   the account, every lost byte after the first gap, and every violation
//! - every connection ends once, with balanced accounts
//! - the size of the chunks changes nothing

#![allow(clippy::cast_possible_truncation, reason = "lengths in scripts are of one byte")]

use std::collections::HashMap;

use wsdefrag_capture::event::{Detail, GapEffect};
use wsdefrag_capture::message::Status;
use wsdefrag_capture::options::ConnectionKey;
use wsdefrag_capture::{Capture, CaptureEvent, Connection, Message, Options, Sink};

// The bits of the byte of options.
const HANDSHAKE: u8 = 1;
const DEFLATE: u8 = 2;
const NO_TAKEOVER: u8 = 4;
const RESYNC: u8 = 8;
const WITHOUT_CONTENTS: u8 = 16;
const SMALL_LIMITS: u8 = 32;
const TUNNELS: u8 = 64;
const BY_TAGS: u8 = 128;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Checks the rules for one input.
///
/// # Panics
///
/// If a rule is broken.
pub(crate) fn check(input: &[u8]) {
    let Some((&options, script)) = input.split_first() else { return };
    check_file(options, &file(options, script));
}

/// Checks the rules for a capture file, read with these options.
pub(crate) fn check_file(options: u8, file: &[u8]) {
    let whole = read(options, file, file.len());
    assert_eq!(whole, read(options, file, 7), "in chunks");
}

/// The options of a capture that a byte describes.
pub(crate) fn options(bits: u8) -> Options {
    let mut options = Options {
        resync: bits & RESYNC != 0,
        contents: bits & WITHOUT_CONTENTS == 0,
        key: if bits & BY_TAGS == 0 { ConnectionKey::Auto } else { ConnectionKey::Tagged },
        ..Options::default()
    };
    if bits & SMALL_LIMITS != 0 {
        options.limits.max_message_size = Some(40);
        options.limits.max_fragments = Some(3);
        options.limits.max_frame_size = Some(30);
    }
    options
}

fn read(bits: u8, file: &[u8], chunk: usize) -> Output {
    let mut output = Output::default();
    let mut capture = Capture::new(options(bits));
    for chunk in file.chunks(chunk) {
        let taken = capture.receive_data(chunk, &mut output).expect("the file is a capture");
        assert_eq!(taken, chunk.len(), "the output is never full");
    }
    assert!(capture.receive_eof(&mut output).expect("the file is whole"));
    assert_eq!(capture.take_damages(), []);
    capture.finish(&mut output);
    assert!(output.open.is_empty(), "all connections have ended");
    output
}

/// The messages and connections that were reported.
#[derive(Debug, Default, PartialEq)]
struct Output {
    /// For each open connection, the number of the next message of each direction.
    open: HashMap<u64, [u64; 2]>,
    /// For each direction, its events in their places.
    events: HashMap<(u64, bool), Vec<CaptureEvent>>,
    /// The rows of the events, each when it became certain.
    rows: Vec<CaptureEvent>,
    messages: Vec<Message>,
    ended: Vec<Connection>,
}

impl Sink for Output {
    fn opened(&mut self, connection: &Connection) {
        assert!(self.open.insert(connection.connection, [0, 0]).is_none(), "opened twice");
    }

    fn message(&mut self, message: Message) {
        let next = &mut self.open.get_mut(&message.connection).expect("it is open")
            [usize::from(message.from_client)];
        assert_eq!(message.seq, *next);
        assert!(message.first_packet <= message.last_packet);
        *next += 1;
        self.messages.push(message);
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.place(gap);
    }

    fn event(&mut self, event: CaptureEvent) {
        if let Detail::Gap(cost) = &event.detail {
            assert!(cost.is_final);
            let places = self.events.get_mut(&(event.connection, event.from_client));
            let place = places.unwrap().iter_mut().find(|place| place.event == event.event);
            let place = place.expect("a gap is shown in its place before its row");
            let Detail::Gap(before) = &place.detail else { panic!("{place:?}") };
            assert_eq!((before.effect, before.incomplete), (cost.effect, cost.incomplete));
            assert_eq!((before.undecodable == 0, before.lost), (true, 0));
            *place = event.clone();
        } else {
            self.place(&event);
        }
        self.rows.push(event);
    }

    fn ended(&mut self, connection: Connection) {
        self.check_events(&connection);
        let seqs = self.open.remove(&connection.connection).expect("it was open");
        for (account, messages) in
            [&connection.from_server, &connection.from_client].iter().zip(seqs)
        {
            assert!(account.is_balanced(), "{account:?}");
            assert!(account.missing + account.late <= account.bytes, "{account:?}");
            assert_eq!(account.messages, messages);
        }
        self.ended.push(connection);
    }
}

impl Output {
    /// Takes an event in its place.
    fn place(&mut self, event: &CaptureEvent) {
        let next = &self.open[&event.connection][usize::from(event.from_client)];
        assert_eq!(event.seq, *next);
        let places = self.events.entry((event.connection, event.from_client)).or_default();
        assert_eq!(event.event, places.len() as u64);
        places.push(event.clone());
    }

    /// Compares the events of a connection with its accounts.
    fn check_events(&self, connection: &Connection) {
        for from_client in [false, true] {
            let account = connection.account(from_client);
            let none = Vec::new();
            let events = self.events.get(&(connection.connection, from_client)).unwrap_or(&none);
            let count = |number| events.iter().filter(move |event| event.detail.number() == number);
            let gaps: Vec<_> = count(3).collect();
            let costs = gaps.iter().map(|gap| match &gap.detail {
                Detail::Gap(cost) => cost,
                detail => panic!("{detail:?}"),
            });
            let costs: Vec<_> = costs.collect();
            assert!(costs.iter().all(|cost| cost.is_final), "{events:?}");
            // Before its first frame, a direction remembers only so many gaps.
            if gaps.len() < 64 {
                assert_eq!(gaps.len() as u64, account.gaps);
                assert_eq!(
                    gaps.iter().map(|gap| gap.length).sum::<u64>(),
                    account.missing + account.late
                );
            }
            assert!(costs.iter().map(|cost| cost.lost).sum::<u64>() <= account.lost);
            let incomplete = account.counts.of_status(Status::Incomplete);
            assert!(costs.iter().map(|cost| cost.incomplete).sum::<u64>() <= incomplete);
            let undecodable = account.counts.of_status(Status::Undecodable);
            assert!(costs.iter().map(|cost| cost.undecodable).sum::<u64>() <= undecodable);
            let ends = costs.iter().filter(|cost| cost.effect == GapEffect::End).count();
            assert!(ends <= 1, "{events:?}");
            let violations = count(4).map(|event| &event.detail).collect::<Vec<_>>();
            match account.violation {
                Some(error) => assert_eq!(violations, [&Detail::Violation(error)]),
                None => assert!(violations.is_empty(), "{violations:?}"),
            }
            let positions = events.iter().map(|event| event.offset);
            let positions: Vec<_> = positions.collect();
            assert!(positions.iter().all(|offset| *offset <= account.bytes), "{events:?}");
        }
    }
}

/// Writes packets between one pair of ports.
pub(crate) struct Writer {
    pub(crate) file: Vec<u8>,
    pub(crate) microseconds: u32,
    /// The next sequence number of each side, indexed by `from_client`.
    pub(crate) next: [u32; 2],
    /// The tunnel of the next packets: 0 for none; from 2 on with sequence numbers of another
    /// connection.
    tunnel: u8,
}

impl Writer {
    pub(crate) fn new() -> Self {
        let mut file = Vec::new();
        for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_536, 101] {
            file.extend(field.to_le_bytes());
        }
        Self { file, microseconds: 0, next: [0xffff_ff00, 5], tunnel: 0 }
    }

    fn packet(&mut self, from_client: bool, sequence: u32, flags: u8, payload: &[u8], cut: usize) {
        self.microseconds += 1;
        let side = usize::from(from_client);
        let far = if self.tunnel < 2 { 0 } else { 0x4000_0000 };
        let (sequence, acknowledgment) =
            (sequence.wrapping_add(far), self.next[1 - side].wrapping_add(far));
        let length = u16::try_from(40 + payload.len()).unwrap();
        let mut packet = vec![0x45, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0]);
        packet.extend([2 - side as u8, 10, 0, 0, 1 + side as u8]);
        let ports = if from_client { [40_000_u16, 80] } else { [80, 40_000] };
        packet.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
        packet.extend(sequence.to_be_bytes());
        packet.extend(acknowledgment.to_be_bytes());
        packet.extend([0x50, flags, 1, 0, 0, 0, 0, 0]);
        packet.extend(payload);
        if self.tunnel > 0 {
            let length = u16::try_from(20 + packet.len()).unwrap();
            let mut outer = vec![0x45, 0];
            outer.extend(length.to_be_bytes());
            outer.extend([0, 0, 0, 0, 64, 4, 0, 0, 10, 9, 0, 1, 10, 9, 1, self.tunnel]);
            packet.splice(..0, outer);
        }
        let captured = packet.len() - cut.min(payload.len());
        for field in [
            self.microseconds / 1_000_000,
            self.microseconds % 1_000_000,
            captured as u32,
            packet.len() as u32,
        ] {
            self.file.extend(field.to_le_bytes());
        }
        self.file.extend(&packet[..captured]);
    }

    /// Writes the next bytes of one side.
    pub(crate) fn data(&mut self, from_client: bool, payload: &[u8]) {
        let side = usize::from(from_client);
        self.packet(from_client, self.next[side], ACK, payload, 0);
        self.next[side] = self.next[side].wrapping_add(payload.len() as u32);
    }

    /// Opens the TCP connection.
    pub(crate) fn open(&mut self) {
        for (from_client, flags) in [(true, SYN), (false, SYN | ACK)] {
            let side = usize::from(from_client);
            self.packet(from_client, self.next[side], flags, b"", 0);
            self.next[side] = self.next[side].wrapping_add(1);
        }
    }

    fn handshake(&mut self, bits: u8) {
        self.open();
        let request = format!(
            "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: \
             Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        self.data(true, request.as_bytes());
        let extensions = match (bits & DEFLATE != 0, bits & NO_TAKEOVER != 0) {
            (false, _) => "",
            (true, false) => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            (true, true) => {
                "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; \
                 server_no_context_takeover\r\n"
            }
        };
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: \
             Upgrade\r\nSec-WebSocket-Accept: {ACCEPT}\r\n{extensions}\r\n"
        );
        self.data(false, response.as_bytes());
    }
}

/// A frame with this first byte and payload. A client's frame has a masking key of zeros.
pub(crate) fn frame(from_client: bool, first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = if from_client { 0x80 } else { 0 };
    let mut frame = vec![first, mask | payload.len().min(125) as u8];
    if from_client {
        frame.extend([0; 4]);
    }
    frame.extend(&payload[..payload.len().min(125)]);
    frame
}

/// The capture file that a script describes.
pub(crate) fn file(bits: u8, mut script: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    if bits & HANDSHAKE != 0 {
        writer.handshake(bits);
    }
    while let [operation, length, rest @ ..] = script {
        let (payload, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        script = rest;
        let from_client = operation & 1 != 0;
        let side = usize::from(from_client);
        let next = writer.next[side];
        if bits & TUNNELS != 0 {
            writer.tunnel = operation >> 5 & 3;
        }
        match operation >> 1 & 15 {
            0 => writer.data(from_client, payload),
            1..=6 => {
                let first =
                    [0x81, 0x82, 0x01, 0x80, 0xc1, 0x89][usize::from(operation >> 1 & 15) - 1];
                writer.data(from_client, &frame(from_client, first, payload));
            }
            // Sent, and not captured.
            7 => writer.next[side] = next.wrapping_add(u32::from(*length)),
            // After a hole.
            8 => writer.packet(from_client, next.wrapping_add(u32::from(*length)), ACK, payload, 0),
            // At positions already sent, with the same or other bytes.
            9 => writer.packet(from_client, next.wrapping_sub(u32::from(*length)), ACK, payload, 0),
            10 => {
                writer.packet(from_client, next, ACK, payload, payload.len() / 2);
                writer.next[side] = next.wrapping_add(payload.len() as u32);
            }
            11 => writer.microseconds += u32::from(*length) * 400_000,
            12 => writer.packet(from_client, next, ACK | FIN, payload, 0),
            13 => writer.packet(from_client, next, RST, b"", 0),
            14 => writer.packet(from_client, next.wrapping_mul(7), SYN, b"", 0),
            _ => writer.packet(from_client, next, ACK, b"", 0),
        }
    }
    writer.file
}
