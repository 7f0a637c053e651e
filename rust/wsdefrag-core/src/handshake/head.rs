//! Parses complete HTTP/1.1 heads with `httparse`.
//!
//! Parsing is as lenient as common clients and servers are. A bystander sees what they understood, not
//! what they should have sent. An endpoint checks each line before it parses a head (`incoming`), so
//! it parses none in which this leniency makes a difference.
//!
//! RFC 9112 sections 3 to 5.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "parts of a head, whose length its reader has bounded"
)]

use httparse::Status;

use crate::handshake::fields::Field;

/// The head of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// The method.
    pub method: String,
    /// The request target, unchanged.
    pub target: String,
    /// The version, such as `HTTP/1.1`.
    pub version: String,
    /// The fields in their order.
    pub fields: Vec<Field>,
}

/// The head of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// The reason phrase; empty if it is not ASCII.
    pub reason: String,
    /// The minor version of HTTP/1.
    pub minor_version: u8,
    /// The fields in their order.
    pub fields: Vec<Field>,
}

/// Parses the complete head of a request.
#[must_use]
pub fn parse_request(bytes: &[u8]) -> Option<RequestHead> {
    let mut headers = empty_headers(bytes);
    let mut parsed = httparse::Request::new(&mut headers);
    if !matches!(config().parse_request(&mut parsed, bytes), Ok(Status::Complete(_))) {
        return parse_odd_request(bytes);
    }
    let (method, target) = (parsed.method?.to_owned(), parsed.path?.to_owned());
    let version = format!("HTTP/1.{}", parsed.version?);
    Some(RequestHead { method, target, version, fields: fields(parsed.headers) })
}

/// Parses a request whose first line `httparse` refuses, as one with spaces in its target.
fn parse_odd_request(bytes: &[u8]) -> Option<RequestHead> {
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
    Some(RequestHead {
        method,
        target,
        version: version.to_owned(),
        fields: fields(parsed.headers),
    })
}

/// Parses the complete head of a response.
#[must_use]
pub fn parse_response(bytes: &[u8]) -> Option<ResponseHead> {
    let mut headers = empty_headers(bytes);
    let mut parsed = httparse::Response::new(&mut headers);
    if !matches!(config().parse_response(&mut parsed, bytes), Ok(Status::Complete(_))) {
        return None;
    }
    let (status, reason) = (parsed.code?, parsed.reason?.to_owned());
    let minor_version = parsed.version?;
    Some(ResponseHead { status, reason, minor_version, fields: fields(parsed.headers) })
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

/// One empty header per line: enough for every field of the head.
fn empty_headers(bytes: &[u8]) -> Vec<httparse::Header<'_>> {
    vec![httparse::EMPTY_HEADER; memchr::memchr_iter(b'\n', bytes).count() + 1]
}

fn fields(headers: &[httparse::Header<'_>]) -> Vec<Field> {
    headers.iter().map(|header| (header.name.to_owned(), header.value.to_owned())).collect()
}
