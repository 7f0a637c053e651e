//! MPLS labels.
//!
//! Labels do not say what follows the last of them. It is IP if it starts with a known version. A
//! pseudowire's frame is Ethernet if its `EtherType` is known; a control word before it starts with
//! four zero bits.
//!
//! RFC 3032 (labels), RFC 4385 (control word), RFC 4448 (Ethernet pseudowires).

use crate::packet::datagram::{Rest, u16_at, u24_at};
use crate::packet::ethernet::{ETHERNET_HEADER, IPV4, IPV6};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::unread::Unread;

/// Labels below this one have a meaning of their own (RFC 3032 section 2.1).
const FIRST_LABEL: u32 = 16;

/// Removes a label; after the last one, decides what follows.
#[must_use]
pub fn label(rest: Rest<'_>) -> Step<'_> {
    let Some((entry, payload)) = rest.split::<4>() else { return Step::Malformed };
    let number = u24_at(entry, 0) >> 4;
    let is_last = entry[2] & 1 != 0;
    let next = if is_last {
        match after_labels(payload) {
            Step::Next(header, payload) => (header, payload),
            step => return step,
        }
    } else {
        (Header::Labels, payload)
    };
    if number < FIRST_LABEL {
        return Step::Next(next.0, next.1);
    }
    Step::Tagged(Tag::new(TagKind::Mpls, number), next.0, next.1)
}

fn after_labels(payload: Rest<'_>) -> Step<'_> {
    match payload.bytes.first().map(|byte| byte >> 4) {
        Some(4 | 6) => Step::Next(Header::Ip, payload),
        Some(0) if !payload.bytes.starts_with(&[0; 4]) && is_ethernet(payload) => {
            Step::Next(Header::Ethernet, payload)
        }
        Some(0) => match payload.skip(4) {
            Some(frame) if is_ethernet(frame) => Step::Next(Header::Ethernet, frame),
            Some(frame) if frame.length == 0 => Step::Other,
            Some(_) => Step::Unread(Unread::Pseudowire),
            None => Step::Malformed,
        },
        // Operation and maintenance (RFC 5586).
        Some(1) => Step::Other,
        Some(_) if is_ethernet(payload) => Step::Next(Header::Ethernet, payload),
        Some(_) => Step::Unread(Unread::Pseudowire),
        None => Step::Malformed,
    }
}

/// Whether the bytes start with an Ethernet header of a well-known `EtherType`.
fn is_ethernet(frame: Rest<'_>) -> bool {
    frame.bytes.get(..ETHERNET_HEADER).is_some_and(|header| {
        matches!(u16_at(header, 12), IPV4 | IPV6 | 0x0806 | 0x8100 | 0x88a8 | 0x8847 | 0x8864)
    })
}
