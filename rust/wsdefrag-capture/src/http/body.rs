//! How long the body of an HTTP message is.
//!
//! RFC 9112 section 6.3.

use wsdefrag_core::handshake::fields::has_token;

use crate::connection::{Field, Request, Response, field};

/// The body that follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// A body of this many bytes.
    Length(u64),
    /// A body in chunked transfer coding.
    Chunked,
    /// Everything up to the end of the direction.
    UntilEnd,
}

/// The body of a request. One without a valid length has none: it cannot last to the end.
pub(crate) fn request_body(request: &Request) -> Body {
    match announced(&request.fields) {
        None | Some(Body::UntilEnd) => Body::Length(0),
        Some(body) => body,
    }
}

/// The body of a response to a request with this method.
pub(crate) fn response_body(response: &Response, method: Option<&str>) -> Body {
    let empty = matches!(response.status, 100..=199 | 204 | 304)
        || method == Some("HEAD")
        || (method == Some("CONNECT") && (200..300).contains(&response.status));
    if empty { Body::Length(0) } else { announced(&response.fields).unwrap_or(Body::UntilEnd) }
}

/// The body that the header fields announce.
fn announced(fields: &[Field]) -> Option<Body> {
    if has_token(fields, "transfer-encoding", "chunked") {
        return Some(Body::Chunked);
    }
    let length = field(fields, "content-length")?;
    Some(length.trim().parse().map_or(Body::UntilEnd, Body::Length))
}
