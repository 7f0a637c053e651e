//! A captured WebSocket connection: its addresses, its handshake, how it ended, and the account of
//! each direction.

#![expect(clippy::disallowed_methods, reason = "parts of a head of at most `MAX_HEAD` bytes")]

use std::borrow::Cow;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use wsdefrag_core::DeflateParams;

use crate::account::Account;
use crate::packet::Origin;
use crate::tls_facts::TlsFacts;

/// How a connection ended, as far as it was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// Both sides sent a FIN.
    Fin,
    /// One side sent a RST.
    Rst,
    /// No packet was captured for as long as the timeout.
    Idle,
    /// There were too many connections, and this one had been idle for longest.
    Evicted,
    /// A new connection was opened on the same addresses and ports.
    Replaced,
    /// The capture ended.
    EndOfCapture,
    /// The server refused the WebSocket. The TCP connection may have continued.
    Refused,
}

impl Ended {
    /// All values, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Fin,
        Self::Rst,
        Self::Idle,
        Self::Evicted,
        Self::Replaced,
        Self::EndOfCapture,
        Self::Refused,
    ];

    /// The name in columns and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fin => "fin",
            Self::Rst => "rst",
            Self::Idle => "idle",
            Self::Evicted => "evicted",
            Self::Replaced => "replaced",
            Self::EndOfCapture => "end_of_capture",
            Self::Refused => "refused",
        }
    }
}

/// The first close frame of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseSeen {
    /// Whether the client sent it.
    pub from_client: bool,
    /// The close code; 1005 if the frame had none, `None` if it was not captured whole.
    pub code: Option<u16>,
    /// The close reason.
    pub reason: String,
    /// When its last byte was captured, in nanoseconds since the epoch.
    pub time: i64,
    /// The number of the packet with its last byte.
    pub packet: u64,
}

/// The name and the value of an HTTP header field.
pub use wsdefrag_core::handshake::fields::Field;

/// The request for the WebSocket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method; `GET` unless the client broke a rule (RFC 6455 section 4.1).
    pub method: String,
    /// The request target, unchanged.
    pub target: String,
    /// The version of HTTP, such as `HTTP/1.1`.
    pub version: String,
    /// The header fields in their order, with their names unchanged.
    pub fields: Vec<Field>,
    /// When its last byte was captured, in nanoseconds since the epoch.
    pub time: i64,
}

/// The response to the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The header fields in their order, with their names unchanged.
    pub fields: Vec<Field>,
    /// When its last byte was captured, in nanoseconds since the epoch.
    pub time: i64,
}

/// A connection: a row of the connections table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The number of the TCP connection in the capture, from 0, in the order of their first packets.
    /// All TCP connections count, whatever they carry and whatever the filter drops. What follows a
    /// refused WebSocket on the same TCP connection counts as another one.
    pub connection: u64,
    /// The connection's identity: the same in every pass over the same packets, whatever the filters.
    #[serde(with = "serde_bytes")]
    pub uid: [u8; 16],
    /// The stream of HTTP/2 (RFC 8441); `None` if it is a WebSocket of HTTP/1.1.
    pub stream_id: Option<u32>,
    /// The address and port of the client, which sent the request.
    pub client_address: SocketAddr,
    /// The address and port of the server.
    pub server_address: SocketAddr,
    /// The address and port of the client before a proxy, as the proxy reported them in a PROXY
    /// header.
    pub original_client_address: Option<SocketAddr>,
    /// The address and port that this client connected to, as the proxy reported them.
    pub original_server_address: Option<SocketAddr>,
    /// The tags and tunnels of its packets, such as `vlan 12` or `vxlan 5001`; at most
    /// [`MAX_ENCAPSULATION`].
    pub encapsulation: Vec<String>,
    /// What is known of its TLS; `None` in clear text.
    pub tls: Option<Box<TlsFacts>>,
    /// The request, if it was captured.
    pub request: Option<Request>,
    /// The response, if it was captured.
    pub response: Option<Response>,
    /// The negotiated permessage-deflate parameters.
    pub deflate: Option<DeflateParams>,
    /// Whether the response's accept key is right; `None` if one of the two keys was not captured.
    pub accept_key_ok: Option<bool>,
    /// Whether the server's acceptance was not captured.
    pub midstream: bool,
    /// The first packet.
    pub first: Origin,
    /// The last packet.
    pub last: Origin,
    /// The first close frame.
    pub close: Option<CloseSeen>,
    /// The account of the client's bytes.
    pub from_client: Account,
    /// The account of the server's bytes.
    pub from_server: Account,
    /// How the connection ended; `None` while it is live.
    pub ended: Option<Ended>,
    /// What went wrong, in sentences; at most [`MAX_PROBLEMS`].
    pub problems: Vec<String>,
}

