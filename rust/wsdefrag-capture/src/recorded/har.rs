//! An entry of an HTTP archive, as Chrome, Firefox, mitmproxy and we write it.
//!
//! Keys that are not known are passed over. `archive/har.rs` writes entries; the Python module `formats.har`
//! documents our keys.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "copies of parts of an entry that is in memory"
)]

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use serde_json::Value;
use serde_json::value::RawValue;
use wsdefrag_core::Opcode;
use wsdefrag_core::text::is_valid;

use super::entry::{EventValues, Item, Recorded, endpoint, problem, range_of, status_of};
use super::har_entry::Entry;
use super::moment::nanoseconds;
use crate::connection::{CloseSeen, Connection, Ended, Field, Request, Response};
use crate::message::{Status, type_name};
use crate::packet::Origin;
use crate::uid::Identity;

/// The entry of a WebSocket.
#[derive(Debug)]
pub(super) struct HarEntry {
    pub(super) connection: Connection,
    pub(super) rows: HarRows,
}

/// The messages and events of an entry, which are not parsed yet: ranges of its bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct HarRows {
    messages: VecDeque<Range<usize>>,
    events: VecDeque<Range<usize>>,
    /// Whether the entry has events of its own, besides those in place.
    has_events: bool,
    /// Messages of the client and the server that were given out.
    counts: [u64; 2],
}

/// Reads an entry. `number` is its connection's, and `entry` its place in the archive.
///
/// Returns `None` if it is no WebSocket, and what is wrong if it cannot be read.
pub(super) fn entry(
    bytes: &[u8],
    number: u64,
    entry: u32,
    file: u32,
    capture_point: &str,
) -> Result<Option<HarEntry>, &'static str> {
    let parsed: Entry<'_> = serde_json::from_slice(bytes).map_err(|_| "its JSON cannot be read")?;
    let url = parsed.request["url"].as_str().unwrap_or_default();
    let is_websocket = parsed.messages.is_some()
        || parsed.resource_type.as_deref() == Some("websocket")
        || url.starts_with("ws://")
        || url.starts_with("wss://");
    if !is_websocket {
        return Ok(None);
    }
    let started =
        parsed.started.as_deref().and_then(|date| DateTime::parse_from_rfc3339(date).ok());
    let started = started.and_then(|date| date.timestamp_nanos_opt());
    let started = started.ok_or("it has no time")?;
    let elapsed = parsed.time.and_then(|time| nanoseconds(time.get())).unwrap_or(0) / 1000;
    let (host, path) = host_and_path(url);
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let port = port.unwrap_or(if url.starts_with("wss") { 443 } else { 80 });
    let client = parsed.connection.as_deref().and_then(|port| port.parse().ok()).unwrap_or(0);
    let ends = [endpoint("", client), endpoint(parsed.server.as_deref().unwrap_or(""), port)];
    let version = parsed.request["httpVersion"].as_str().unwrap_or_default();
    let is_http2 =
        version.eq_ignore_ascii_case("h2") || version.to_uppercase().starts_with("HTTP/2");
    let stream_id = is_http2.then_some(0);
    let identity = Identity {
        endpoints: ends,
        initial_sequences: [None; 2],
        opened: started,
        refusals: entry,
        stream: stream_id,
        tenant: 0,
    };
    let uid = identity.uid(capture_point);
    let mut connection = Connection { stream_id, ..Connection::new(number, uid, ends) };
    connection.first = Origin { packet: 0, time: started, file };
    connection.last = Origin { time: started.saturating_add(elapsed), ..connection.first };
    let is_missing = |head: &Value| head["comment"].as_str() == Some("not captured");
    if is_missing(&parsed.request) {
        connection.midstream = true;
    } else {
        connection.request = Some(request(&parsed.request, host, path, started));
    }
    let status = parsed.response["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    if let Some(status) = status.filter(|status| *status > 0) {
        let wait = parsed.timings["wait"].as_f64().filter(|wait| (0.0..1e12).contains(wait));
        #[expect(clippy::cast_possible_truncation, reason = "the range was tested")]
        let time = started.saturating_add((wait.unwrap_or(0.0) * 1e6) as i64);
        connection.response = Some(response(&parsed.response, status, time));
    }
    connection.ended = Some(Ended::EndOfCapture);
    if connection.refused() {
        connection.ended = Some(Ended::Refused);
    }
    if let Some(close) = parsed.close.and_then(close) {
        connection.close = Some(close);
    }
    if let Some(comment) = parsed.comment.as_deref() {
        for text in comment.split("; ") {
            problem(&mut connection, text);
        }
    }
    let ranges = |rows: Option<Vec<&RawValue>>| {
        let rows = rows.unwrap_or_default();
        rows.into_iter().map(|row| range_of(bytes, row.get().as_bytes())).collect::<VecDeque<_>>()
    };
    let events = ranges(parsed.events);
    let rows = HarRows {
        messages: ranges(parsed.messages),
        has_events: !events.is_empty(),
        events,
        counts: [0; 2],
    };
    Ok(Some(HarEntry { connection, rows }))
}

/// The authority of a URL, and what follows it.
fn host_and_path(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest.split_at(end)
}

fn fields(head: &Value) -> Vec<Field> {
    let pair = |field: &Value| {
        let value = field["value"].as_str()?.as_bytes().to_vec();
        Some((field["name"].as_str()?.to_owned(), value))
    };
    head["headers"].as_array().into_iter().flatten().filter_map(pair).collect()
}

