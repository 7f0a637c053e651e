//! Connections as entries of an HTTP archive (HAR 1.2), which the network panels of browsers open.
//!
//! The Python module `formats.har` documents the keys.

#![expect(clippy::disallowed_methods, reason = "parts of one entry")]

use wsdefrag_core::fallible::TryGrow;
use wsdefrag_core::{Opcode, OutOfMemory};

use super::entry_row::EntryRow;
use super::har_heads::{date, milliseconds, request, response};
use super::message_entry::{MessageEntry, Time};
use super::open_entry::{ArchiveFormat, Totals};
use super::pieces::Part;
use super::row_stream::RowWriter;
use crate::lines::event_row::EventRow;
use crate::lines::json::{
    base64_digits, bool, characters, integer, optional_integer, raw, seconds, string,
};
use crate::lines::{event_line, event_text};
use crate::message::{Status, type_name};
use crate::output::OutputError;

/// The streams of an entry.
const MESSAGES: usize = 0;
const EVENTS: usize = 1;

/// Bytes of a content that are written at a time: a multiple of three, for base64.
const CONTENT_PART: usize = 192 << 10;

/// Formats entries of an HTTP archive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Har;

/// Appends a content in base64, with its quotes.
fn write_base64(row: &mut RowWriter<'_>, content: &[u8]) -> Result<(), OutputError> {
    row.bytes().try_push(b'"')?;
    for part in content.chunks(CONTENT_PART) {
        base64_digits(row.bytes(), part)?;
        row.relieve()?;
    }
    Ok(row.bytes().try_push(b'"')?)
}

/// Appends a text with its quotes. Each sequence of bytes that is not UTF-8 becomes U+FFFD.
///
/// Returns whether all of it is UTF-8.
fn write_text(row: &mut RowWriter<'_>, content: &[u8]) -> Result<bool, OutputError> {
    row.bytes().try_push(b'"')?;
    let whole = std::str::from_utf8(content);
    match whole {
        Ok(text) => write_characters(row, text)?,
        Err(_) => {
            for chunk in content.utf8_chunks() {
                write_characters(row, chunk.valid())?;
                if !chunk.invalid().is_empty() {
                    row.bytes().try_append("\u{fffd}".as_bytes())?;
                }
            }
        }
    }
    row.bytes().try_push(b'"')?;
    Ok(whole.is_ok())
}

/// Appends a text without quotes.
fn write_characters(row: &mut RowWriter<'_>, text: &str) -> Result<(), OutputError> {
    let mut rest = text;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(CONTENT_PART));
        characters(row.bytes(), part.as_bytes())?;
        row.relieve()?;
        rest = after;
    }
    Ok(())
}

const fn side(from_client: bool) -> &'static [u8] {
    if from_client { b"client" } else { b"server" }
}

const fn kind(from_client: bool) -> &'static [u8] {
    if from_client { b"send" } else { b"receive" }
}

/// Appends a message that is complete and valid.
fn whole(row: &mut RowWriter<'_>, message: &MessageEntry<'_>) -> Result<(), OutputError> {
    let out = row.bytes();
    raw(out, b"{\"type\": \"")?;
    raw(out, kind(message.from_client))?;
    raw(out, b"\", \"time\": ")?;
    message.time.write(out)?;
    raw(out, b", \"opcode\": ")?;
    integer(out, message.opcode as u8)?;
    raw(out, b", \"data\": ")?;
    if message.opcode != Opcode::Text {
        write_base64(row, message.content)?;
    } else if !write_text(row, message.content)? {
        raw(row.bytes(), b", \"_base64\": ")?;
        write_base64(row, message.content)?;
    }
    let out = row.bytes();
    for (name, is_set) in [
        (&b", \"_dropped\": true"[..], message.dropped),
        (b", \"_injected\": true", message.injected),
        (b", \"_resynced\": true", message.resynced),
        (b", \"_unauthenticated\": true", message.unauthenticated),
    ] {
        if is_set {
            raw(out, name)?;
        }
    }
    Ok(raw(out, b"}")?)
}

/// Appends a message that is not, as Chrome records an error.
fn not_whole(row: &mut RowWriter<'_>, message: &MessageEntry<'_>) -> Result<(), OutputError> {
    let out = row.bytes();
    error_start(out, message.time)?;
    raw(out, type_name(message.opcode).as_bytes())?;
    raw(out, b" message from the ")?;
    raw(out, side(message.from_client))?;
    raw(out, b": ")?;
    for word in message.status.name().split('_').enumerate() {
        if word.0 > 0 {
            raw(out, b" ")?;
        }
        raw(out, word.1.as_bytes())?;
    }
    if message.missing_bytes > 0 {
        raw(out, b", ")?;
        integer(out, message.missing_bytes)?;
        raw(out, b" bytes missing")?;
    }
    raw(out, b"\", \"_status\": \"")?;
    raw(out, message.status.name().as_bytes())?;
    raw(out, b"\"")?;
    error_end(out, message.from_client, message.missing_bytes)?;
    raw(out, b", \"_base64\": ")?;
    write_base64(row, message.content)?;
    Ok(raw(row.bytes(), b"}")?)
}

/// Appends an error up to its text.
fn error_start(out: &mut Vec<u8>, time: Time) -> Result<(), OutOfMemory> {
    raw(out, b"{\"type\": \"error\", \"time\": ")?;
    time.write(out)?;
    raw(out, b", \"opcode\": -1, \"data\": \"")
}

fn error_end(out: &mut Vec<u8>, from_client: bool, missing: u64) -> Result<(), OutOfMemory> {
    raw(out, b", \"_fromClient\": ")?;
    bool(out, from_client)?;
    raw(out, b", \"_missingBytes\": ")?;
    integer(out, missing)
}

