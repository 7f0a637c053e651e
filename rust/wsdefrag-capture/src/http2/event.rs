//! What an HTTP/2 connection gives out: the WebSockets among its streams.

use crate::connection::{Field, Request, Response, field};
use crate::packet::Origin;
use crate::stream_part::StreamPart;
use serde::{Deserialize, Serialize};

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// Both sides ended it (RFC 9113 section 5.1).
    Closed,
    /// One side reset it (section 6.4).
    Reset,
    /// It is not a WebSocket after all.
    Other,
}

/// The header fields of a stream that may be a WebSocket, as far as they were captured.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct StreamHeads {
    pub(crate) request: Option<Box<Request>>,
    pub(crate) response: Option<Box<Response>>,
    /// How many fields of the request and of the response were not captured.
    pub(crate) unknown_fields: [u32; 2],
    /// The packet with the first of them.
    pub(crate) first: Origin,
}

impl StreamHeads {
    /// The memory that the heads take, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        let request = self.request.as_deref().map_or(0, Request::bytes_held);
        request + self.response.as_deref().map_or(0, Response::bytes_held)
    }

    /// Whether the response has fields that only answers to WebSockets have (RFC 6455 section 11.3).
    pub(super) fn name_websocket(&self) -> bool {
        let fields = self.response.as_deref().map(|response| &response.fields[..]);
        fields.is_some_and(names_websocket)
    }
}

/// Whether the fields of a response are some that only answers to WebSockets have (RFC 6455 section
/// 11.3).
pub(super) fn names_websocket(fields: &[Field]) -> bool {
    let names = ["sec-websocket-extensions", "sec-websocket-protocol"];
    names.iter().any(|name| field(fields, name).is_some())
}

/// What happens on a stream.
#[derive(Debug)]
pub(crate) enum StreamEvent<'a> {
    /// It is a WebSocket. Without a response the server's acceptance was not captured, and the server's
    /// first byte may not begin a frame; without a request, the client's.
    Opened(StreamHeads),
    /// It asked for a WebSocket, and the server refused.
    Refused(StreamHeads),
    /// Its beginning was not captured, so it may be a WebSocket. Its parts follow.
    Unknown(Origin),
    /// The next part of its bytes in one direction.
    Part { from_client: bool, part: StreamPart<'a> },
    /// It has ended; nothing follows. The packet with the last of it.
    Ended(StreamEnd, Origin),
}
