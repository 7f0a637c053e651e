//! The accept key, by which a server shows that it understood a request for a WebSocket.
//!
//! RFC 6455 sections 1.3 and 4.2.2.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::connection::{Request, Response, field};

/// The string that the server appends to the client's key (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether the server's accept key follows from the client's key (RFC 6455 section 4.2.2). `None` if
/// either was not sent.
pub(crate) fn accept_key_is_right(request: &Request, response: &Response) -> Option<bool> {
    let key = field(&request.fields, "sec-websocket-key")?;
    let accept = field(&response.fields, "sec-websocket-accept")?;
    let mut digest = Sha1::new();
    digest.update(key.trim().as_bytes());
    digest.update(GUID);
    Some(STANDARD.encode(digest.finalize()) == accept.trim())
}