/// Appends a gap or a violation in its place among the messages.
fn in_place(out: &mut Vec<u8>, event: &EventRow<'_>) -> Result<(), OutOfMemory> {
    error_start(out, Time::Nanoseconds(event.time().unwrap_or(0)))?;
    raw(out, event.kind.as_bytes())?;
    raw(out, b" from the ")?;
    raw(out, side(event.from_client))?;
    raw(out, b": ")?;
    characters(out, event_text(event).as_bytes())?;
    raw(out, b"\", \"_kind\": \"")?;
    raw(out, event.kind.as_bytes())?;
    raw(out, b"\"")?;
    error_end(out, event.from_client, event.missing_bytes)?;
    raw(out, b"}")
}

impl ArchiveFormat for Har {
    fn start(&self, out: &mut Vec<u8>) -> Result<(), OutputError> {
        raw(out, b"{\"log\": {\"version\": \"1.2\", \"creator\": {\"name\": \"wsdefrag\", \"version\": \"")?;
        raw(out, env!("CARGO_PKG_VERSION").as_bytes())?;
        Ok(raw(out, b"\"}, \"pages\": [], \"entries\": [")?)
    }

    fn separator(&self, is_first: bool) -> &'static [u8] {
        if is_first { b"\n" } else { b",\n" }
    }

    fn end(&self) -> &'static [u8] {
        b"\n]}}\n"
    }

    fn message_stream(&self, _: &MessageEntry<'_>) -> usize {
        MESSAGES
    }

    fn event_streams(&self, kind: &str) -> &'static [usize] {
        if matches!(kind, "gap" | "violation") { &[MESSAGES, EVENTS] } else { &[EVENTS] }
    }

    fn message(
        &mut self,
        row: &mut RowWriter<'_>,
        is_first: bool,
        _: u64,
        message: &MessageEntry<'_>,
    ) -> Result<(), OutputError> {
        if !is_first {
            raw(row.bytes(), b", ")?;
        }
        if message.status == Status::Ok { whole(row, message) } else { not_whole(row, message) }
    }

    fn event(
        &mut self,
        row: &mut Vec<u8>,
        stream: usize,
        is_first: bool,
        _: u64,
        event: &EventRow<'_>,
    ) -> Result<(), OutputError> {
        if !is_first {
            raw(row, b", ")?;
        }
        if stream == MESSAGES {
            in_place(row, event)?;
        } else {
            event_line(row, event)?;
            // The line feed.
            row.pop();
        }
        Ok(())
    }

    fn entry(&mut self, row: &EntryRow<'_>, totals: &Totals) -> Result<Vec<Part>, OutputError> {
        let mut parts = Vec::new();
        let mut out = Vec::new();
        head(&mut out, row)?;
        raw(&mut out, b", \"_webSocketMessages\": [")?;
        parts.try_push(Part::Bytes(std::mem::take(&mut out)))?;
        parts.try_push(Part::Rows(MESSAGES))?;
        raw(&mut out, b"]")?;
        if let Some(close) = &row.close {
            raw(&mut out, b", \"_webSocketClose\": {\"type\": \"")?;
            raw(&mut out, kind(close.from_client))?;
            raw(&mut out, b"\", \"time\": ")?;
            seconds(&mut out, close.time)?;
            raw(&mut out, b", \"code\": ")?;
            optional_integer(&mut out, close.code)?;
            raw(&mut out, b", \"reason\": ")?;
            string(&mut out, close.reason.as_bytes())?;
            raw(&mut out, b"}")?;
        }
        if totals.lengths[EVENTS] > 0 {
            raw(&mut out, b", \"_webSocketEvents\": [")?;
            parts.try_push(Part::Bytes(std::mem::take(&mut out)))?;
            parts.try_push(Part::Rows(EVENTS))?;
            raw(&mut out, b"]")?;
        }
        if !row.problems.is_empty() {
            raw(&mut out, b", \"comment\": ")?;
            string(&mut out, row.problems.join("; ").as_bytes())?;
        }
        raw(&mut out, b"}")?;
        parts.try_push(Part::Bytes(out))?;
        Ok(parts)
    }
}

/// Appends an entry up to its messages.
fn head(out: &mut Vec<u8>, row: &EntryRow<'_>) -> Result<(), OutOfMemory> {
    let started = row.request.as_ref().map_or(row.opened, |request| request.time);
    // The clocks of two capture interfaces may differ, and a duration must not be negative.
    let answered = row.response.as_ref().map_or(started, |response| response.time.max(started));
    let last = row.last.max(answered);
    raw(out, b"{\"startedDateTime\": \"")?;
    date(out, started)?;
    raw(out, b"\", \"time\": ")?;
    milliseconds(out, last.abs_diff(started))?;
    raw(out, b", \"request\": ")?;
    request(out, row)?;
    raw(out, b", \"response\": ")?;
    response(out, row)?;
    raw(out, b", \"cache\": {}, \"timings\": {\"blocked\": -1, \"dns\": -1, \"connect\": -1, ")?;
    raw(out, b"\"ssl\": -1, \"send\": 0, \"wait\": ")?;
    milliseconds(out, answered.abs_diff(started))?;
    raw(out, b", \"receive\": ")?;
    milliseconds(out, last.abs_diff(answered))?;
    raw(out, b"}, \"serverIPAddress\": ")?;
    string(out, row.server.0.as_bytes())?;
    raw(out, b", \"connection\": \"")?;
    integer(out, row.client.1)?;
    raw(out, b"\", \"_resourceType\": \"websocket\"")
}
