//! Checks the accept key, by which a server shows that it understood a request for a WebSocket.
//!
//! RFC 6455 section 4.2.2.

use wsdefrag_core::handshake::accept_key::accept_key;

use crate::connection::{Request, Response, field};

/// Whether the server's accept key follows from the client's key (RFC 6455 section 4.2.2). `None` if
/// either was not sent.
pub(crate) fn accept_key_is_right(request: &Request, response: &Response) -> Option<bool> {
    let key = field(&request.fields, "sec-websocket-key")?;
    let accept = field(&response.fields, "sec-websocket-accept")?;
    Some(accept_key(key.trim().as_bytes()) == accept.trim())
}
