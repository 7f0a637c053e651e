//! The rules of a client's opening handshake, as its server checks them.
//!
//! RFC 6455 section 4.2.1; RFC 9110 sections 7.2 and 8.6; RFC 9112 sections 3.2 and 6.

#![expect(clippy::disallowed_methods, reason = "parts of a head, whose length has a bound")]

use crate::handshake::accept_key::is_key;
use crate::handshake::fault::{Fault, HandshakeError, quoted};
use crate::handshake::faults::Faults;
use crate::handshake::fields::{Field, has_token, joined, latin1, members, numbered};
use crate::handshake::head::RequestHead;
use crate::handshake::incoming::offset_of_line;
use crate::handshake::line::wrong_method;
use crate::handshake::list::{is_balanced, is_token, parameters_are_valid};

/// The name of the protocol in `Upgrade` (RFC 6455 section 4.1).
pub(super) const WEBSOCKET: &str = "websocket";

/// The version of the protocol (RFC 6455 section 4.1).
pub(super) const VERSION: &[u8] = b"13";

/// A client's request for a WebSocket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The bytes of its head.
    pub bytes: Vec<u8>,
    /// The parsed head.
    pub head: RequestHead,
}

impl Request {
    /// `Host`; empty if there is none.
    #[must_use]
    pub fn host(&self) -> String {
        self.first("host")
    }

    /// `Sec-WebSocket-Key`; empty if there is none.
    #[must_use]
    pub fn key(&self) -> String {
        self.first("sec-websocket-key")
    }

    /// The subprotocols that the client offers, in its order of preference.
    #[must_use]
    pub fn subprotocols(&self) -> Vec<String> {
        subprotocols(&self.head.fields)
    }

    /// All `Sec-WebSocket-Extensions` as one list; empty if there is none.
    #[must_use]
    pub fn extensions(&self) -> String {
        joined(&self.head.fields, "sec-websocket-extensions").unwrap_or_default()
    }

    /// Whether it asks for a WebSocket.
    #[must_use]
    pub fn asks_for_websocket(&self) -> bool {
        has_token(&self.head.fields, "upgrade", WEBSOCKET)
    }

    fn first(&self, name: &str) -> String {
        numbered(&self.head.fields, name)
            .next()
            .map_or_else(String::new, |(_, value)| latin1(value))
    }
}

/// The members of all `Sec-WebSocket-Protocol`.
pub(super) fn subprotocols(fields: &[Field]) -> Vec<String> {
    let all = joined(fields, "sec-websocket-protocol").unwrap_or_default();
    members(&all).map(str::to_owned).collect()
}

/// Checks a request.
pub(super) fn check_request(request: &Request, faults: &mut Faults) -> Result<(), HandshakeError> {
    let Request { bytes, head } = request;
    let fields = &head.fields;
    let end = || offset_of_line(bytes, usize::MAX);
    if head.method != "GET" {
        faults.meet(Fault::Method, || (0, wrong_method(head.method.as_bytes())))?;
    }
    let host = single(fields, "host");
    if !matches!(host, Ok((_, value)) if is_host(value)) {
        faults.meet(Fault::Host, || describe("Host", host, bytes))?;
    }
    check_no_content(fields, bytes, faults)?;
    if !request.asks_for_websocket() {
        faults.meet(Fault::Upgrade, || (end(), "no Upgrade to websocket"))?;
    }
    if !has_token(fields, "connection", "upgrade") {
        faults.meet(Fault::Connection, || (end(), "Connection does not name Upgrade"))?;
    }
    // Before the key, which another version may do without: a server answers with the version that it speaks
    // (section 4.4).
    let version = single(fields, "sec-websocket-version");
    if !matches!(version, Ok((_, VERSION))) {
        let fault = if version.is_ok() { Fault::UnsupportedVersion } else { Fault::Version };
        faults.meet(fault, || describe("Sec-WebSocket-Version", version, bytes))?;
    }
    let key = single(fields, "sec-websocket-key");
    if !matches!(key, Ok((_, value)) if is_key(value)) {
        faults.meet(Fault::Key, || describe("Sec-WebSocket-Key", key, bytes))?;
    }
    check_subprotocols(fields, bytes, faults)?;
    check_extensions(fields, bytes, faults)
}

