//! The client's side of an opening handshake.
//!
//! ```text
//! responses 100 and 102 to 199   kept; the final response follows
//! 101                            checked against the request; later bytes are kept
//! any other                      the server refuses; later bytes, as its body, are kept
//! after a fault                  bytes are dropped; the same error comes again
//! ```
//!
//! RFC 6455 section 4.1; RFC 9110 section 15.2.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "what the caller gives, and at most `MAX_INFORMATIONAL` heads"
)]

use crate::deflate::offer::DeflateOffer;
use crate::deflate::params::DeflateParams;
use crate::handshake::accept_key::is_key;
use crate::handshake::fault::{Fault, HandshakeError, cut, quoted};
use crate::handshake::faults::{Faults, Reading};
use crate::handshake::fields::joined;
use crate::handshake::list::is_token;
use crate::handshake::request;
use crate::handshake::response::{Asked, Response, check_offered, check_response, extension_fault};
use crate::handshake::side::Side;
use crate::handshake::writer::{HeadWriter, InvalidHead, NewField};

/// Most responses before the final one.
pub const MAX_INFORMATIONAL: usize = 16;

/// What a client asks for.
#[derive(Clone, Debug, Default)]
pub struct Asking<'a> {
    /// The value of `Host`.
    pub host: &'a str,
    /// The request target.
    pub target: &'a str,
    /// The value of `Sec-WebSocket-Key`: 16 random bytes in base64.
    pub key: &'a str,
    /// The value of `Origin`.
    pub origin: Option<&'a str>,
    /// Subprotocols, in order of preference.
    pub subprotocols: &'a [String],
    /// Offers of permessage-deflate, in order of preference.
    pub deflate: &'a [DeflateOffer],
    /// More fields.
    pub fields: &'a [NewField],
}

/// Writes a request and reads the answer.
#[derive(Debug)]
pub struct ClientHandshake {
    request: Vec<u8>,
    asked: Asked,
    side: Side,
    informational: Vec<Response>,
    response: Option<Response>,
    deflate: Option<DeflateParams>,
    leftover: Vec<u8>,
}

impl ClientHandshake {
    /// A handshake whose request has been written and not been sent. Each head of a response may have
    /// `max_head_size` bytes.
    pub fn new(
        asking: &Asking<'_>,
        max_head_size: usize,
        strict: bool,
    ) -> Result<Self, InvalidHead> {
        let (request, asked) = write_request(asking)?;
        let reading = if strict { Reading::Strict } else { Reading::LenientEndpoint };
        Ok(Self {
            request,
            asked,
            side: Side::new(false, max_head_size, reading),
            informational: Vec::new(),
            response: None,
            deflate: None,
            leftover: Vec::new(),
        })
    }

    /// Removes and returns the head of the request.
    pub fn data_to_send(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.request)
    }

    /// Takes the server's next bytes. After the head of the final response they are kept.
    pub fn receive_data(&mut self, mut data: &[u8]) -> Result<Option<&Response>, HandshakeError> {
        self.side.check()?;
        let result = self.receive(&mut data);
        self.side.note(&result);
        result.map(|()| self.response.as_ref())
    }

    fn receive(&mut self, data: &mut &[u8]) -> Result<(), HandshakeError> {
        while self.response.is_none() {
            let Some(response) = self.side.response(data)? else { return Ok(()) };
            if response.is_informational() {
                if self.informational.len() == MAX_INFORMATIONAL {
                    let reason =
                        format!("more than {MAX_INFORMATIONAL} responses before the final one");
                    return Err(self.side.faults.error(Fault::TooManyResponses, 0, reason));
                }
                self.informational.push(response);
                continue;
            }
            if response.switches() {
                let faults = &mut self.side.faults;
                check_response(&response, Some(&self.asked), faults)?;
                check_offered(&response, &self.asked, faults)?;
                self.deflate = agreed(&response, &self.asked, faults)?;
            }
            self.response = Some(response);
        }
        self.side.keep(data, &mut self.leftover)
    }

    /// Takes the end of the server's bytes; an error if there is no final response.
    pub fn receive_eof(&mut self) -> Result<(), HandshakeError> {
        if self.response.is_none() { self.side.receive_eof() } else { self.side.check() }
    }

    /// The responses before the final one.
    #[must_use]
    pub fn informational(&self) -> &[Response] {
        &self.informational
    }

    /// The final response, once its head is complete.
    #[must_use]
    pub const fn response(&self) -> Option<&Response> {
        self.response.as_ref()
    }

    /// The parameters of permessage-deflate, if it was agreed on.
    #[must_use]
    pub const fn deflate(&self) -> Option<DeflateParams> {
        self.deflate
    }

    /// What ended the handshake.
    #[must_use]
    pub const fn failure(&self) -> Option<&HandshakeError> {
        self.side.failure()
    }

    /// How often each fault was tolerated.
    pub fn tolerated(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.side.faults.tolerated()
    }

    /// Bytes that are kept: of an incomplete head, or after the final one.
    #[must_use]
    pub const fn bytes_buffered(&self) -> usize {
        if self.response.is_some() { self.leftover.len() } else { self.side.bytes_buffered() }
    }

    /// Removes and returns the bytes after the head of the final response.
    pub fn take_leftover(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.leftover)
    }
}

