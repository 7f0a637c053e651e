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

mod gaps;
mod input;

use crate::http::head::MAX_HEAD;
use crate::http2::beginning::{Beginning, PREFACE};
use crate::http2::frame::{END_STREAM, FrameHeader, FrameType, HEADER_LENGTH, PADDED};
use crate::http2::frame_event::FrameEvent;
use crate::http2::frame_reader::input::Input;
use crate::http2::frame_search::FrameSearch;
use crate::packet::Origin;
use crate::stream_part::StreamPart;
use serde::{Deserialize, Serialize};

/// The longest payload that is buffered, in bytes; frames that matter and are longer are given out as
/// ones that were not captured whole.
const MAX_PAYLOAD: usize = 64 << 10;

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
}
