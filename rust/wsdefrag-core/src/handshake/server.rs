//! The server's side of an opening handshake.
//!
//! ```text
//! before the end of the head   bytes are checked and buffered
//! after it                     bytes are kept for whoever reads the frames
//! after a fault                bytes are dropped; the same error comes again
//! ```
//!
//! It is answered once: by an acceptance, which needs a request, or by a refusal, which may come at any
//! time.
//!
//! RFC 6455 section 4.2.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a few names, and a text about a fault"
)]

use crate::deflate::params::DeflateParams;
use crate::handshake::accept_key::accept_key;
use crate::handshake::fault::HandshakeError;
use crate::handshake::faults::Reading;
use crate::handshake::request::Request;
use crate::handshake::side::Side;
use crate::handshake::writer::{HeadWriter, InvalidHead, NewField, refusal};

/// Reads a request and writes the answer.
#[derive(Debug)]
pub struct ServerHandshake {
    side: Side,
    request: Option<Request>,
    leftover: Vec<u8>,
    answered: bool,
}

impl ServerHandshake {
    /// A handshake before its first byte. The head of the request may have `max_head_size` bytes.
    #[must_use]
    pub const fn new(max_head_size: usize, strict: bool) -> Self {
        let reading = if strict { Reading::Strict } else { Reading::LenientEndpoint };
        Self {
            side: Side::new(true, max_head_size, reading),
            request: None,
            leftover: Vec::new(),
            answered: false,
        }
    }

    /// Takes the client's next bytes. After the head of the request they are kept.
    pub fn receive_data(&mut self, mut data: &[u8]) -> Result<Option<&Request>, HandshakeError> {
        self.side.check()?;
        let result = self.receive(&mut data);
        self.side.note(&result);
        result.map(|()| self.request.as_ref())
    }

    fn receive(&mut self, data: &mut &[u8]) -> Result<(), HandshakeError> {
        if self.request.is_none() {
            self.request = self.side.request(data)?;
        }
        if self.request.is_none() { Ok(()) } else { self.side.keep(data, &mut self.leftover) }
    }

    /// Takes the end of the client's bytes; an error if the request is not complete.
    pub fn receive_eof(&mut self) -> Result<(), HandshakeError> {
        if self.request.is_none() { self.side.receive_eof() } else { self.side.check() }
    }

    /// The request, once its head is complete.
    #[must_use]
    pub const fn request(&self) -> Option<&Request> {
        self.request.as_ref()
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

    /// Bytes that are kept: of an incomplete head, or after the head.
    #[must_use]
    pub const fn bytes_buffered(&self) -> usize {
        if self.request.is_some() { self.leftover.len() } else { self.side.bytes_buffered() }
    }

    /// Removes and returns the bytes after the head.
    pub fn take_leftover(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.leftover)
    }

    /// The head of a 101 that accepts the request (RFC 6455 section 4.2.2).
    pub fn accept(
        &mut self,
        subprotocol: Option<&str>,
        deflate: Option<DeflateParams>,
        fields: &[NewField],
    ) -> Result<Vec<u8>, InvalidHead> {
        self.check_unanswered()?;
        let Some(request) = &self.request else {
            return Err("there is no request to accept".into());
        };
        let mut taken = vec![
            "upgrade",
            "connection",
            "sec-websocket-accept",
            "sec-websocket-protocol",
            "content-length",
            "transfer-encoding",
        ];
        let mut head = HeadWriter::response(101, "Switching Protocols")?;
        head.field("Upgrade", b"websocket")?;
        head.field("Connection", b"Upgrade")?;
        let accept = accept_key(request.key().as_bytes());
        head.field("Sec-WebSocket-Accept", accept.as_bytes())?;
        if let Some(name) = subprotocol {
            if !request.subprotocols().iter().any(|offered| offered == name) {
                return Err(format!("the client did not offer the subprotocol {name:?}").into());
            }
            head.field("Sec-WebSocket-Protocol", name.as_bytes())?;
        }
        if let Some(params) = deflate {
            let Some(answer) = params.answer(&request.extensions()) else {
                return Err("no offer of the client allows these deflate parameters".into());
            };
            head.field("Sec-WebSocket-Extensions", answer.as_bytes())?;
            taken.push("sec-websocket-extensions");
        }
        head.fields(fields, &taken)?;
        self.answered = true;
        Ok(head.end(b""))
    }

    /// A response that refuses, after which the connection ends. Without a status it is that of the
    /// failure, or 400; without a body the text of the failure.
    pub fn reject(
        &mut self,
        status: Option<u16>,
        reason: Option<&str>,
        fields: &[NewField],
        body: Option<&[u8]>,
    ) -> Result<Vec<u8>, InvalidHead> {
        self.check_unanswered()?;
        let failure = self.side.failure();
        let status = status.unwrap_or_else(|| failure.map_or(400, HandshakeError::status));
        let why = failure.map_or_else(String::new, |failure| format!("{failure}\n"));
        let response = refusal(status, reason, fields, body.unwrap_or(why.as_bytes()))?;
        self.answered = true;
        Ok(response)
    }

    fn check_unanswered(&self) -> Result<(), InvalidHead> {
        if self.answered { Err("the request has been answered".into()) } else { Ok(()) }
    }
}
