//! Parses HTTP heads with `httparse`, and recognises how they begin.
//!
//! Parsing is as lenient as common clients and servers are: a capture shows what they understood,
//! not what they should have sent.
//!
//! RFC 9112 sections 3 to 5, RFC 9110 section 5.6.1.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "parts of a head of at most `MAX_HEAD` bytes"
)]

use httparse::Status;

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
    if request { parse_request(bytes, time) } else { parse_response(bytes, time) }
}

fn parse_request(bytes: &[u8], time: i64) -> Option<Head> {
    let mut headers = empty_headers(bytes);
    let mut parsed = httparse::Request::new(&mut headers);
    if !matches!(config().parse_request(&mut parsed, bytes), Ok(Status::Complete(_))) {
        return parse_odd_request(bytes, time);
    }
    let (method, target) = (parsed.method?.to_owned(), parsed.path?.to_owned());
    let version = format!("HTTP/1.{}", parsed.version?);
    Some(Head::Request(Request { method, target, version, fields: fields(parsed.headers), time }))
}

/// Parses a request whose first line `httparse` refuses, as one with spaces in its target.
fn parse_odd_request(bytes: &[u8], time: i64) -> Option<Head> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    let line = String::from_utf8_lossy(&bytes[..end]);
    let (method, rest) = line.trim_end_matches('\r').split_once(' ')?;
    let (target, version) = rest.rsplit_once(' ')?;
    if !version.starts_with("HTTP/") {
        return None;
    }
    let mut usual = b"GET / HTTP/1.1\r\n".to_vec();
    usual.extend_from_slice(&bytes[end + 1..]);
    let mut headers = empty_headers(&usual);
    let mut parsed = httparse::Request::new(&mut headers);
    if !matches!(config().parse_request(&mut parsed, &usual), Ok(Status::Complete(_))) {
        return None;
    }
    let (method, target) = (method.to_owned(), target.trim().to_owned());
    let (version, fields) = (version.to_owned(), fields(parsed.headers));
    Some(Head::Request(Request { method, target, version, fields, time }))
}

fn parse_response(bytes: &[u8], time: i64) -> Option<Head> {
    let mut headers = empty_headers(bytes);
    let mut parsed = httparse::Response::new(&mut headers);
    if !matches!(config().parse_response(&mut parsed, bytes), Ok(Status::Complete(_))) {
        return None;
    }
    let (status, reason) = (parsed.code?, parsed.reason?.to_owned());
    Some(Head::Response(Response { status, reason, fields: fields(parsed.headers), time }))
}

fn config() -> httparse::ParserConfig {
    let mut config = httparse::ParserConfig::default();
    config
        .ignore_invalid_headers_in_requests(true)
        .ignore_invalid_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_multiple_spaces_in_request_line_delimiters(true)
        .allow_multiple_spaces_in_response_status_delimiters(true);
    config
}

/// One empty header per line: enough for every header field of the head.
fn empty_headers(bytes: &[u8]) -> Vec<httparse::Header<'_>> {
    vec![httparse::EMPTY_HEADER; memchr::memchr_iter(b'\n', bytes).count() + 1]
}

fn fields(headers: &[httparse::Header<'_>]) -> Vec<Field> {
    headers.iter().map(|header| (header.name.to_owned(), header.value.to_owned())).collect()
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

/// Whether the header fields of this name, which are lists of tokens, contain this token. Case is
/// ignored.
pub(crate) fn has_token(fields: &[Field], name: &str, token: &str) -> bool {
    has_member(fields, name, |member| member.eq_ignore_ascii_case(token))
}

/// Whether the header fields of this name, which are lists (RFC 9110 section 5.6.1), have a member
/// that `is_it` accepts.
fn has_member(fields: &[Field], name: &str, is_it: impl Fn(&str) -> bool) -> bool {
    fields
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
        .filter_map(|(_, value)| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .any(|member| is_it(member.trim()))
}
