//! Reads the heads of one direction of HTTP/1.1, and skips what proxies send before the first head, and
//! the bodies.
//!
//! ```text
//! Preamble   buffers a message to a proxy until it is complete, and skips it
//! Head       buffers bytes until the head is complete
//! Body       skips a body of known length
//! ChunkSize  buffers a line of chunked coding: the size of the next chunk
//! Chunk      skips the bytes of a chunk
//! Trailer    skips lines after the last chunk
//! UntilEnd   a body without a known length; nothing can follow it
//! Lost       the start of the next head is unknown
//! ```
//!
//! The caller decides which body follows a head. A gap inside a body of known length is skipped
//! like its bytes. Any other gap leads to `Lost`, until a segment starts with a head.
//!
//! RFC 9112 sections 2.2, 6.3 and 7.1.
//!
//! - `buffer.len() <= MAX_HEAD + 4` in a head, and `<= MAX_MESSAGE` in a preamble

#![expect(clippy::disallowed_methods, reason = "at most `MAX_HEAD` bytes")]

use httparse::Status;

use crate::http::body::Body;
use crate::http::parser::{Head, parse, starts_handshake, starts_like};
use crate::http::preamble::{MAX_MESSAGE, Preamble};
use crate::http::preamble_message::{OriginalAddresses, Parsed};
use crate::tls::record::{HEADER, starts_like_record};
use serde::{Deserialize, Serialize};

/// The length of the longest head that is read, in bytes.
pub(crate) const MAX_HEAD: usize = 256 << 10;

/// The result of feeding bytes.
#[derive(Debug)]
pub(crate) enum HeadResult {
    /// All bytes were taken.
    NeedMoreData,
    /// A head is complete. The caller calls [`expect_body`](HeadReader::expect_body), then feeds the
    /// rest.
    Head(Head),
    /// A body is complete.
    BodyEnd,
    /// The bytes are not HTTP, or a head is too long.
    NotHttp,
    /// The start of the next head is unknown.
    Lost,
    /// TLS begins with the bytes of [`take_start`](HeadReader::take_start), and then the rest.
    Tls,
}

#[derive(Debug, Serialize, Deserialize)]
enum State {
    Preamble,
    Head,
    /// The rest of a body, in bytes.
    Body(u64),
    ChunkSize,
    /// The rest of a chunk with the line end after it, in bytes.
    Chunk(u64),
    Trailer,
    UntilEnd,
    Lost,
}

/// Reads the heads of one direction.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HeadReader {
    state: State,
    preamble: Preamble,
    /// The start of the current message of the preamble, head or line.
    #[serde(with = "serde_bytes")]
    buffer: Vec<u8>,
    /// Whether this is the direction of requests.
    requests: bool,
    /// Whether TLS may begin instead of the first head.
    finds_tls: bool,
}

impl HeadReader {
    pub(crate) const fn new(requests: bool, finds_tls: bool) -> Self {
        let (state, preamble) = (State::Preamble, Preamble::new());
        Self { state, preamble, buffer: Vec::new(), requests, finds_tls }
    }

    /// The memory that the buffer takes, in bytes.
    pub(crate) const fn bytes_held(&self) -> usize {
        self.buffer.capacity()
    }

    /// The addresses that a PROXY header before the first head had.
    pub(crate) const fn original_addresses(&self) -> Option<OriginalAddresses> {
        self.preamble.original_addresses
    }

    /// Goes to the start of a connection that is relayed from here on.
    pub(crate) fn restart(&mut self) {
        let original_addresses = self.original_addresses();
        *self = Self::new(self.requests, self.finds_tls);
        self.preamble.original_addresses = original_addresses;
    }

