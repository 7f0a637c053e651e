//! Packets on their way from the thread that reads to those that follow connections.

#![expect(clippy::disallowed_methods, reason = "at most the packets of some chunks")]

use std::net::SocketAddr;
use std::sync::Arc;

use crate::packet::tags::{Tag, Tags};
use crate::packet::{Packet, Payload, Segment};

/// Payload bytes at which a batch is full.
const FULL_BYTES: usize = 256 << 10;

/// Packets at which a batch is full.
const FULL_PACKETS: usize = 4 << 10;

/// Chunks of files at which a batch is full.
const FULL_CHUNKS: usize = 16;

/// A chunk of a file.
pub(crate) type Chunk = Arc<Vec<u8>>;

/// The place of a payload that is in no chunk: it spans two of them, or several fragments.
const NO_CHUNK: u16 = u16::MAX;

const SYN: u8 = 1;
const FIN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 8;
const ORDERED: u8 = 16;

/// A packet of a batch.
pub(crate) struct BatchedPacket {
    number: u64,
    time: i64,
    /// The time of the clock.
    pub(crate) now: i64,
    /// When it was captured, as far as the clock believes that.
    pub(crate) active: i64,
    source: SocketAddr,
    destination: SocketAddr,
    file: u32,
    /// The number of the tenant, if tags always tell connections apart; else 0.
    pub(crate) tenant: u32,
    sequence: u32,
    acknowledgment: u32,
    cut: u32,
    /// Where its payload begins in its chunk.
    start: u32,
    length: u32,
    /// An index into the tags of the batch.
    tags: u32,
    chunk: u16,
    flags: u8,
    /// Whether its time is doubtful.
    pub(crate) is_doubtful: bool,
}

/// Tags of packets of a batch, as a range of all of its tags.
struct BatchedTags {
    hash: u64,
    shared: u64,
    start: usize,
    end: usize,
}

/// Packets that follow each other.
pub(crate) struct Batch {
    /// The place of the first packet in the capture.
    pub(crate) first: u64,
    pub(crate) packets: Vec<BatchedPacket>,
    /// By worker: the indexes of its packets.
    pub(crate) of_workers: Vec<Vec<u32>>,
    /// When the last packet of the batch before this was captured, if that was doubtful and has been
    /// confirmed, and its worker.
    pub(crate) confirmed: Option<(usize, i64)>,
    chunks: Vec<Chunk>,
    /// Payloads that are in no chunk.
    others: Vec<u8>,
    tags: Vec<BatchedTags>,
    all_tags: Vec<Tag>,
    bytes: usize,
}

impl Batch {
    /// An empty batch for so many workers. `first` is the place of its first packet.
    pub(crate) fn new(first: u64, workers: usize) -> Self {
        Self {
            first,
            packets: Vec::new(),
            of_workers: (0..workers).map(|_| Vec::new()).collect(),
            confirmed: None,
            chunks: Vec::new(),
            others: Vec::new(),
            tags: Vec::new(),
            all_tags: Vec::new(),
            bytes: 0,
        }
    }

    /// Empties a batch that all workers have read, and keeps its memory.
    pub(crate) fn reset(&mut self, first: u64) {
        self.first = first;
        self.packets.clear();
        self.of_workers.iter_mut().for_each(Vec::clear);
        self.confirmed = None;
        self.chunks.clear();
        self.others.clear();
        self.tags.clear();
        self.all_tags.clear();
        self.bytes = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.packets.is_empty() && self.confirmed.is_none()
    }

