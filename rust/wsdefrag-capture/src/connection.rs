//! A connection of a capture: its ends, its handshake, how it ended, and what became of its bytes.

use std::borrow::Cow;
use std::net::SocketAddr;

use wsdefrag_core::DeflateParams;

use crate::account::Account;

/// How a connection, or what was captured of it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Both sides sent a FIN.
    Fin,
    /// One side sent a RST.
    Rst,
    /// No packet came for the idle time.
    Idle,
    /// It had to make room for others.
    Evicted,
    /// A new connection began on its addresses and ports.
    Replaced,
    /// The capture ended.
    EndOfCapture,
    /// The server did not want a WebSocket; what became of the connection is not followed.
    Refused,
}

impl Ended {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Fin,
        Self::Rst,
        Self::Idle,
        Self::Evicted,
        Self::Replaced,
        Self::EndOfCapture,
        Self::Refused,
    ];

    /// Its name in columns and JSON.
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

/// The close frame that came first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseSeen {
    /// Who sent it.
    pub from_client: bool,
    /// Its code; 1005 where the frame held none, `None` where it was not captured whole.
    pub code: Option<u16>,
    /// Its reason.
    pub reason: String,
    /// When it was captured, in nanoseconds since the epoch.
    pub time: i64,
    /// The packet that it ended in.
    pub packet: u64,
}

/// A header field of an HTTP head.
pub type Field = (String, Vec<u8>);

/// The request that asked for the WebSocket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The request target, as it stood in the request line.
    pub target: String,
    /// The header fields, in order, names as they were written.
    pub fields: Vec<Field>,
    /// When its last byte was captured, in nanoseconds since the epoch.
    pub time: i64,
}

/// The answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The header fields, in order, names as they were written.
    pub fields: Vec<Field>,
    /// When its last byte was captured, in nanoseconds since the epoch.
    pub time: i64,
}

/// A connection: a row of the connections table.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Its number in the capture, from 0, in the order in which WebSockets were recognised.
    pub connection: u64,
    /// The side that sent the request.
    pub client_address: SocketAddr,
    /// The side that answered it.
    pub server_address: SocketAddr,
    /// The request, where it was captured.
    pub request: Option<Request>,
    /// The answer, where it was captured.
    pub response: Option<Response>,
    /// The agreed permessage-deflate parameters.
    pub deflate: Option<DeflateParams>,
    /// Whether the answer's accept key is the right one; `None` where one of the two is missing.
    pub accept_key_ok: Option<bool>,
    /// Whether the beginning of the WebSocket was not captured, so that its frames were looked for.
    pub midstream: bool,
    /// When its first packet was captured, in nanoseconds since the epoch.
    pub opened: i64,
    /// When its last packet was captured, in nanoseconds since the epoch.
    pub last: i64,
    /// The first close frame.
    pub close: Option<CloseSeen>,
    /// What the client sent.
    pub from_client: Account,
    /// What the server sent.
    pub from_server: Account,
    /// How it ended; `None` while it has not.
    pub ended: Option<Ended>,
    /// What went wrong, for people to read, in order; at most [`MAX_PROBLEMS`].
    pub problems: Vec<String>,
}

/// Problems kept for one connection.
pub const MAX_PROBLEMS: usize = 32;

impl Connection {
    /// The account of one direction.
    #[must_use]
    pub const fn account(&self, from_client: bool) -> &Account {
        if from_client { &self.from_client } else { &self.from_server }
    }

    /// The request's `Host`.
    #[must_use]
    pub fn host(&self) -> Option<Cow<'_, str>> {
        field(&self.request.as_ref()?.fields, "host")
    }

    /// The request's target without scheme and authority.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        let target = self.request.as_ref()?.target.as_str();
        let Some((_, rest)) = target.split_once("://") else { return Some(target) };
        Some(rest.find('/').map_or("/", |start| &rest[start..]))
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn subprotocol(&self) -> Option<Cow<'_, str>> {
        field(&self.response.as_ref()?.fields, "sec-websocket-protocol")
    }

    /// The extensions that the server agreed to, as the answer says them; several fields are one
    /// list (RFC 9110 section 5.3).
    #[must_use]
    pub fn extensions(&self) -> Option<String> {
        let values: Vec<_> =
            values(&self.response.as_ref()?.fields, "sec-websocket-extensions").collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Whether the server refused the WebSocket.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.response.as_ref().is_some_and(|response| response.status != 101)
    }
}

/// The value of the first header field of this name, with a sign in place of what is not UTF-8.
#[must_use]
pub fn field<'a>(fields: &'a [Field], name: &str) -> Option<Cow<'a, str>> {
    values(fields, name).next()
}

/// The values of the header fields of this name.
fn values<'a>(fields: &'a [Field], name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    let named = move |(other, _): &&Field| other.eq_ignore_ascii_case(name);
    fields.iter().filter(named).map(|(_, value)| String::from_utf8_lossy(value))
}
