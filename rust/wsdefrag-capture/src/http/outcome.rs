//! What a handshake came to after a part of a stream.

use crate::connection::{Request, Response};
use crate::http2::beginning::Beginning;
use serde::{Deserialize, Serialize};

/// The state of the handshake after a part of a stream. After the last five, the bytes that were not
/// interpreted are given by `Upgrade::take_buffered`, those of the last part included.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is not decided yet.
    NeedMoreData,
    /// The connection is not a WebSocket.
    NotWebSocket,
    /// Another protocol begins with the bytes that were not interpreted.
    Switches,
    /// HTTP continues after a response: with the same server, or through a proxy with another one.
    HttpContinues,
    /// The server accepted.
    Accepted(Box<Acceptance>),
    /// The server refused. HTTP continues after the response.
    Refused { request: Box<Request>, response: Box<Response> },
    /// HTTP/2 follows. Where its sides begin, and the SETTINGS in the request for an upgrade.
    Http2 { client: Beginning, server: Beginning, settings: Vec<u8> },
    /// The response was not captured.
    Unknown { request: Option<Box<Request>> },
}

/// A server's acceptance of a request for a WebSocket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Acceptance {
    /// The request, if it was captured.
    pub(crate) request: Option<Box<Request>>,
    pub(crate) response: Box<Response>,
    /// The position in the client's stream that the response's last segment acknowledged: the end of
    /// the request.
    pub(crate) acknowledged: Option<u64>,
}
