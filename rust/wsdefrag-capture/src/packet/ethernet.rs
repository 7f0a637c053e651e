//! Ethernet: its header, and the tags after it.
//!
//! An `EtherType` names the next header: IP, another tag, MPLS, `PPPoE`. A number up to 1,500 is the
//! length of an 802.2 header and its payload instead. Padding and check sequences are left in place:
//! the length in the IP header excludes them.
//!
//! IEEE 802.1Q (VLAN tags, 802.1ad and 802.1ah included), IEEE 802.1BR (E-tag), IEEE 802.1AE
//! (`MACsec`). VN-tags and Cisco metadata have no public standard; the layouts are those that
//! Wireshark and tcpdump read.

use crate::packet::datagram::{Rest, u16_at, u24_at};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::unread::Unread;

/// Destination, source and `EtherType`.
pub(crate) const ETHERNET_HEADER: usize = 14;

/// The `EtherType` of IPv4.
pub(crate) const IPV4: u16 = 0x0800;
/// The `EtherType` of IPv6.
pub(crate) const IPV6: u16 = 0x86dd;

/// Numbers up to this one are lengths.
const MAX_LENGTH: u16 = 1_500;

/// Removes an Ethernet header.
#[inline]
#[must_use]
pub fn ethernet(frame: Rest<'_>) -> Step<'_> {
    let Some((header, rest)) = frame.split::<ETHERNET_HEADER>() else { return Step::Malformed };
    match u16_at(header, 12) {
        IPV4 | IPV6 => Step::Next(Header::Ip, rest),
        number => Step::Next(Header::EtherType(number), rest),
    }
}

/// Removes what an `EtherType` announces.
#[must_use]
pub fn ether_type(number: u16, rest: Rest<'_>) -> Step<'_> {
    match number {
        IPV4 | IPV6 => Step::Next(Header::Ip, rest),
        // 802.1Q, 802.1ad, and the numbers used before 802.1ad.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => vlan(rest),
        0x88e7 => backbone_service(rest),
        0x893f => e_tag(rest),
        0x8926 => vn_tag(rest),
        0x8909 => cisco_metadata(rest),
        0x88e5 => macsec(rest),
        0x8847 | 0x8848 => Step::Next(Header::Labels, rest),
        0x8864 => Step::Next(Header::Pppoe, rest),
        // Transparent Ethernet bridging (RFC 1701).
        0x6558 => Step::Next(Header::Ethernet, rest),
        0x22f3 => Step::Unread(Unread::Trill),
        0x894f => Step::Unread(Unread::Nsh),
        // Cisco FabricPath: a tree and a time to live, then the customer's frame.
        0x8903 => Step::next(Header::Ethernet, rest.skip(2)),
        0x4305 => Step::Unread(Unread::Batman),
        ..=MAX_LENGTH => Step::Next(Header::Llc, rest),
        _ => Step::Other,
    }
}

/// A VLAN tag: priority and VLAN id, then the next `EtherType`.
fn vlan(rest: Rest<'_>) -> Step<'_> {
    let Some((tag, rest)) = rest.split::<4>() else { return Step::Malformed };
    let next = Header::EtherType(u16_at(tag, 2));
    match u16_at(tag, 0) & 0xfff {
        // A tag with nothing but a priority.
        0 => Step::Next(next, rest),
        id => Step::Tagged(Tag::new(TagKind::Vlan, id.into()), next, rest),
    }
}

/// The service tag of 802.1ah: flags, the service id, and the customer's frame.
fn backbone_service(rest: Rest<'_>) -> Step<'_> {
    let Some((tag, rest)) = rest.split::<4>() else { return Step::Malformed };
    Step::Tagged(Tag::new(TagKind::Isid, u24_at(tag, 1)), Header::Ethernet, rest)
}

/// An E-tag: the ingress port, the port, their extensions, then the next `EtherType`.
fn e_tag(rest: Rest<'_>) -> Step<'_> {
    let Some((tag, rest)) = rest.split::<8>() else { return Step::Malformed };
    let port = u16_at(tag, 2) & 0x3fff;
    let tag_of_port = Tag::new(TagKind::Etag, u32::from(tag[5]) << 14 | u32::from(port));
    Step::Tagged(tag_of_port, Header::EtherType(u16_at(tag, 6)), rest)
}

/// A VN-tag: destination and source interface, then the next `EtherType`.
fn vn_tag(rest: Rest<'_>) -> Step<'_> {
    let Some((tag, rest)) = rest.split::<6>() else { return Step::Malformed };
    let source = u16_at(tag, 2) & 0xfff;
    let next = Header::EtherType(u16_at(tag, 4));
    Step::Tagged(Tag::new(TagKind::Vntag, source.into()), next, rest)
}

/// Cisco metadata: version, length, an option's type, the security group, the next `EtherType`.
fn cisco_metadata(rest: Rest<'_>) -> Step<'_> {
    let Some((tag, rest)) = rest.split::<8>() else { return Step::Malformed };
    let next = Header::EtherType(u16_at(tag, 6));
    Step::Tagged(Tag::new(TagKind::Sgt, u16_at(tag, 4).into()), next, rest)
}

/// A `MACsec` tag (IEEE 802.1AE section 9.3). The payload can be read unless it is encrypted.
fn macsec(rest: Rest<'_>) -> Step<'_> {
    const ENCRYPTED: u8 = 0x08;
    const CHANGED: u8 = 0x04;
    const CHANNEL_ID: u8 = 0x20;
    let Some(flags) = rest.bytes.first() else { return Step::Malformed };
    if flags & (ENCRYPTED | CHANGED) != 0 {
        return Step::Unread(Unread::Macsec);
    }
    let size = if flags & CHANNEL_ID == 0 { 6 } else { 14 };
    match rest.skip(size).and_then(Rest::split::<2>) {
        Some((number, rest)) => Step::Next(Header::EtherType(u16_at(number, 0)), rest),
        None => Step::Malformed,
    }
}
