//! GENEVE: any protocol with an `EtherType` in UDP, with options.
//!
//! RFC 8926 section 3.4.

use crate::packet::datagram::{Rest, u16_at, u24_at};
use crate::packet::ethernet::{IPV4, IPV6};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::unread::Unread;

/// The version, in the first byte.
const VERSION: u8 = 0xc0;
/// The length of the options in words of 4 bytes, in the first byte.
const OPTIONS: u8 = 0x3f;
/// The flag for a control packet, in the second byte.
const CONTROL: u8 = 0x80;

/// Removes a GENEVE header.
#[must_use]
pub fn geneve(rest: Rest<'_>) -> Step<'_> {
    let Some((header, payload)) = rest.split::<8>() else { return Step::Malformed };
    if header[0] & VERSION != 0 || header[1] & CONTROL != 0 {
        return Step::Other;
    }
    let next = match u16_at(header, 2) {
        IPV4 | IPV6 => Header::Ip,
        0x6558 => Header::Ethernet,
        0x8847 | 0x8848 => Header::Labels,
        _ => return Step::Unread(Unread::OtherGeneve),
    };
    let tag = Tag::new(TagKind::Geneve, u24_at(header, 4));
    Step::tunnel(tag, next, payload.skip(usize::from(header[0] & OPTIONS) * 4))
}
