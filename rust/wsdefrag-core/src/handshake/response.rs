//! The rules of a server's answer to the opening handshake, as its client checks them.
//!
//! RFC 6455 sections 4.1 and 4.2.2; RFC 9110 section 15.2.

#![expect(clippy::disallowed_methods, reason = "parts of a head, whose length has a bound")]

use crate::handshake::accept_key::accept_key;
use crate::handshake::fault::{Fault, HandshakeError, quoted};
use crate::handshake::faults::Faults;
use crate::handshake::fields::{Field, has_field, has_token, joined, latin1, members, numbered};
use crate::handshake::head::ResponseHead;
use crate::handshake::incoming::offset_of_line;
use crate::handshake::request::{
    WEBSOCKET, check_extensions, check_no_content, describe, single, subprotocols,
};

/// A server's response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The bytes of its head.
    pub bytes: Vec<u8>,
    /// The parsed head.
    pub head: ResponseHead,
}

/// What a client asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// `Sec-WebSocket-Key`; nothing is known of it if it is empty.
    pub(super) key: String,
    /// The subprotocols.
    pub(super) subprotocols: Vec<String>,
    /// The offers of extensions, as one list.
    pub(super) extensions: String,
}

impl Response {
    /// Whether it switches to another protocol.
    #[must_use]
    pub const fn switches(&self) -> bool {
        self.head.status == 101
    }

    /// Whether it precedes the final response (RFC 9110 section 15.2).
    #[must_use]
    pub const fn is_informational(&self) -> bool {
        matches!(self.head.status, 100 | 102..=199)
    }

    /// Whether it accepts a request for a WebSocket. If one was asked for, it is enough that the 101
    /// names no other protocol.
    #[must_use]
    pub fn accepts_websocket(&self, was_asked: bool) -> bool {
        let fields = &self.head.fields;
        self.switches()
            && (has_token(fields, "upgrade", WEBSOCKET)
                || has_field(fields, "sec-websocket-accept")
                || (was_asked && !has_field(fields, "upgrade")))
    }

    /// The subprotocol.
    #[must_use]
    pub fn subprotocol(&self) -> Option<String> {
        let value = numbered(&self.head.fields, "sec-websocket-protocol").next();
        value.map(|(_, value)| latin1(value))
    }

    /// All `Sec-WebSocket-Extensions` as one list; empty if there is none.
    #[must_use]
    pub fn extensions(&self) -> String {
        joined(&self.head.fields, "sec-websocket-extensions").unwrap_or_default()
    }
}

/// Checks a 101 against what was asked for, but for the parameters of extensions.
pub(super) fn check_response(
    response: &Response,
    asked: Option<&Asked>,
    faults: &mut Faults,
) -> Result<(), HandshakeError> {
    let Response { bytes, head } = response;
    let fields = &head.fields;
    let end = || offset_of_line(bytes, usize::MAX);
    check_no_content(fields, bytes, faults)?;
    let upgrade = joined(fields, "upgrade").unwrap_or_default();
    if !upgrade.eq_ignore_ascii_case(WEBSOCKET) {
        let reason = || ["Upgrade is ", &quoted(upgrade.as_bytes())].concat();
        faults.meet(Fault::Upgrade, || (end(), reason()))?;
    }
    if !has_token(fields, "connection", "upgrade") {
        faults.meet(Fault::Connection, || (end(), "Connection does not name Upgrade"))?;
    }
    let key = asked.map(|asked| &asked.key).filter(|key| !key.is_empty());
    let accept = single(fields, "sec-websocket-accept");
    let is_right =
        |value: &[u8]| key.is_none_or(|key| accept_key(key.as_bytes()).as_bytes() == value);
    if !matches!(accept, Ok((_, value)) if is_right(value)) {
        faults.meet(Fault::AcceptKey, || describe("Sec-WebSocket-Accept", accept, bytes))?;
    }
    check_subprotocol(response, asked, faults)?;
    check_extensions(fields, bytes, faults)
}

/// Checks that the server has chosen one of the subprotocols that were offered.
fn check_subprotocol(
    response: &Response,
    asked: Option<&Asked>,
    faults: &mut Faults,
) -> Result<(), HandshakeError> {
    const NAME: &str = "sec-websocket-protocol";
    let fields = &response.head.fields;
    if !has_field(fields, NAME) {
        return Ok(());
    }
    let chosen = single(fields, NAME);
    let is_offered = |value: &[u8]| {
        let text = latin1(value);
        asked.is_none_or(|asked| asked.subprotocols.contains(&text))
    };
    if !matches!(chosen, Ok((_, value)) if is_offered(value)) {
        faults.meet(Fault::Subprotocol, || {
            describe("Sec-WebSocket-Protocol", chosen, &response.bytes)
        })?;
    }
    Ok(())
}

/// Checks that the server has chosen extensions that were offered, each once.
pub(super) fn check_offered(
    response: &Response,
    asked: &Asked,
    faults: &mut Faults,
) -> Result<(), HandshakeError> {
    let answer = response.extensions();
    let name =
        |element: &str| element.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut offered: Vec<String> = members(&asked.extensions).map(name).collect();
    offered.sort_unstable();
    if let Some(odd) = members(&answer).map(name).find(|name| offered.binary_search(name).is_err())
    {
        faults.meet(Fault::Extensions, || extension_fault(response, &odd, " was not offered"))?;
    }
    Ok(())
}

/// The offset of the first `Sec-WebSocket-Extensions`, and a text about an extension in it.
pub(super) fn extension_fault(response: &Response, name: &str, what: &str) -> (usize, String) {
    let field = numbered(&response.head.fields, "sec-websocket-extensions").next();
    let line = field.map_or(usize::MAX, |(number, _)| number + 1);
    let reason = ["extension ", &quoted(name.as_bytes()), what].concat();
    (offset_of_line(&response.bytes, line), reason)
}

/// What a request asked for.
pub(super) fn asked_by(fields: &[Field]) -> Asked {
    let key = numbered(fields, "sec-websocket-key").next();
    Asked {
        key: key.map_or_else(String::new, |(_, value)| latin1(value)),
        subprotocols: subprotocols(fields),
        extensions: joined(fields, "sec-websocket-extensions").unwrap_or_default(),
    }
}
