//! What the headers that follow a header say about it, in a file of records with headers of fixed size.
//!
//! Compared are headers with
//!
//! - a length that no packet of this file should have
//! - a fraction of a second that is a second or more
//! - a time more than a day from that of the record before
//! - only zeros
//!
//! If the next header is plausible, the record is right; if only its time disagrees with both
//! neighbours, it gets the time of the one before. Times alone cost no record: where several in a row
//! are odd, their lengths must lead to a header that fits, and no records may be inside the first of
//! them. Otherwise the record is damaged, and the next one is where three plausible headers follow each
//! other, or where the last records end exactly with the file.

use crate::file::error::FileErrorKind;
use crate::file::fixed_header::{Head, MAX_PAD, Records};
use crate::file::record::{MAX_RECORD, Parsed, Plausible, is_near};
use crate::file::start::starts_capture;

/// Records that have to be plausible after damage.
const CHAIN: u32 = 3;

/// Most records with odd times in a row.
const MAX_ODD: u32 = 8;

/// What the headers that follow say about a header.
pub(crate) enum Verdict {
    Right,
    /// The time is wrong, and the rest is right.
    WrongTime,
    /// It is no packet, is damaged, or cannot be told yet.
    Other(Parsed<'static>),
}

/// Compares an unusual header, or the first one, with what follows.
#[cold]
pub(crate) fn verify(
    records: &Records,
    bytes: &[u8],
    head: &Head,
    before: Option<i64>,
    end: bool,
) -> Verdict {
    match starts_capture(bytes) {
        Plausible::Yes => return Verdict::Other(Parsed::NewFile),
        Plausible::Needs(needed) if !end => return Verdict::Other(Parsed::Needs(needed)),
        _ => {}
    }
    if records.is_usual(head) && before.is_none() {
        return Verdict::Right;
    }
    let time = records.time(head);
    // Small numbers in packets look like headers with other times, so those must fit better.
    let jumps = before.is_some_and(|before| !is_near(time, before));
    if head.captured > MAX_RECORD || head.pad > MAX_PAD {
        return damaged(records, head);
    }
    if jumps && !records.is_plausible(head, None) {
        return verify_odd(records, bytes, head, before, end);
    }
    let mut at = records.size(head);
    let mut far = false;
    // The next header shows it, and where its time is far from this one, the one after that.
    for _ in 1..CHAIN {
        if at >= bytes.len() && end {
            let incomplete = Verdict::Other(Parsed::Needs(at));
            return if at == bytes.len() { Verdict::Right } else { incomplete };
        }
        let rest = bytes.get(at..).unwrap_or_default();
        match starts_capture(rest) {
            Plausible::Yes => return Verdict::Right,
            Plausible::Needs(more) if !end => return Verdict::Other(Parsed::Needs(at + more)),
            _ => {}
        }
        let Some(next) = records.head(rest) else {
            let needed = Verdict::Other(Parsed::Needs(at + records.layout.size()));
            return if end { Verdict::Right } else { needed };
        };
        if !records.is_usual(&next) || jumps && !records.is_plausible(&next, None) {
            return verify_odd(records, bytes, head, before, end);
        }
        if !far && is_near(records.time(&next), time) {
            return Verdict::Right;
        }
        if !far && before.is_some_and(|before| is_near(records.time(&next), before)) {
            return Verdict::WrongTime;
        }
        far = true;
        at += records.size(&next);
    }
    Verdict::Right
}

/// Decides about a header with an odd time, or one before such a header: whether its length and those
/// after it lead to a header that fits, and no records are inside the record.
fn verify_odd(
    records: &Records,
    bytes: &[u8],
    head: &Head,
    before: Option<i64>,
    end: bool,
) -> Verdict {
    let damaged = damaged(records, head);
    if !records.has_length(head) {
        return damaged;
    }
    let size = records.layout.size();
    let mut current = *head;
    let mut at = 0;
    for _ in 0..MAX_ODD {
        at += records.size(&current);
        if at >= bytes.len() && end {
            // Lengths that end exactly with the file are right.
            return if at == bytes.len() && !holds_records(records, bytes, head, before) {
                odd_time(records, head, before, false)
            } else {
                damaged
            };
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let is_capture = match starts_capture(rest) {
            Plausible::Needs(more) if !end => return Verdict::Other(Parsed::Needs(at + more)),
            plausible => plausible == Plausible::Yes,
        };
        let Some(next) = records.head(rest) else {
            return if end { damaged } else { Verdict::Other(Parsed::Needs(at + size)) };
        };
        let continues = before.is_some_and(|before| records.is_plausible(&next, Some(before)));
        // It may also go on from a header before it, if not more than that one's time is odd.
        let follows = records.is_plausible(&current, None)
            && records.is_plausible(&next, Some(records.time(&current)));
        if is_capture || continues || follows {
            // The bytes that are looked at do not depend on how many there are.
            return if holds_records(records, &bytes[..at + size], head, before) {
                damaged
            } else {
                odd_time(records, head, before, continues)
            };
        }
        // Packets have parts with many zeros, which look like records without a packet.
        if current.captured == 0 || !records.has_length(&next) {
            return damaged;
        }
        current = next;
    }
    damaged
}

fn damaged(records: &Records, head: &Head) -> Verdict {
    let kind = if head.captured > records.usual {
        FileErrorKind::TooLong(head.captured)
    } else {
        FileErrorKind::Implausible
    };
    Verdict::Other(Parsed::Damaged(kind))
}

/// What to do with the time of a right record. `continues` says that a record after it goes on from
/// the one before it.
fn odd_time(records: &Records, head: &Head, before: Option<i64>, continues: bool) -> Verdict {
    let is_far = before.is_some_and(|before| !is_near(records.time(head), before));
    if is_far && (continues || !records.is_fraction(head)) {
        Verdict::WrongTime
    } else {
        Verdict::Right
    }
}

/// Whether two records that follow each other start inside the record of `head`, at the start of
/// `bytes`, or one that the next record follows.
fn holds_records(records: &Records, bytes: &[u8], head: &Head, before: Option<i64>) -> bool {
    let inside = |at: usize| {
        let first = bytes.get(at..).and_then(|rest| records.head(rest))?;
        let rest = bytes.get(at + records.size(&first)..)?;
        let next = records.head(rest)?;
        let time = records.time(&first);
        Some(records.is_plausible(&first, before) && records.is_plausible(&next, Some(time)))
    };
    (1..records.size(head)).any(|at| inside(at) == Some(true))
}

/// Whether `bytes`, found after damage, start with records, or with another capture. `before` is
/// the time of the last packet, and `end` says that the file ends with `bytes`.
#[inline]
pub(crate) fn plausible(
    records: &Records,
    bytes: &[u8],
    before: Option<i64>,
    end: bool,
) -> Plausible {
    match starts_capture(bytes) {
        Plausible::No => {}
        Plausible::Needs(_) if end => {}
        other => return other,
    }
    match records.head(bytes) {
        Some(head) if !records.is_plausible(&head, None) => Plausible::No,
        Some(_) => chain(records, bytes, before, end),
        None if end => Plausible::No,
        None => Plausible::Needs(records.layout.size()),
    }
}

fn chain(records: &Records, bytes: &[u8], last: Option<i64>, end: bool) -> Plausible {
    let mut at = 0;
    let mut before = None;
    for _ in 0..CHAIN {
        if before.is_some() {
            if at >= bytes.len() && end {
                // One or two headers are believed only with the time of the packets before.
                let near = last.zip(before).is_some_and(|(last, before)| is_near(last, before));
                let whole = at == bytes.len() && near;
                return if whole { Plausible::Yes } else { Plausible::No };
            }
            match starts_capture(bytes.get(at..).unwrap_or_default()) {
                Plausible::Yes => return Plausible::Yes,
                Plausible::Needs(more) if !end => return Plausible::Needs(at + more),
                _ => {}
            }
        }
        let Some(head) = records.head(bytes.get(at..).unwrap_or_default()) else {
            let needed = Plausible::Needs(at + records.layout.size());
            return if end { Plausible::No } else { needed };
        };
        if !records.is_plausible(&head, before) {
            return Plausible::No;
        }
        before = Some(records.time(&head));
        at += records.size(&head);
    }
    Plausible::Yes
}
