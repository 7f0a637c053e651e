//! A request of HTTP whose response has not been captured yet.

use crate::connection::Request;
use serde::{Deserialize, Serialize};

/// The method that asks a proxy for a connection (RFC 9110 section 9.3.6).
pub(super) const CONNECT: &str = "CONNECT";

/// A request without a response.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PendingRequest {
    pub(super) method: String,
    /// The request, if it asks for a WebSocket.
    pub(super) for_websocket: Option<Box<Request>>,
    /// The SETTINGS, if it asks for an upgrade to HTTP/2 (RFC 7540 section 3.2).
    #[serde(with = "serde_bytes")]
    pub(super) http2_settings: Option<Vec<u8>>,
}

impl PendingRequest {
    pub(super) fn is_connect(&self) -> bool {
        self.method == CONNECT
    }

    /// Whether it depends on the response what the client's next bytes are.
    pub(super) fn must_be_answered(&self) -> bool {
        self.for_websocket.is_some() || self.is_connect()
    }
}
