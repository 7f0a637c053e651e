//! What comes out of a capture: messages as they complete, connections as they open and end.

use std::borrow::Cow;
use std::net::SocketAddr;

use wsdefrag_core::{DeflateParams, Error, Opcode};

/// What is to be thought of a message's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Whole, and as it was sent.
    Ok,
    /// Bytes are missing; the content is what stood before the first missing one.
    Incomplete,
    /// Whole on the wire, but what it takes to inflate it is not known; the content is the
    /// compressed payload.
    Undecodable,
    /// Over a limit; the content is what the limit allowed, or nothing.
    TooBig,
    /// Whole, but a text that is not UTF-8; the content is its bytes.
    InvalidUtf8,
    /// Broken off by a broken rule; the content is what stood before it.
    ProtocolError,
}

impl Status {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Incomplete,
        Self::Undecodable,
        Self::TooBig,
        Self::InvalidUtf8,
        Self::ProtocolError,
    ];

    /// Its name in columns and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Incomplete => "incomplete",
            Self::Undecodable => "undecodable",
            Self::TooBig => "too_big",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::ProtocolError => "protocol_error",
        }
    }
}

/// One message: a row of the messages table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number of its connection.
    pub connection: u64,
    /// Its place among the messages of its direction, from 0.
    pub seq: u64,
    /// Who sent it.
    pub from_client: bool,
    /// Text or binary.
    pub opcode: Opcode,
    /// The decoded payload, as far as `status` says.
    pub content: Vec<u8>,
    /// When the packet that completed it was captured, in nanoseconds since the epoch.
    pub timestamp: i64,
    /// When the packet with its first byte was captured, in nanoseconds since the epoch.
    pub first_timestamp: i64,
    /// Its frames.
    pub frames: u32,
    /// Bytes of its frames on the wire, headers included.
    pub wire_length: u64,
    /// Payload bytes of its frames on the wire: compressed, where it was compressed.
    pub payload_length: u64,
    /// Whether it was compressed.
    pub compressed: bool,
    /// What is to be thought of `content`.
    pub status: Status,
    /// Payload bytes that were not captured.
    pub missing_bytes: u64,
    /// Whether it was found by looking for frames, where it was not known that one begins.
    pub resynced: bool,
    /// The packet with its first byte.
    pub first_packet: u64,
    /// The packet that completed it.
    pub last_packet: u64,
}

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

/// What became of the bytes of one direction behind the handshake, and what else there is to say
/// of it.
///
/// `bytes == emitted + control + skipped + lost + trailing` when the connection has ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Bytes on the stream, whether they were captured or not.
    pub bytes: u64,
    /// Bytes of the frames of messages that are whole on the wire, headers included.
    pub emitted: u64,
    /// Bytes of control frames.
    pub control: u64,
    /// Bytes of frames that are known but were not delivered whole: those of incomplete messages
    /// and of messages over a limit.
    pub skipped: u64,
    /// Bytes that cannot be told apart into frames, because some of them were not captured.
    pub lost: u64,
    /// Bytes behind a Close, and from a broken rule on.
    pub trailing: u64,
    /// Messages, of any status, those included that a filter holds back.
    pub messages: u64,
    /// Bytes of their contents, decoded.
    pub content: u64,
    /// Payload bytes of compressed messages that were inflated whole.
    pub compressed: u64,
    /// What those were inflated to, in bytes.
    pub inflated: u64,
    /// Pings and pongs.
    pub pings: u64,
    /// Gaps: runs of bytes that were not captured.
    pub gaps: u64,
    /// Bytes in them.
    pub missing: u64,
    /// Segments with bytes that had come before; unlike all else those of the handshake count, too.
    pub retransmissions: u64,
    /// Those whose bytes differed from what had come before, which was kept.
    pub overlaps: u64,
    /// The broken rule that ended the direction.
    pub violation: Option<Error>,
}

impl Account {
    /// Whether every byte is accounted for.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.bytes == self.emitted + self.control + self.skipped + self.lost + self.trailing
    }

    /// Whether anything on this direction was not handed out as it was sent.
    #[must_use]
    pub const fn has_losses(&self) -> bool {
        self.skipped != 0 || self.lost != 0 || self.missing != 0
    }
}

/// A connection: a row of the connections table.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Its number in the capture, from 0, in the order in which WebSockets were recognised.
    pub id: u64,
    /// The side that sent the request.
    pub client: SocketAddr,
    /// The side that answered it.
    pub server: SocketAddr,
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

/// Takes what comes out.
pub trait Sink {
    /// A WebSocket was recognised; its handshake is known, as far as it was captured.
    fn opened(&mut self, connection: &Connection);
    /// A message was completed, or is known never to be.
    fn message(&mut self, message: Message);
    /// A connection has ended; its account is complete.
    fn ended(&mut self, connection: Connection);
}
