//! Writes heads.
//!
//! What a caller gives is checked, so that it cannot end a line or a head before its end (RFC 9112
//! section 11.1).
//!
//! RFC 9112 sections 3 to 5; RFC 9110 sections 15 and 7.8; RFC 6455 sections 4.1, 4.2.2 and 4.4.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "what the caller gives, and a few lines"
)]

use std::borrow::Cow;
use std::fmt;

use crate::handshake::fault::quoted;
use crate::handshake::list::is_token;

/// A field that the caller adds: its name and its value.
pub type NewField = (String, Vec<u8>);

/// Why a head cannot be written: a mistake of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidHead(pub(super) Cow<'static, str>);

impl fmt::Display for InvalidHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidHead {}

impl From<&'static str> for InvalidHead {
    fn from(reason: &'static str) -> Self {
        Self(reason.into())
    }
}

impl From<String> for InvalidHead {
    fn from(reason: String) -> Self {
        Self(reason.into())
    }
}

/// A head that is being written.
pub(super) struct HeadWriter(Vec<u8>);

impl HeadWriter {
    /// Starts with the first line of a request.
    pub(super) fn request(target: &str) -> Result<Self, InvalidHead> {
        let is_visible = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !is_visible || !(target.starts_with('/') || target.contains("://")) {
            return Err(format!("invalid request target {}", quoted(target.as_bytes())).into());
        }
        Ok(Self(format!("GET {target} HTTP/1.1\r\n").into_bytes()))
    }

    /// Starts with the first line of a response.
    pub(super) fn response(status: u16, reason: &str) -> Result<Self, InvalidHead> {
        let is_text = |byte: u8| byte == b'\t' || byte == b' ' || byte.is_ascii_graphic();
        if !reason.bytes().all(is_text) {
            return Err(format!("invalid reason phrase {}", quoted(reason.as_bytes())).into());
        }
        Ok(Self(format!("HTTP/1.1 {status} {reason}\r\n").into_bytes()))
    }

    /// Adds a field.
    pub(super) fn field(&mut self, name: &str, value: &[u8]) -> Result<(), InvalidHead> {
        if !is_token(name.as_bytes()) {
            return Err(format!("invalid field name {}", quoted(name.as_bytes())).into());
        }
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(format!("invalid value of {name}: {}", quoted(value)).into());
        }
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.0.extend_from_slice(part);
        }
        Ok(())
    }

    /// Adds fields of the caller, none of which may have a name that the handshake writes itself.
    pub(super) fn fields(
        &mut self,
        fields: &[NewField],
        taken: &[&str],
    ) -> Result<(), InvalidHead> {
        for (name, value) in fields {
            if taken.iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
                return Err(format!("the handshake writes {name} itself").into());
            }
            self.field(name, value)?;
        }
        Ok(())
    }

    /// Ends the head, and adds a body.
    pub(super) fn end(mut self, body: &[u8]) -> Vec<u8> {
        self.0.extend_from_slice(b"\r\n");
        self.0.extend_from_slice(body);
        self.0
    }
}

/// A response that refuses a request, and closes the connection.
pub(super) fn refusal(
    status: u16,
    reason: Option<&str>,
    fields: &[NewField],
    body: &[u8],
) -> Result<Vec<u8>, InvalidHead> {
    if !matches!(status, 200..=599) {
        return Err(format!("a refusal has a status from 200 to 599, not {status}").into());
    }
    let has_no_body = matches!(status, 204 | 304);
    if has_no_body && !body.is_empty() {
        return Err(format!("a response with the status {status} has no body").into());
    }
    let has = |name: &str| fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    let mut head = HeadWriter::response(status, reason.unwrap_or_else(|| reason_phrase(status)))?;
    let mut connection = "close";
    if status == 426 && !has("upgrade") {
        // Whoever sends Upgrade names it in Connection too (RFC 9110 section 7.8).
        connection = "close, Upgrade";
        head.field("Upgrade", b"websocket")?;
        if !has("sec-websocket-version") {
            head.field("Sec-WebSocket-Version", b"13")?;
        }
    }
    if status == 405 && !has("allow") {
        head.field("Allow", b"GET")?;
    }
    head.field("Connection", connection.as_bytes())?;
    if !body.is_empty() && !has("content-type") {
        head.field("Content-Type", b"text/plain; charset=utf-8")?;
    }
    if !has_no_body {
        head.field("Content-Length", body.len().to_string().as_bytes())?;
    }
    head.fields(fields, &["connection", "content-length", "transfer-encoding"])?;
    Ok(head.end(body))
}

/// The usual reason phrase of a status code; a general one for others (RFC 9110 section 15).
const fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        414 => "URI Too Long",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => match status / 100 {
            2 => "Success",
            3 => "Redirection",
            4 => "Client Error",
            _ => "Server Error",
        },
    }
}
