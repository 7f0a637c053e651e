//! Parses HTTP heads with `httparse`, and recognises how they begin.
//!
//! Parsing is as lenient as common clients and servers are: a capture shows what they understood,
//! not what they should have sent.
//!
//! RFC 9112 sections 3 to 5, RFC 9110 section 5.6.1.

use httparse::Status;

use crate::connection::{Field, Request, Response};

/// A complete head.
#[derive(Debug)]
pub(crate) enum Head {
    Request { method: String, request: Request },
    Response(Response),
}

/// The first bytes of a head that may belong to a WebSocket handshake.
pub(crate) const fn handshake_head(request: bool) -> &'static [u8] {
    if request { b"GET /" } else { b"HTTP/1.1 101 " }
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
        return None;
    }
    let (method, target) = (parsed.method?.to_owned(), parsed.path?.to_owned());
    let request = Request { target, fields: fields(parsed.headers), time };
    Some(Head::Request { method, request })
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
    vec![httparse::EMPTY_HEADER; bytes.split(|&byte| byte == b'\n').count()]
}

fn fields(headers: &[httparse::Header<'_>]) -> Vec<Field> {
    headers.iter().map(|header| (header.name.to_owned(), header.value.to_owned())).collect()
}

/// Whether the header fields of this name, which are lists of tokens, contain this token (RFC 9110
/// section 5.6.1). Case is ignored.
pub(crate) fn has_token(fields: &[Field], name: &str, token: &str) -> bool {
    fields
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
        .filter_map(|(_, value)| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .any(|member| member.trim().eq_ignore_ascii_case(token))
}
