//! TZSP: captured frames in UDP, as wireless sensors and routers send them.
//!
//! <https://en.wikipedia.org/wiki/TZSP>; the numbers are those of Wireshark's dissector.

use crate::packet::datagram::{Rest, u16_at};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::unread::Unread;

/// Types of packets that hold a frame.
const RECEIVED: u8 = 0;
const TO_TRANSMIT: u8 = 1;

/// Types of fields that consist of their type only.
const PADDING: u8 = 0;
const END: u8 = 1;

/// Removes a TZSP header and its fields.
#[must_use]
pub fn tzsp(rest: Rest<'_>) -> Step<'_> {
    let Some((header, mut payload)) = rest.split::<4>() else { return Step::Malformed };
    if header[0] != 1 || !matches!(header[1], RECEIVED | TO_TRANSMIT) {
        return Step::Other;
    }
    let next = match u16_at(header, 2) {
        1 => Header::Ethernet,
        18 => Header::Wifi { padded: false },
        _ => return Step::Unread(Unread::OtherTzsp),
    };
    loop {
        let Some(([kind], after)) = payload.split::<1>() else { return Step::Malformed };
        payload = after;
        match *kind {
            END => break,
            PADDING => {}
            _ => {
                let skipped = payload.split::<1>().and_then(|([n], it)| it.skip((*n).into()));
                let Some(after) = skipped else { return Step::Malformed };
                payload = after;
            }
        }
    }
    Step::Tunnel(Tag::without_id(TagKind::Tzsp), next, payload)
}
