//! IEEE 802.2 logical link control, and the SNAP header that may follow it.
//!
//! IEEE 802.2, RFC 1042 (IP over 802 networks), RFC 2427 section 4.2 (bridged Ethernet).

use crate::packet::datagram::{Rest, u16_at, u24_at};
use crate::packet::header::Header;
use crate::packet::layer::Step;

/// The service access point of SNAP.
const SNAP: u8 = 0xaa;
/// The service access point of IP.
const IP: u8 = 0x06;
/// Unnumbered information.
const INFORMATION: u8 = 0x03;

/// Removes an 802.2 header.
#[must_use]
pub fn llc(rest: Rest<'_>) -> Step<'_> {
    let Some((header, payload)) = rest.split::<3>() else { return Step::Malformed };
    match *header {
        [SNAP, SNAP, INFORMATION] => snap(payload),
        [IP, IP, INFORMATION] => Step::Next(Header::Ip, payload),
        _ => Step::Other,
    }
}

/// Removes a SNAP header: an organization and its number for the protocol.
pub(crate) fn snap(rest: Rest<'_>) -> Step<'_> {
    let Some((header, payload)) = rest.split::<5>() else { return Step::Malformed };
    match (u24_at(header, 0), u16_at(header, 3)) {
        // Ethernet's numbers, and those of 802.1H.
        (0x00_0000 | 0x00_00f8, number) => Step::Next(Header::EtherType(number), payload),
        // Bridged Ethernet, with and without a check sequence.
        (0x00_80c2, 0x0001 | 0x0007) => Step::Next(Header::Ethernet, payload),
        _ => Step::Other,
    }
}
