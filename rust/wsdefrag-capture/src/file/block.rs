//! What every block of a pcapng file has: its type, its length twice, and a body with fixed fields.
//!
//! draft-ietf-opsawg-pcapng section 3.

use crate::file::byte_order::Order;
use crate::file::error::FileErrorKind;
use crate::file::record::{MAX_BLOCK, MAX_FOUND, Parsed, Plausible};
use crate::file::start::{SECTION_HEADER, starts_capture};

/// The size of a block without a body, in bytes: its type, and its length twice.
pub(super) const MIN_BLOCK: u32 = 12;

/// Whether `bytes`, found after damage, start with a block, or with another capture.
#[inline]
pub(super) fn plausible(order: Order, bytes: &[u8], end: bool) -> Plausible {
    match starts_capture(bytes) {
        Plausible::No => {}
        Plausible::Needs(_) if end => {}
        other => return other,
    }
    let needs = |needed| if end { Plausible::No } else { Plausible::Needs(needed) };
    let Some(start) = bytes.first_chunk::<8>() else { return needs(8) };
    let (kind, length) = (order.u32(start, 0), order.u32(start, 4));
    let size = length as usize;
    if start[..4] == SECTION_HEADER
        || !is_known(kind)
        || length % 4 != 0
        || !(16..=MAX_FOUND).contains(&length)
    {
        return Plausible::No;
    }
    let Some(block) = bytes.get(..size) else { return needs(size) };
    let fits = match kind {
        6 | 2 => size >= 32 && order.u32(block, 20) as usize <= size - 32,
        _ => true,
    };
    if fits && order.u32(block, size - 4) == length { Plausible::Yes } else { Plausible::No }
}

/// Whether a block of this type is described by the draft, or used by well-known programs.
#[inline]
pub(super) const fn is_known(kind: u32) -> bool {
    matches!(kind, 1..=6 | 9..=10 | 0x0bad | 0x4000_0bad | 0x0a0d_0d0a)
}

/// Compares the two lengths of a packet block, as soon as its fixed fields are there: a wrong one of
/// the block would have the whole rest of a file collected.
#[inline]
pub(super) fn check_packet_length(
    order: Order,
    kind: u32,
    length: u32,
    bytes: &[u8],
) -> Option<Parsed<'static>> {
    const FIXED: u32 = 32;
    if !matches!(kind, 2 | 6) || length < FIXED {
        return None;
    }
    if bytes.len() < 24 {
        return Some(Parsed::Needs(24));
    }
    let captured = order.u32(bytes, 20);
    let kind = match (length - FIXED).checked_sub(captured) {
        None => FileErrorKind::Overrun { holds: captured, length },
        Some(options) if options > MAX_FOUND => FileErrorKind::TooLong(length),
        Some(_) => return None,
    };
    Some(Parsed::Damaged(kind))
}

/// The fixed fields at the start of a block's body.
#[inline]
pub(super) fn head<const N: usize>(body: &[u8]) -> Result<&[u8; N], FileErrorKind> {
    body.first_chunk().ok_or_else(|| FileErrorKind::TooShort(block_length(body.len())))
}

/// The first `content` bytes of `rest`, which is the end of `body`.
pub(super) fn range<'a>(
    rest: &'a [u8],
    content: u32,
    body: &[u8],
) -> Result<&'a [u8], FileErrorKind> {
    rest.get(..content as usize).ok_or_else(|| overrun(content, body.len()))
}

#[cold]
pub(super) fn overrun(content: u32, body: usize) -> FileErrorKind {
    FileErrorKind::Overrun { holds: content, length: block_length(body) }
}

/// The length of a block with a body of this length, in bytes.
fn block_length(body: usize) -> u32 {
    u32::try_from(body).unwrap_or(MAX_BLOCK).saturating_add(MIN_BLOCK)
}