    /// Whether it is large enough to be sent.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= FULL_BYTES
            || self.packets.len() >= FULL_PACKETS
            || self.chunks.len() >= FULL_CHUNKS
    }

    /// Adds a packet for a worker. `chunk` is what was read of the file last.
    #[inline]
    pub(crate) fn push(
        &mut self,
        packet: &Packet<'_>,
        (now, is_doubtful): (i64, bool),
        (worker, tenant): (usize, u32),
        chunk: Option<&Chunk>,
    ) {
        let (bytes, segment, flags) = match packet.payload {
            Payload::Segment(segment) => {
                let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
                let flags = flag(segment.syn, SYN)
                    | flag(segment.fin, FIN)
                    | flag(segment.rst, RST)
                    | flag(segment.acknowledgment.is_some(), ACK);
                (segment.bytes, segment, flags)
            }
            Payload::Ordered(bytes) => (bytes, Segment::default(), ORDERED),
        };
        let (place, start) = self.place(bytes, chunk);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a chunk has some KiB, a batch some MiB"
        )]
        let (start, length, index) = (start as u32, bytes.len() as u32, self.packets.len() as u32);
        self.bytes += bytes.len();
        let tags = self.tags_of(&packet.tags);
        self.of_workers[worker].push(index);
        self.packets.push(BatchedPacket {
            number: packet.number,
            time: packet.time,
            now,
            active: now,
            source: packet.source,
            destination: packet.destination,
            file: packet.file,
            tenant,
            sequence: segment.sequence,
            acknowledgment: segment.acknowledgment.unwrap_or_default(),
            cut: segment.cut,
            start,
            length,
            tags,
            chunk: place,
            flags,
            is_doubtful,
        });
    }

    /// Where bytes are: the chunk, which they are a part of, or a copy.
    #[inline]
    fn place(&mut self, bytes: &[u8], chunk: Option<&Chunk>) -> (u16, usize) {
        if let Some(chunk) = chunk {
            let start = bytes.as_ptr().addr().wrapping_sub(chunk.as_ptr().addr());
            if start.checked_add(bytes.len()).is_some_and(|end| end <= chunk.len()) {
                let is_known = self.chunks.last().is_some_and(|last| Arc::ptr_eq(last, chunk));
                if !is_known {
                    self.chunks.push(Arc::clone(chunk));
                }
                // There are at most `FULL_CHUNKS`.
                return (u16::try_from(self.chunks.len() - 1).unwrap_or_default(), start);
            }
        }
        let start = self.others.len();
        self.others.extend_from_slice(bytes);
        (NO_CHUNK, start)
    }

    #[inline]
    fn tags_of(&mut self, tags: &Tags<'_>) -> u32 {
        let is_last = self.tags.last().is_some_and(|last| {
            last.hash == tags.hash
                && last.shared == tags.shared
                && self.all_tags[last.start..last.end] == *tags.list
        });
        if !is_last {
            let start = self.all_tags.len();
            self.all_tags.extend_from_slice(tags.list);
            let end = self.all_tags.len();
            self.tags.push(BatchedTags { hash: tags.hash, shared: tags.shared, start, end });
        }
        u32::try_from(self.tags.len() - 1).unwrap_or_default()
    }

    /// The packet with this index.
    #[inline]
    pub(crate) fn packet(&self, index: usize) -> Packet<'_> {
        let it = &self.packets[index];
        let source = match self.chunks.get(usize::from(it.chunk)) {
            Some(chunk) => chunk,
            None => &self.others,
        };
        let bytes = &source[it.start as usize..][..it.length as usize];
        let has = |flag: u8| it.flags & flag != 0;
        let payload = if has(ORDERED) {
            Payload::Ordered(bytes)
        } else {
            Payload::Segment(Segment {
                sequence: it.sequence,
                acknowledgment: has(ACK).then_some(it.acknowledgment),
                syn: has(SYN),
                fin: has(FIN),
                rst: has(RST),
                bytes,
                cut: it.cut,
            })
        };
        let tags = &self.tags[it.tags as usize];
        Packet {
            number: it.number,
            file: it.file,
            time: it.time,
            source: it.source,
            destination: it.destination,
            tags: Tags {
                hash: tags.hash,
                shared: tags.shared,
                list: &self.all_tags[tags.start..tags.end],
            },
            payload,
        }
    }
}
