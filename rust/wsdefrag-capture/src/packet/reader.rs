//! The packet stage: bytes of capture files in, packets out.
//!
//! ```text
//! chunk -> record -> link -> ip -> (ip_fragments) -> TCP segment
//!                        \-> exported_pdu -> next bytes of a stream
//! ```
//!
//! Packets are handed out in the order of the file, those of several files by time. Their payload is a slice of the chunk, unless it
//! spans two chunks or several fragments. A datagram reassembled from fragments has the number and
//! the time of the fragment that completed it. Numbers count
//! the packets of all files.
//!
//! The only clock is the time of the packets, so the same input always gives the same output.

use std::net::SocketAddr;

use crate::file::damage::Damage;
use crate::file::error::FileError;
use crate::file::merge::Merge;
use crate::file::record::Record;
use crate::packet::counts::Counts;
use crate::packet::datagram::{Datagram, Rest};
use crate::packet::exported_pdu::{Exported, exported};
use crate::packet::ip::{self, IpPayload};
use crate::packet::ip_fragments::{Defragmenter, Fragment};
use crate::packet::link::{self, LinkPayload};
use crate::packet::{Origin, Packet, Payload, Segment};

/// Receives packets. A closure that takes packets is one.
pub trait PacketSink {
    /// The next packet.
    fn packet(&mut self, packet: Packet<'_>);
    /// Whether no more is wanted for now.
    fn is_full(&self) -> bool {
        false
    }
}

impl<F: FnMut(Packet<'_>)> PacketSink for F {
    #[inline]
    fn packet(&mut self, packet: Packet<'_>) {
        self(packet);
    }
}

/// Reads the packets of capture files, which are merged by time ([`Merge`]).
#[derive(Debug, Default)]
pub struct PacketReader {
    files: Merge,
    layers: Layers,
}

impl PacketReader {
    /// A reader without files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file ([`Merge::add_file`]).
    pub fn add_file(&mut self, first: Option<i64>) -> u32 {
        self.files.add_file(first)
    }

    /// The file whose next bytes are needed; `None` if all have ended.
    pub fn current(&mut self) -> Option<u32> {
        self.files.current()
    }

    /// Takes the next bytes of the current file, or of a new file if there is none. Every TCP segment
    /// and every exported PDU that they complete goes to `sink`, until it is full.
    ///
    /// Returns how many bytes were taken. The others must be given again when the file is current
    /// again.
    ///
    /// # Errors
    ///
    /// If the file is no capture. It has ended then.
    pub fn receive_data(
        &mut self,
        data: &[u8],
        sink: &mut impl PacketSink,
    ) -> Result<usize, FileError> {
        let Self { files, layers } = self;
        files.receive_data(data, &mut |file, record| layers.receive(file, record, sink))
    }

    /// Says that the current file has no more bytes.
    ///
    /// Returns whether it has ended. If not, another file comes first or the sink is full, and the
    /// call must be repeated when the file is current again.
    ///
    /// # Errors
    ///
    /// If the file ended inside a record: it is [cut short](FileError::is_cut_short). If it was empty
    /// or no capture. It has ended then.
    pub fn receive_eof(&mut self, sink: &mut impl PacketSink) -> Result<bool, FileError> {
        let Self { files, layers } = self;
        files.receive_eof(&mut |file, record| layers.receive(file, record, sink))
    }

    /// Ends the current file, which cannot be read any further.
    pub fn abandon(&mut self) {
        self.files.abandon();
    }

    /// The damage that was passed over since the last call, with the index of its file.
    pub fn take_damages(&mut self) -> Vec<(u32, Damage)> {
        self.files.take_damages()
    }

    /// The number of packets so far, of any protocol, in all files.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.layers.counts.packets
    }

    /// What became of the packets so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.layers.counts
    }

    /// The secrets of the files' Decryption Secrets Blocks (pcapng): the type of secrets and their
    /// bytes.
    #[must_use]
    pub fn secrets(&self) -> &[(u32, Vec<u8>)] {
        self.files.secrets().kept()
    }

    /// Decryption Secrets Blocks that were too large to keep.
    #[must_use]
    pub const fn secrets_dropped(&self) -> u64 {
        self.files.secrets().dropped()
    }
}