/// Checks that a head announces no content: the bytes after it belong to the WebSocket. Others may
/// read two lengths, or a length and a transfer coding, differently.
pub(super) fn check_no_content(
    fields: &[Field],
    bytes: &[u8],
    faults: &mut Faults,
) -> Result<(), HandshakeError> {
    let mut has_length = false;
    for (number, (name, value)) in fields.iter().enumerate() {
        let offset = || offset_of_line(bytes, number + 1);
        if name.eq_ignore_ascii_case("transfer-encoding") {
            let reason = || ["Transfer-Encoding ", &quoted(value), " in a handshake"].concat();
            faults.meet(Fault::TransferEncoding, || (offset(), reason()))?;
        }
        if !name.eq_ignore_ascii_case("content-length") {
            continue;
        }
        if std::mem::replace(&mut has_length, true) {
            faults.meet(Fault::ContentLength, || (offset(), "a second Content-Length"))?;
        }
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            let reason = || ["Content-Length ", &quoted(value), " is no number"].concat();
            faults.meet(Fault::ContentLength, || (offset(), reason()))?;
        } else if value.iter().any(|digit| *digit != b'0') {
            let reason = || ["content of ", &quoted(value), " bytes in a handshake"].concat();
            faults.meet(Fault::Content, || (offset(), reason()))?;
        }
    }
    Ok(())
}

/// Checks that subprotocols are tokens, and different ones (RFC 6455 section 4.1 item 10).
fn check_subprotocols(
    fields: &[Field],
    bytes: &[u8],
    faults: &mut Faults,
) -> Result<(), HandshakeError> {
    let Some((number, _)) = numbered(fields, "sec-websocket-protocol").next() else {
        return Ok(());
    };
    let offset = || offset_of_line(bytes, number + 1);
    let mut names = subprotocols(fields);
    if let Some(odd) = names.iter().find(|name| !is_token(name.as_bytes())) {
        let reason = || ["subprotocol ", &quoted(odd.as_bytes()), " is no token"].concat();
        faults.meet(Fault::Subprotocol, || (offset(), reason()))?;
    }
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let reason = || ["subprotocol ", &quoted(pair[0].as_bytes()), " is offered twice"].concat();
        faults.meet(Fault::Subprotocol, || (offset(), reason()))?;
    }
    Ok(())
}

/// Checks the grammar of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1).
pub(super) fn check_extensions(
    fields: &[Field],
    bytes: &[u8],
    faults: &mut Faults,
) -> Result<(), HandshakeError> {
    for (number, value) in numbered(fields, "sec-websocket-extensions") {
        let text = latin1(value);
        if !is_balanced(&text) || !members(&text).all(parameters_are_valid) {
            let reason = || ["malformed extensions ", &quoted(value)].concat();
            let offset = || offset_of_line(bytes, number + 1);
            faults.meet(Fault::Extensions, || (offset(), reason()))?;
        }
    }
    Ok(())
}

/// The number and the value of a field that has to be there once; otherwise the number of a second
/// one, if there is.
pub(super) fn single<'a>(
    fields: &'a [Field],
    name: &str,
) -> Result<(usize, &'a [u8]), Option<usize>> {
    let mut named = numbered(fields, name);
    match (named.next(), named.next()) {
        (Some(field), None) => Ok(field),
        (_, second) => Err(second.map(|(number, _)| number)),
    }
}

/// The offset and the text of what is wrong with a field that has to be there once.
pub(super) fn describe(
    name: &str,
    field: Result<(usize, &[u8]), Option<usize>>,
    bytes: &[u8],
) -> (usize, String) {
    let (line, reason) = match field {
        Ok((number, value)) => (number + 1, ["invalid ", name, " ", &quoted(value)].concat()),
        Err(None) => (usize::MAX, ["no ", name].concat()),
        Err(Some(number)) => (number + 1, ["a second ", name].concat()),
    };
    (offset_of_line(bytes, line), reason)
}

/// Whether bytes can be the value of `Host` of a WebSocket (RFC 9110 section 7.2, RFC 3986 section
/// 3.2.2).
fn is_host(value: &[u8]) -> bool {
    let is_allowed =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=:[]%".contains(byte);
    !value.is_empty() && value.iter().all(is_allowed)
}
