//! Connections as mitmproxy's flows (flow format 21), which mitmproxy 10 to 12 open.
//!
//! The Python module `formats.mitm` documents the keys.

use sha1::{Digest, Sha1};
use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use super::entry_row::EntryRow;
use super::flow_metadata::{self, EVENTS, NOT_WHOLE};
use super::handshake::{is_secure, latin1, path};
use super::message_entry::{MessageEntry, Time};
use super::open_entry::{ArchiveFormat, Totals};
use super::pieces::Part;
use super::row_stream::RowWriter;
use super::tnetstring::{
    DICT, LIST, Values, bool_value, boolean, bytes, integer, null, optional, start, text, time,
};
use crate::connection::Field;
use crate::lines::connection_row::Endpoint;
use crate::lines::event_row::EventRow;
use crate::message::Status;
use crate::output::OutputError;

/// The number of the flow format.
const FLOW_FORMAT: u32 = 21;

/// The close code of a connection that ended without a close frame (RFC 6455 section 7.1.5).
const ABNORMAL_CLOSURE: u16 = 1006;

/// Namespace of our ids (UUID version 5), so that they differ from those of other programs. Any constant
/// value works.
const IDS: [u8; 16] = [
    0x6f, 0x5a, 0x4b, 0x0e, 0x3a, 0x53, 0x5c, 0x0e, 0x9d, 0x3d, 0x0c, 0x7c, 0x3f, 0x1f, 0x1f, 0x6b,
];

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
        time(out, moment(row.opened))?;
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

