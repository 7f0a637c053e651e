//! Removes the headers of a packet, layer by layer, and counts what became of it.
//!
//! ```text
//! link -> Ethernet -> EtherType, tags -> IP -> TCP
//!            ^--------^---------------^-- tunnel
//! ```
//!
//! Most packets are TCP in IP in Ethernet and take three calls. All others go step by step, and leave
//! their tags and tunnels in `path`. A reassembled datagram goes on from where its last fragment
//! was; it may be a tunnel with fragments inside.
//!
//! - at most [`MAX_TUNNELS`](crate::packet::tags::MAX_TUNNELS) tunnels are entered for a packet
//! - every packet is counted once

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::file::record::Record;
use crate::packet::counts::Counts;
use crate::packet::datagram::{Datagram, Rest};
use crate::packet::exported_pdu::{Exported, exported};
use crate::packet::header::Header;
use crate::packet::ip_fragments::{After, Defragmenter, Fragment};
use crate::packet::layer::Step;
use crate::packet::tags::{Path, Tags};
use crate::packet::tunnel::udp_tunnel::DecodeAs;
use crate::packet::tunnel::{gre, ip_protocol};
use crate::packet::unread::Unread;
use crate::packet::{Origin, Packet, Payload, Segment};
use crate::packet::{ethernet, ip, link, llc, mpls, ppp, wifi};

/// Removes the headers of packets.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Layers {
    counts: Counts,
    defragmenter: Defragmenter,
    #[serde(skip)]
    decode_as: Vec<DecodeAs>,
    #[serde(skip)]
    path: Path,
}

impl Layers {
    pub(super) fn new(decode_as: Vec<DecodeAs>) -> Self {
        Self { decode_as, ..Self::default() }
    }