    /// Whether the last head and its body are complete, and nothing has followed.
    pub(crate) const fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Preamble | State::Head) && self.buffer.is_empty()
    }

    /// Whether the start of the next head is unknown.
    pub(crate) const fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost)
    }

    /// Bytes of the current, incomplete head.
    pub(crate) const fn unfinished(&self) -> usize {
        if matches!(self.state, State::Preamble | State::Head) { self.buffer.len() } else { 0 }
    }

    /// Sets the body that follows the last head.
    pub(crate) const fn expect_body(&mut self, body: Body) {
        self.state = match body {
            Body::Length(0) => State::Head,
            Body::Length(length) => State::Body(length),
            Body::Chunked => State::ChunkSize,
            Body::UntilEnd => State::UntilEnd,
        };
    }

    /// Goes to the start of a head if `data` starts with one where none was expected. Returns whether
    /// it did. This ends `Lost`; for responses it also corrects a state that an unnoticed loss made
    /// wrong.
    pub(crate) fn find_head(&mut self, data: &[u8]) -> bool {
        let unexpected = match self.state {
            State::Preamble | State::Head => false,
            State::Lost => true,
            _ => !self.requests,
        };
        let found = unexpected && starts_handshake(data, self.requests);
        if found {
            self.state = State::Head;
            self.buffer = Vec::new();
        }
        found
    }

    /// Takes bytes from the start of `data`, captured at `time` (nanoseconds since the epoch).
    pub(crate) fn data(&mut self, data: &mut &[u8], time: i64) -> HeadResult {
        while !data.is_empty() {
            match &mut self.state {
                State::Preamble => {
                    if self.starts_tls(data) {
                        return HeadResult::Tls;
                    }
                    self.preamble(data);
                }
                State::Head => match self.head(data, time) {
                    HeadResult::NeedMoreData => {}
                    result => return result,
                },
                State::Body(left) => {
                    if skip(left, data) {
                        self.state = State::Head;
                        return HeadResult::BodyEnd;
                    }
                }
                State::Chunk(left) => {
                    if skip(left, data) {
                        self.state = State::ChunkSize;
                    }
                }
                State::ChunkSize => {
                    let Some(line) = self.line(data) else { return self.lost_if_too_long() };
                    self.state = match httparse::parse_chunk_size(&line) {
                        Ok(Status::Complete((_, 0))) => State::Trailer,
                        Ok(Status::Complete((_, size))) => State::Chunk(size.saturating_add(2)),
                        _ => State::Lost,
                    };
                }
                State::Trailer => {
                    let Some(line) = self.line(data) else { return self.lost_if_too_long() };
                    if matches!(line.as_slice(), b"\r\n" | b"\n") {
                        self.state = State::Head;
                        return HeadResult::BodyEnd;
                    }
                }
                State::UntilEnd => return HeadResult::NotHttp,
                State::Lost => return HeadResult::Lost,
            }
        }
        HeadResult::NeedMoreData
    }

    /// Takes a gap of `length` bytes.
    pub(crate) fn gap(&mut self, length: u64) {
        self.state = match self.state {
            State::Body(left) if length < left => State::Body(left - length),
            State::Body(left) if length == left => State::Head,
            State::Chunk(left) if length < left => State::Chunk(left - length),
            State::UntilEnd => State::UntilEnd,
            _ => State::Lost,
        };
        self.buffer = Vec::new();
    }

    fn lost_if_too_long(&mut self) -> HeadResult {
        if self.buffer.len() > MAX_HEAD {
            self.state = State::Lost;
        }
        HeadResult::NeedMoreData
    }

    /// The current line with its line end, if it is complete.
    fn line(&mut self, data: &mut &[u8]) -> Option<Vec<u8>> {
        let end = data.iter().position(|&byte| byte == b'\n');
        let (line, rest) = data.split_at(end.map_or(data.len(), |end| end + 1));
        self.buffer.extend_from_slice(line);
        *data = rest;
        end.map(|_| std::mem::take(&mut self.buffer))
    }

    /// Whether TLS begins with what is buffered and `data`.
    fn starts_tls(&self, data: &[u8]) -> bool {
        let buffered = self.buffer.get(..HEADER).unwrap_or(&self.buffer);
        let mut start = [0; HEADER];
        let (known, rest) = start.split_at_mut(buffered.len());
        known.copy_from_slice(buffered);
        let added = rest.len().min(data.len());
        rest[..added].copy_from_slice(&data[..added]);
        let length = buffered.len() + added;
        self.finds_tls && starts_like_record(&start[..length]) == Some(true)
    }

    /// Removes and returns the bytes before the last ones with which TLS begins.
    pub(crate) fn take_start(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Takes bytes before the first head: skips a message to a proxy, or goes to the head.
    fn preamble(&mut self, data: &mut &[u8]) {
        let before = self.buffer.len();
        let added = data.len().min(MAX_MESSAGE - before);
        self.buffer.extend_from_slice(&data[..added]);
        match self.preamble.next(&self.buffer, self.requests) {
            // A part of the header of a record of TLS.
            Parsed::Other if self.finds_tls && starts_like_record(&self.buffer).is_none() => {
                *data = &data[added..];
            }
            Parsed::TooShort => *data = &data[added..],
            Parsed::Message(_, length) => {
                *data = &data[length - before..];
                self.buffer = Vec::new();
            }
            Parsed::Other => {
                // What was kept may be the start of a head.
                self.buffer.truncate(before);
                let start = self.buffer.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
                self.buffer.drain(..start.unwrap_or(before));
                self.state = State::Head;
            }
        }
    }

    /// Takes bytes of a head, and parses it if it is complete.
    fn head(&mut self, data: &mut &[u8], time: i64) -> HeadResult {
        if self.buffer.is_empty() {
            // Empty lines before a head are ignored (RFC 9112 section 2.2).
            let start = data.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
            *data = &data[start.unwrap_or(data.len())..];
            if data.is_empty() {
                return HeadResult::NeedMoreData;
            }
        }
        let before = self.buffer.len();
        let added = data.len().min(MAX_HEAD + 4 - before);
        self.buffer.extend_from_slice(&data[..added]);
        if !starts_like(&self.buffer, self.requests) {
            return HeadResult::NotHttp;
        }
        let Some(end) = end_of_head(&self.buffer, before) else {
            *data = &data[added..];
            let too_long = self.buffer.len() > MAX_HEAD;
            return if too_long { HeadResult::NotHttp } else { HeadResult::NeedMoreData };
        };
        *data = &data[end - before..];
        let head = parse(&self.buffer[..end], self.requests, time);
        self.buffer = Vec::new();
        head.map_or(HeadResult::NotHttp, HeadResult::Head)
    }
}

/// Skips bytes of a body. Returns whether the body is complete.
fn skip(left: &mut u64, data: &mut &[u8]) -> bool {
    let skipped = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
    *data = &data[skipped..];
    *left -= skipped as u64;
    *left == 0
}

/// The index after the empty line that ends a head, if it is at `from` or later.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    let start = from.saturating_sub(3);
    memchr::memchr_iter(b'\n', &bytes[start..])
        .map(|index| start + index + 1)
        .find(|&end| bytes[..end].ends_with(b"\r\n\r\n") || bytes[..end].ends_with(b"\n\n"))
}
