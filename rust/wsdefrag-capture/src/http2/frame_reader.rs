//! Reads the frames of one direction of HTTP/2: a stream with gaps in, frames out.
//!
//! ```text
//! Preface   the client's connection preface is expected
//! Server    the server's first frame is expected
//! Head      a head of HTTP/1.1 is skipped: a request for an upgrade, or the answer to it
//! Header    the start of a frame is known; bytes of its header are buffered
//! Padding   a DATA frame is padded; the length of the padding follows
//! Data      the bytes of a DATA frame; each is given out as it comes
//! Payload   another frame that matters; its bytes are buffered
//! Skip      a frame that does not matter, or padding
//! Lost      the start of the next frame is unknown; it is searched for
//! ```
//!
//! A gap of known length inside a frame is skipped like its bytes. Any other gap leads to Lost, and so
//! does a frame that no endpoint accepts.
//!
//! RFC 9113 sections 3.4 and 4.
//!
//! - `buffer.len() <= MAX_PAYLOAD`

#![expect(
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "at most `MAX_PAYLOAD` bytes; what is taken of a frame has at most 24 bits"
)]

use crate::http::head::MAX_HEAD;
use crate::http2::frame::{ACK, END_STREAM, FrameHeader, FrameType, HEADER_LENGTH, PADDED};
use crate::http2::frame_search::FrameSearch;
use crate::packet::Origin;
use crate::stream_part::{Gap, GapKind, StreamPart};
use serde::{Deserialize, Serialize};

/// What the client's stream begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of the preface before those that look like a head of HTTP/1.1 with its empty line.
pub(crate) const PREFACE_HEAD: usize = 18;
/// The longest payload that is buffered, in bytes; frames that matter and are longer are given out as
/// ones that were not captured whole.
pub(super) const MAX_PAYLOAD: usize = 64 << 10;

/// What a reader gives out.
#[derive(Debug)]
pub(super) enum FrameEvent<'a> {
    /// Bytes of the DATA of a stream, without padding, or a gap in them of known length.
    Data(u32, StreamPart<'a>),
    /// The end of a DATA frame that ends its stream, and the packet with its last captured byte.
    DataEnd(u32, Origin),
    /// Another frame that matters, with its payload.
    Frame(FrameHeader, &'a [u8], Origin),
    /// Such a frame that was not captured whole, or is too long, with the start of its payload.
    Incomplete(FrameHeader, &'a [u8], Origin),
    /// The start of the next frame is unknown: anything may have been lost.
    Lost(Gap),
}

#[derive(Debug, Serialize, Deserialize)]
enum State {
    Preface { taken: usize },
    Server,
    Head { bytes: usize, tail: [u8; 4], of_client: bool },
    Header { bytes: [u8; HEADER_LENGTH], taken: usize },
    Padding { header: FrameHeader },
    Data { header: FrameHeader, left: u32, padding: u32 },
    Payload { header: FrameHeader, buffer: Vec<u8> },
    Skip { length: u32, left: u32, ends: Option<u32> },
    Lost(FrameSearch),
}

const AT_FRAME: State = State::Header { bytes: [0; HEADER_LENGTH], taken: 0 };

/// Where a direction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// At the preface of a client, of which this many bytes were read.
    Preface(usize),
    /// At the first frame of a server, or before its answer to an upgrade.
    Server,
    /// Somewhere.
    Unknown,
}

/// Whether the first bytes of a server are its connection preface: SETTINGS (RFC 9113 section 3.4).
pub(crate) fn starts_like_server(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk() else { return false };
    let header = FrameHeader::of(*header);
    header.kind == FrameType::Settings && !header.has(ACK) && header.is_plausible(0)
}

/// The reader of one direction.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FrameReader {
    state: State,
    /// The packet with the last byte so far.
    last: Option<Origin>,
}

