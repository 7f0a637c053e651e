//! Headers of IP and TCP: removes them and returns the TCP segment.
//!
//! A packet is read from its start: the IP header, the extension headers of IPv6, the TCP header. A
//! datagram of another protocol is returned if that may be a tunnel.
//! The IP header tells the payload's length on the wire; payload bytes that a snap length removed
//! are counted in the segment's `cut`. A length of 0 in an IP header means that the packet was
//! captured before the network card split it, so the frame's length on the wire is used instead.
//!
//! Checksums are not verified: the network card of the sending host fills them in after the packet
//! was captured.
//!
//! RFC 791, RFC 8200 section 4, RFC 4302 section 2, RFC 9293 section 3.1.

use std::net::IpAddr;

use etherparse::{
    IpAuthHeaderSlice, IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice, ip_number,
};

use crate::packet::Segment;
use crate::packet::datagram::{Datagram, Rest};
use crate::packet::ip_fragments::{After, Fragment, Key};
use crate::packet::layer::Step;
use crate::packet::tunnel::ip_protocol::may_be_tunnel;

/// Reads an IP packet, whose length is that of its frame without the link headers.
#[inline]
#[must_use]
pub fn payload(packet: Rest<'_>) -> Step<'_> {
    match packet.bytes.first().map(|byte| byte >> 4) {
        Some(4) => ipv4(packet),
        Some(6) => ipv6(packet),
        _ => Step::Malformed,
    }
}

#[inline]
fn ipv4(packet: Rest<'_>) -> Step<'_> {
    let Ok(header) = Ipv4HeaderSlice::from_slice(packet.bytes) else { return Step::Malformed };
    let next = header.protocol();
    if next != ip_number::TCP && next != ip_number::AUTH && !may_be_tunnel(next) {
        return Step::Other;
    }
    let size = header.slice().len();
    let Some(rest) = after_header(packet, size, usize::from(header.total_len())) else {
        return Step::Malformed;
    };
    let addresses = (header.source_addr().into(), header.destination_addr().into());
    if header.is_fragmenting_payload() {
        let identification = u32::from(header.identification());
        return fragment(Fragment {
            key: Key { addresses, identification, protocol: next.0, encapsulation: 0 },
            next: After::Ip(next),
            offset: header.fragments_offset(),
            more: header.more_fragments(),
            rest,
        });
    }
    after_extensions(next, rest, addresses)
}

#[inline]
fn ipv6(packet: Rest<'_>) -> Step<'_> {
    let Ok(header) = Ipv6HeaderSlice::from_slice(packet.bytes) else { return Step::Malformed };
    let size = header.slice().len();
    let total = match header.payload_length() {
        0 => 0,
        length => size + usize::from(length),
    };
    let Some(rest) = after_header(packet, size, total) else { return Step::Malformed };
    let addresses = (header.source_addr().into(), header.destination_addr().into());
    after_extensions(header.next_header(), rest, addresses)
}

/// Removes a header of `size` bytes from a packet of `total` bytes; a `total` of 0 stands for the
/// length of its frame.
#[inline]
fn after_header(packet: Rest<'_>, size: usize, total: usize) -> Option<Rest<'_>> {
    let total = if total == 0 { packet.length } else { total };
    let captured = packet.bytes.len().min(total);
    Some(Rest { bytes: packet.bytes.get(size..captured)?, length: total - size })
}

/// Removes the extension headers from `rest`, which starts with a header of the type `next`. Also
/// used for datagrams reassembled from fragments.
#[inline]
#[must_use]
pub fn after_extensions(
    mut next: IpNumber,
    mut rest: Rest<'_>,
    addresses: (IpAddr, IpAddr),
) -> Step<'_> {
    loop {
        let (size, following) = match next {
            ip_number::TCP => return Step::Tcp(Datagram { addresses, rest }),
            ip_number::IPV6_HEADER_HOP_BY_HOP
            | ip_number::IPV6_ROUTE_HEADER
            | ip_number::IPV6_DEST_OPTIONS => match Ipv6RawExtHeaderSlice::from_slice(rest.bytes) {
                Ok(header) => (header.slice().len(), header.next_header()),
                Err(_) => return Step::Malformed,
            },
            ip_number::AUTH => match IpAuthHeaderSlice::from_slice(rest.bytes) {
                Ok(header) => (header.slice().len(), header.next_header()),
                Err(_) => return Step::Malformed,
            },
            ip_number::IPV6_FRAGMENTATION_HEADER => {
                let Ok(header) = Ipv6FragmentHeaderSlice::from_slice(rest.bytes) else {
                    return Step::Malformed;
                };
                let size = header.slice().len();
                if header.is_fragmenting_payload() {
                    return ipv6_fragment(&header, rest.after(size), addresses);
                }
                (size, header.next_header())
            }
            next if may_be_tunnel(next) => {
                return Step::Datagram(next, Datagram { addresses, rest });
            }
            _ => return Step::Other,
        };
        rest = rest.after(size);
        next = following;
    }
}

/// An IPv6 fragment, if its next header is TCP, a tunnel or one that those may follow.
fn ipv6_fragment<'a>(
    header: &Ipv6FragmentHeaderSlice<'_>,
    rest: Rest<'a>,
    addresses: (IpAddr, IpAddr),
) -> Step<'a> {
    let next = header.next_header();
    if !may_be_tunnel(next)
        && !matches!(
            next,
            ip_number::TCP
                | ip_number::AUTH
                | ip_number::IPV6_HEADER_HOP_BY_HOP
                | ip_number::IPV6_ROUTE_HEADER
                | ip_number::IPV6_DEST_OPTIONS
        )
    {
        return Step::Other;
    }
    fragment(Fragment {
        // The next header may differ between the fragments of one datagram (RFC 8200 section 4.5).
        key: Key {
            addresses,
            identification: header.identification(),
            protocol: 0,
            encapsulation: 0,
        },
        next: After::Ip(next),
        offset: header.fragment_offset(),
        more: header.more_fragments(),
        rest,
    })
}

/// A fragment, or `Malformed` if it cannot be reassembled.
fn fragment(fragment: Fragment<'_>) -> Step<'_> {
    if fragment.is_sound() { Step::Fragment(fragment) } else { Step::Malformed }
}

/// The source and destination port of a TCP segment, and the segment. `None` if the fixed part of
/// the header was not captured, or if the header's length is less than 20 bytes or more than the
/// packet's.
///
/// `etherparse` is not used here because it fails when a snap length cut the options, which are not
/// needed.
#[inline]
#[must_use]
pub fn segment(rest: Rest<'_>) -> Option<((u16, u16), Segment<'_>)> {
    let header = rest.bytes.first_chunk::<TCP_HEADER>()?;
    let size = usize::from(header[12] >> 4) * 4;
    if size < TCP_HEADER || size > rest.length {
        return None;
    }
    let bytes = rest.bytes.get(size..).unwrap_or_default();
    let u16 = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let u32 = |at: usize| u32::from(u16(at)) << 16 | u32::from(u16(at + 2));
    let flags = header[13];
    let segment = Segment {
        sequence: u32(4),
        acknowledgment: (flags & ACK != 0).then(|| u32(8)),
        syn: flags & SYN != 0,
        fin: flags & FIN != 0,
        rst: flags & RST != 0,
        bytes,
        cut: u32::try_from(rest.length - size - bytes.len()).unwrap_or(u32::MAX),
    };
    Some(((u16(0), u16(2)), segment))
}

/// The fixed part of a TCP header, in bytes.
const TCP_HEADER: usize = 20;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
