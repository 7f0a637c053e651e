//! The `metadata` and the `comment` of a flow: what mitmproxy has no attribute for.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the problems of one connection, of which there are at most `MAX_PROBLEMS`"
)]

use wsdefrag_core::OutOfMemory;

use super::entry_row::EntryRow;
use super::message_entry::MessageEntry;
use super::open_entry::Totals;
use super::tnetstring::{LIST, Values, boolean, bytes, integer, text};
use crate::lines::event_row::EventRow;

/// The streams of an entry that are written in its metadata.
pub(super) const NOT_WHOLE: usize = 1;
pub(super) const EVENTS: usize = 2;

/// The metadata of a flow; of that of a live connection, what went wrong alone.
pub(super) fn metadata(row: &EntryRow<'_>, totals: &Totals) -> Result<Values, OutOfMemory> {
    let mut values = Values::default();
    if row.record.is_none() {
        number(values.out(), "wsdefrag_connection", row.connection)?;
    }
    for (name, count) in [
        ("wsdefrag_resynced", totals.resynced),
        ("wsdefrag_unauthenticated", totals.unauthenticated),
    ] {
        if count > 0 {
            number(values.out(), name, count)?;
        }
    }
    if !row.problems.is_empty() {
        text(values.out(), "wsdefrag_problems")?;
        let mut list = Values::default();
        for problem in &*row.problems {
            text(list.out(), problem)?;
        }
        values.add(list, LIST)?;
    }
    if row.request.is_none() && row.record.is_none() {
        text(values.out(), "wsdefrag_synthetic")?;
        let mut list = Values::default();
        text(list.out(), "request")?;
        values.add(list, LIST)?;
    }
    for (name, stream) in [("wsdefrag_not_whole", NOT_WHOLE), ("wsdefrag_events", EVENTS)] {
        if totals.lengths[stream] > 0 {
            text(values.out(), name)?;
            values.add_rows(stream, totals.lengths[stream])?;
        }
    }
    Ok(values)
}

/// The facts in words, which mitmproxy shows.
pub(super) fn comment(row: &EntryRow<'_>, totals: &Totals) -> String {
    let mut lines = Vec::new();
    if row.request.is_none() {
        lines.push("the request was not captured; the one shown is a placeholder".into());
    }
    if row.response.is_none() {
        lines.push("the response was not captured".into());
    }
    if totals.not_whole > 0 {
        let count = totals.not_whole;
        lines.push(format!("incomplete or invalid messages, see metadata: {count}"));
    }
    lines.extend_from_slice(&row.problems);
    lines.join("\n")
}

/// Appends the facts of a message that is not whole, and the key of its state, which follows.
pub(super) fn facts(
    out: &mut Vec<u8>,
    message: &MessageEntry<'_>,
    before: u64,
) -> Result<(), OutOfMemory> {
    text(out, "status")?;
    text(out, message.status.name())?;
    number(out, "missing_bytes", message.missing_bytes)?;
    number(out, "before", before)?;
    text(out, "state")
}

/// Appends what an event says of itself; the flow says the rest.
pub(super) fn event(
    out: &mut Vec<u8>,
    event: &EventRow<'_>,
    before: u64,
) -> Result<(), OutOfMemory> {
    text(out, "kind")?;
    text(out, event.kind)?;
    text(out, "from_client")?;
    boolean(out, event.from_client)?;
    number(out, "event", event.event)?;
    number(out, "seq", event.seq)?;
    number(out, "offset", event.offset)?;
    number(out, "length", event.length)?;
    number(out, "missing_bytes", event.missing_bytes)?;
    known(out, "timestamp_ns", event.timestamp, integer)?;
    known(out, "first_timestamp_ns", event.first_timestamp, integer)?;
    text(out, "resynced")?;
    boolean(out, event.resynced)?;
    known(out, "first_packet", event.first_packet, integer)?;
    known(out, "last_packet", event.last_packet, integer)?;
    known(out, "file", event.file, text)?;
    known(out, "payload", event.payload, bytes)?;
    known(out, "close_code", event.close_code, integer)?;
    known(out, "close_reason", event.close_reason, text)?;
    known(out, "effect", event.effect, text)?;
    known(out, "incomplete", event.incomplete, integer)?;
    known(out, "undecodable", event.cost.map(|(undecodable, _)| undecodable), integer)?;
    known(out, "lost", event.cost.map(|(_, lost)| lost), integer)?;
    known(out, "rule", event.rule.as_deref(), text)?;
    known(out, "error", event.error.as_deref(), text)?;
    number(out, "before", before)
}

fn number(out: &mut Vec<u8>, name: &str, value: u64) -> Result<(), OutOfMemory> {
    text(out, name)?;
    integer(out, value)
}

/// Appends a key with its value, if there is one.
fn known<T>(
    out: &mut Vec<u8>,
    name: &str,
    value: Option<T>,
    write: impl FnOnce(&mut Vec<u8>, T) -> Result<(), OutOfMemory>,
) -> Result<(), OutOfMemory> {
    let Some(value) = value else { return Ok(()) };
    text(out, name)?;
    write(out, value)
}
