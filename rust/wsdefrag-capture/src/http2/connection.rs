//! An HTTP/2 connection as a bystander sees it: the bytes and gaps of both sides in, the streams that
//! are WebSockets out.
//!
//! Every header block goes through HPACK, because each may change the dynamic table; its fields are
//! kept only where a stream may be a WebSocket. A gap inside the DATA of a stream costs only that
//! stream, and exactly what it covers. Any other gap may have had bytes of every open stream of its
//! side, and header blocks.
//!
//! RFC 9113 sections 4.3, 6 and 8, RFC 8441.

#![expect(clippy::disallowed_methods, reason = "boxes, and a block of at most `MAX_BLOCK` bytes")]

use crate::http2::beginning::Beginning;
use crate::http2::event::StreamEvent;
use crate::http2::fields::Fields;
use crate::http2::frame::{ACK, END_HEADERS, END_STREAM, FrameHeader, FrameType};
use crate::http2::frame_event::FrameEvent;
use crate::http2::frame_reader::FrameReader;
use crate::http2::header_block::{HeaderBlock, MAX_BLOCK, fragment};
use crate::http2::hpack::decoder::Decoder;
use crate::http2::problems::Http2Problems;
use crate::http2::streams::Streams;
use crate::packet::Origin;
use crate::stream_part::{Gap, StreamPart};
use serde::{Deserialize, Serialize};

/// The setting with the size of the dynamic table (RFC 9113 section 6.5.2).
const HEADER_TABLE_SIZE: u16 = 1;

/// An HTTP/2 connection.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Connection {
    /// Indexed by `from_client`.
    readers: [FrameReader; 2],
    state: ConnectionState,
}

/// What the frames change.
#[derive(Debug, Serialize, Deserialize)]
struct ConnectionState {
    /// Indexed by `from_client`.
    sides: [Side; 2],
    streams: Streams,
    problems: Http2Problems,
}

/// What one side has sent.
#[derive(Debug, Serialize, Deserialize)]
struct Side {
    decoder: Decoder,
    /// The block whose next frame has to come.
    block: Option<Box<HeaderBlock>>,
}

impl Connection {
    /// A connection whose sides begin there. `settings` are those that the client sent in its request for
    /// an upgrade (RFC 7540 section 3.2.1).
    pub(crate) fn new(client: Beginning, server: Beginning, settings: &[u8]) -> Self {
        let side = || Side { decoder: Decoder::new(), block: None };
        let mut state = ConnectionState {
            sides: [side(), side()],
            streams: Streams::default(),
            problems: Http2Problems::default(),
        };
        state.settings(true, settings);
        if client == Beginning::Unknown {
            state.streams.lose_requests();
            state.sides[1].decoder.forget();
        }
        if server == Beginning::Unknown {
            state.sides[0].decoder.forget();
        }
        Self { readers: [FrameReader::new(server), FrameReader::new(client)], state }
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        let readers: usize = self.readers.iter().map(FrameReader::bytes_held).sum();
        let sides = self.state.sides.iter().map(|side| {
            let block = side.block.as_ref().map_or(0, |block| block.bytes.capacity());
            side.decoder.bytes_held() + block
        });
        size_of::<Self>() + readers + sides.sum::<usize>() + self.state.streams.bytes_held()
    }

    /// Bytes of the current, incomplete frame of one side.
    pub(crate) const fn unfinished(&self, from_client: bool) -> usize {
        self.readers[from_client as usize].unfinished()
    }

    /// What has gone wrong so far.
    pub(crate) const fn problems(&self) -> Http2Problems {
        let dropped_streams = self.state.streams.dropped;
        Http2Problems { dropped_streams, ..self.state.problems }
    }

    /// The stream that waits for a head and takes the most memory, and how many bytes.
    pub(crate) fn largest_undecided(&self) -> Option<(u32, usize)> {
        self.state.streams.largest_undecided()
    }

    /// Drops a stream that waits for a head, for want of room.
    pub(crate) fn drop_stream(&mut self, stream: u32) {
        self.state.streams.drop_stream(stream);
    }

    /// Takes the next part of one side. What happens on streams goes to `out`, with their numbers.
    pub(crate) fn part(
        &mut self,
        from_client: bool,
        part: StreamPart<'_>,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        let Self { readers, state } = self;
        if let Some((_, origin)) = part.bytes() {
            state.streams.end_reset(origin.time, out);
        }
        let highest = state.streams.highest();
        readers[usize::from(from_client)].part(part, highest, &mut |event| {
            state.frame_event(from_client, &event, out);
        });
    }

