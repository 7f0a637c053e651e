//! An event as a JSON object on one line.

use wsdefrag_core::OutOfMemory;

use super::event_row::EventRow;
use super::json::{
    base64, bool, hex, integer, optional, optional_integer, optional_string, raw, seconds,
};

/// Appends a line. The keys are the columns of the events table. What a gap cost is null if it is not
/// certain yet.
///
/// # Errors
///
/// If memory is refused. Then the line is cut.
pub fn event_line(line: &mut Vec<u8>, row: &EventRow<'_>) -> Result<(), OutOfMemory> {
    raw(line, b"{\"kind\": \"")?;
    raw(line, row.kind.as_bytes())?;
    raw(line, b"\", \"uid\": ")?;
    hex(line, &row.connection.uid)?;
    raw(line, b", \"connection\": ")?;
    integer(line, row.number)?;
    raw(line, b", \"from_client\": ")?;
    bool(line, row.from_client)?;
    raw(line, b", \"event\": ")?;
    integer(line, row.event)?;
    raw(line, b", \"seq\": ")?;
    integer(line, row.seq)?;
    raw(line, b", \"offset\": ")?;
    integer(line, row.offset)?;
    raw(line, b", \"length\": ")?;
    integer(line, row.length)?;
    raw(line, b", \"missing_bytes\": ")?;
    integer(line, row.missing_bytes)?;
    raw(line, b", \"timestamp\": ")?;
    optional(line, row.timestamp, seconds)?;
    raw(line, b", \"first_timestamp\": ")?;
    optional(line, row.first_timestamp, seconds)?;
    raw(line, b", \"resynced\": ")?;
    bool(line, row.resynced)?;
    raw(line, b", \"first_packet\": ")?;
    optional_integer(line, row.first_packet)?;
    raw(line, b", \"last_packet\": ")?;
    optional_integer(line, row.last_packet)?;
    raw(line, b", \"file\": ")?;
    optional_string(line, row.file)?;
    raw(line, b", \"payload\": ")?;
    optional(line, row.payload, base64)?;
    raw(line, b", \"close_code\": ")?;
    optional_integer(line, row.close_code)?;
    raw(line, b", \"close_reason\": ")?;
    optional_string(line, row.close_reason)?;
    raw(line, b", \"effect\": ")?;
    optional_string(line, row.effect)?;
    raw(line, b", \"incomplete\": ")?;
    optional_integer(line, row.incomplete)?;
    raw(line, b", \"undecodable\": ")?;
    optional_integer(line, row.cost.map(|(undecodable, _)| undecodable))?;
    raw(line, b", \"lost\": ")?;
    optional_integer(line, row.cost.map(|(_, lost)| lost))?;
    raw(line, b", \"rule\": ")?;
    optional_string(line, row.rule.as_deref())?;
    raw(line, b", \"error\": ")?;
    optional_string(line, row.error.as_deref())?;
    raw(line, b", \"host\": ")?;
    optional_string(line, row.connection.host.as_deref())?;
    raw(line, b", \"path\": ")?;
    optional_string(line, row.connection.path.as_deref())?;
    raw(line, b"}\n")
}
