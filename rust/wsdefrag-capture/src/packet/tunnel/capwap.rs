//! CAPWAP: frames between wireless access points and their controller.
//!
//! RFC 5415 section 4.3 (the header), section 3.4 (fragments); RFC 5416 section 2.1 (802.11 frames).

use etherparse::IpFragOffset;

use crate::packet::datagram::{Datagram, u16_at, u32_at};
use crate::packet::header::Header;
use crate::packet::ip_fragments::{After, Fragment, Key};
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::unread::Unread;

// The first byte: the version, and the type of what follows.
const VERSION: u8 = 0xf0;
const DTLS: u8 = 1;

// Flags in the first 4 bytes.
const NATIVE: u32 = 1 << 8;
const FRAGMENT: u32 = 1 << 7;
const LAST: u32 = 1 << 6;
const KEEP_ALIVE: u32 = 1 << 3;

/// A number for the protocol in keys of fragments that no IP header has.
const PROTOCOL: u8 = 255;

/// Removes a CAPWAP header.
#[must_use]
pub fn capwap(datagram: Datagram<'_>) -> Step<'_> {
    let Some((header, _)) = datagram.rest.split::<8>() else { return Step::Malformed };
    if header[0] & VERSION != 0 {
        return Step::Other;
    }
    if header[0] == DTLS {
        return Step::Unread(Unread::Dtls);
    }
    let word = u32_at(header, 0);
    let size = usize::from(header[1] >> 3) * 4;
    if word & KEEP_ALIVE != 0 || size < header.len() {
        return Step::Other;
    }
    let Some(frame) = datagram.rest.skip(size) else { return Step::Malformed };
    let next = if word & NATIVE == 0 { Header::Ethernet } else { Header::SwappedWifi };
    let tag = Tag::without_id(TagKind::Capwap);
    if word & FRAGMENT == 0 {
        return Step::Tunnel(tag, next, frame);
    }
    // Position and length are in the units of IP.
    let Ok(offset) = IpFragOffset::try_new(u16_at(header, 6) >> 3) else { return Step::Malformed };
    let fragment = Fragment {
        key: Key {
            addresses: datagram.addresses,
            identification: u16_at(header, 4).into(),
            protocol: PROTOCOL,
            encapsulation: 0,
        },
        next: After::Tunnel(tag, next),
        offset,
        more: word & LAST == 0,
        rest: frame,
    };
    if fragment.is_sound() { Step::Fragment(fragment) } else { Step::Malformed }
}
