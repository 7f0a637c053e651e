//! GRE, and what is built on it: NVGRE, ERSPAN and PPTP.
//!
//! RFC 2784 and RFC 2890 (GRE), RFC 7637 section 3.2 (NVGRE), RFC 2637 section 4.1 (PPTP),
//! draft-foschiano-erspan-03 section 4 (ERSPAN), RFC 8086 (GRE in UDP), draft-wilson-wrec-wccp-v2
//! (WCCP). Aruba's protocol numbers are those of Wireshark.

use crate::packet::datagram::{Rest, u16_at, u32_at};
use crate::packet::ethernet::{IPV4, IPV6};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::unread::Unread;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
/// An acknowledgment number, in version 1.
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

const ETHERNET: u16 = 0x6558;
const PPP: u16 = 0x880b;
const WCCP: u16 = 0x883e;
const ERSPAN_2: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;

/// Virtual subnet ids up to this one are reserved (RFC 7637 section 3.2), so such a key is a key.
const LAST_RESERVED_SUBNET: u32 = 0xfff;

/// Removes a GRE header.
#[must_use]
pub fn gre(rest: Rest<'_>) -> Step<'_> {
    let Some((header, mut payload)) = rest.split::<4>() else { return Step::Malformed };
    let (flags, protocol) = (u16_at(header, 0), u16_at(header, 2));
    match flags & VERSION {
        0 => {}
        1 => return pptp(flags, protocol, payload),
        _ => return Step::Other,
    }
    if flags & ROUTING != 0 {
        return Step::Unread(Unread::RoutedGre);
    }
    if flags & CHECKSUM != 0 {
        let Some(after) = payload.skip(4) else { return Step::Malformed };
        payload = after;
    }
    let mut key = None;
    if flags & KEY != 0 {
        let Some((field, after)) = payload.split::<4>() else { return Step::Malformed };
        (key, payload) = (Some(u32_at(field, 0)), after);
    }
    if flags & SEQUENCE != 0 {
        let Some(after) = payload.skip(4) else { return Step::Malformed };
        payload = after;
    }
    let tag = tag(protocol, key);
    match protocol {
        IPV4 | IPV6 => Step::Tunnel(tag, Header::Ip, payload),
        ETHERNET => Step::Tunnel(tag, Header::Ethernet, payload),
        0x8847 | 0x8848 => Step::Tunnel(tag, Header::Labels, payload),
        PPP => Step::Tunnel(tag, Header::Ppp, payload),
        WCCP if payload.ip_version() == Some(4) => Step::Tunnel(tag, Header::Ip, payload),
        // Its second version has a header of 4 bytes.
        WCCP => Step::tunnel(tag, Header::Ip, payload.skip(4)),
        // What Aruba's access points send: 802.11.
        0x8200..=0x82ff => Step::Tunnel(tag, Header::Wifi { padded: false }, payload),
        // Its first type has no header.
        ERSPAN_2 if flags & SEQUENCE == 0 => {
            Step::Tunnel(Tag::without_id(TagKind::Erspan), Header::Ethernet, payload)
        }
        ERSPAN_2 => erspan_2(payload),
        ERSPAN_3 => erspan_3(payload),
        // A keep-alive.
        0 => Step::Other,
        _ => Step::Unread(Unread::OtherGre),
    }
}

fn tag(protocol: u16, key: Option<u32>) -> Tag {
    match key {
        None => Tag::without_id(TagKind::Gre),
        // The lowest byte is the flow id, which differs within a subnet.
        Some(key) if protocol == ETHERNET && key >> 8 > LAST_RESERVED_SUBNET => {
            Tag::new(TagKind::Nvgre, key >> 8)
        }
        Some(key) => Tag::new(TagKind::Gre, key),
    }
}

/// PPTP: the key is the payload's length and a call id.
fn pptp(flags: u16, protocol: u16, payload: Rest<'_>) -> Step<'_> {
    if protocol != PPP || flags & KEY == 0 {
        return Step::Other;
    }
    let Some((key, payload)) = payload.split::<4>() else { return Step::Malformed };
    // Without a sequence number there is an acknowledgment and no payload.
    if flags & SEQUENCE == 0 {
        return Step::Other;
    }
    let size = if flags & ACKNOWLEDGMENT == 0 { 4 } else { 8 };
    let frame = payload.skip(size).map(|frame| frame.limit(u16_at(key, 0).into()));
    Step::tunnel(Tag::new(TagKind::Pptp, u16_at(key, 2).into()), Header::Ppp, frame)
}

/// The session id, in the first 4 bytes of an ERSPAN header.
fn session(header: &[u8]) -> Tag {
    Tag::new(TagKind::Erspan, (u16_at(header, 2) & 0x3ff).into())
}

/// ERSPAN type II: 8 bytes, then Ethernet.
fn erspan_2(rest: Rest<'_>) -> Step<'_> {
    let Some((header, frame)) = rest.split::<8>() else { return Step::Malformed };
    Step::Tunnel(session(header), Header::Ethernet, frame)
}

/// ERSPAN type III: 12 bytes, sometimes 8 more, then what the frame type says.
fn erspan_3(rest: Rest<'_>) -> Step<'_> {
    let Some((header, frame)) = rest.split::<12>() else { return Step::Malformed };
    let has_more = header[11] & 1 != 0;
    let frame = if has_more { frame.skip(8) } else { Some(frame) };
    match u16_at(header, 10) >> 10 & 0x1f {
        0 => Step::tunnel(session(header), Header::Ethernet, frame),
        2 => Step::tunnel(session(header), Header::Ip, frame),
        _ => Step::Unread(Unread::OtherErspan),
    }
}
