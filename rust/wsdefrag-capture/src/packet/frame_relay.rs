//! Frame Relay.
//!
//! Q.922 addresses of 2 to 4 bytes, then RFC 2427: control field, padding, and the number of the
//! protocol (NLPID). Cisco's encapsulation has an `EtherType` after the address.
//!
//! RFC 2427, RFC 1973 (PPP in Frame Relay), `LINKTYPE_FRELAY`.

use crate::packet::datagram::{Rest, u16_at};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::llc;
use crate::packet::unread::Unread;

/// Unnumbered information.
const INFORMATION: u8 = 0x03;

/// Removes a Frame Relay header.
#[must_use]
pub fn frame_relay(rest: Rest<'_>) -> Step<'_> {
    // The last byte of the address has its lowest bit set.
    let Some(size) = rest.bytes.iter().take(4).position(|byte| byte & 1 == 1) else {
        return Step::Malformed;
    };
    let rest = rest.after(size + 1);
    let Some((control, payload)) = rest.split::<2>() else { return Step::Malformed };
    if control[0] != INFORMATION {
        return Step::Next(Header::EtherType(u16_at(control, 0)), payload);
    }
    // A byte of padding aligns what follows.
    let (protocol, payload) = match control[1] {
        0 => match payload.split::<1>() {
            Some(([protocol], payload)) => (*protocol, payload),
            None => return Step::Malformed,
        },
        protocol => (protocol, payload),
    };
    match protocol {
        0xcc | 0x8e => Step::Next(Header::Ip, payload),
        0x80 => llc::snap(payload),
        0xcf => Step::Next(Header::Ppp, payload),
        0xb1 => Step::Unread(Unread::FrameRelayFragment),
        _ => Step::Other,
    }
}
