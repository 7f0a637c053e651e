//! The rules that the packet stage keeps for any input, shared with the fuzz target `packets`.
//!
//! A file of any bytes gives:
//!
//! - packets with increasing numbers
//! - damage that was passed over, in records that start within the file
//! - at most one error: that it is no capture, or at its end, that it is cut short
//!
//! Neither the size of the chunks nor a sink that is full after each packet changes anything. Every
//! packet is counted in exactly one counter, and the sink gets every packet that is counted as a segment
//! or an exported PDU.

use std::net::SocketAddr;

use wsdefrag_capture::file::damage::Damage;
use wsdefrag_capture::file::error::FileError;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::packet::reader::{PacketReader, PacketSink};
use wsdefrag_capture::packet::{Packet, Payload};

/// A copy of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) number: u64,
    pub(crate) time: i64,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    /// The texts of the tags, and their hashes.
    pub(crate) tags: (Vec<String>, u64, u64),
    pub(crate) payload: SeenPayload,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SeenPayload {
    Segment {
        sequence: u32,
        acknowledgment: Option<u32>,
        /// SYN, FIN, RST.
        flags: [bool; 3],
        bytes: Vec<u8>,
        cut: u32,
    },
    Ordered(Vec<u8>),
}

impl Seen {
    fn new(packet: &Packet<'_>) -> Self {
        Self {
            number: packet.number,
            time: packet.time,
            source: packet.source,
            destination: packet.destination,
            tags: (
                packet.tags.list.iter().map(ToString::to_string).collect(),
                packet.tags.hash,
                packet.tags.shared,
            ),
            payload: match packet.payload {
                Payload::Segment(segment) => SeenPayload::Segment {
                    sequence: segment.sequence,
                    acknowledgment: segment.acknowledgment,
                    flags: [segment.syn, segment.fin, segment.rst],
                    bytes: segment.bytes.to_vec(),
                    cut: segment.cut,
                },
                Payload::Ordered(bytes) => SeenPayload::Ordered(bytes.to_vec()),
            },
        }
    }

    /// The texts of the tags.
    pub(crate) fn tags(&self) -> Vec<&str> {
        self.tags.0.iter().map(String::as_str).collect()
    }

    /// The captured payload.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.payload {
            SeenPayload::Segment { bytes, .. } | SeenPayload::Ordered(bytes) => bytes,
        }
    }
}

/// The result of reading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) packets: Vec<Seen>,
    pub(crate) error: Option<FileError>,
    pub(crate) damages: Vec<Damage>,
    pub(crate) counts: Counts,
    pub(crate) secrets: Vec<(u32, Vec<u8>)>,
}

/// Keeps the packets; it may be full after each.
struct Packets {
    seen: Vec<Seen>,
    one_by_one: bool,
    full: bool,
}

impl PacketSink for Packets {
    fn packet(&mut self, packet: Packet<'_>) {
        self.seen.push(Seen::new(&packet));
        self.full = self.one_by_one;
    }

    fn is_full(&self) -> bool {
        self.full
    }
}

/// Reads a file in chunks of these lengths, repeated until its end.
pub(crate) fn read_in(file: &[u8], lengths: &[usize]) -> Outcome {
    read_with(file, lengths, false)
}

fn read_with(file: &[u8], lengths: &[usize], one_by_one: bool) -> Outcome {
    let mut reader = PacketReader::new();
    let mut packets = Packets { seen: Vec::new(), one_by_one, full: false };
    let mut error = None;
    let mut rest = file;
    let mut lengths = lengths.iter().cycle();
    'file: while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |length| rest.len().min(*length));
        let (mut chunk, after) = rest.split_at(length);
        while !chunk.is_empty() {
            packets.full = false;
            match reader.receive_data(chunk, &mut packets) {
                Ok(taken) => {
                    assert!(taken == chunk.len() || packets.full);
                    chunk = &chunk[taken..];
                }
                Err(found) => {
                    assert!(!found.is_cut_short());
                    error = Some(found);
                    break 'file;
                }
            }
        }
        rest = after;
    }
    while error.is_none() {
        packets.full = false;
        match reader.receive_eof(&mut packets) {
            Ok(true) => break,
            Ok(false) => assert!(packets.full),
            Err(found) => error = Some(found),
        }
    }
    Outcome {
        packets: packets.seen,
        error,
        damages: reader.take_damages().into_iter().map(|(_, damage)| damage).collect(),
        counts: reader.counts().clone(),
        secrets: reader.secrets().to_vec(),
    }
}

/// Reads a file in one chunk and checks the outcome.
pub(crate) fn read(file: &[u8]) -> Outcome {
    let outcome = read_in(file, &[]);
    check(file, &outcome);
    outcome
}

/// Reads a file in one chunk and in several, and checks that the outcomes are equal.
pub(crate) fn check_chunks(file: &[u8], lengths: &[usize]) -> Outcome {
    let outcome = read(file);
    assert_eq!(read_in(file, lengths), outcome);
    assert_eq!(read_with(file, lengths, true), outcome);
    outcome
}

/// Checks a file of any bytes. The first two bytes of `input` give the chunk lengths, and the rest is
/// the file.
pub(crate) fn arbitrary_file(input: &[u8]) {
    let Some(([few, many], file)) = input.split_first_chunk::<2>() else { return };
    check_chunks(file, &[1 + usize::from(*few), 1 + 16 * usize::from(*many)]);
}

fn check(file: &[u8], outcome: &Outcome) {
    let counts = &outcome.counts;
    assert!(outcome.packets.is_sorted_by(|one, other| one.number < other.number));
    assert!(outcome.packets.last().is_none_or(|last| last.number <= counts.packets));
    assert_eq!(outcome.packets.len() as u64, counts.tcp + counts.exported);
    assert_eq!(
        counts.packets,
        counts.tcp
            + counts.exported
            + counts.other
            + counts.malformed
            + counts.unknown_link
            + counts.unread
            + counts.fragments
    );
    assert!(counts.fragments_dropped + counts.fragments_waiting <= counts.fragments);
    assert!(
        counts.unknown_links.iter().map(|(_, count)| count).sum::<u64>() <= counts.unknown_link
    );
    assert!(counts.unread_kinds.iter().map(|(_, count)| count).sum::<u64>() <= counts.unread);
    let cut = |seen: &&Seen| matches!(seen.payload, SeenPayload::Segment { cut: 1.., .. });
    assert_eq!(outcome.packets.iter().filter(cut).count() as u64, counts.cut);
    assert_eq!(counts.first_time.is_some(), counts.packets != 0);
    assert_eq!(counts.last_time.is_some(), counts.packets != 0);
    for seen in &outcome.packets {
        assert!(seen.tags.0.len() <= 32);
        assert_eq!(seen.tags.0.is_empty(), seen.tags.1 == 0);
    }
    // Payload bytes come from the file. After damage, bytes may be handed out a second time.
    let payload: usize = outcome.packets.iter().map(|seen| seen.bytes().len()).sum();
    assert!(payload <= file.len() * if outcome.damages.is_empty() { 1 } else { 2 });
    for damage in &outcome.damages {
        assert!(damage.error.offset + damage.skipped <= file.len() as u64 || damage.more > 0);
        assert!(!damage.to_string().is_empty());
    }
    assert!(outcome.damages.len() <= 17);
    if let Some(error) = outcome.error {
        assert!(error.offset <= file.len() as u64);
        assert!(!error.to_string().is_empty());
    }
}