impl FrameReader {
    pub(super) fn new(beginning: Beginning) -> Self {
        let state = match beginning {
            Beginning::Preface(taken) => State::Preface { taken },
            Beginning::Server => State::Server,
            Beginning::Unknown => State::Lost(FrameSearch::default()),
        };
        Self { state, last: None }
    }

    /// The memory that is allocated besides this value, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        match &self.state {
            State::Payload { buffer, .. } => buffer.capacity(),
            State::Lost(search) => search.bytes_held(),
            _ => 0,
        }
    }

    /// Whether the start of the next frame is unknown.
    pub(super) const fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost(_))
    }

    /// Bytes of the current, incomplete frame.
    pub(super) const fn unfinished(&self) -> usize {
        const HEADER: usize = HEADER_LENGTH;
        match &self.state {
            State::Preface { taken } | State::Header { taken, .. } => *taken,
            State::Head { bytes, .. } => *bytes,
            State::Padding { .. } => HEADER,
            State::Data { header, left, padding } => {
                let padded = header.has(PADDED) as usize + *padding as usize;
                HEADER + header.length as usize - padded - *left as usize
            }
            State::Payload { buffer, .. } => HEADER + buffer.len(),
            State::Skip { length, left, .. } => HEADER + (*length - *left) as usize,
            State::Server | State::Lost(_) => 0,
        }
    }

    /// Takes the next part of the direction. Frames on streams above `highest_stream` are not found
    /// after a loss.
    pub(super) fn part(
        &mut self,
        part: StreamPart<'_>,
        highest_stream: u32,
        out: &mut impl FnMut(FrameEvent<'_>),
    ) {
        let State::Lost(search) = &mut self.state else { return self.read(part, out) };
        let Some(mut found) = search.part(part, highest_stream) else { return };
        self.state = AT_FRAME;
        while let Some(part) = found.pop_front() {
            if let State::Lost(search) = &mut self.state {
                // What was found are no frames: it is searched again from the next part on.
                let Some(mut again) = search.part(part.as_part(), highest_stream) else { continue };
                again.append(&mut found);
                found = again;
                self.state = AT_FRAME;
            } else {
                self.read(part.as_part(), out);
            }
        }
    }

    /// Reads a part from a known place in a frame on.
    fn read(&mut self, part: StreamPart<'_>, out: &mut impl FnMut(FrameEvent<'_>)) {
        match part {
            StreamPart::Gap(gap) => self.gap(gap, out),
            StreamPart::Data(bytes, origin) | StreamPart::Unauthenticated(bytes, origin) => {
                self.last = Some(origin);
                let is_authenticated = matches!(part, StreamPart::Data(..));
                let mut input = Input { bytes, origin, is_authenticated };
                while !input.bytes.is_empty() && !self.is_lost() {
                    self.step(&mut input, out);
                }
            }
        }
    }

    /// Takes some bytes.
    fn step(&mut self, input: &mut Input<'_>, out: &mut impl FnMut(FrameEvent<'_>)) {
        match &mut self.state {
            State::Preface { taken } => {
                if *taken == 0 && input.starts_head(b'P') {
                    self.state = State::Head { bytes: 0, tail: [0; 4], of_client: true };
                    return;
                }
                let bytes = input.take(PREFACE.len() - *taken);
                if bytes != &PREFACE[*taken..*taken + bytes.len()] {
                    return self.lose(self.place(input.origin), out);
                }
                *taken += bytes.len();
                if *taken == PREFACE.len() {
                    self.state = AT_FRAME;
                }
            }
            State::Server => {
                self.state = AT_FRAME;
                if input.starts_head(0) {
                    self.state = State::Head { bytes: 0, tail: [0; 4], of_client: false };
                }
            }
            State::Head { bytes, tail, of_client } => {
                let byte = input.take(1)[0];
                *tail = [tail[1], tail[2], tail[3], byte];
                *bytes += 1;
                if tail == b"\r\n\r\n" {
                    self.state = if *of_client { State::Preface { taken: 0 } } else { AT_FRAME };
                } else if *bytes > MAX_HEAD {
                    self.lose(self.place(input.origin), out);
                }
            }
            State::Header { bytes, taken } => {
                let more = input.take(HEADER_LENGTH - *taken);
                bytes[*taken..*taken + more.len()].copy_from_slice(more);
                *taken += more.len();
                if *taken == HEADER_LENGTH {
                    let header = FrameHeader::of(*bytes);
                    self.header(header, input.origin, out);
                }
            }
            State::Padding { header } => {
                let (header, padding) = (*header, u32::from(input.take(1)[0]));
                // More padding than payload is an error of the connection (RFC 9113 section 6.1).
                let Some(left) = (header.length - 1).checked_sub(padding) else {
                    return self.lose(self.place(input.origin), out);
                };
                self.data(header, left, padding, input.origin, out);
            }
            State::Data { header, left, padding } => {
                let (header, padding) = (*header, *padding);
                let bytes = input.take(*left as usize);
                *left -= bytes.len() as u32;
                let left = *left;
                out(FrameEvent::Data(header.stream, input.part(bytes)));
                if left == 0 {
                    self.data(header, 0, padding, input.origin, out);
                }
            }
            State::Payload { header, buffer } => {
                let header = *header;
                let missing = header.length as usize - buffer.len();
                let bytes = input.take(missing);
                if buffer.is_empty() && bytes.len() == missing {
                    self.state = AT_FRAME;
                    out(FrameEvent::Frame(header, bytes, input.origin));
                    return;
                }
                buffer.extend_from_slice(bytes);
                if bytes.len() == missing {
                    let buffer = std::mem::take(buffer);
                    self.state = AT_FRAME;
                    out(FrameEvent::Frame(header, &buffer, input.origin));
                }
            }
            State::Skip { left, ends, .. } => {
                *left -= input.take(*left as usize).len() as u32;
                if let (0, ends) = (*left, *ends) {
                    self.end_of_data(ends, input.origin, out);
                }
            }
            State::Lost(_) => {}
        }
    }

    /// Begins a frame whose header is complete.
    fn header(
        &mut self,
        header: FrameHeader,
        origin: Origin,
        out: &mut impl FnMut(FrameEvent<'_>),
    ) {
        if !header.is_valid() {
            return self.lose(self.place(origin), out);
        }
        match header.kind {
            FrameType::Data if header.has(PADDED) => self.state = State::Padding { header },
            FrameType::Data => self.data(header, header.length, 0, origin, out),
            FrameType::Headers
            | FrameType::RstStream
            | FrameType::Settings
            | FrameType::PushPromise
            | FrameType::Continuation => {
                if header.length == 0 {
                    self.state = AT_FRAME;
                    out(FrameEvent::Frame(header, &[], origin));
                } else if header.length as usize > MAX_PAYLOAD {
                    out(FrameEvent::Incomplete(header, &[], origin));
                    self.skip(header.length, header.length);
                } else {
                    self.state = State::Payload { header, buffer: Vec::new() };
                }
            }
            _ => self.skip(header.length, header.length),
        }
    }

    fn skip(&mut self, length: u32, left: u32) {
        self.state = if left == 0 { AT_FRAME } else { State::Skip { length, left, ends: None } };
    }

    /// Goes on with a DATA frame of which `left` bytes and the padding have yet to come.
    fn data(
        &mut self,
        header: FrameHeader,
        left: u32,
        padding: u32,
        origin: Origin,
        out: &mut impl FnMut(FrameEvent<'_>),
    ) {
        let ends = header.has(END_STREAM).then_some(header.stream);
        if left > 0 {
            self.state = State::Data { header, left, padding };
        } else if padding > 0 {
            self.state = State::Skip { length: header.length, left: padding, ends };
        } else {
            self.end_of_data(ends, origin, out);
        }
    }

    fn end_of_data(
        &mut self,
        ends: Option<u32>,
        origin: Origin,
        out: &mut impl FnMut(FrameEvent<'_>),
    ) {
        self.state = AT_FRAME;
        if let Some(stream) = ends {
            out(FrameEvent::DataEnd(stream, origin));
        }
    }

    /// Takes a gap while the place in the current frame is known.
    fn gap(&mut self, gap: Gap, out: &mut impl FnMut(FrameEvent<'_>)) {
        if gap.kind != GapKind::Exact {
            return self.lose_in_frame(gap, out);
        }
        let origin = gap.after.or(gap.before).unwrap_or_default();
        match &mut self.state {
            State::Data { header, left, padding } => {
                let (header, before, padding) = (*header, *left, *padding);
                if gap.length > u64::from(before) + u64::from(padding) {
                    return self.lose_in_frame(gap, out);
                }
                let in_data = gap.length.min(u64::from(before));
                let in_padding = (gap.length - in_data) as u32;
                let left = before - in_data as u32;
                out(FrameEvent::Data(
                    header.stream,
                    StreamPart::Gap(Gap { length: in_data, ..gap }),
                ));
                self.data(header, left, padding - in_padding, origin, out);
            }
            State::Skip { left, ends, .. } if gap.length <= u64::from(*left) => {
                *left -= gap.length as u32;
                if let (0, ends) = (*left, *ends) {
                    self.end_of_data(ends, origin, out);
                }
            }
            State::Payload { header, buffer }
                if gap.length <= u64::from(header.length) - buffer.len() as u64 =>
            {
                let (header, buffer) = (*header, std::mem::take(buffer));
                out(FrameEvent::Incomplete(header, &buffer, origin));
                self.skip(header.length, header.length - buffer.len() as u32 - gap.length as u32);
            }
            _ => self.lose_in_frame(gap, out),
        }
    }

    /// Takes a gap after which the start of the next frame is unknown.
    fn lose_in_frame(&mut self, gap: Gap, out: &mut impl FnMut(FrameEvent<'_>)) {
        if let State::Data { header, left, .. } = self.state
            && gap.kind == GapKind::Exact
        {
            // At least the rest of the frame was of its stream.
            let rest = Gap { length: u64::from(left), ..gap };
            out(FrameEvent::Data(header.stream, StreamPart::Gap(rest)));
        }
        if let State::Payload { header, buffer } = &self.state {
            let origin = gap.before.or(self.last).unwrap_or_default();
            out(FrameEvent::Incomplete(*header, buffer, origin));
        }
        self.lose(Gap { length: 0, kind: GapKind::Unknown, ..gap }, out);
    }

    /// A gap of unknown length at this packet.
    fn place(&self, after: Origin) -> Gap {
        Gap { length: 0, kind: GapKind::Unknown, before: self.last, after: Some(after) }
    }

    fn lose(&mut self, gap: Gap, out: &mut impl FnMut(FrameEvent<'_>)) {
        self.state = State::Lost(FrameSearch::default());
        out(FrameEvent::Lost(gap));
    }
}

/// The bytes of a part that have not been taken.
struct Input<'a> {
    bytes: &'a [u8],
    origin: Origin,
    is_authenticated: bool,
}

impl<'a> Input<'a> {
    /// Takes at most `most` bytes.
    fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(most.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    /// Whether a head of HTTP/1.1 follows: an upper-case letter, other than the first of the preface.
    fn starts_head(&self, preface: u8) -> bool {
        self.bytes.first().is_some_and(|&first| first.is_ascii_uppercase() && first != preface)
    }

    fn part(&self, bytes: &'a [u8]) -> StreamPart<'a> {
        if self.is_authenticated {
            StreamPart::Data(bytes, self.origin)
        } else {
            StreamPart::Unauthenticated(bytes, self.origin)
        }
    }
}
