//! Recognises HTTP heads: how they begin, and whether they are of a WebSocket.
//!
//! RFC 9112 sections 3 and 4, RFC 6455 section 4.

use wsdefrag_core::handshake::fields::has_member;
use wsdefrag_core::handshake::head::{RequestHead, ResponseHead, parse_request, parse_response};

use crate::connection::{Field, Request, Response, field};

/// A complete head.
#[derive(Debug)]
pub(crate) enum Head {
    Request(Request),
    Response(Response),
}

/// Whether bytes start with the head of a WebSocket handshake: a request, or else a response. No
/// frame starts like that.
pub(crate) fn starts_handshake(bytes: &[u8], request: bool) -> bool {
    const REQUESTS: [&[u8]; 3] = [b"GET /", b"GET http", b"GET ws"];
    const RESPONSES: [&[u8]; 2] = [b"HTTP/1.1 101 ", b"HTTP/1.0 101 "];
    let starts = |start: &&[u8]| bytes.starts_with(start);
    if request { REQUESTS.iter().any(starts) } else { RESPONSES.iter().any(starts) }
}

/// Whether `bytes` can be the start of a request, or else of a response.
pub(crate) fn starts_like(bytes: &[u8], request: bool) -> bool {
    const VERSION: &[u8] = b"HTTP/1.";
    let common = bytes.len().min(VERSION.len());
    if bytes[..common] == VERSION[..common] && (!request || bytes.len() >= VERSION.len()) {
        return !request;
    }
    let method = bytes.split(|&byte| byte == b' ').next().unwrap_or(bytes);
    request && method.len() <= 32 && method.iter().all(u8::is_ascii_uppercase)
}

/// Parses a complete head, received at `time` (nanoseconds since the epoch).
pub(crate) fn parse(bytes: &[u8], request: bool, time: i64) -> Option<Head> {
    if request {
        let RequestHead { method, target, version, fields } = parse_request(bytes)?;
        Some(Head::Request(Request { method, target, version, fields, time }))
    } else {
        let ResponseHead { status, reason, fields, .. } = parse_response(bytes)?;
        Some(Head::Response(Response { status, reason, fields, time }))
    }
}

/// Whether a request asks for a WebSocket (RFC 6455 section 4.1).
pub(crate) fn asks_for_websocket(request: &Request) -> bool {
    request.method != "CONNECT"
        && (names_websocket(&request.fields)
            || field(&request.fields, "sec-websocket-key").is_some())
}

/// Whether a 101 switches to a WebSocket (RFC 6455 section 4.2.2). If a WebSocket was asked for, it is
/// enough that the response names no other protocol.
pub(crate) fn accepts_websocket(response: &Response, was_asked: bool) -> bool {
    names_websocket(&response.fields)
        || field(&response.fields, "sec-websocket-accept").is_some()
        || (was_asked && field(&response.fields, "upgrade").is_none())
}

/// Whether `Upgrade` names the WebSocket protocol.
pub(crate) fn names_websocket(fields: &[Field]) -> bool {
    has_member(fields, "upgrade", |member| {
        // A protocol may have a version (RFC 9110 section 7.8).
        let name = member.split('/').next().unwrap_or(member);
        name.trim().eq_ignore_ascii_case("websocket")
    })
}
