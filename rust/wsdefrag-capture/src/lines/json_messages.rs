//! A message as a JSON object on one line.

use wsdefrag_core::text::is_valid;
use wsdefrag_core::{Opcode, OutOfMemory};

use super::json::{
    base64, hex, integer, optional_string, put, put_bool, put_integer, put_seconds, raw, string,
};
use super::message_row::MessageRow;
use crate::connection_facts::ConnectionFacts;
use crate::message::{Message, Status, type_name};

/// Bytes of a line besides its affixes and its content, at most.
const MOST_MIDDLE: usize = 640;

/// The beginning and the end of the lines of a connection, as long as they come from one file.
#[derive(Clone, Debug, Default)]
pub struct MessageAffixes {
    /// Up to the value of `seq`.
    prefix: Vec<u8>,
    /// After the value of `last_packet`.
    suffix: Vec<u8>,
}

impl MessageAffixes {
    /// The affixes of a connection with this number, and of the file with this name.
    ///
    /// # Errors
    ///
    /// If memory is refused.
    pub fn new(
        connection: u64,
        facts: &ConnectionFacts,
        file: Option<&str>,
    ) -> Result<Self, OutOfMemory> {
        let (mut prefix, mut suffix) = (Vec::new(), Vec::new());
        raw(&mut prefix, b"{\"uid\": ")?;
        hex(&mut prefix, &facts.uid)?;
        raw(&mut prefix, b", \"connection\": ")?;
        integer(&mut prefix, connection)?;
        raw(&mut prefix, b", \"seq\": ")?;
        raw(&mut suffix, b", \"file\": ")?;
        optional_string(&mut suffix, file)?;
        raw(&mut suffix, b", \"host\": ")?;
        optional_string(&mut suffix, facts.host.as_deref())?;
        raw(&mut suffix, b", \"path\": ")?;
        optional_string(&mut suffix, facts.path.as_deref())?;
        raw(&mut suffix, b"}\n")?;
        Ok(Self { prefix, suffix })
    }
}

/// Whether a content is written as `text`, if it is UTF-8: a part of a text, or compressed bytes, may be
/// valid UTF-8 by chance.
#[inline]
pub(super) fn is_text(message: &Message) -> bool {
    message.opcode == Opcode::Text && message.status == Status::Ok
}

/// Appends a line. `affixes` are those of the row's connection and file. `with_content` is whether to
/// write the content; if not, there is no `text`, `content` or `length`.
///
/// # Errors
///
/// If memory is refused. Then the line is cut.
#[inline]
pub fn message_line(
    line: &mut Vec<u8>,
    affixes: &MessageAffixes,
    row: MessageRow<'_>,
    with_content: bool,
) -> Result<(), OutOfMemory> {
    line.try_reserve(
        affixes.prefix.len() + affixes.suffix.len() + MOST_MIDDLE + row.content.len(),
    )?;
    put(line, &affixes.prefix);
    put_integer(line, row.message.seq);
    message_middle(line, row.message, row.content, with_content)?;
    line.try_reserve(affixes.suffix.len())?;
    put(line, &affixes.suffix);
    Ok(())
}

/// Appends the part of a line that only the message decides: what stands between the value of `seq` and
/// the name of the file.
///
/// # Errors
///
/// If memory is refused. Then the line is cut.
#[inline]
pub(super) fn message_middle(
    line: &mut Vec<u8>,
    message: &Message,
    content: &[u8],
    with_content: bool,
) -> Result<(), OutOfMemory> {
    line.try_reserve(MOST_MIDDLE)?;
    put_type(line, message);
    if with_content {
        raw(line, b"\", ")?;
        content_members(line, content, is_text(message))?;
        length_member(line, content)?;
        raw(line, b", \"timestamp\": ")?;
    } else {
        raw(line, b"\", \"timestamp\": ")?;
    }
    put_rest(line, message)
}

/// Appends a line whose [middle](message_middle) is the row's content.
///
/// # Errors
///
/// If memory is refused.
#[inline]
pub(super) fn prepared_line(
    line: &mut Vec<u8>,
    affixes: &MessageAffixes,
    row: MessageRow<'_>,
) -> Result<(), OutOfMemory> {
    let affixes_length = affixes.prefix.len() + affixes.suffix.len();
    line.try_reserve(affixes_length + MOST_MIDDLE + row.content.len())?;
    put(line, &affixes.prefix);
    put_integer(line, row.message.seq);
    put(line, row.content);
    put(line, &affixes.suffix);
    Ok(())
}

