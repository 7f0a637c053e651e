//! A message as a JSON object on one line.

use wsdefrag_core::{Opcode, OutOfMemory};

use super::json::{Line, base64, bool, hex, integer, optional_string, raw, seconds, string};
use super::message_row::MessageRow;
use crate::message::{Status, type_name};

/// Appends a line. `with_content` is whether to write the content; if not, there is neither `text` nor
/// `content`.
///
/// # Errors
///
/// If memory is refused. Then the line is cut.
#[inline]
pub fn message_line(
    line: &mut Vec<u8>,
    row: MessageRow<'_>,
    with_content: bool,
) -> Result<(), OutOfMemory> {
    let MessageRow { message, content, connection, file } = row;
    // Numbers and fixed words need no escapes.
    raw(line, b"{\"uid\": ")?;
    hex(line, &connection.uid)?;
    raw(line, b", \"connection\": ")?;
    integer(line, message.connection)?;
    raw(line, b", \"seq\": ")?;
    integer(line, message.seq)?;
    raw(line, b", \"from_client\": ")?;
    bool(line, message.from_client)?;
    raw(line, b", \"type\": \"")?;
    raw(line, type_name(message.opcode).as_bytes())?;
    if with_content {
        // A part of a text, or compressed bytes, may be valid UTF-8 by chance.
        let is_text = message.opcode == Opcode::Text && message.status == Status::Ok;
        write_content(line, content, is_text)?;
    } else {
        raw(line, b"\"")?;
    }
    raw(line, b", \"timestamp\": ")?;
    seconds(line, message.timestamp)?;
    raw(line, b", \"first_timestamp\": ")?;
    seconds(line, message.first_timestamp)?;
    raw(line, b", \"dropped\": false, \"injected\": false, \"frames\": ")?;
    integer(line, message.frames)?;
    raw(line, b", \"wire_length\": ")?;
    integer(line, message.wire_length)?;
    raw(line, b", \"payload_length\": ")?;
    integer(line, message.payload_length)?;
    raw(line, b", \"compressed\": ")?;
    bool(line, message.compressed)?;
    raw(line, b", \"status\": \"")?;
    raw(line, message.status.name().as_bytes())?;
    raw(line, b"\", \"missing_bytes\": ")?;
    integer(line, message.missing_bytes)?;
    raw(line, b", \"resynced\": ")?;
    bool(line, message.resynced)?;
    raw(line, b", \"unauthenticated\": ")?;
    bool(line, message.unauthenticated)?;
    raw(line, b", \"first_packet\": ")?;
    integer(line, message.first_packet)?;
    raw(line, b", \"last_packet\": ")?;
    integer(line, message.last_packet)?;
    raw(line, b", \"file\": ")?;
    optional_string(line, file)?;
    raw(line, b", \"host\": ")?;
    optional_string(line, connection.host.as_deref())?;
    raw(line, b", \"path\": ")?;
    optional_string(line, connection.path.as_deref())?;
    raw(line, b"}\n")
}

/// Appends the members `text` and `content`, one of them null. What is not UTF-8 is always `content`, in
/// base64.
#[inline]
fn write_content(line: &mut Line, content: &[u8], is_text: bool) -> Result<(), OutOfMemory> {
    // The rule that a text is UTF-8 may be switched off.
    if is_text && std::str::from_utf8(content).is_ok() {
        raw(line, b"\", \"text\": ")?;
        string(line, content)?;
        return raw(line, b", \"content\": null");
    }
    raw(line, b"\", \"text\": null, \"content\": ")?;
    base64(line, content)
}