/// A captured time, never zero.
const fn moment(nanoseconds: i64) -> Time {
    Time::Nanoseconds(nanoseconds).or_least()
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
            (Some(close.from_client), code, Some(&*close.reason), Some(moment(close.time)))
        }
        (None, None) => {
            let code = row.torn_down.then_some(ABNORMAL_CLOSURE.into());
            (None, code, None, row.torn_down.then(|| moment(row.last)))
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

fn request(row: &EntryRow<'_>) -> Result<Values, OutOfMemory> {
    let mut values = Values::default();
    let request = row.request.as_ref();
    // Only the time of a request's last byte is known.
    let moment = moment(request.map_or(row.opened, |request| request.time));
    head(&mut values, row, request.map_or(&[], |request| &request.fields), Some(b""), moment)?;
    let out = values.out();
    text(out, "host")?;
    text(out, &row.server.0)?;
    text(out, "port")?;
    integer(out, row.server.1)?;
    text(out, "method")?;
    bytes(out, request.map_or("GET", |request| &request.method).as_bytes())?;
    text(out, "scheme")?;
    bytes(out, if is_secure(row) { b"https" } else { b"http" })?;
    text(out, "authority")?;
    // The `:authority` of HTTP/2; mitmproxy keeps it apart from the header fields.
    let authority = row.host.as_deref().filter(|_| row.stream_id.is_some());
    bytes(out, authority.unwrap_or_default())?;
    text(out, "path")?;
    bytes(out, path(row))?;
    Ok(values)
}

fn response(row: &EntryRow<'_>) -> Result<Option<Values>, OutOfMemory> {
    let Some(response) = &row.response else { return Ok(None) };
    let mut values = Values::default();
    // The body of a refusal is not kept.
    let content = (!row.refused).then_some(&b""[..]);
    head(&mut values, row, &response.fields, content, moment(response.time))?;
    let out = values.out();
    text(out, "status_code")?;
    integer(out, response.status)?;
    text(out, "reason")?;
    bytes(out, &latin1(&response.reason))?;
    Ok(Some(values))
}

/// The values that request and response share.
fn head(
    values: &mut Values,
    row: &EntryRow<'_>,
    fields: &[Field],
    content: Option<&[u8]>,
    moment: Time,
) -> Result<(), OutOfMemory> {
    text(values.out(), "http_version")?;
    bytes(values.out(), if row.stream_id.is_some() { b"HTTP/2.0" } else { b"HTTP/1.1" })?;
    text(values.out(), "headers")?;
    let mut list = Values::default();
    for (name, value) in fields {
        // The pseudo-header fields of HTTP/2 have keys of their own.
        if !name.starts_with(':') {
            let mut pair = Values::default();
            bytes(pair.out(), &latin1(name))?;
            bytes(pair.out(), value)?;
            list.add(pair, LIST)?;
        }
    }
    values.add(list, LIST)?;
    text(values.out(), "content")?;
    optional(values.out(), content, bytes)?;
    text(values.out(), "trailers")?;
    null(values.out())?;
    for key in ["timestamp_start", "timestamp_end"] {
        text(values.out(), key)?;
        time(values.out(), moment)?;
    }
    Ok(())
}

fn client(row: &EntryRow<'_>) -> Result<Values, OutOfMemory> {
    let mut values = half(row, "client", [&row.client, &row.server])?;
    text(values.out(), "mitmcert")?;
    null(values.out())?;
    text(values.out(), "proxy_mode")?;
    text(values.out(), "transparent")?;
    Ok(values)
}

fn server(row: &EntryRow<'_>) -> Result<Values, OutOfMemory> {
    let mut values = half(row, "server", [&row.server, &row.client])?;
    text(values.out(), "address")?;
    address(&mut values, &row.server)?;
    text(values.out(), "timestamp_tcp_setup")?;
    null(values.out())?;
    text(values.out(), "via")?;
    null(values.out())?;
    Ok(values)
}

/// The values that both connections of a flow share. TLS is off, because the bytes are plain.
fn half(
    row: &EntryRow<'_>,
    name: &str,
    [peer, own]: [&Endpoint<'_>; 2],
) -> Result<Values, OutOfMemory> {
    const NOTHING: &[u8] = b"0:~";
    const EMPTY: &[u8] = b"0:]";
    let mut values = Values::default();
    text(values.out(), "id")?;
    text(values.out(), &id(row, name))?;
    text(values.out(), "peername")?;
    address(&mut values, peer)?;
    text(values.out(), "sockname")?;
    address(&mut values, own)?;
    let out = values.out();
    text(out, "transport_protocol")?;
    text(out, "tcp")?;
    text(out, "error")?;
    null(out)?;
    text(out, "tls")?;
    boolean(out, false)?;
    for (key, value) in [
        ("certificate_list", EMPTY),
        ("alpn", NOTHING),
        ("alpn_offers", EMPTY),
        ("cipher", NOTHING),
        ("cipher_list", EMPTY),
        ("tls_version", NOTHING),
        ("sni", NOTHING),
    ] {
        text(out, key)?;
        out.try_append(value)?;
    }
    text(out, "timestamp_start")?;
    time(out, moment(row.opened))?;
    text(out, "timestamp_end")?;
    optional(out, row.torn_down.then(|| moment(row.last)), time)?;
    text(out, "timestamp_tls_setup")?;
    null(out)?;
    Ok(values)
}

fn address(values: &mut Values, (host, port): &Endpoint<'_>) -> Result<(), OutOfMemory> {
    let mut pair = Values::default();
    text(pair.out(), host)?;
    integer(pair.out(), *port)?;
    values.add(pair, LIST)
}

/// A UUID of version 5 (RFC 9562 section 5.5) of what identifies the connection, and the name of a part.
#[expect(clippy::disallowed_macros, reason = "two addresses and two numbers")]
fn id(row: &EntryRow<'_>, name: &str) -> String {
    let [client, server] =
        [&row.client, &row.server].map(|(host, port)| format!("('{host}', {port})"));
    let parts = format!("('{name}', {}, {client}, {server}, {})", row.connection, row.opened);
    let hash = Sha1::new().chain_update(IDS).chain_update(parts).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    id[6] = id[6] & 0x0f | 0x50;
    id[8] = id[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(id);
    let group = |low: u32, bits: u32| number >> low & ((1 << bits) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        group(96, 32),
        group(80, 16),
        group(64, 16),
        group(48, 16),
        group(0, 48)
    )
}
