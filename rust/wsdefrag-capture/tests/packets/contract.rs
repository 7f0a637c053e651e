//! What the packet stage keeps to, whatever it is fed with: shared with the fuzz target `packets`.
//!
//! The outcomes allowed for a file of any bytes:
//!
//! - packets, numbered upwards, then nothing or one fault, at a record that starts within the file
//! - at the end that the file is cut short, or no capture, or nothing
//!
//! All of it is the same however the file is cut into chunks. Every packet is counted as exactly
//! one thing, and a segment or piece is handed out for each that is counted as one.

use std::net::SocketAddr;

use wsdefrag_capture::file::error::FileError;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::packet::reader::PacketReader;
use wsdefrag_capture::packet::{Packet, Payload};

/// A packet that outlives its chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) number: u64,
    pub(crate) time: i64,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
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

    /// The payload, as far as it was captured.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.payload {
            SeenPayload::Segment { bytes, .. } | SeenPayload::Ordered(bytes) => bytes,
        }
    }
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) packets: Vec<Seen>,
    pub(crate) fault: Option<FileError>,
    pub(crate) counts: Counts,
    pub(crate) secrets: Vec<(u32, Vec<u8>)>,
}

/// Reads a file in chunks of these lengths, over and over.
pub(crate) fn read_in(file: &[u8], lengths: &[usize]) -> Outcome {
    let mut reader = PacketReader::new();
    let mut packets = Vec::new();
    let mut fault = None;
    let mut rest = file;
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |length| rest.len().min(*length));
        let (chunk, behind) = rest.split_at(length);
        let result = reader.receive_data(chunk, &mut |packet| packets.push(Seen::new(&packet)));
        if let Err(broken) = result {
            // It stays so, whatever comes.
            let again = reader.receive_data(behind, &mut |_| panic!("a packet behind a fault"));
            assert_eq!(again.err(), (!behind.is_empty()).then_some(broken));
            assert!(!broken.is_cut_short());
            fault = Some(broken);
            break;
        }
        rest = behind;
    }
    if let Err(broken) = reader.receive_eof() {
        assert_eq!(fault, None);
        fault = Some(broken);
    }
    Outcome { packets, fault, counts: reader.counts().clone(), secrets: reader.secrets().to_vec() }
}

/// Reads a file in one piece and checks what came of it.
pub(crate) fn read(file: &[u8]) -> Outcome {
    let outcome = read_in(file, &[]);
    check(file, &outcome);
    outcome
}

/// Reads a file in one piece and in chunks; it makes no difference.
pub(crate) fn check_chunks(file: &[u8], lengths: &[usize]) -> Outcome {
    let outcome = read(file);
    assert_eq!(read_in(file, lengths), outcome);
    outcome
}

/// Reads a file of any bytes: those behind the first two, which say in which chunks.
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
            + counts.fragments
    );
    assert!(counts.fragments_dropped + counts.fragments_waiting <= counts.fragments);
    assert!(
        counts.unknown_links.iter().map(|(_, count)| count).sum::<u64>() <= counts.unknown_link
    );
    let cut = |seen: &&Seen| matches!(seen.payload, SeenPayload::Segment { cut: 1.., .. });
    assert_eq!(outcome.packets.iter().filter(cut).count() as u64, counts.cut);
    assert_eq!(counts.first_time.is_some(), counts.packets != 0);
    assert_eq!(counts.last_time.is_some(), counts.packets != 0);
    // Payloads are what stands in the file, never more; fragments may overlap, but not twice.
    let payload: usize = outcome.packets.iter().map(|seen| seen.bytes().len()).sum();
    assert!(payload <= file.len());
    if let Some(broken) = outcome.fault {
        assert!(broken.offset <= file.len() as u64);
        assert!(!broken.to_string().is_empty());
    }
}
