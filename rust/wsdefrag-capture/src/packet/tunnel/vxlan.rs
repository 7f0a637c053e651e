//! VXLAN: Ethernet in UDP, also with the generic protocol extension.
//!
//! RFC 7348 section 5, draft-ietf-nvo3-vxlan-gpe section 3. The group policy extension
//! (draft-smith-vxlan-group-policy) uses bits that RFC 7348 lets a receiver ignore.

use crate::packet::datagram::{Rest, u24_at};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::unread::Unread;

/// The flag for a valid network id.
const HAS_ID: u8 = 0x08;
/// The flag for a next protocol.
const HAS_PROTOCOL: u8 = 0x04;
/// The flag for operation and maintenance.
const MAINTENANCE: u8 = 0x01;

/// Removes a VXLAN header.
#[must_use]
pub fn vxlan(rest: Rest<'_>) -> Step<'_> {
    let Some((header, frame)) = rest.split::<8>() else { return Step::Malformed };
    if header[0] & HAS_ID == 0 {
        return Step::Other;
    }
    Step::Tunnel(Tag::new(TagKind::Vxlan, u24_at(header, 4)), Header::Ethernet, frame)
}

/// Removes a VXLAN-GPE header.
#[must_use]
pub fn vxlan_gpe(rest: Rest<'_>) -> Step<'_> {
    let Some((header, payload)) = rest.split::<8>() else { return Step::Malformed };
    if header[0] & HAS_PROTOCOL == 0 {
        return vxlan(rest);
    }
    if header[0] & MAINTENANCE != 0 {
        return Step::Other;
    }
    let tag = Tag::new(TagKind::Vxlan, u24_at(header, 4));
    match header[3] {
        1 | 2 => Step::Tunnel(tag, Header::Ip, payload),
        3 => Step::Tunnel(tag, Header::Ethernet, payload),
        4 => Step::Unread(Unread::Nsh),
        5 => Step::Tunnel(tag, Header::Labels, payload),
        _ => Step::Unread(Unread::OtherVxlan),
    }
}
