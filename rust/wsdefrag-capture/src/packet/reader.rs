//! Bytes of capture files in, packets out: the face of the packet stage.
//!
//! ```text
//! chunk -> records -> link -> ip -> (fragments) -> TCP segment
//!                         \-> exported_pdu -> next bytes of a stream
//! ```
//!
//! Packets are ranges of the chunk, except those that the end of a chunk or a fragmentation cut up.
//! They keep the order of the file; a datagram put together from fragments comes with the number
//! and the time of the fragment that completed it. Numbers go on from file to file.
//!
//! The clock is that of the packets, so a run repeats exactly.

use std::net::SocketAddr;

use crate::file::error::FileError;
use crate::file::reader::RecordReader;
use crate::file::record::Record;
use crate::packet::counts::Counts;
use crate::packet::datagram::{Datagram, Part};
use crate::packet::exported_pdu::{Exported, exported};
use crate::packet::ip::{self, Content};
use crate::packet::ip_fragments::{Fragment, Fragments};
use crate::packet::link::{self, Carried};
use crate::packet::{Packet, Payload, Segment};

/// Takes capture files and gives their packets.
#[derive(Debug, Default)]
pub struct PacketReader {
    records: RecordReader,
    layers: Layers,
}

impl PacketReader {
    /// Before the first file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the file at hand; every packet of TCP, and every exported PDU, that
    /// they complete goes to `sink`.
    ///
    /// Behind an error nothing more of the file can be read, and every further call returns it.
    pub fn receive_data(
        &mut self,
        data: &[u8],
        sink: &mut impl FnMut(Packet<'_>),
    ) -> Result<(), FileError> {
        let Self { records, layers } = self;
        records.receive_data(data, &mut |record| layers.receive(record, sink))
    }

    /// The file ends; another may follow, with a header of its own.
    ///
    /// A file that stopped inside a record is [cut short](FileError::is_cut_short). An error that
    /// [`receive_data`](Self::receive_data) returned is not returned again.
    pub fn receive_eof(&mut self) -> Result<(), FileError> {
        self.records.receive_eof()
    }

    /// All packets so far, of any kind, over all files.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.layers.counts.packets
    }

    /// What became of them.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.layers.counts
    }

    /// What the files hold for decrypting them: a kind and the secrets, as pcapng's Decryption
    /// Secrets Blocks have them.
    #[must_use]
    pub fn secrets(&self) -> &[(u32, Vec<u8>)] {
        self.records.secrets().kept()
    }

    /// Blocks of secrets that were too much to keep.
    #[must_use]
    pub const fn secrets_dropped(&self) -> u64 {
        self.records.secrets().dropped()
    }
}

/// Goes through the layers of a packet.
#[derive(Debug, Default)]
struct Layers {
    counts: Counts,
    fragments: Fragments,
}

/// Number and time of a packet.
#[derive(Clone, Copy)]
struct Place {
    number: u64,
    time: i64,
}

impl Layers {
    #[inline]
    fn receive(&mut self, record: &Record<'_>, sink: &mut impl FnMut(Packet<'_>)) {
        self.counts.packets += 1;
        self.counts.first_time.get_or_insert(record.time);
        self.counts.last_time = Some(record.time);
        let place = Place { number: self.counts.packets, time: record.time };
        let Some(link) = record.link else {
            self.counts.malformed += 1;
            return;
        };
        match link::carried(link, record.bytes) {
            Carried::Ip(packet) => {
                let length = record.bytes.len().max(record.length as usize);
                let wire = length - (record.bytes.len() - packet.len());
                self.content(ip::content(packet, wire), place, sink);
            }
            Carried::ExportedPdu(pdu) => self.exported(pdu, record.length, place, sink),
            Carried::Other => self.counts.other += 1,
            Carried::Short => self.counts.malformed += 1,
            Carried::UnknownLink => self.counts.unknown_link(link),
        }
    }

    #[inline]
    fn content(&mut self, content: Content<'_>, place: Place, sink: &mut impl FnMut(Packet<'_>)) {
        match content {
            Content::Tcp(datagram) => self.datagram(&datagram, place, sink),
            Content::Fragment(fragment) => self.fragment(&fragment, place, sink),
            Content::Other => self.counts.other += 1,
            Content::Malformed => self.counts.malformed += 1,
        }
    }

    #[inline]
    fn datagram(
        &mut self,
        datagram: &Datagram<'_>,
        place: Place,
        sink: &mut impl FnMut(Packet<'_>),
    ) {
        let Some((ports, segment)) = ip::segment(datagram.part) else {
            self.counts.malformed += 1;
            return;
        };
        self.counts.tcp += 1;
        self.counts.cut += u64::from(segment.cut != 0);
        sink(Packet {
            number: place.number,
            time: place.time,
            source: SocketAddr::new(datagram.addresses.0, ports.0),
            destination: SocketAddr::new(datagram.addresses.1, ports.1),
            payload: Payload::Segment(segment),
        });
    }

    #[cold]
    fn fragment(
        &mut self,
        fragment: &Fragment<'_>,
        place: Place,
        sink: &mut impl FnMut(Packet<'_>),
    ) {
        let whole = self.fragments.receive(fragment, place.time);
        self.counts.fragments_dropped = self.fragments.dropped();
        self.counts.fragments_waiting = self.fragments.waiting();
        let Some(whole) = whole else {
            self.counts.fragments += 1;
            return;
        };
        let part = Part { bytes: &whole.bytes, length: whole.bytes.len() };
        match ip::behind_extensions(whole.next, part, fragment.key.addresses) {
            Content::Tcp(datagram) => self.datagram(&datagram, place, sink),
            Content::Other => self.counts.other += 1,
            // Nobody sends fragments of fragments.
            Content::Fragment(_) | Content::Malformed => self.counts.malformed += 1,
        }
    }

    fn exported(
        &mut self,
        pdu: &[u8],
        length: u32,
        place: Place,
        sink: &mut impl FnMut(Packet<'_>),
    ) {
        match exported(pdu) {
            // Of a piece that was cut there is no telling what comes next.
            Exported::Tcp { .. } if pdu.len() < length as usize => self.counts.malformed += 1,
            Exported::Tcp { source, destination, sequence, bytes } => {
                self.counts.exported += 1;
                let payload = sequence.map_or(Payload::Ordered(bytes), |sequence| {
                    Payload::Segment(Segment { sequence, bytes, ..Segment::default() })
                });
                let Place { number, time } = place;
                sink(Packet { number, time, source, destination, payload });
            }
            Exported::Other => self.counts.other += 1,
            Exported::Malformed => self.counts.malformed += 1,
        }
    }
}
