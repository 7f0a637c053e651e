//! The rules that the packet stage keeps for any input, shared with the fuzz target `packets`.
//!
//! A file of any bytes gives:
//!
//! - packets with increasing numbers
//! - then at most one error, in a record that starts within the file
//! - at the end of a file without an error: nothing, or that the file is cut short or not a capture
//!
//! The size of the chunks changes nothing. Every packet is counted in exactly one counter, and
//! every packet counted as a segment or an exported PDU is handed out.

use std::net::SocketAddr;

use wsdefrag_capture::file::error::FileError;
use wsdefrag_capture::packet::counts::Counts;
use wsdefrag_capture::packet::reader::PacketReader;
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
    pub(crate) counts: Counts,
    pub(crate) secrets: Vec<(u32, Vec<u8>)>,
}

/// Reads a file in chunks of these lengths, repeated until its end.
pub(crate) fn read_in(file: &[u8], lengths: &[usize]) -> Outcome {
    let mut reader = PacketReader::new();
    let mut packets = Vec::new();
    let mut error = None;
    let mut rest = file;
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |length| rest.len().min(*length));
        let (chunk, after) = rest.split_at(length);
        let result = reader.receive_data(chunk, &mut |packet| packets.push(Seen::new(&packet)));
        if let Err(found) = result {
            // Every further call returns the same error.
            let again = reader.receive_data(after, &mut |_| panic!("a packet after an error"));
            assert_eq!(again.err(), (!after.is_empty()).then_some(found));
            assert!(!found.is_cut_short());
            error = Some(found);
            break;
        }
        rest = after;
    }
    if let Err(found) = reader.receive_eof() {
        assert_eq!(error, None);
        error = Some(found);
    }
    Outcome { packets, error, counts: reader.counts().clone(), secrets: reader.secrets().to_vec() }
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
    // Payload bytes come from the file, and no byte is handed out twice.
    for seen in &outcome.packets {
        assert!(seen.tags.0.len() <= 32);
        assert_eq!(seen.tags.0.is_empty(), seen.tags.1 == 0);
    }
    let payload: usize = outcome.packets.iter().map(|seen| seen.bytes().len()).sum();
    assert!(payload <= file.len());
    if let Some(error) = outcome.error {
        assert!(error.offset <= file.len() as u64);
        assert!(!error.to_string().is_empty());
    }
}
