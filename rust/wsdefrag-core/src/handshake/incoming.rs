//! Buffers a head until it is complete, and checks its lines as they arrive.
//!
//! Each rule is checked at the first byte that can break it, in the order of the bytes, so the result
//! does not depend on how the head was split into chunks. Empty lines before a request are skipped (RFC
//! 9112 section 2.2). They count towards the size of the head, and offsets are counted after them.
//!
//! - `start <= line <= checked <= bytes.len() <= max_size`

use crate::fallible::TryGrow;
use crate::handshake::fault::{Fault, HandshakeError};
use crate::handshake::faults::Faults;
use crate::handshake::line::{
    check_field_line, check_method_byte, check_request_line, check_status_byte, check_status_line,
};

/// A head of which not all bytes have arrived.
#[derive(Debug)]
pub(super) struct IncomingHead {
    is_request: bool,
    max_size: usize,
    bytes: Vec<u8>,
    /// Where the head starts, after the empty lines before it.
    start: usize,
    /// Where the current line starts.
    line: usize,
    /// How many lines are complete.
    lines: usize,
    /// Whether the method of the first line is complete.
    has_method: bool,
    /// The bytes before this one have been checked.
    checked: usize,
}

impl IncomingHead {
    pub(super) const fn new(is_request: bool, max_size: usize) -> Self {
        Self {
            is_request,
            max_size,
            bytes: Vec::new(),
            start: 0,
            line: 0,
            lines: 0,
            has_method: false,
            checked: 0,
        }
    }

    /// Bytes of the head that have arrived.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes bytes from the start of `data`, and gives the head if it is complete. Then the next one
    /// begins.
    pub(super) fn receive(
        &mut self,
        data: &mut &[u8],
        faults: &mut Faults,
    ) -> Result<Option<Vec<u8>>, HandshakeError> {
        let before = self.bytes.len();
        let added = data.len().min(self.max_size - before);
        if self.bytes.try_append(&data[..added]).is_err() {
            return Err(faults.error(Fault::OutOfMemory, 0, "no memory for the head"));
        }
        if let Some(end) = self.check(faults)? {
            *data = &data[end - before..];
            let complete = std::mem::replace(self, Self::new(self.is_request, self.max_size));
            let Self { mut bytes, start, .. } = complete;
            bytes.truncate(end);
            bytes.drain(..start);
            return Ok(Some(bytes));
        }
        *data = &data[added..];
        if data.is_empty() {
            return Ok(None);
        }
        let (fault, reason) = match self.lines {
            0 if self.is_request => (Fault::TargetTooLong, "the first line is too long"),
            _ => (Fault::HeadTooLarge, "the head is too large"),
        };
        Err(faults.error(fault, self.max_size - self.start, reason))
    }

    /// Checks the bytes that have arrived; gives the end of the head.
    fn check(&mut self, faults: &mut Faults) -> Result<Option<usize>, HandshakeError> {
        while let Some(&byte) = self.bytes.get(self.checked) {
            let offset = self.checked - self.start;
            let next = self.bytes.get(self.checked + 1);
            if byte == b'\r' && next.is_none() {
                break;
            }
            let ends_line = byte == b'\n' || (byte == b'\r' && next == Some(&b'\n'));
            if self.lines == 0 && !ends_line {
                self.check_start(byte, offset, faults)?;
            }
            self.checked += 1;
            match byte {
                b'\n' if self.end_line(faults)? => return Ok(Some(self.checked)),
                b'\r' if ends_line => {}
                b'\n' | b'\t' => {}
                0..=0x1F | 0x7F => {
                    faults.meet(Fault::ControlCharacter, || (offset, "a control character"))?;
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Checks a byte of the first line.
    fn check_start(
        &mut self,
        byte: u8,
        offset: usize,
        faults: &Faults,
    ) -> Result<(), HandshakeError> {
        if !self.is_request {
            return check_status_byte(byte, offset, faults);
        }
        self.has_method |= byte == b' ' && offset > 0;
        if self.has_method { Ok(()) } else { check_method_byte(byte, offset, faults) }
    }

    /// Checks the line that ends before `checked`. Returns whether it ends the head.
    fn end_line(&mut self, faults: &mut Faults) -> Result<bool, HandshakeError> {
        let from = std::mem::replace(&mut self.line, self.checked);
        let offset = from - self.start;
        let line = &self.bytes[from..self.checked - 1];
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        if text.len() == line.len() {
            let reason = "a line feed without carriage return";
            faults.meet(Fault::BareLineFeed, || (offset + line.len(), reason))?;
        }
        if self.lines > 0 {
            if text.is_empty() {
                return Ok(true);
            }
            check_field_line(text, offset, faults)?;
        } else if text.is_empty() {
            // A server ignores empty lines before a request (RFC 9112 section 2.2).
            if !self.is_request {
                return Err(faults.error(Fault::NotHttp, 0, "an empty line instead of a response"));
            }
            self.start = self.checked;
            return Ok(false);
        } else if self.is_request {
            check_request_line(text, faults)?;
        } else {
            check_status_line(text, faults)?;
        }
        self.lines += 1;
        Ok(false)
    }
}

/// The offset of the line of a head with this number, from 0; of the empty line if there are fewer.
pub(super) fn offset_of_line(head: &[u8], number: usize) -> usize {
    let starts = memchr::memchr_iter(b'\n', head).map(|index| index + 1);
    let empty = head.len() - if head.ends_with(b"\r\n") { 2 } else { 1 };
    std::iter::once(0).chain(starts).nth(number).map_or(empty, |offset| offset.min(empty))
}