    /// Gives out the streams that wait for a head, because no more follows.
    pub(crate) fn finish(&mut self, out: &mut impl FnMut(u32, StreamEvent<'_>)) {
        self.state.streams.finish(out);
    }
}

impl ConnectionState {
    fn frame_event(
        &mut self,
        from_client: bool,
        event: &FrameEvent<'_>,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        match *event {
            FrameEvent::Data(stream, part) => self.streams.part(from_client, stream, part, out),
            FrameEvent::DataEnd(stream, origin) => {
                self.streams.end(from_client, stream, origin, false, out);
            }
            FrameEvent::Frame(header, payload, origin) => {
                self.frame(from_client, header, (payload, true), origin, out);
            }
            FrameEvent::Incomplete(header, payload, origin) => {
                self.frame(from_client, header, (payload, false), origin, out);
            }
            FrameEvent::Lost(gap) => self.lose(from_client, gap, out),
        }
    }

    /// Takes a gap that may have had anything.
    fn lose(&mut self, from_client: bool, gap: Gap, out: &mut impl FnMut(u32, StreamEvent<'_>)) {
        let side = &mut self.sides[usize::from(from_client)];
        side.decoder.forget();
        side.block = None;
        self.streams.lose(from_client, gap, out);
    }

    /// Takes a frame, or the start of one that was not captured whole.
    fn frame(
        &mut self,
        from_client: bool,
        header: FrameHeader,
        (payload, is_whole): (&[u8], bool),
        origin: Origin,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        match header.kind {
            FrameType::Headers | FrameType::PushPromise | FrameType::Continuation => {
                let is_too_long = !is_whole && header.length as usize > MAX_BLOCK;
                self.problems.long_blocks += u64::from(is_too_long);
                let is_last = is_whole && header.has(END_HEADERS);
                self.block_frame(from_client, header, payload, is_last, origin, out);
                if !is_whole {
                    self.end_block(from_client, origin, true, out);
                }
            }
            FrameType::RstStream => self.streams.end(from_client, header.stream, origin, true, out),
            FrameType::Settings if is_whole && !header.has(ACK) => {
                self.settings(from_client, payload);
            }
            _ => {}
        }
    }

    /// Takes a frame of a header block.
    fn block_frame(
        &mut self,
        from_client: bool,
        header: FrameHeader,
        payload: &[u8],
        is_last: bool,
        origin: Origin,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        let side = &mut self.sides[usize::from(from_client)];
        let continues = header.kind == FrameType::Continuation;
        let fragment = fragment(header, payload);
        match &mut side.block {
            Some(block) if continues && block.header.stream == header.stream => {
                block.append(fragment.unwrap_or_default());
            }
            Some(_) => {
                // The rest of the block was not sent, which is an error of the connection.
                self.end_block(from_client, origin, true, out);
                return self.block_frame(from_client, header, payload, is_last, origin, out);
            }
            // The start of the block was lost.
            None if continues => return side.decoder.forget(),
            None => {
                if let (Some(fragment), true) = (fragment, is_last) {
                    return self.decode(from_client, header, fragment, false, origin, out);
                }
                let block = HeaderBlock::new(header, fragment.unwrap_or_default());
                side.block = Some(Box::new(block));
            }
        }
        if is_last {
            self.end_block(from_client, origin, fragment.is_none(), out);
        }
    }

    /// Decodes the block so far. `is_cut` tells whether more of it was sent.
    fn end_block(
        &mut self,
        from_client: bool,
        origin: Origin,
        is_cut: bool,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        let Some(block) = self.sides[usize::from(from_client)].block.take() else { return };
        self.problems.long_blocks += u64::from(block.is_too_long);
        let is_cut = is_cut || block.is_too_long;
        self.decode(from_client, block.header, &block.bytes, is_cut, origin, out);
    }

    /// Decodes a header block.
    fn decode(
        &mut self,
        from_client: bool,
        header: FrameHeader,
        block: &[u8],
        is_cut: bool,
        origin: Origin,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        let stream = header.stream;
        let is_headers = header.kind == FrameType::Headers;
        let wanted = self.streams.wanted(from_client, stream, is_headers);
        let mut fields = Fields::new(wanted);
        let decoder = &mut self.sides[usize::from(from_client)].decoder;
        let result = decoder.decode(block, &mut |field| fields.take(field));
        if is_cut || result.is_err() {
            self.problems.wrong_blocks += u64::from(!is_cut);
            decoder.forget();
            fields.cut();
        }
        if !is_headers {
            return;
        }
        if from_client {
            self.streams.request(stream, fields, origin, out);
        } else {
            self.streams.response(stream, fields, origin, out);
        }
        if header.has(END_STREAM) {
            self.streams.end(from_client, stream, origin, false, out);
        }
    }

    /// Takes the SETTINGS of a side, which are about what it receives (RFC 9113 section 6.5).
    fn settings(&mut self, from_client: bool, payload: &[u8]) {
        for setting in payload.chunks_exact(6) {
            let identifier = u16::from_be_bytes([setting[0], setting[1]]);
            let value = u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
            if identifier == HEADER_TABLE_SIZE {
                self.sides[usize::from(!from_client)].decoder.allow_table_size(value);
            }
        }
    }
}
