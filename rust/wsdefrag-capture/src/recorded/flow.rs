//! A flow of mitmproxy, in any version of its format that has these keys.
//!
//! Keys that are not known are passed over. `archive/flow.rs` writes flows, and documents our metadata.

#![expect(clippy::disallowed_methods, reason = "copies of parts of a flow that is in memory")]

use std::net::SocketAddr;

use super::entry::{endpoint, problem, range_of};
use super::flow_rows::FlowRows;
use super::netstring::{Items, Pairs, Value, find};
use crate::connection::{CloseSeen, Connection, Ended, Field, Request, Response};
use crate::packet::Origin;
use crate::uid::Identity;

/// The close code of a connection that ended without a close frame (RFC 6455 section 7.1.5).
const ABNORMAL_CLOSURE: u16 = 1006;

/// The flow of a WebSocket.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) connection: Connection,
    pub(super) rows: FlowRows,
}

/// The keys of a flow that count.
#[derive(Clone, Default)]
struct Parts<'a> {
    id: Option<Value<'a>>,
    client: Option<Pairs<'a>>,
    server: Option<Pairs<'a>>,
    metadata: Option<Pairs<'a>>,
    request: Option<Pairs<'a>>,
    response: Option<Pairs<'a>>,
    websocket: Option<Pairs<'a>>,
    is_http: bool,
}

/// Reads a flow. `bytes` are those of the value, `number` is its connection's, and `entry` its place
/// among the flows of the file.
///
/// Returns `None` if it is no WebSocket, and what is wrong if it cannot be read.
pub(super) fn flow(
    bytes: &[u8],
    value: Value<'_>,
    number: u64,
    entry: u32,
    file: u32,
    capture_point: &str,
) -> Result<Option<Flow>, &'static str> {
    let mut pairs = value.dict().ok_or("it is no dict")?;
    let mut parts = Parts::default();
    for (key, value) in pairs.by_ref() {
        match key {
            b"id" => parts.id = Some(value),
            b"type" => parts.is_http = value.text() == Some("http"),
            b"client_conn" => parts.client = value.dict(),
            b"server_conn" => parts.server = value.dict(),
            b"metadata" => parts.metadata = value.dict(),
            b"request" => parts.request = value.dict(),
            b"response" => parts.response = value.dict(),
            b"websocket" => parts.websocket = value.dict(),
            _ => {}
        }
    }
    if !pairs.is_at_end() {
        return Err("a value in it cannot be read");
    }
    if !parts.is_http {
        return Ok(None);
    }
    let metadata = Metadata::of(parts.metadata);
    let (request, authority) = request(parts.request.as_ref().ok_or("it has no request")?)?;
    let refused = parts.websocket.is_none();
    let upgrades = request.fields.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("upgrade") && value.eq_ignore_ascii_case(b"websocket")
    });
    if refused && !upgrades && !metadata.is_ours {
        return Ok(None);
    }
    let client = parts.client.as_ref().ok_or("it has no client")?;
    let ends = [address(client, b"peername"), server_address(parts.server.as_ref())];
    let opened = times(client, b"timestamp_start").unwrap_or(request.time);
    let stream_id = authority.then_some(0);
    let identity = Identity {
        endpoints: ends,
        initial_sequences: [None; 2],
        opened,
        refusals: entry,
        stream: stream_id,
        tenant: 0,
    };
    let id = parts.id.and_then(Value::text).and_then(uuid);
    let uid = id.unwrap_or_else(|| identity.uid(capture_point));
    let mut connection = Connection { stream_id, ..Connection::new(number, uid, ends) };
    connection.first = Origin { packet: 0, time: opened, file };
    connection.response = parts.response.as_ref().map(response).transpose()?;
    connection.midstream = metadata.is_synthetic;
    connection.request = (!metadata.is_synthetic).then_some(request);
    let closed = times(client, b"timestamp_end");
    connection.ended = Some(if refused { Ended::Refused } else { Ended::EndOfCapture });
    if closed.is_some() && !refused {
        connection.ended = Some(Ended::Fin);
    }
    let mut rows = metadata.rows(bytes);
    let mut last = closed.unwrap_or(opened);
    if let Some(websocket) = &parts.websocket {
        last = last.max(end(websocket, &mut connection)?);
        let messages = find(websocket, b"messages").and_then(Value::list);
        rows.messages = range_of(bytes, messages.ok_or("its messages are no list")?.0);
    }
    let answered = connection.response.as_ref().map_or(opened, |response| response.time);
    connection.last = Origin { packet: 0, time: last.max(answered), file };
    for text in metadata.problems.into_iter().flatten().filter_map(Value::text) {
        problem(&mut connection, text);
    }
    Ok(Some(Flow { connection, rows }))
}

fn times(pairs: &Pairs<'_>, key: &[u8]) -> Option<i64> {
    find(pairs, key)?.time()
}

