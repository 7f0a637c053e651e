//! IP headers and the TCP header behind them.
//!
//! A packet is read from its front: the IP header, the extension headers of IPv6, the TCP header.
//! How long its payload was on the wire is taken from the IP header; what a snap length kept from
//! being captured of it is the segment's `cut`. Where an IP header leaves its length at 0, because
//! the packet was captured on its way into a network card that cuts it up, the frame's length on
//! the wire takes its place.
//!
//! Checksums are not looked at: on the sending host the network card fills them in behind the
//! capture, so that a wrong one says nothing about what was sent.
//!
//! It follows RFC 791, RFC 8200 (section 4), RFC 4302 (section 2) and RFC 9293 (section 3.1).
//! Tunnels (IP in IP, GRE, VXLAN) are not looked into.

use std::net::IpAddr;

use etherparse::{
    IpAuthHeaderSlice, IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice, ip_number,
};

use crate::packet::Segment;
use crate::packet::datagram::{Datagram, Part};
use crate::packet::ip_fragments::{Fragment, Key};

/// What an IP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// TCP.
    Tcp(Datagram<'a>),
    /// A piece of a fragmented datagram that may hold TCP.
    Fragment(Fragment<'a>),
    /// Something else.
    Other,
    /// It contradicts itself, or was cut off inside its headers.
    Malformed,
}

/// Reads an IP packet; `wire` is the length of its frame from `packet` on, in bytes, and not less
/// than what was captured.
#[inline]
#[must_use]
pub fn content(packet: &[u8], wire: usize) -> Content<'_> {
    match packet.first().map(|byte| byte >> 4) {
        Some(4) => ipv4(packet, wire),
        Some(6) => ipv6(packet, wire),
        _ => Content::Malformed,
    }
}

#[inline]
fn ipv4(packet: &[u8], wire: usize) -> Content<'_> {
    let Ok(header) = Ipv4HeaderSlice::from_slice(packet) else { return Content::Malformed };
    let next = header.protocol();
    if !matches!(next, ip_number::TCP | ip_number::AUTH) {
        return Content::Other;
    }
    let size = header.slice().len();
    let Some(part) = part(packet, size, usize::from(header.total_len()), wire) else {
        return Content::Malformed;
    };
    let addresses = (header.source_addr().into(), header.destination_addr().into());
    if header.is_fragmenting_payload() {
        let identification = u32::from(header.identification());
        return fragment(Fragment {
            key: Key { addresses, identification, protocol: next.0 },
            next,
            offset: header.fragments_offset(),
            more: header.more_fragments(),
            part,
        });
    }
    behind_extensions(next, part, addresses)
}

#[inline]
fn ipv6(packet: &[u8], wire: usize) -> Content<'_> {
    let Ok(header) = Ipv6HeaderSlice::from_slice(packet) else { return Content::Malformed };
    let size = header.slice().len();
    let total = match header.payload_length() {
        0 => 0,
        length => size + usize::from(length),
    };
    let Some(part) = part(packet, size, total, wire) else { return Content::Malformed };
    let addresses = (header.source_addr().into(), header.destination_addr().into());
    behind_extensions(header.next_header(), part, addresses)
}

/// What is behind a header of `size` bytes in a packet of `total` bytes, or of as many as the
/// frame has where that is 0.
#[inline]
fn part(packet: &[u8], size: usize, total: usize, wire: usize) -> Option<Part<'_>> {
    let total = if total == 0 { wire } else { total };
    let captured = packet.len().min(total);
    Some(Part { bytes: packet.get(size..captured)?, length: total - size })
}

/// Goes on behind the header that announced `next`; also behind that of a datagram put together
/// from fragments.
#[inline]
#[must_use]
pub fn behind_extensions(
    mut next: IpNumber,
    mut part: Part<'_>,
    addresses: (IpAddr, IpAddr),
) -> Content<'_> {
    loop {
        let (size, behind) = match next {
            ip_number::TCP => return Content::Tcp(Datagram { addresses, part }),
            ip_number::IPV6_HEADER_HOP_BY_HOP
            | ip_number::IPV6_ROUTE_HEADER
            | ip_number::IPV6_DEST_OPTIONS => match Ipv6RawExtHeaderSlice::from_slice(part.bytes) {
                Ok(header) => (header.slice().len(), header.next_header()),
                Err(_) => return Content::Malformed,
            },
            ip_number::AUTH => match IpAuthHeaderSlice::from_slice(part.bytes) {
                Ok(header) => (header.slice().len(), header.next_header()),
                Err(_) => return Content::Malformed,
            },
            ip_number::IPV6_FRAGMENTATION_HEADER => {
                let Ok(header) = Ipv6FragmentHeaderSlice::from_slice(part.bytes) else {
                    return Content::Malformed;
                };
                let size = header.slice().len();
                if header.is_fragmenting_payload() {
                    return ipv6_fragment(&header, part.behind(size), addresses);
                }
                (size, header.next_header())
            }
            _ => return Content::Other,
        };
        part = part.behind(size);
        next = behind;
    }
}

/// A fragment of IPv6: of a header that can lead to TCP, as far as its own header tells.
fn ipv6_fragment<'a>(
    header: &Ipv6FragmentHeaderSlice<'_>,
    part: Part<'a>,
    addresses: (IpAddr, IpAddr),
) -> Content<'a> {
    let next = header.next_header();
    if !matches!(
        next,
        ip_number::TCP
            | ip_number::AUTH
            | ip_number::IPV6_HEADER_HOP_BY_HOP
            | ip_number::IPV6_ROUTE_HEADER
            | ip_number::IPV6_DEST_OPTIONS
    ) {
        return Content::Other;
    }
    fragment(Fragment {
        // The next header may differ between the fragments of one datagram (RFC 8200 section 4.5).
        key: Key { addresses, identification: header.identification(), protocol: 0 },
        next,
        offset: header.fragment_offset(),
        more: header.more_fragments(),
        part,
    })
}

/// A fragment, if it can be used.
fn fragment(fragment: Fragment<'_>) -> Content<'_> {
    if fragment.is_sound() { Content::Fragment(fragment) } else { Content::Malformed }
}

/// The ports of a TCP segment, and the segment; `None` if the fixed part of its header was not
/// captured, or if the header is longer than the packet, or shorter than any.
///
/// Read here and not by `etherparse`, which wants the options, too: a snap length that cuts them
/// leaves all that is needed to say what is missing.
#[inline]
#[must_use]
pub fn segment(part: Part<'_>) -> Option<((u16, u16), Segment<'_>)> {
    let header = part.bytes.first_chunk::<TCP_HEADER>()?;
    let size = usize::from(header[12] >> 4) * 4;
    if size < TCP_HEADER || size > part.length {
        return None;
    }
    let bytes = part.bytes.get(size..).unwrap_or_default();
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
        cut: u32::try_from(part.length - size - bytes.len()).unwrap_or(u32::MAX),
    };
    Some(((u16(0), u16(2)), segment))
}

/// The fixed part of a TCP header, in bytes.
const TCP_HEADER: usize = 20;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
