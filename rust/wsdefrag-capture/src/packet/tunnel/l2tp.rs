//! L2TP version 2: PPP in UDP.
//!
//! RFC 2661 section 3.1.

use crate::packet::datagram::{Rest, u16_at};
use crate::packet::header::Header;
use crate::packet::layer::Step;
use crate::packet::tags::{Tag, TagKind};
use crate::packet::unread::Unread;

const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
const VERSION: u16 = 0x000f;

/// Removes an L2TP header.
#[must_use]
pub fn l2tp(rest: Rest<'_>) -> Step<'_> {
    let Some((field, _)) = rest.split::<2>() else { return Step::Malformed };
    let flags = u16_at(field, 0);
    if flags & CONTROL != 0 {
        return Step::Other;
    }
    match flags & VERSION {
        2 => data(flags, rest).unwrap_or(Step::Malformed),
        3 => Step::Unread(Unread::L2tpV3),
        _ => Step::Other,
    }
}

fn data(flags: u16, rest: Rest<'_>) -> Option<Step<'_>> {
    let (_, mut payload) = rest.split::<2>()?;
    if flags & LENGTH != 0 {
        let (length, _) = payload.split::<2>()?;
        payload = rest.limit(u16_at(length, 0).into()).skip(4)?;
    }
    let (ids, mut payload) = payload.split::<4>()?;
    let id = u32::from(u16_at(ids, 0)) << 16 | u32::from(u16_at(ids, 2));
    if flags & SEQUENCE != 0 {
        payload = payload.skip(4)?;
    }
    if flags & OFFSET != 0 {
        let (size, after) = payload.split::<2>()?;
        payload = after.skip(u16_at(size, 0).into())?;
    }
    Some(Step::Tunnel(Tag::new(TagKind::L2tp, id), Header::Ppp, payload))
}