/// Removes the headers of a packet, layer by layer.
#[derive(Debug, Default)]
struct Layers {
    counts: Counts,
    defragmenter: Defragmenter,
}

impl Layers {
    #[inline]
    fn receive(&mut self, file: u32, record: &Record<'_>, sink: &mut impl PacketSink) -> bool {
        self.counts.packets += 1;
        self.counts.first_time.get_or_insert(record.time);
        self.counts.last_time = Some(record.time);
        let origin = Origin { packet: self.counts.packets, file, time: record.time };
        let Some(link) = record.link else {
            self.counts.malformed += 1;
            return false;
        };
        match link::payload(link, record.bytes) {
            LinkPayload::Ip(packet) => {
                let length = record.bytes.len().max(record.length as usize);
                let wire = length - (record.bytes.len() - packet.len());
                self.ip_payload(ip::payload(packet, wire), origin, sink);
            }
            LinkPayload::ExportedPdu(pdu) => self.exported(pdu, record.length, origin, sink),
            LinkPayload::Other => self.counts.other += 1,
            LinkPayload::Short => self.counts.malformed += 1,
            LinkPayload::UnknownLink => self.counts.unknown_link(link),
        }
        sink.is_full()
    }

    #[inline]
    fn ip_payload(&mut self, payload: IpPayload<'_>, origin: Origin, sink: &mut impl PacketSink) {
        match payload {
            IpPayload::Tcp(datagram) => self.datagram(&datagram, origin, sink),
            IpPayload::Fragment(fragment) => self.fragment(&fragment, origin, sink),
            IpPayload::Other => self.counts.other += 1,
            IpPayload::Malformed => self.counts.malformed += 1,
        }
    }

    #[inline]
    fn datagram(&mut self, datagram: &Datagram<'_>, origin: Origin, sink: &mut impl PacketSink) {
        let Some((ports, segment)) = ip::segment(datagram.rest) else {
            self.counts.malformed += 1;
            return;
        };
        self.counts.tcp += 1;
        self.counts.cut += u64::from(segment.cut != 0);
        sink.packet(Packet {
            number: origin.packet,
            file: origin.file,
            time: origin.time,
            source: SocketAddr::new(datagram.addresses.0, ports.0),
            destination: SocketAddr::new(datagram.addresses.1, ports.1),
            payload: Payload::Segment(segment),
        });
    }

    #[cold]
    fn fragment(&mut self, fragment: &Fragment<'_>, origin: Origin, sink: &mut impl PacketSink) {
        let datagram = self.defragmenter.receive(fragment, origin.time);
        self.counts.fragments_dropped = self.defragmenter.dropped();
        self.counts.fragments_waiting = self.defragmenter.waiting();
        let Some(datagram) = datagram else {
            self.counts.fragments += 1;
            return;
        };
        let rest = Rest { bytes: &datagram.bytes, length: datagram.bytes.len() };
        match ip::after_extensions(datagram.next, rest, fragment.key.addresses) {
            IpPayload::Tcp(datagram) => self.datagram(&datagram, origin, sink),
            IpPayload::Other => self.counts.other += 1,
            // No sender fragments a fragment.
            IpPayload::Fragment(_) | IpPayload::Malformed => self.counts.malformed += 1,
        }
    }

    fn exported(&mut self, pdu: &[u8], length: u32, origin: Origin, sink: &mut impl PacketSink) {
        match exported(pdu) {
            // After a PDU that a snap length cut, the position of the next one is unknown.
            Exported::Tcp { .. } if pdu.len() < length as usize => self.counts.malformed += 1,
            Exported::Tcp { source, destination, sequence, bytes } => {
                self.counts.exported += 1;
                let payload = sequence.map_or(Payload::Ordered(bytes), |sequence| {
                    Payload::Segment(Segment { sequence, bytes, ..Segment::default() })
                });
                let Origin { packet: number, file, time } = origin;
                sink.packet(Packet { number, file, time, source, destination, payload });
            }
            Exported::Other => self.counts.other += 1,
            Exported::Malformed => self.counts.malformed += 1,
        }
    }
}
