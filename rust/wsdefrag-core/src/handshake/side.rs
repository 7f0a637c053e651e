//! What one side of a handshake sends, read up to the end of its head, and what ended that.

use crate::fallible::TryGrow;
use crate::handshake::fault::{Fault, HandshakeError};
use crate::handshake::faults::{Faults, Reading};
use crate::handshake::head::{parse_request, parse_response};
use crate::handshake::incoming::IncomingHead;
use crate::handshake::request::{Request, check_request};
use crate::handshake::response::Response;

/// One side of a handshake, as its bytes are read.
#[derive(Debug)]
pub(super) struct Side {
    incoming: IncomingHead,
    pub(super) faults: Faults,
    failure: Option<HandshakeError>,
}

impl Side {
    /// A side before its first byte. Each of its heads may have `max_head_size` bytes.
    pub(super) const fn new(is_request: bool, max_head_size: usize, reading: Reading) -> Self {
        Self {
            incoming: IncomingHead::new(is_request, max_head_size),
            faults: Faults::new(reading, is_request),
            failure: None,
        }
    }

    /// What ended this side.
    pub(super) const fn failure(&self) -> Option<&HandshakeError> {
        self.failure.as_ref()
    }

    /// Bytes of an incomplete head.
    pub(super) const fn bytes_buffered(&self) -> usize {
        self.incoming.len()
    }

    /// The error that ended this side, if one did.
    pub(super) fn check(&self) -> Result<(), HandshakeError> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    /// Keeps the error of a call, which ends this side.
    pub(super) fn note(&mut self, result: &Result<(), HandshakeError>) {
        self.failure = result.clone().err();
    }

    /// Takes bytes from the start of `data`, and gives the request if its head is complete.
    pub(super) fn request(&mut self, data: &mut &[u8]) -> Result<Option<Request>, HandshakeError> {
        let Some(bytes) = self.incoming.receive(data, &mut self.faults)? else { return Ok(None) };
        let Some(head) = parse_request(&bytes) else {
            return Err(self.faults.error(Fault::NotHttp, 0, "not the head of an HTTP request"));
        };
        let request = Request { bytes, head };
        check_request(&request, &mut self.faults)?;
        Ok(Some(request))
    }

    /// Takes bytes from the start of `data`, and gives the next response if its head is complete.
    pub(super) fn response(
        &mut self,
        data: &mut &[u8],
    ) -> Result<Option<Response>, HandshakeError> {
        let Some(bytes) = self.incoming.receive(data, &mut self.faults)? else { return Ok(None) };
        let Some(head) = parse_response(&bytes) else {
            return Err(self.faults.error(Fault::NotHttp, 0, "not the head of an HTTP response"));
        };
        Ok(Some(Response { bytes, head }))
    }

    /// Keeps what follows the head.
    pub(super) fn keep(&self, data: &[u8], leftover: &mut Vec<u8>) -> Result<(), HandshakeError> {
        let reason = "no memory for what follows the head";
        leftover.try_append(data).map_err(|_| self.faults.error(Fault::OutOfMemory, 0, reason))
    }

    /// Takes the end of the bytes before the head is complete, which is an error.
    pub(super) fn receive_eof(&mut self) -> Result<(), HandshakeError> {
        if self.failure.is_none() {
            let reason = "the bytes ended before the end of the head";
            let offset = self.incoming.len();
            self.failure = Some(self.faults.error(Fault::Incomplete, offset, reason));
        }
        self.check()
    }
}
