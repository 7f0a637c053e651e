//! The rules of single lines of a head.
//!
//! RFC 9112 sections 2.2, 3, 4 and 5; RFC 6455 sections 3 and 4.

#![expect(clippy::disallowed_methods, reason = "a text that quotes a few bytes")]

use crate::handshake::fault::{Fault, HandshakeError, quoted};
use crate::handshake::faults::Faults;
use crate::handshake::list::{is_token, is_token_byte};

/// How a response starts.
const HTTP: &[u8] = b"HTTP/";

/// Checks the byte `index` of the first line of a request: a method, up to its space.
pub(super) fn check_method_byte(
    byte: u8,
    index: usize,
    faults: &Faults,
) -> Result<(), HandshakeError> {
    if is_token_byte(byte) {
        return Ok(());
    }
    Err(faults.error(Fault::NotHttp, index, "not the start of an HTTP request"))
}

/// Checks the byte `index` of the first line of a response.
pub(super) fn check_status_byte(
    byte: u8,
    index: usize,
    faults: &Faults,
) -> Result<(), HandshakeError> {
    match HTTP.get(index) {
        Some(expected) if *expected != byte => {
            Err(faults.error(Fault::NotHttp, index, "not the start of an HTTP response"))
        }
        _ => Ok(()),
    }
}

/// Checks the first line of a request, without its end.
pub(super) fn check_request_line(line: &[u8], faults: &mut Faults) -> Result<(), HandshakeError> {
    let text = line.trim_ascii_end();
    let version = text.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    let method = text.split(|&byte| byte == b' ').next().unwrap_or_default();
    let between = text.len().saturating_sub(method.len() + version.len());
    if between < 2 || !version.starts_with(HTTP) {
        return Err(faults.error(
            Fault::NotHttp,
            0,
            "the first line is not that of an HTTP request",
        ));
    }
    check_version(version, text.len() - version.len(), faults)?;
    let target = &line[method.len() + 1..method.len() + between - 1];
    let form = |start: &[u8]| {
        target.get(..start.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(start))
    };
    let forms: [&[u8]; 5] = [b"/", b"http://", b"https://", b"ws://", b"wss://"];
    let odd = target.iter().any(|byte| !byte.is_ascii_graphic() || *byte == b'#');
    if odd || text.len() < line.len() || !forms.into_iter().any(form) {
        // A proxy is asked for a connection by other methods and targets; the method is told first.
        if faults.is_strict() && method != b"GET" {
            return faults.meet(Fault::Method, || (0, wrong_method(method)));
        }
        let reason = || ["request target ", &quoted(target)].concat();
        faults.meet(Fault::RequestTarget, || (method.len() + 1, reason()))?;
    }
    Ok(())
}

pub(super) fn wrong_method(method: &[u8]) -> String {
    ["method ", &quoted(method), " instead of GET"].concat()
}

/// Checks the first line of a response, without its end.
pub(super) fn check_status_line(line: &[u8], faults: &mut Faults) -> Result<(), HandshakeError> {
    let version = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    let rest = line.get(version.len() + 1..).unwrap_or_default();
    let (code, after) = rest.split_at(rest.len().min(3));
    let is_status = code.len() == 3 && code.iter().all(u8::is_ascii_digit);
    if !is_status || !(after.is_empty() || after.starts_with(b" ")) {
        let is_spaced = rest
            .trim_ascii_start()
            .get(..3)
            .is_some_and(|code| code.iter().all(u8::is_ascii_digit));
        let reason = "the first line is not that of an HTTP response";
        if !is_spaced || faults.is_strict() {
            return Err(faults.error(Fault::NotHttp, 0, reason));
        }
    }
    // An answer that is not a WebSocket may come from an HTTP/1.0 server or proxy.
    if version == b"HTTP/1.0" && code != b"101" {
        Ok(())
    } else {
        check_version(version, 0, faults)
    }
}

/// Checks a version, which stands at `offset` of the first line.
fn check_version(version: &[u8], offset: usize, faults: &mut Faults) -> Result<(), HandshakeError> {
    match version {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(()),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            let reason = || [&quoted(version), " instead of HTTP/1.1"].concat();
            faults.meet(Fault::HttpVersion, || (offset, reason()))
        }
        _ => Err(faults.error(Fault::NotHttp, offset, "no version of HTTP")),
    }
}

/// Checks the line of a field, without its end, which starts at `offset`.
pub(super) fn check_field_line(
    line: &[u8],
    offset: usize,
    faults: &mut Faults,
) -> Result<(), HandshakeError> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return faults.meet(Fault::LineFolding, || (offset, "a line that starts with white space"));
    }
    let Some(colon) = line.iter().position(|&byte| byte == b':') else {
        let reason = || ["a field without colon: ", &quoted(line)].concat();
        return faults.meet(Fault::InvalidFieldName, || (offset, reason()));
    };
    let name = &line[..colon];
    if is_token(name) {
        return Ok(());
    }
    if is_token(name.trim_ascii_end()) {
        let reason =
            || ["white space before the colon of ", &quoted(name.trim_ascii_end())].concat();
        return faults.meet(Fault::SpaceBeforeColon, || (offset, reason()));
    }
    let reason = || ["field name ", &quoted(name), " is no token"].concat();
    faults.meet(Fault::InvalidFieldName, || (offset, reason()))
}