/// Appends what stands before the end of the value of `type`.
#[inline]
pub(super) fn write_head(
    line: &mut Vec<u8>,
    affixes: &MessageAffixes,
    message: &Message,
) -> Result<(), OutOfMemory> {
    line.try_reserve(affixes.prefix.len() + MOST_MIDDLE)?;
    // Numbers and fixed words need no escapes.
    put(line, &affixes.prefix);
    put_integer(line, message.seq);
    put_type(line, message);
    Ok(())
}

/// Appends what follows the value of `seq`, up to the end of the value of `type`.
#[inline]
fn put_type(line: &mut Vec<u8>, message: &Message) {
    if message.from_client {
        put(line, b", \"from_client\": true, \"type\": \"");
    } else {
        put(line, b", \"from_client\": false, \"type\": \"");
    }
    put(line, type_name(message.opcode).as_bytes());
}

/// Appends the member `length`, after a comma.
#[inline]
pub(super) fn length_member(line: &mut Vec<u8>, content: &[u8]) -> Result<(), OutOfMemory> {
    raw(line, b", \"length\": ")?;
    integer(line, content.len() as u64)
}

/// Appends what follows from the value of `timestamp` on.
#[inline]
pub(super) fn write_tail(
    line: &mut Vec<u8>,
    affixes: &MessageAffixes,
    message: &Message,
) -> Result<(), OutOfMemory> {
    put_rest(line, message)?;
    line.try_reserve(affixes.suffix.len())?;
    put(line, &affixes.suffix);
    Ok(())
}

/// Appends what follows from the value of `timestamp` to that of `last_packet`.
#[inline]
fn put_rest(line: &mut Vec<u8>, message: &Message) -> Result<(), OutOfMemory> {
    line.try_reserve(MOST_MIDDLE)?;
    let start = line.len();
    put_seconds(line, message.timestamp);
    let time = start..line.len();
    put(line, b", \"first_timestamp\": ");
    if message.first_timestamp == message.timestamp {
        line.extend_from_within(time);
    } else {
        put_seconds(line, message.first_timestamp);
    }
    if message.dropped || message.injected {
        put(line, b", \"dropped\": ");
        put_bool(line, message.dropped);
        put(line, b", \"injected\": ");
        put_bool(line, message.injected);
        put(line, b", \"frames\": ");
    } else {
        put(line, b", \"dropped\": false, \"injected\": false, \"frames\": ");
    }
    put_integer(line, message.frames);
    put(line, b", \"wire_length\": ");
    put_integer(line, message.wire_length);
    put(line, b", \"payload_length\": ");
    put_integer(line, message.payload_length);
    put_condition(line, message);
    put_integer(line, message.first_packet);
    put(line, b", \"last_packet\": ");
    put_integer(line, message.last_packet);
    Ok(())
}

/// Appends what follows the value of `payload_length`, up to that of `first_packet`.
#[inline]
fn put_condition(line: &mut Vec<u8>, message: &Message) {
    if message.compressed {
        put(line, b", \"compressed\": true, \"status\": \"");
    } else {
        put(line, b", \"compressed\": false, \"status\": \"");
    }
    let is_sure = !message.resynced && !message.unauthenticated;
    if message.status == Status::Ok && message.missing_bytes == 0 && is_sure {
        // As most messages are.
        put(line, OK);
        return;
    }
    put(line, message.status.name().as_bytes());
    put(line, b"\", \"missing_bytes\": ");
    put_integer(line, message.missing_bytes);
    put(line, b", \"resynced\": ");
    put_bool(line, message.resynced);
    put(line, b", \"unauthenticated\": ");
    put_bool(line, message.unauthenticated);
    put(line, b", \"first_packet\": ");
}

/// What follows `"status": "` in the line of a whole message.
const OK: &[u8; 86] =
    b"ok\", \"missing_bytes\": 0, \"resynced\": false, \"unauthenticated\": false, \"first_packet\": ";

/// Appends the members `text` and `content`, one of them null. What is not UTF-8 is always `content`, in
/// base64.
///
/// # Errors
///
/// If memory is refused. Then the line is cut.
#[inline]
pub fn content_members(
    line: &mut Vec<u8>,
    content: &[u8],
    is_text: bool,
) -> Result<(), OutOfMemory> {
    // The rule that a text is UTF-8 may be switched off.
    if is_text && is_valid(content) {
        raw(line, b"\"text\": ")?;
        string(line, content)?;
        return raw(line, b", \"content\": null");
    }
    raw(line, b"\"text\": null, \"content\": ")?;
    base64(line, content)
}