/// The number of tags and tunnels that are kept per connection.
pub const MAX_ENCAPSULATION: usize = 16;

/// The number of problems that are kept per connection.
pub const MAX_PROBLEMS: usize = 32;

/// The memory that header fields take, in bytes.
fn fields_memory(fields: &[Field]) -> usize {
    fields.iter().map(|(name, value)| size_of::<Field>() + 32 + name.len() + value.len()).sum()
}

impl Request {
    /// The memory that the request takes, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        size_of::<Self>() + self.target.len() + fields_memory(&self.fields)
    }
}

impl Response {
    /// The memory that the response takes, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        size_of::<Self>() + self.reason.len() + fields_memory(&self.fields)
    }
}

impl Connection {
    /// The memory that the heads take, in bytes.
    pub(crate) fn heads_memory(&self) -> usize {
        let request = self.request.as_ref().map_or(0, Request::bytes_held);
        let tls = self.tls.as_ref().map_or(0, |tls| tls.bytes_held());
        tls + request + self.response.as_ref().map_or(0, Response::bytes_held)
    }

    /// The memory that a table takes for what its rows say of the connection (its identity, host and
    /// path), in bytes.
    pub(crate) fn facts_memory(&self) -> usize {
        // An entry of a map, two blocks with texts, and their entries in a set.
        const FACTS: usize = 96 + 2 * 32 + 2 * 24;
        let texts = self.host().map_or(0, |host| host.len()) + self.path().map_or(0, str::len);
        FACTS + texts
    }

    /// A connection between a client and a server of which nothing else is known.
    pub(crate) fn new(
        connection: u64,
        uid: [u8; 16],
        [client_address, server_address]: [SocketAddr; 2],
    ) -> Self {
        Self {
            connection,
            uid,
            stream_id: None,
            client_address,
            server_address,
            original_client_address: None,
            original_server_address: None,
            encapsulation: Vec::new(),
            tls: None,
            request: None,
            response: None,
            deflate: None,
            accept_key_ok: None,
            midstream: false,
            first: Origin::default(),
            last: Origin::default(),
            close: None,
            from_client: Account::default(),
            from_server: Account::default(),
            ended: None,
            problems: Vec::new(),
        }
    }

    /// The same with addresses as texts, for tests.
    #[cfg(test)]
    pub(crate) fn of(ends: [&str; 2]) -> Self {
        Self::new(0, [0; 16], ends.map(|end| end.parse().unwrap()))
    }

    /// When the WebSocket began, in nanoseconds since the epoch: with the response, or else the
    /// request, or else, if neither was captured, the connection's first packet.
    #[must_use]
    pub fn started(&self) -> i64 {
        let response = self.response.as_ref().map(|response| response.time);
        response.or(self.request.as_ref().map(|request| request.time)).unwrap_or(self.first.time)
    }

    /// How long the WebSocket lasted, in nanoseconds: from its beginning to the last packet.
    #[must_use]
    pub fn duration(&self) -> i64 {
        self.last.time.saturating_sub(self.started()).max(0)
    }

    /// The account of one direction.
    #[must_use]
    pub const fn account(&self, from_client: bool) -> &Account {
        if from_client { &self.from_client } else { &self.from_server }
    }