    /// Goes on with these tunnels, after the state was read.
    pub(super) fn resume(&mut self, decode_as: Vec<DecodeAs>) {
        self.decode_as = decode_as;
    }

    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) const fn counts_mut(&mut self) -> &mut Counts {
        &mut self.counts
    }

    #[inline]
    pub(super) fn receive(
        &mut self,
        file: u32,
        record: &Record<'_>,
        sink: &mut impl FnMut(Packet<'_>),
    ) {
        self.counts.packets += 1;
        self.counts.first_time.get_or_insert(record.time);
        self.counts.last_time = Some(record.time);
        let origin = Origin { packet: self.counts.packets, file, time: record.time };
        let Some(link) = record.link else {
            self.counts.malformed += 1;
            return;
        };
        let length = record.bytes.len().max(record.length as usize);
        let step = link::payload(link, Rest { bytes: record.bytes, length });
        let step =
            if let Step::Next(Header::Ip, packet) = step { ip::payload(packet) } else { step };
        if let Step::Tcp(datagram) = step {
            match segment(&mut self.counts, &datagram, origin, Tags::default()) {
                Some(packet) => sink(packet),
                None => self.counts.malformed += 1,
            }
        } else {
            self.path.clear();
            self.follow(step, origin, sink);
        }
    }

    /// Takes the steps that follow from the first.
    #[inline(never)]
    fn follow(&mut self, mut step: Step<'_>, origin: Origin, sink: &mut impl FnMut(Packet<'_>)) {
        loop {
            step = match step {
                Step::Next(header, rest) => next(header, rest),
                Step::Tagged(tag, header, rest) => {
                    self.path.add(tag);
                    next(header, rest)
                }
                Step::Tunnel(tag, header, rest) => {
                    if self.path.enter(tag) {
                        next(header, rest)
                    } else {
                        Step::Unread(Unread::TooDeep)
                    }
                }
                Step::Datagram(protocol, datagram) => {
                    self.path.pass_ip(datagram.addresses);
                    ip_protocol::payload(protocol, datagram, &self.decode_as)
                }
                Step::Fragment(fragment) => return self.fragment(fragment, origin, sink),
                Step::Tcp(datagram) => {
                    let tags = self.path.tags();
                    match segment(&mut self.counts, &datagram, origin, tags) {
                        Some(packet) => return sink(packet),
                        None => Step::Malformed,
                    }
                }
                Step::ExportedPdu(pdu) => return self.exported(pdu, origin, sink),
                Step::Other => return self.counts.other += 1,
                Step::Malformed => return self.counts.malformed += 1,
                Step::Unread(kind) => return self.counts.unread(kind),
                Step::UnknownLink(link) => return self.counts.unknown_link(link),
            };
        }
    }

    #[cold]
    fn fragment(
        &mut self,
        mut fragment: Fragment<'_>,
        origin: Origin,
        sink: &mut impl FnMut(Packet<'_>),
    ) {
        fragment.key.encapsulation = self.path.tags().hash;
        let datagram = self.defragmenter.receive(&fragment, origin.time);
        self.counts.fragments_dropped = self.defragmenter.dropped();
        self.counts.fragments_waiting = self.defragmenter.waiting();
        let Some(datagram) = datagram else {
            self.counts.fragments += 1;
            return;
        };
        let rest = Rest { bytes: &datagram.bytes, length: datagram.bytes.len() };
        let step = match datagram.next {
            After::Ip(next) => ip::after_extensions(next, rest, fragment.key.addresses),
            After::Tunnel(tag, header) => Step::Tunnel(tag, header, rest),
        };
        // No sender fragments a fragment.
        let step = if matches!(step, Step::Fragment(_)) { Step::Malformed } else { step };
        self.follow(step, origin, sink);
    }

    fn exported(&mut self, pdu: Rest<'_>, origin: Origin, sink: &mut impl FnMut(Packet<'_>)) {
        match exported(pdu.bytes) {
            // After a PDU that a snap length cut, the position of the next one is unknown.
            Exported::Tcp { .. } if pdu.bytes.len() < pdu.length => self.counts.malformed += 1,
            Exported::Tcp { source, destination, sequence, bytes } => {
                self.counts.exported += 1;
                let payload = sequence.map_or(Payload::Ordered(bytes), |sequence| {
                    Payload::Segment(Segment { sequence, bytes, ..Segment::default() })
                });
                let Origin { packet: number, file, time } = origin;
                let tags = self.path.tags();
                sink(Packet { number, file, time, source, destination, tags, payload });
            }
            Exported::Unaddressed => self.counts.unread(Unread::UnaddressedPdu),
            Exported::Other => self.counts.other += 1,
            Exported::Malformed => self.counts.malformed += 1,
        }
    }
}

/// The packet with a TCP segment, which is counted; `None` if its header is malformed.
#[inline]
fn segment<'a>(
    counts: &mut Counts,
    datagram: &Datagram<'a>,
    origin: Origin,
    tags: Tags<'a>,
) -> Option<Packet<'a>> {
    let (ports, segment) = ip::segment(datagram.rest)?;
    counts.tcp += 1;
    counts.cut += u64::from(segment.cut != 0);
    Some(Packet {
        number: origin.packet,
        file: origin.file,
        time: origin.time,
        source: SocketAddr::new(datagram.addresses.0, ports.0),
        destination: SocketAddr::new(datagram.addresses.1, ports.1),
        tags,
        payload: Payload::Segment(segment),
    })
}

/// Removes a header.
fn next(header: Header, rest: Rest<'_>) -> Step<'_> {
    match header {
        Header::Ip => ip::payload(rest),
        Header::Ethernet => ethernet::ethernet(rest),
        Header::EtherType(number) => ethernet::ether_type(number, rest),
        Header::Llc => llc::llc(rest),
        Header::Labels => mpls::label(rest),
        Header::Ppp => ppp::ppp(rest),
        Header::Pppoe => ppp::pppoe(rest),
        Header::Wifi { padded } => wifi::wifi(rest, padded),
        Header::SwappedWifi => wifi::swapped(rest),
        Header::Link(link) => link::payload(link, rest),
        Header::Gre => gre::gre(rest),
    }
}
