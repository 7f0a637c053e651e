//! UDP: the tunnels on known ports, and what looks like one elsewhere.
//!
//! RFC 768. The caller's ports count before the registered ones, those of the destination before
//! those of the source.

use crate::packet::datagram::{Datagram, u16_at};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::tunnel::udp_tunnel::{DecodeAs, UdpTunnel};
use crate::packet::tunnel::{capwap, geneve, gtp, guess, l2tp, tzsp, vxlan};

/// Removes a UDP header, and the tunnel header after it.
#[must_use]
pub fn payload<'a>(datagram: Datagram<'a>, decode_as: &[DecodeAs]) -> Step<'a> {
    let Some((header, rest)) = datagram.rest.split::<8>() else { return Step::Malformed };
    let [source, destination, length] = [0, 2, 4].map(|at| u16_at(header, at));
    let rest = match usize::from(length) {
        // Only datagrams without a length in their IP header may have none here.
        0 => rest,
        length if length < header.len() => return Step::Malformed,
        length => rest.limit(length - header.len()),
    };
    let datagram = Datagram { rest, ..datagram };
    match tunnel(source, destination, decode_as) {
        Some(tunnel) => payload_of(tunnel, datagram),
        None => guess::payload(source, destination, rest),
    }
}

fn tunnel(source: u16, destination: u16, decode_as: &[DecodeAs]) -> Option<UdpTunnel> {
    let chosen = |port| decode_as.iter().rfind(|it| it.port == port).map(|it| it.tunnel);
    let registered = |port, is_source: bool| match UdpTunnel::of_port(port) {
        Some((tunnel, both)) if both || !is_source => Some(tunnel),
        _ => None,
    };
    chosen(destination)
        .or_else(|| chosen(source))
        .or_else(|| registered(destination, false))
        .or_else(|| registered(source, true))
}

fn payload_of(tunnel: UdpTunnel, datagram: Datagram<'_>) -> Step<'_> {
    let rest = datagram.rest;
    let directly = |kind, header, rest| Step::Tunnel(Tag::without_id(kind), header, rest);
    match tunnel {
        UdpTunnel::Vxlan => vxlan::vxlan(rest),
        UdpTunnel::VxlanGpe => vxlan::vxlan_gpe(rest),
        UdpTunnel::Geneve => geneve::geneve(rest),
        UdpTunnel::Gtp => gtp::gtp(rest),
        UdpTunnel::L2tp => l2tp::l2tp(rest),
        UdpTunnel::Tzsp => tzsp::tzsp(rest),
        // RFC 7510.
        UdpTunnel::Mpls => directly(TagKind::MplsInIp, Header::Labels, rest),
        UdpTunnel::Capwap => capwap::capwap(datagram),
        UdpTunnel::Gre => Step::Next(Header::Gre, rest),
        UdpTunnel::Ip => directly(TagKind::Udp, Header::Ip, rest),
        UdpTunnel::Ethernet => directly(TagKind::Udp, Header::Ethernet, rest),
        UdpTunnel::Data => Step::Other,
    }
}