    /// The version of HTTP that the WebSocket was opened with.
    #[must_use]
    pub const fn http_version(&self) -> &'static str {
        if self.stream_id.is_some() { "2" } else { "1.1" }
    }

    /// The request's `Host`, or its `:authority` in HTTP/2.
    #[must_use]
    pub fn host(&self) -> Option<Cow<'_, str>> {
        let fields = &self.request.as_ref()?.fields;
        let authority = self.stream_id.and_then(|_| field(fields, ":authority"));
        authority.or_else(|| field(fields, "host"))
    }

    /// The request's target without scheme and authority.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        let target = self.request.as_ref()?.target.as_str();
        if self.stream_id.is_some() {
            return (!target.is_empty()).then_some(target);
        }
        let Some((_, rest)) = target.split_once("://").filter(|_| !target.starts_with('/')) else {
            return Some(target);
        };
        Some(rest.find('/').map_or("/", |start| &rest[start..]))
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn subprotocol(&self) -> Option<Cow<'_, str>> {
        field(&self.response.as_ref()?.fields, "sec-websocket-protocol")
    }

    /// The `Sec-WebSocket-Extensions` of the response: the extensions that the server accepted.
    /// Several header fields are joined to one list (RFC 9110 section 5.3).
    #[must_use]
    pub fn extensions(&self) -> Option<String> {
        let values: Vec<_> =
            values(&self.response.as_ref()?.fields, "sec-websocket-extensions").collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Whether the server refused the WebSocket.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.response.as_ref().is_some_and(|response| match self.stream_id {
            Some(_) => !(200..300).contains(&response.status),
            None => response.status != 101,
        })
    }
}

/// The value of the first header field of this name. Bytes that are not UTF-8 become U+FFFD.
#[must_use]
pub fn field<'a>(fields: &'a [Field], name: &str) -> Option<Cow<'a, str>> {
    values(fields, name).next()
}

/// The values of the header fields of this name.
fn values<'a>(fields: &'a [Field], name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    let named = move |(other, _): &&Field| other.eq_ignore_ascii_case(name);
    fields.iter().filter(named).map(|(_, value)| lossy(value))
}

/// The text of a value. Bytes that are not UTF-8 become U+FFFD.
pub(crate) fn lossy(value: &[u8]) -> Cow<'_, str> {
    // Nearly all values are ASCII, which `from_utf8` checks a word at a time.
    std::str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_path_are_those_of_the_request() {
        for (stream_id, target, path) in [
            (None, "/chat?a=b", Some("/chat?a=b")),
            (None, "ws://example.com/chat", Some("/chat")),
            (None, "ws://example.com", Some("/")),
            (None, "/chat?next=http://example.org", Some("/chat?next=http://example.org")),
            (Some(1), "/chat?next=http://example.org", Some("/chat?next=http://example.org")),
            (Some(1), "", None),
        ] {
            let fields = [(":authority", "example.com"), ("host", "example.org")];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.into()));
            let (target, fields) = (target.to_owned(), fields.to_vec());
            let request = Request { target, fields, ..Request::default() };
            let ends = ["192.0.2.1:1", "192.0.2.2:2"].map(|end| end.parse().unwrap());
            let connection = Connection {
                stream_id,
                request: Some(request),
                ..Connection::new(0, [0; 16], ends)
            };
            assert_eq!(connection.path(), path);
            let host = if stream_id.is_some() { "example.com" } else { "example.org" };
            assert_eq!(connection.host().as_deref(), Some(host));
        }
    }

    #[test]
    fn status_tells_whether_the_server_refused() {
        for (stream_id, status, refused) in
            [(None, 101, false), (None, 200, true), (Some(1), 200, false), (Some(1), 403, true)]
        {
            let ends = ["192.0.2.1:1", "192.0.2.2:2"].map(|end| end.parse().unwrap());
            let response = Some(Response { status, ..Response::default() });
            let connection =
                Connection { stream_id, response, ..Connection::new(0, [0; 16], ends) };
            assert_eq!(connection.refused(), refused, "{stream_id:?} {status}");
        }
    }
}
