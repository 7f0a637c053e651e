//! A bystander at an opening handshake: reads both heads, which pass by untouched.
//!
//! It reads the first request, and the responses up to the first final one. What follows a head is the
//! caller's. The two heads may be fed in any order.
//!
//! RFC 6455 section 4; RFC 9110 section 15.2.

#![expect(clippy::disallowed_methods, reason = "a short text about a fault")]

use crate::deflate::params::{DeflateParams, foreign_extensions};
use crate::handshake::client::MAX_INFORMATIONAL;
use crate::handshake::fault::{Fault, HandshakeError, cut};
use crate::handshake::faults::Reading;
use crate::handshake::request::Request;
use crate::handshake::response::{
    Response, asked_by, check_offered, check_response, extension_fault,
};
use crate::handshake::side::Side;

/// Reads both heads of a handshake.
#[derive(Debug)]
pub struct HandshakeTap {
    client: Side,
    server: Side,
    informational: usize,
    request: Option<Request>,
    response: Option<Response>,
    deflate: Option<DeflateParams>,
}

impl HandshakeTap {
    /// A handshake before its first byte. Each head may have `max_head_size` bytes.
    #[must_use]
    pub const fn new(max_head_size: usize, strict: bool) -> Self {
        let reading = if strict { Reading::Strict } else { Reading::Bystander };
        Self {
            client: Side::new(true, max_head_size, reading),
            server: Side::new(false, max_head_size, reading),
            informational: 0,
            request: None,
            response: None,
            deflate: None,
        }
    }

    /// Takes the next bytes of one side; returns those after the head that this handshake reads.
    pub fn receive_data<'a>(
        &mut self,
        mut data: &'a [u8],
        from_client: bool,
    ) -> Result<&'a [u8], HandshakeError> {
        let side = if from_client { &self.client } else { &self.server };
        side.check()?;
        let result = if from_client {
            self.receive_request(&mut data)
        } else {
            self.receive_response(&mut data)
        };
        let side = if from_client { &mut self.client } else { &mut self.server };
        side.note(&result);
        result.map(|()| data)
    }

    fn receive_request(&mut self, data: &mut &[u8]) -> Result<(), HandshakeError> {
        if self.request.is_some() {
            return Ok(());
        }
        self.request = self.client.request(data)?;
        self.check_answer()
    }

    fn receive_response(&mut self, data: &mut &[u8]) -> Result<(), HandshakeError> {
        while self.response.is_none() {
            let Some(response) = self.server.response(data)? else { return Ok(()) };
            if response.is_informational() {
                if self.informational == MAX_INFORMATIONAL {
                    let reason = "too many responses before the final one";
                    return Err(self.server.faults.error(Fault::TooManyResponses, 0, reason));
                }
                self.informational += 1;
            } else {
                self.response = Some(response);
                self.check_answer()?;
            }
        }
        Ok(())
    }

    /// Checks the response once both heads are there.
    fn check_answer(&mut self) -> Result<(), HandshakeError> {
        let (Some(request), Some(response)) = (&self.request, &self.response) else {
            return Ok(());
        };
        if !response.accepts_websocket(request.asks_for_websocket()) {
            return Ok(());
        }
        let faults = &mut self.server.faults;
        let asked = asked_by(&request.head.fields);
        check_response(response, Some(&asked), faults)?;
        check_offered(response, &asked, faults)?;
        let answer = response.extensions();
        if let Err(why) = DeflateParams::check_answer(&answer, &asked.extensions) {
            let reason = [": ", cut(why.reason())].concat();
            faults.meet(Fault::DeflateAnswer, || {
                extension_fault(response, "permessage-deflate", &reason)
            })?;
        }
        // A window that the client limits by itself need not be known to be read.
        let agreed = DeflateParams::from_header_tolerant(&answer);
        self.deflate = agreed.ok().and_then(|(params, _)| params);
        Ok(())
    }

    /// Takes the end of one side's bytes; an error if its head is not complete.
    pub fn receive_eof(&mut self, from_client: bool) -> Result<(), HandshakeError> {
        match (from_client, &self.request, &self.response) {
            (true, None, _) => self.client.receive_eof(),
            (false, _, None) => self.server.receive_eof(),
            _ => Ok(()),
        }
    }

    /// The request, once its head is complete.
    #[must_use]
    pub const fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// The final response, once its head is complete.
    #[must_use]
    pub const fn response(&self) -> Option<&Response> {
        self.response.as_ref()
    }

    /// Whether a WebSocket begins after the heads; `None` while it is not known.
    #[must_use]
    pub fn is_websocket(&self) -> Option<bool> {
        let response = self.response.as_ref()?;
        if !response.switches() {
            return Some(false);
        }
        let request = self.request.as_ref()?;
        Some(response.accepts_websocket(request.asks_for_websocket()))
    }

    /// The parameters of permessage-deflate, if it was agreed on.
    #[must_use]
    pub const fn deflate(&self) -> Option<DeflateParams> {
        self.deflate
    }

    /// The names of other extensions that the server accepted.
    #[must_use]
    pub fn foreign_extensions(&self) -> Vec<String> {
        match self.is_websocket() {
            Some(true) => self.response.as_ref().map(Response::extensions),
            _ => None,
        }
        .map_or_else(Vec::new, |answer| foreign_extensions(&answer))
    }

    /// How often each fault of one side was tolerated.
    pub fn tolerated(&self, from_client: bool) -> impl Iterator<Item = (&'static str, u32)> {
        let side = if from_client { &self.client } else { &self.server };
        side.faults.tolerated()
    }
}
