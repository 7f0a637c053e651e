//! PPP, with its framings `PPPoE`, HDLC and Cisco's HDLC.
//!
//! RFC 1661 section 2 (PPP), RFC 1662 section 3.1 (address and control fields), RFC 2516 section 4
//! (`PPPoE`), RFC 1547 section 4.3.1 (Cisco HDLC). `LINKTYPE_PPP`, `LINKTYPE_PPP_HDLC`,
//! `LINKTYPE_PPP_ETHER` and `LINKTYPE_C_HDLC` of <https://www.tcpdump.org/linktypes.html>.

use crate::packet::datagram::{Rest, u16_at};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::unread::Unread;

/// The address and the control field of HDLC.
const HDLC: [u8; 2] = [0xff, 0x03];

/// Removes a PPP header: the fields of HDLC, if they are there, and the protocol.
#[must_use]
pub fn ppp(rest: Rest<'_>) -> Step<'_> {
    let rest = match rest.bytes.first_chunk::<2>() {
        Some(&HDLC) => rest.after(2),
        Some(_) => rest,
        None => return Step::Malformed,
    };
    let Some(first) = rest.bytes.first() else { return Step::Malformed };
    // An odd first byte is a compressed protocol field (RFC 1661 section 6.5).
    let (protocol, payload) = if first & 1 == 1 {
        (u16::from(*first), rest.after(1))
    } else {
        let Some((field, payload)) = rest.split::<2>() else { return Step::Malformed };
        (u16_at(field, 0), payload)
    };
    match protocol {
        0x0021 | 0x0057 => Step::Next(Header::Ip, payload),
        0x0281 | 0x0283 => Step::Next(Header::Labels, payload),
        0x003d => Step::Unread(Unread::MultilinkPpp),
        0x002d | 0x002f | 0x00fb | 0x00fd => Step::Unread(Unread::CompressedPpp),
        0x0053 | 0x0055 => Step::Unread(Unread::EncryptedPpp),
        _ => Step::Other,
    }
}

/// Removes a `PPPoE` header: version and type, code, session, length.
#[must_use]
pub fn pppoe(rest: Rest<'_>) -> Step<'_> {
    let Some((header, payload)) = rest.split::<6>() else { return Step::Malformed };
    // Any other code belongs to the discovery stage.
    if header[1] != 0 {
        return Step::Other;
    }
    let session = Tag::new(TagKind::Pppoe, u16_at(header, 2).into());
    Step::Tagged(session, Header::Ppp, payload)
}

/// Removes Cisco's HDLC header: address, control, `EtherType`.
#[must_use]
pub fn cisco_hdlc(rest: Rest<'_>) -> Step<'_> {
    let Some((header, payload)) = rest.split::<4>() else { return Step::Malformed };
    Step::Next(Header::EtherType(u16_at(header, 2)), payload)
}

/// Removes the header of a link that carries PPP in HDLC framing or Cisco's HDLC.
#[must_use]
pub fn ppp_or_cisco(rest: Rest<'_>) -> Step<'_> {
    // Cisco's addresses for one receiver and for all.
    const UNICAST: u8 = 0x0f;
    const MULTICAST: u8 = 0x8f;
    match rest.bytes {
        [UNICAST | MULTICAST, 0, ..] => cisco_hdlc(rest),
        _ => ppp(rest),
    }
}
