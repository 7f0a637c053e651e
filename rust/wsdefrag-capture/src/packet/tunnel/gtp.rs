//! GTP-U: the user plane of mobile networks.
//!
//! 3GPP TS 29.281 section 5.1 (the header), section 5.2 (extension headers).

use crate::packet::datagram::{Rest, u16_at, u32_at};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::unread::Unread;

/// Version and protocol type, which are 1 and 1.
const VERSION: u8 = 0xf0;
const GTP_1: u8 = 0x30;
/// The flags for an extension header, a sequence number and an N-PDU number.
const OPTIONAL: u8 = 0x07;
const EXTENSION: u8 = 0x04;
/// The type of messages that carry packets of users.
const USER_DATA: u8 = 0xff;

/// Removes a GTP-U header.
#[must_use]
pub fn gtp(rest: Rest<'_>) -> Step<'_> {
    let Some((header, payload)) = rest.split::<8>() else { return Step::Malformed };
    if header[0] & VERSION != GTP_1 || header[1] != USER_DATA {
        return Step::Other;
    }
    let tag = Tag::new(TagKind::Gtp, u32_at(header, 4));
    let mut payload = payload.limit(u16_at(header, 2).into());
    if header[0] & OPTIONAL != 0 {
        let Some((optional, after)) = payload.split::<4>() else { return Step::Malformed };
        payload = after;
        let mut next = if header[0] & EXTENSION == 0 { 0 } else { optional[3] };
        // An extension header: its length in words of 4 bytes, its content, the next type.
        while next != 0 {
            let size = payload.bytes.first().map_or(0, |words| usize::from(*words) * 4);
            match payload.bytes.get(..size).and_then(<[u8]>::last) {
                Some(last) => (next, payload) = (*last, payload.after(size)),
                None => return Step::Malformed,
            }
        }
    }
    match payload.ip_version() {
        Some(_) => Step::Tunnel(tag, Header::Ip, payload),
        None if payload.length == 0 => Step::Other,
        None if payload.bytes.is_empty() => Step::Malformed,
        None => Step::Unread(Unread::OtherGtp),
    }
}
