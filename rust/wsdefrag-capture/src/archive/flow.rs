//! Connections as mitmproxy's flows (flow format 21), which mitmproxy 10 to 12 open.
//!
//! The Python module `formats.mitm` documents the keys.

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use super::entry_row::EntryRow;
use super::flow_ends::{client, id, server};
use super::flow_heads::{request, response};
use super::flow_metadata::{self, EVENTS, NOT_WHOLE};
use super::message_entry::{MessageEntry, Time};
use super::open_entry::{ArchiveFormat, Totals};
use super::pieces::Part;
use super::row_stream::RowWriter;
use super::tnetstring::{
    DICT, LIST, Values, bool_value, boolean, integer, null, optional, start, text, time,
};
use crate::lines::event_row::EventRow;
use crate::message::Status;
use crate::output::OutputError;

/// The number of the flow format.
const FLOW_FORMAT: u32 = 21;

/// The close code of a connection that ended without a close frame (RFC 6455 section 7.1.5).
const ABNORMAL_CLOSURE: u16 = 1006;

/// The stream of an entry beside those that its metadata has.
const MESSAGES: usize = 0;

/// Bytes of a content that are copied at a time.
const CONTENT_PART: usize = 256 << 10;

/// Formats entries as flows.
#[derive(Debug, Default)]
pub(super) struct Flows {
    /// The text of a time.
    time: Vec<u8>,
}

impl Flows {
    /// Appends a state: type, sender, content, time, dropped, injected.
    fn state(
        &mut self,
        row: &mut RowWriter<'_>,
        message: &MessageEntry<'_>,
    ) -> Result<(), OutputError> {
        let flags = [message.dropped, message.injected].map(bool_value);
        self.time.clear();
        message.time.or_least().write(&mut self.time)?;
        let out = row.bytes();
        start(out, self.state_length(message))?;
        integer(out, message.opcode as u8)?;
        boolean(out, message.from_client)?;
        start(out, message.content.len() as u64)?;
        for part in message.content.chunks(CONTENT_PART) {
            row.bytes().try_append(part)?;
            row.relieve()?;
        }
        let out = row.bytes();
        out.try_push(b',')?;
        start(out, self.time.len() as u64)?;
        out.try_append(&self.time)?;
        out.try_push(b'^')?;
        out.try_append(flags[0])?;
        out.try_append(flags[1])?;
        Ok(out.try_push(LIST)?)
    }

    /// Bytes of the values of a state; `time` has the message's.
    fn state_length(&self, message: &MessageEntry<'_>) -> u64 {
        let flags = [message.from_client, message.dropped, message.injected];
        let flags: usize = flags.into_iter().map(|flag| bool_value(flag).len()).sum();
        // The type has one digit.
        4 + value_length(message.content.len() as u64)
            + value_length(self.time.len() as u64)
            + flags as u64
    }
}

/// Bytes of a value with data of this length.
fn value_length(data: u64) -> u64 {
    u64::from(data.checked_ilog10().unwrap_or(0)) + 1 + 1 + data + 1
}

impl ArchiveFormat for Flows {
    fn start(&self, _: &mut Vec<u8>) -> Result<(), OutputError> {
        Ok(())
    }

    fn separator(&self, _: bool) -> &'static [u8] {
        b""
    }

    fn end(&self) -> &'static [u8] {
        b""
    }

    fn message_stream(&self, message: &MessageEntry<'_>) -> usize {
        if message.status == Status::Ok { MESSAGES } else { NOT_WHOLE }
    }

    fn event_streams(&self, _: &str) -> &'static [usize] {
        &[EVENTS]
    }

    fn message(
        &mut self,
        row: &mut RowWriter<'_>,
        _: bool,
        before: u64,
        message: &MessageEntry<'_>,
    ) -> Result<(), OutputError> {
        if message.status == Status::Ok {
            return self.state(row, message);
        }
        self.time.clear();
        message.time.or_least().write(&mut self.time)?;
        let mut facts = Vec::new();
        flow_metadata::facts(&mut facts, message, before)?;
        let state = value_length(self.state_length(message));
        start(row.bytes(), facts.len() as u64 + state)?;
        row.bytes().try_append(&facts)?;
        self.state(row, message)?;
        Ok(row.bytes().try_push(DICT)?)
    }

    fn event(
        &mut self,
        row: &mut Vec<u8>,
        _: usize,
        _: bool,
        before: u64,
        event: &EventRow<'_>,
    ) -> Result<(), OutputError> {
        let mut values = Values::default();
        flow_metadata::event(values.out(), event, before)?;
        let mut whole = Values::default();
        whole.add(values, DICT)?;
        Ok(row.try_append(whole.out())?)
    }

    fn entry(&mut self, row: &EntryRow<'_>, totals: &Totals) -> Result<Vec<Part>, OutputError> {
        let mut flow = Values::default();
        let out = flow.out();
        text(out, "version")?;
        integer(out, FLOW_FORMAT)?;
        text(out, "type")?;
        text(out, "http")?;
        text(out, "id")?;
        text(out, &id(row, "flow"))?;
        text(out, "error")?;
        null(out)?;
        text(out, "client_conn")?;
        flow.add(client(row)?, DICT)?;
        text(flow.out(), "server_conn")?;
        flow.add(server(row)?, DICT)?;
        let out = flow.out();
        text(out, "intercepted")?;
        boolean(out, false)?;
        text(out, "is_replay")?;
        null(out)?;
        text(out, "marked")?;
        text(out, "")?;
        text(out, "metadata")?;
        flow.add(flow_metadata::metadata(row, totals)?, DICT)?;
        let out = flow.out();
        text(out, "comment")?;
        text(out, &flow_metadata::comment(row, totals))?;
        text(out, "timestamp_created")?;
        time(out, Time::moment(row.opened))?;
        text(out, "request")?;
        flow.add(request(row)?, DICT)?;
        text(flow.out(), "response")?;
        match response(row)? {
            Some(response) => flow.add(response, DICT)?,
            None => null(flow.out())?,
        }
        text(flow.out(), "websocket")?;
        if row.refused {
            null(flow.out())?;
        } else {
            flow.add(websocket(row, totals)?, DICT)?;
        }
        let mut whole = Values::default();
        whole.add(flow, DICT)?;
        Ok(whole.into_parts()?)
    }
}

/// The messages and the end.
fn websocket(row: &EntryRow<'_>, totals: &Totals) -> Result<Values, OutOfMemory> {
    let mut values = Values::default();
    text(values.out(), "messages")?;
    values.add_rows(MESSAGES, totals.lengths[MESSAGES])?;
    let out = values.out();
    let (by_client, code, reason, ended) = match (&row.record, &row.close) {
        (Some(record), _) => {
            let ended = record.ended.map(|ended| Time::Seconds(ended).or_least());
            (record.closed_by_client, record.close_code, record.close_reason.as_deref(), ended)
        }
        (None, Some(close)) => {
            let code = close.code.map(i64::from);
            (Some(close.from_client), code, Some(&*close.reason), Some(Time::moment(close.time)))
        }
        (None, None) => {
            let code = row.torn_down.then_some(ABNORMAL_CLOSURE.into());
            (None, code, None, row.torn_down.then(|| Time::moment(row.last)))
        }
    };
    text(out, "closed_by_client")?;
    optional(out, by_client, boolean)?;
    text(out, "close_code")?;
    optional(out, code, integer)?;
    text(out, "close_reason")?;
    optional(out, reason, text)?;
    text(out, "timestamp_end")?;
    optional(out, ended, time)?;
    Ok(values)
}
