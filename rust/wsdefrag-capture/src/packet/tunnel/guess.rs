//! UDP on other ports: what is encrypted, and what looks like a tunnel on a port of its own.
//!
//! Nothing found here is followed. It is counted by name, so that nobody takes a capture for empty
//! whose traffic is inside.
//!
//! RFC 9000 section 17 and RFC 9369 (QUIC), RFC 9147 section 4 (DTLS), RFC 3948 (ESP in UDP).

use crate::packet::datagram::{Rest, u16_at, u32_at};
use crate::packet::ethernet::{ETHERNET_HEADER, IPV4, IPV6};
use crate::packet::layer::Step;
use crate::packet::unread::Unread;

/// What a UDP payload on no known port is.
#[must_use]
pub fn payload(source: u16, destination: u16, rest: Rest<'_>) -> Step<'_> {
    let has = |port| source == port || destination == port;
    let found = if is_dtls(rest.bytes) {
        Some(Unread::Dtls)
    } else if has(443) || is_quic(rest.bytes) {
        Some(Unread::Quic)
    } else if has(4500) {
        // Key exchange starts with four zero bytes, and a keep-alive is one byte.
        rest.bytes.first_chunk::<4>().filter(|spi| **spi != [0; 4]).map(|_| Unread::Esp)
    } else if has(51_820) {
        Some(Unread::WireGuard)
    } else if has(1194) {
        Some(Unread::OpenVpn)
    } else if has(3544) {
        Some(Unread::Teredo)
    } else if has(5072) {
        Some(Unread::Ayiya)
    } else if destination == 6080 {
        Some(Unread::Gue)
    } else if is_vxlan(rest) {
        Some(Unread::VxlanOnPort(destination))
    } else if is_ip(rest) {
        Some(Unread::IpOnPort(destination))
    } else {
        None
    };
    found.map_or(Step::Other, Step::Unread)
}

/// A DTLS record: its type, its version, and its length.
fn is_dtls(bytes: &[u8]) -> bool {
    bytes.get(..13).is_some_and(|header| {
        matches!(header[0], 20..=23) && header[1] == 0xfe && matches!(header[2], 0xfd | 0xff)
    })
}

/// A long header of QUIC with a known version.
fn is_quic(bytes: &[u8]) -> bool {
    const LONG: u8 = 0xc0;
    bytes.get(..7).is_some_and(|header| {
        header[0] & LONG == LONG
            && matches!(u32_at(header, 1), 1 | 0x6b33_43cf | 0xff00_0017..=0xff00_0022)
    })
}

/// A VXLAN header, with the reserved bytes zero, and an Ethernet frame with IP in it.
fn is_vxlan(rest: Rest<'_>) -> bool {
    let Some((header, frame)) = rest.split::<8>() else { return false };
    header[..4] == [8, 0, 0, 0]
        && header[7] == 0
        && frame.split::<ETHERNET_HEADER>().is_some_and(|(ethernet, packet)| {
            matches!(u16_at(ethernet, 12), IPV4 | IPV6) && is_ip(packet)
        })
}

/// A TCP packet of IPv4 or IPv6 that is as long as the bytes.
fn is_ip(rest: Rest<'_>) -> bool {
    const TCP: u8 = 6;
    match rest.bytes {
        [0x45, ..] if rest.bytes.len() >= 40 => {
            usize::from(u16_at(rest.bytes, 2)) == rest.length && rest.bytes[9] == TCP
        }
        [first, ..] if first >> 4 == 6 && rest.bytes.len() >= 60 => {
            usize::from(u16_at(rest.bytes, 4)) + 40 == rest.length && rest.bytes[6] == TCP
        }
        _ => false,
    }
}