/// An address of two values, host and port.
fn address(pairs: &Pairs<'_>, key: &[u8]) -> SocketAddr {
    let parts = || {
        let mut items = find(pairs, key)?.list()?;
        Some(endpoint(items.next()?.text()?, items.next()?.integer()?))
    };
    parts().unwrap_or_else(|| endpoint("", 0))
}

/// The server's IP address, or else the port of the name that was connected to.
fn server_address(server: Option<&Pairs<'_>>) -> SocketAddr {
    let Some(server) = server else { return endpoint("", 0) };
    let peer = address(server, b"peername");
    if peer.port() == 0 { address(server, b"address") } else { peer }
}

/// The bytes of a UUID.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let mut id = [0; 16];
    let mut digits = text.bytes().filter(|byte| *byte != b'-');
    for byte in &mut id {
        let high = char::from(digits.next()?).to_digit(16)?;
        let low = char::from(digits.next()?).to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    digits.next().is_none().then_some(id)
}

/// Latin-1 as text: names and reason phrases.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn fields(head: &Pairs<'_>) -> Vec<Field> {
    let list = find(head, b"headers").and_then(Value::list);
    let pair = |value: Value<'_>| {
        let mut items = value.list()?;
        Some((latin1(items.next()?.bytes()?), items.next()?.bytes()?.to_vec()))
    };
    list.into_iter().flatten().filter_map(pair).collect()
}

/// The request, and whether it is one of HTTP/2.
fn request(head: &Pairs<'_>) -> Result<(Request, bool), &'static str> {
    let text = |key| {
        let value = find(head, key).and_then(Value::bytes);
        value.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    };
    let is_http2 = find(head, b"http_version").and_then(Value::bytes) == Some(b"HTTP/2.0");
    let mut fields = fields(head);
    let authority = text(b"authority");
    if is_http2 && !authority.is_empty() {
        fields.insert(0, (":authority".to_owned(), authority.into_bytes()));
    }
    let time = times(head, b"timestamp_end").or_else(|| times(head, b"timestamp_start"));
    let request = Request {
        method: text(b"method"),
        target: text(b"path"),
        version: text(b"http_version"),
        fields,
        time: time.ok_or("its request has no time")?,
    };
    Ok((request, is_http2))
}

fn response(head: &Pairs<'_>) -> Result<Response, &'static str> {
    let time = times(head, b"timestamp_end").or_else(|| times(head, b"timestamp_start"));
    Ok(Response {
        status: find(head, b"status_code").and_then(Value::integer).unwrap_or_default(),
        reason: find(head, b"reason").and_then(Value::bytes).map(latin1).unwrap_or_default(),
        fields: fields(head),
        time: time.ok_or("its response has no time")?,
    })
}

/// Takes the end of a WebSocket, and returns its time.
fn end(websocket: &Pairs<'_>, connection: &mut Connection) -> Result<i64, &'static str> {
    let code = find(websocket, b"close_code").filter(|value| !value.is_null());
    let code = match code {
        Some(value) => Some(value.integer::<u16>().ok_or("its close code is no number")?),
        None => None,
    };
    let Some(time) = times(websocket, b"timestamp_end") else {
        return Ok(connection.first.time);
    };
    let by_client = find(websocket, b"closed_by_client").and_then(Value::boolean);
    if let Some(from_client) = by_client
        && code != Some(ABNORMAL_CLOSURE)
    {
        let reason = find(websocket, b"close_reason").and_then(Value::text).unwrap_or_default();
        connection.close =
            Some(CloseSeen { from_client, code, reason: reason.to_owned(), time, packet: 0 });
    } else {
        // Without a Close, or closed by a proxy, which is neither of the two.
        connection.ended = Some(Ended::Fin);
    }
    Ok(time)
}

/// What our metadata tell.
#[derive(Default)]
struct Metadata<'a> {
    is_ours: bool,
    is_synthetic: bool,
    problems: Option<Items<'a>>,
    not_whole: Option<Items<'a>>,
    events: Option<Items<'a>>,
}

impl<'a> Metadata<'a> {
    fn of(pairs: Option<Pairs<'a>>) -> Self {
        let mut metadata = Self::default();
        for (key, value) in pairs.into_iter().flatten() {
            match key {
                b"wsdefrag_connection" => metadata.is_ours = true,
                b"wsdefrag_synthetic" => metadata.is_synthetic = true,
                b"wsdefrag_problems" => metadata.problems = value.list(),
                b"wsdefrag_not_whole" => metadata.not_whole = value.list(),
                b"wsdefrag_events" => metadata.events = value.list(),
                _ => {}
            }
        }
        metadata
    }

    fn rows(&self, bytes: &[u8]) -> FlowRows {
        let range =
            |items: Option<&Items<'_>>| items.map_or(0..0, |items| range_of(bytes, items.0));
        FlowRows::of_metadata(range(self.not_whole.as_ref()), range(self.events.as_ref()))
    }
}
