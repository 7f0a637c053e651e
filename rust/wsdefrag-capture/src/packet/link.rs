//! Link types: what the packets of a capture file start with.
//!
//! The numbers and the layouts are those of <https://www.tcpdump.org/linktypes.html>.

use crate::packet::datagram::{Rest, u16_at, u32_at};
use crate::packet::ethernet::ethernet;
use crate::packet::frame_relay::frame_relay;
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::{llc, ppp, wifi};

/// Removes the first header of a packet of this link type.
#[inline]
#[must_use]
pub fn payload(link: u32, frame: Rest<'_>) -> Step<'_> {
    // LINKTYPE_ETHERNET
    if link == 1 { ethernet(frame) } else { other(link, frame) }
}

fn other(link: u32, frame: Rest<'_>) -> Step<'_> {
    match link {
        // LINKTYPE_NULL, LINKTYPE_LOOP
        0 | 108 => loopback(frame),
        // LINKTYPE_PPP, LINKTYPE_PPP_HDLC
        9 | 50 => ppp::ppp_or_cisco(frame),
        // LINKTYPE_FDDI
        10 => wifi::fddi(frame),
        // LINKTYPE_PPP_ETHER
        51 => ppp::pppoe(frame),
        // LINKTYPE_ATM_RFC1483
        100 => llc::llc(frame),
        // LINKTYPE_RAW, its DLT numbers on BSD and OpenBSD, LINKTYPE_IPV4, LINKTYPE_IPV6
        101 | 12 | 14 | 228 | 229 => Step::Next(Header::Ip, frame),
        // LINKTYPE_C_HDLC
        104 => ppp::cisco_hdlc(frame),
        // LINKTYPE_IEEE802_11
        105 => wifi::wifi(frame, false),
        // LINKTYPE_FRELAY
        107 => frame_relay(frame),
        // LINKTYPE_LINUX_SLL
        113 => linux_cooked(frame),
        // LINKTYPE_IEEE802_11_RADIOTAP
        127 => wifi::radiotap(frame),
        // LINKTYPE_PPI
        192 => wifi::per_packet_information(frame),
        // LINKTYPE_PPP_WITH_DIR: a byte for the direction
        204 => Step::next(Header::Ppp, frame.skip(1)),
        // LINKTYPE_NFLOG
        239 => netfilter_log(frame),
        // LINKTYPE_IPOIB
        242 => infiniband(frame),
        // LINKTYPE_WIRESHARK_UPPER_PDU
        252 => Step::ExportedPdu(frame),
        // LINKTYPE_PKTAP
        258 => apple_tap(frame),
        // LINKTYPE_LINUX_SLL2
        276 => linux_cooked_2(frame),
        link => Step::UnknownLink(link),
    }
}

/// An address family of the capturing system, which may be of either byte order.
fn loopback(frame: Rest<'_>) -> Step<'_> {
    let Some((header, rest)) = frame.split::<4>() else { return Step::Malformed };
    let family = u32_at(header, 0);
    by_family(if family > 0xffff { family.swap_bytes() } else { family }, rest)
}

fn by_family(family: u32, rest: Rest<'_>) -> Step<'_> {
    match family {
        // AF_INET everywhere; AF_INET6 on NetBSD and OpenBSD, FreeBSD, macOS, Linux and Windows.
        2 | 24 | 28 | 30 | 10 | 23 => Step::Next(Header::Ip, rest),
        _ => Step::Other,
    }
}

/// Linux's cooked header of 16 bytes. Numbers below those of Ethernet are Linux's own.
fn linux_cooked(frame: Rest<'_>) -> Step<'_> {
    const LLC: u16 = 4;
    let Some((header, rest)) = frame.split::<16>() else { return Step::Malformed };
    match u16_at(header, 14) {
        LLC => Step::Next(Header::Llc, rest),
        ..=0x5ff => Step::Other,
        number => Step::Next(Header::EtherType(number), rest),
    }
}

/// Its second version, of 20 bytes.
fn linux_cooked_2(frame: Rest<'_>) -> Step<'_> {
    const LLC: u16 = 4;
    let Some((header, rest)) = frame.split::<20>() else { return Step::Malformed };
    match u16_at(header, 0) {
        LLC => Step::Next(Header::Llc, rest),
        ..=0x5ff => Step::Other,
        number => Step::Next(Header::EtherType(number), rest),
    }
}

/// A message of Linux's netfilter: a family and attributes in the byte order of its system, of which
/// one is the packet.
fn netfilter_log(frame: Rest<'_>) -> Step<'_> {
    const PAYLOAD: u16 = 9;
    /// Bits of a type that are flags.
    const FLAGS: u16 = 0xc000;
    let Some((header, mut rest)) = frame.split::<4>() else { return Step::Malformed };
    let family = header[0];
    while let Some((head, _)) = rest.split::<4>() {
        let [little, big] =
            [u16::from_le_bytes, u16::from_be_bytes].map(|read| read([head[2], head[3]]) & !FLAGS);
        // There are some twenty types, so the right byte order gives the lesser number.
        let (kind, length) = if little <= big {
            (little, u16::from_le_bytes([head[0], head[1]]))
        } else {
            (big, u16::from_be_bytes([head[0], head[1]]))
        };
        let length = usize::from(length);
        if length < head.len() {
            return Step::Malformed;
        }
        if kind == PAYLOAD {
            return by_family(family.into(), rest.limit(length).after(head.len()));
        }
        match rest.skip(length.next_multiple_of(4)) {
            Some(next) => rest = next,
            None => return Step::Malformed,
        }
    }
    // A message may come without its packet.
    if rest.length == 0 { Step::Other } else { Step::Malformed }
}

/// IP over `InfiniBand` (RFC 4391 section 6), after a global routing header of 40 bytes.
fn infiniband(frame: Rest<'_>) -> Step<'_> {
    let Some((header, rest)) = frame.split::<44>() else { return Step::Malformed };
    Step::Next(Header::EtherType(u16_at(header, 40)), rest)
}

/// Apple's header: its length, what follows, the link type of the packet.
fn apple_tap(frame: Rest<'_>) -> Step<'_> {
    const PACKET: u32 = 1;
    let Some((header, _)) = frame.split::<12>() else { return Step::Malformed };
    let [size, kind, link] = [0, 4, 8].map(|at| u32_at(header, at).swap_bytes());
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    match kind {
        _ if size < header.len() => Step::Malformed,
        PACKET => Step::next(Header::Link(link), frame.skip(size)),
        _ => Step::Other,
    }
}
