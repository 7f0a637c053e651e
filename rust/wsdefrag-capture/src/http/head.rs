//! One direction of HTTP/1.1 before the upgrade: heads are read, bodies are passed over.
//!
//! The machine stands inside a head, whose bytes are kept until it is complete, or inside a body,
//! of which nothing is kept. How long a body is follows from its head (RFC 9112 section 6.3).
//! Where bytes are missing inside a body of known length they are passed over like the others;
//! anywhere else the direction is [`Lost`](Step::Lost), until a piece begins with a head again.

use httparse::Status;

use crate::connection::{Field, Request, Response, field};

/// The longest head that is read, in bytes.
pub(crate) const MAX_HEAD: usize = 64 << 10;

/// A head that is complete.
#[derive(Debug)]
pub(crate) enum Head {
    Request { method: String, request: Request },
    Response(Response),
}

/// What came of some bytes.
#[derive(Debug)]
pub(crate) enum Step {
    /// They were all taken.
    More,
    /// They completed a head; the caller says what its body is, and offers the rest again.
    Head(Head),
    /// This is not HTTP, or its heads are longer than anyone's.
    NotHttp,
    /// It is not known any more where the next head begins.
    Lost,
}

/// What stands behind a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Length(u64),
    Chunked,
    /// All that is left of the direction.
    Rest,
}

/// What bytes are part of.
#[derive(Debug)]
enum Place {
    Head,
    Body(u64),
    /// A line of chunked coding: the size of a chunk.
    ChunkSize,
    /// A chunk's bytes and the line end behind them.
    Chunk(u64),
    Trailer,
    Rest,
    Lost,
}

/// The HTTP messages of one direction.
#[derive(Debug)]
pub(crate) struct Messages {
    place: Place,
    /// The head, or the line, at hand.
    buffer: Vec<u8>,
    requests: bool,
}

impl Messages {
    pub(crate) const fn new(requests: bool) -> Self {
        Self { place: Place::Head, buffer: Vec::new(), requests }
    }

    /// Whether heads can still be found.
    pub(crate) const fn is_lost(&self) -> bool {
        matches!(self.place, Place::Lost)
    }

    /// Bytes that have come of the head at hand.
    pub(crate) const fn unfinished(&self) -> usize {
        if matches!(self.place, Place::Head) { self.buffer.len() } else { 0 }
    }

    /// Says what stands behind the head that was given last.
    pub(crate) const fn expect(&mut self, body: Body) {
        self.place = match body {
            Body::Length(0) => Place::Head,
            Body::Length(length) => Place::Body(length),
            Body::Chunked => Place::ChunkSize,
            Body::Rest => Place::Rest,
        };
    }

    /// Looks whether a piece of the stream begins with a head though none was expected: where an
    /// earlier loss left the place in doubt, or made it wrong without anyone's knowing.
    pub(crate) fn look_for_head(&mut self, piece: &[u8]) -> bool {
        let head = handshake_head(self.requests);
        let unexpected = match self.place {
            Place::Head => false,
            Place::Lost => true,
            _ => !self.requests,
        };
        let found = unexpected && piece.starts_with(head);
        if found {
            self.place = Place::Head;
            self.buffer = Vec::new();
        }
        found
    }

    /// Takes bytes from the front of `data`.
    pub(crate) fn data(&mut self, data: &mut &[u8], time: i64) -> Step {
        while !data.is_empty() {
            match &mut self.place {
                Place::Head => match self.head(data, time) {
                    Step::More => {}
                    step => return step,
                },
                Place::Body(left) => {
                    if pass(left, data) {
                        self.place = Place::Head;
                    }
                }
                Place::Chunk(left) => {
                    if pass(left, data) {
                        self.place = Place::ChunkSize;
                    }
                }
                Place::ChunkSize => {
                    let Some(line) = self.line(data) else { return self.lost_if_too_long() };
                    self.place = match httparse::parse_chunk_size(&line) {
                        Ok(Status::Complete((_, 0))) => Place::Trailer,
                        Ok(Status::Complete((_, size))) => Place::Chunk(size.saturating_add(2)),
                        _ => Place::Lost,
                    };
                }
                Place::Trailer => {
                    let Some(line) = self.line(data) else { return self.lost_if_too_long() };
                    if matches!(line.as_slice(), b"\r\n" | b"\n") {
                        self.place = Place::Head;
                    }
                }
                Place::Rest => return Step::NotHttp,
                Place::Lost => return Step::Lost,
            }
        }
        Step::More
    }

    /// Says that bytes are missing.
    pub(crate) fn gap(&mut self, length: u64) {
        self.place = match self.place {
            Place::Body(left) if length < left => Place::Body(left - length),
            Place::Body(left) if length == left => Place::Head,
            Place::Chunk(left) if length < left => Place::Chunk(left - length),
            Place::Rest => Place::Rest,
            _ => Place::Lost,
        };
        self.buffer = Vec::new();
    }

    fn lost_if_too_long(&mut self) -> Step {
        if self.buffer.len() > MAX_HEAD {
            self.place = Place::Lost;
        }
        Step::More
    }

    /// The next line with its end, once it is complete.
    fn line(&mut self, data: &mut &[u8]) -> Option<Vec<u8>> {
        let end = data.iter().position(|&byte| byte == b'\n');
        let (taken, rest) = data.split_at(end.map_or(data.len(), |end| end + 1));
        self.buffer.extend_from_slice(taken);
        *data = rest;
        end.map(|_| std::mem::take(&mut self.buffer))
    }