fn request(head: &Value, host: &str, path: &str, time: i64) -> Request {
    let mut fields = fields(head);
    // Some programs leave out what the browser adds.
    let names = |name: &str| name.eq_ignore_ascii_case("host") || name == ":authority";
    if !host.is_empty() && !fields.iter().any(|(name, _)| names(name)) {
        fields.push(("Host".to_owned(), host.as_bytes().to_vec()));
    }
    Request {
        method: head["method"].as_str().unwrap_or("GET").to_owned(),
        target: if path.is_empty() { "/" } else { path }.to_owned(),
        version: head["httpVersion"].as_str().unwrap_or_default().to_owned(),
        fields,
        time,
    }
}

fn response(head: &Value, status: u16, time: i64) -> Response {
    let reason = head["statusText"].as_str().unwrap_or_default().to_owned();
    Response { status, reason, fields: fields(head), time }
}

impl HarRows {
    /// The next message or event. `bytes` are those of the entry.
    pub(super) fn next(
        &mut self,
        bytes: &[u8],
        connection: u64,
        file: u32,
    ) -> Option<Item<'static>> {
        if let Some(range) = self.events.front() {
            let values = event(&bytes[range.clone()]).unwrap_or_default();
            let is_due = values.numbers[1] <= self.counts[usize::from(!values.from_client)];
            if is_due || self.messages.is_empty() {
                self.events.pop_front();
                return Some(values.item(connection, file));
            }
        }
        loop {
            let range = self.messages.pop_front()?;
            match message(&bytes[range]) {
                Ok(Some(message)) => {
                    self.counts[usize::from(!message.from_client)] += 1;
                    return Some(Item::Message(message));
                }
                // A gap or a violation, which is among the events as well.
                Ok(None) if self.has_events => {}
                Ok(None) => return Some(Item::Problem("an event has no values".to_owned())),
                Err(problem) => return Some(Item::Problem(problem)),
            }
        }
    }
}

/// A message; `None` for an event in its place.
fn message(bytes: &[u8]) -> Result<Option<Recorded<'static>>, String> {
    let unreadable = || "a message of the entry cannot be read".to_owned();
    let raw: super::har_entry::Message<'_> =
        serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    let data = raw.data.as_deref().unwrap_or_default();
    let time = raw.time.and_then(|time| nanoseconds(time.get())).ok_or_else(unreadable)?;
    let decoded = |digits: &str| STANDARD.decode(digits).map_err(|_| unreadable());
    let mut message = Recorded {
        from_client: raw.kind.as_deref() == Some("send"),
        opcode: Opcode::Text,
        content: Vec::new().into(),
        time,
        dropped: raw.dropped,
        injected: raw.injected,
        status: Status::Ok,
        missing_bytes: raw.missing.unwrap_or(0),
        resynced: raw.resynced,
        unauthenticated: raw.unauthenticated,
    };
    if raw.kind.as_deref() == Some("error") {
        if raw.event.is_some() {
            return Ok(None);
        }
        let (Some(status), Some(from_client)) = (raw.status, raw.from_client) else {
            return Err(format!("error: {data}"));
        };
        message.status = status_of(&status).ok_or_else(unreadable)?;
        message.from_client = from_client;
        let types = [Opcode::Continuation, Opcode::Text, Opcode::Binary];
        let known = types.into_iter().find(|opcode| data.starts_with(type_name(*opcode)));
        message.opcode = known.ok_or_else(unreadable)?;
        message.content = decoded(raw.base64.as_deref().unwrap_or_default())?.into();
        return Ok(Some(message));
    }
    match raw.opcode {
        Some(1) => {
            let content = match raw.base64.as_deref() {
                Some(digits) => decoded(digits)?,
                None => data.as_bytes().to_vec(),
            };
            if !is_valid(&content) {
                message.status = Status::InvalidUtf8;
            }
            message.content = content.into();
        }
        Some(2) => {
            message.opcode = Opcode::Binary;
            message.content = decoded(data)?.into();
        }
        _ => return Err(unreadable()),
    }
    Ok(Some(message))
}

/// The values of an object of ours, unparsed, so that numbers keep their digits.
struct Raw<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Raw<'a> {
    fn of(json: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().map(Self)
    }

    fn text(&self, key: &str) -> String {
        let value = self.0.get(key).and_then(|value| serde_json::from_str(value.get()).ok());
        value.unwrap_or_default()
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.0.get(key)?.get().parse().ok()
    }

    fn time(&self, key: &str) -> Option<i64> {
        nanoseconds(self.0.get(key)?.get())
    }

    fn is_true(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| value.get() == "true")
    }
}

/// Our entry `_webSocketClose`.
fn close(json: &RawValue) -> Option<CloseSeen> {
    let raw = Raw::of(json.get().as_bytes())?;
    Some(CloseSeen {
        from_client: raw.text("type") == "send",
        code: raw.number("code"),
        reason: raw.text("reason"),
        time: raw.time("time")?,
        packet: 0,
    })
}

/// An event of ours.
fn event(json: &[u8]) -> Option<EventValues> {
    let raw = Raw::of(json)?;
    Some(EventValues {
        kind: raw.text("kind"),
        from_client: raw.is_true("from_client"),
        numbers: EventValues::NUMBERS.map(|key| raw.number(key).unwrap_or(0)),
        times: [raw.time("first_timestamp"), raw.time("timestamp")],
        packets: ["first_packet", "last_packet"].map(|key| raw.number(key).unwrap_or(0)),
        resynced: raw.is_true("resynced"),
        payload: STANDARD.decode(raw.text("payload")).unwrap_or_default(),
        close_code: raw.number("close_code"),
        close_reason: raw.text("close_reason"),
        effect: raw.text("effect"),
        cost: EventValues::COST.map(|key| raw.number(key).unwrap_or(0)),
        error: raw.text("error"),
    })
}
