//! Tunnels by the protocol number in the IP header.
//!
//! RFC 2003 (IPv4 in IPv4), RFC 4213 (IPv6 in IPv4), RFC 2473 (in IPv6), RFC 3378 (Ethernet in IP),
//! RFC 4023 (MPLS in IP), RFC 8986 (Ethernet in IPv6), RFC 2784 (GRE), RFC 4303 (ESP).

use etherparse::IpNumber;

use crate::packet::datagram::Datagram;
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::tunnel::udp;
use crate::packet::tunnel::udp_tunnel::DecodeAs;
use crate::packet::unread::Unread;

const IPV4: u8 = 4;
const UDP: u8 = 17;
const IPV6: u8 = 41;
const GRE: u8 = 47;
const ESP: u8 = 50;
const MINIMAL: u8 = 55;
const ETHER_IP: u8 = 97;
const IP_COMP: u8 = 108;
const L2TP: u8 = 115;
const MPLS: u8 = 137;
const ETHERNET: u8 = 143;

/// Whether a datagram of this protocol may be a tunnel, or is one that is not followed.
#[must_use]
pub fn may_be_tunnel(protocol: IpNumber) -> bool {
    matches!(
        protocol.0,
        IPV4 | UDP | IPV6 | GRE | ESP | MINIMAL | ETHER_IP | IP_COMP | L2TP | MPLS | ETHERNET
    )
}

/// Removes the header that follows the IP header.
#[must_use]
pub fn payload<'a>(protocol: IpNumber, datagram: Datagram<'a>, decode_as: &[DecodeAs]) -> Step<'a> {
    let rest = datagram.rest;
    let without_id = |kind, header| Step::Tunnel(Tag::without_id(kind), header, rest);
    match protocol.0 {
        UDP => udp::payload(datagram, decode_as),
        IPV4 | IPV6 if datagram.addresses.0.is_ipv6() => without_id(TagKind::InSix, Header::Ip),
        IPV4 => without_id(TagKind::Ipip, Header::Ip),
        IPV6 => without_id(TagKind::SixInFour, Header::Ip),
        GRE => Step::Next(Header::Gre, rest),
        MPLS => without_id(TagKind::MplsInIp, Header::Labels),
        ETHERNET => without_id(TagKind::EtherIp, Header::Ethernet),
        // Two bytes of version and reserved bits.
        ETHER_IP => Step::tunnel(Tag::without_id(TagKind::EtherIp), Header::Ethernet, rest.skip(2)),
        ESP => Step::Unread(Unread::Esp),
        MINIMAL => Step::Unread(Unread::MinimalIp),
        IP_COMP => Step::Unread(Unread::IpComp),
        L2TP => Step::Unread(Unread::L2tpV3),
        _ => Step::Other,
    }
}