    /// Reads a head, once its last line is there.
    fn head(&mut self, data: &mut &[u8], time: i64) -> Step {
        if self.buffer.is_empty() {
            // Empty lines before a head are to be passed over (RFC 9112 section 2.2).
            let start = data.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
            *data = &data[start.unwrap_or(data.len())..];
            if data.is_empty() {
                return Step::More;
            }
        }
        let before = self.buffer.len();
        let taken = data.len().min(MAX_HEAD + 4 - before);
        self.buffer.extend_from_slice(&data[..taken]);
        if !starts_like(&self.buffer, self.requests) {
            return Step::NotHttp;
        }
        let Some(end) = end_of_head(&self.buffer, before) else {
            *data = &data[taken..];
            return if self.buffer.len() > MAX_HEAD { Step::NotHttp } else { Step::More };
        };
        *data = &data[end - before..];
        let head = if self.requests {
            parse_request(&self.buffer[..end], time)
        } else {
            parse_response(&self.buffer[..end], time)
        };
        self.buffer = Vec::new();
        head.map_or(Step::NotHttp, Step::Head)
    }
}

/// Passes over what belongs to a body; tells whether that was its end.
fn pass(left: &mut u64, data: &mut &[u8]) -> bool {
    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
    *data = &data[taken..];
    *left -= taken as u64;
    *left == 0
}

/// How a head that a handshake is made of begins.
pub(crate) const fn handshake_head(request: bool) -> &'static [u8] {
    if request { b"GET /" } else { b"HTTP/1.1 101 " }
}

/// Whether a stream that begins so may be one of requests, or else of responses.
pub(crate) fn starts_like(bytes: &[u8], requests: bool) -> bool {
    const VERSION: &[u8] = b"HTTP/1.";
    let common = bytes.len().min(VERSION.len());
    if bytes[..common] == VERSION[..common] && (!requests || bytes.len() >= VERSION.len()) {
        return !requests;
    }
    let method = bytes.split(|&byte| byte == b' ').next().unwrap_or(bytes);
    requests && method.len() <= 32 && method.iter().all(u8::is_ascii_uppercase)
}

/// Where the empty line that ends a head ends, if it ends in or behind `from`.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    let start = from.saturating_sub(3);
    let ends = bytes[start..].iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    ends.map(|(index, _)| start + index + 1)
        .find(|&end| bytes[..end].ends_with(b"\r\n\r\n") || bytes[..end].ends_with(b"\n\n"))
}

/// As lenient as the servers and clients that understood each other.
fn config() -> httparse::ParserConfig {
    let mut config = httparse::ParserConfig::default();
    config
        .ignore_invalid_headers_in_requests(true)
        .ignore_invalid_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_multiple_spaces_in_request_line_delimiters(true)
        .allow_multiple_spaces_in_response_status_delimiters(true);
    config
}

/// Room for as many fields as there are lines.
fn room(bytes: &[u8]) -> Vec<httparse::Header<'_>> {
    vec![httparse::EMPTY_HEADER; bytes.split(|&byte| byte == b'\n').count()]
}

fn parse_request(bytes: &[u8], time: i64) -> Option<Head> {
    let mut fields = room(bytes);
    let mut parsed = httparse::Request::new(&mut fields);
    if !matches!(config().parse_request(&mut parsed, bytes), Ok(Status::Complete(_))) {
        return None;
    }
    let (method, target) = (parsed.method?.to_owned(), parsed.path?.to_owned());
    Some(Head::Request { method, request: Request { target, fields: owned(parsed.headers), time } })
}

fn parse_response(bytes: &[u8], time: i64) -> Option<Head> {
    let mut fields = room(bytes);
    let mut parsed = httparse::Response::new(&mut fields);
    if !matches!(config().parse_response(&mut parsed, bytes), Ok(Status::Complete(_))) {
        return None;
    }
    let (status, reason) = (parsed.code?, parsed.reason?.to_owned());
    Some(Head::Response(Response { status, reason, fields: owned(parsed.headers), time }))
}

fn owned(fields: &[httparse::Header<'_>]) -> Vec<Field> {
    fields.iter().map(|field| (field.name.to_owned(), field.value.to_owned())).collect()
}

/// Whether a field that is a list of tokens holds this one (RFC 9110 section 5.6.1).
pub(crate) fn has_token(fields: &[Field], name: &str, token: &str) -> bool {
    fields
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
        .filter_map(|(_, value)| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// The body that a request's head announces.
pub(crate) fn request_body(request: &Request) -> Body {
    announced(&request.fields).unwrap_or(Body::Length(0))
}

/// The body of an answer to a request of this method.
pub(crate) fn response_body(response: &Response, method: Option<&str>) -> Body {
    let empty = matches!(response.status, 100..=199 | 204 | 304)
        || method == Some("HEAD")
        || (method == Some("CONNECT") && (200..300).contains(&response.status));
    if empty { Body::Length(0) } else { announced(&response.fields).unwrap_or(Body::Rest) }
}

fn announced(fields: &[Field]) -> Option<Body> {
    if has_token(fields, "transfer-encoding", "chunked") {
        return Some(Body::Chunked);
    }
    let length = field(fields, "content-length")?;
    Some(length.trim().parse().map_or(Body::Rest, Body::Length))
}