/// The parameters that a 101 agrees on.
fn agreed(
    response: &Response,
    asked: &Asked,
    faults: &mut Faults,
) -> Result<Option<DeflateParams>, HandshakeError> {
    let answer = response.extensions();
    match DeflateParams::check_answer(&answer, &asked.extensions) {
        Ok(agreed) => Ok(agreed),
        Err(why) => {
            let reason = [": ", cut(why.reason())].concat();
            let place = || extension_fault(response, "permessage-deflate", &reason);
            faults.meet(Fault::DeflateAnswer, place)?;
            let tolerant = DeflateParams::from_header_tolerant(&answer);
            tolerant.map(|(agreed, _)| agreed).map_err(|_| {
                let (offset, reason) = place();
                faults.error(Fault::DeflateAnswer, offset, reason)
            })
        }
    }
}

fn write_request(asking: &Asking<'_>) -> Result<(Vec<u8>, Asked), InvalidHead> {
    let Asking { host, target, key, origin, subprotocols, deflate, fields } = *asking;
    if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("invalid host {}", quoted(host.as_bytes())).into());
    }
    if !is_key(key.as_bytes()) {
        return Err("the key must be 16 bytes in base64".into());
    }
    let mut taken = vec![
        "host",
        "upgrade",
        "connection",
        "sec-websocket-key",
        "sec-websocket-version",
        "content-length",
        "transfer-encoding",
    ];
    let mut head = HeadWriter::request(target)?;
    head.field("Host", host.as_bytes())?;
    head.field("Upgrade", b"websocket")?;
    head.field("Connection", b"Upgrade")?;
    head.field("Sec-WebSocket-Key", key.as_bytes())?;
    head.field("Sec-WebSocket-Version", b"13")?;
    if let Some(origin) = origin {
        head.field("Origin", origin.as_bytes())?;
        taken.push("origin");
    }
    if !subprotocols.is_empty() {
        if let Some(odd) = subprotocols.iter().find(|name| !is_token(name.as_bytes())) {
            return Err(format!("subprotocol {odd:?} is no token").into());
        }
        head.field("Sec-WebSocket-Protocol", subprotocols.join(", ").as_bytes())?;
        taken.push("sec-websocket-protocol");
    }
    let mut extensions = deflate.iter().map(DeflateOffer::header).collect::<Vec<_>>().join(", ");
    if !deflate.is_empty() {
        head.field("Sec-WebSocket-Extensions", extensions.as_bytes())?;
        taken.push("sec-websocket-extensions");
    }
    head.fields(fields, &taken)?;
    extensions.extend(joined(fields, "sec-websocket-extensions"));
    let mut subprotocols = subprotocols.to_vec();
    subprotocols.extend(request::subprotocols(fields));
    Ok((head.end(b""), Asked { key: key.to_owned(), subprotocols, extensions }))
}
