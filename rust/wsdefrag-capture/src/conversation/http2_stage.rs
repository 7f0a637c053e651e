//! The WebSockets of an HTTP/2 connection: one for each stream that the server accepted.
//!
//! A stream whose beginning was not captured is searched for frames, as a connection is.
//!
//! RFC 8441.

#![expect(clippy::disallowed_methods, reason = "at most `MAX_STREAMS` of a connection")]

use std::collections::BTreeMap;

use crate::connection::Connection;
use crate::connection::Ended;
use crate::conversation::context::Context;
use crate::conversation::transport::Transport;
use crate::http2::beginning::Beginning;
use crate::http2::connection::Connection as Http2Connection;
use crate::http2::event::{StreamEnd, StreamEvent, StreamHeads};
use crate::http2::problems::Http2Problems;
use crate::packet::Origin;
use crate::packet::tags::Tag;
use crate::sink::Sink;
use crate::stream_part::{Repeats, StreamPart};
use crate::websocket::frame_search::Sender;
use crate::websocket::handshake::{CapturedHandshake, CapturedStream};
use crate::websocket::midstream::Midstream;
use crate::websocket::open_websocket::{ClientStart, OpenWebSocket};
use serde::{Deserialize, Serialize};
use wsdefrag_core::InflaterPool;

/// Bytes for a stream in the map, with the room that the map has to spare.
const MAP_ENTRY: usize = 256;

/// What a stream is.
#[derive(Serialize, Deserialize)]
enum Socket {
    Open(Box<OpenWebSocket>),
    /// It is searched for frames. The index of a direction is `from_client`.
    Searched(Box<Midstream>, Origin),
    /// The filter drops it.
    Unwanted,
}

/// A stream.
#[derive(Serialize, Deserialize)]
struct Stream {
    socket: Socket,
    /// The last packet with something of it.
    last: Origin,
    /// The memory that was counted for it, in bytes.
    #[serde(skip)]
    counted: usize,
}

/// An HTTP/2 connection and its WebSockets.
#[derive(Serialize, Deserialize)]
pub(super) struct Http2Stage {
    connection: Http2Connection,
    sockets: Sockets,
}

/// The WebSockets of a connection.
///
/// - `held` is the sum of what was counted for the streams
#[derive(Default, Serialize, Deserialize)]
struct Sockets {
    streams: BTreeMap<u32, Stream>,
    #[serde(skip)]
    held: usize,
    /// Whether a WebSocket has the number of the TCP connection.
    has_first: bool,
}

impl Http2Stage {
    /// A connection whose sides begin there, with the SETTINGS that the client sent in HTTP/1.1.
    pub(super) fn new(client: Beginning, server: Beginning, settings: &[u8]) -> Self {
        let connection = Http2Connection::new(client, server, settings);
        Self { connection, sockets: Sockets::default() }
    }

    /// Gives the WebSockets other numbers.
    pub(super) fn renumber(&mut self, new: &dyn Fn(u64) -> u64) {
        for websocket in self.sockets.open() {
            websocket.renumber(new);
        }
    }

    /// Takes note of a new tag or tunnel of the packets.
    pub(super) fn note_tag(&mut self, tag: Tag) {
        for websocket in self.sockets.open() {
            websocket.encapsulation().push(tag.to_string());
        }
    }

    /// Whether a stream is a WebSocket.
    pub(super) fn is_open(&self) -> bool {
        !self.sockets.streams.is_empty()
    }

    /// The memory that it takes, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        let entries = self.sockets.streams.len() * MAP_ENTRY;
        size_of::<Self>() + self.connection.bytes_held() + self.sockets.held + entries
    }

    /// Bytes of the largest message, search or head that is not finished.
    pub(super) fn largest_unfinished(&self) -> usize {
        let undecided = self.connection.largest_undecided().map(|(_, bytes)| bytes);
        let socket = self.sockets.largest_unfinished().map(|(_, bytes)| bytes);
        undecided.max(socket).unwrap_or(0)
    }

    /// Drops the largest one. `limit` is the bound of the memory that is the reason, in bytes.
    pub(super) fn drop_unfinished(&mut self, limit: usize) {
        let socket = self.sockets.largest_unfinished();
        let undecided = self.connection.largest_undecided();
        match (socket, undecided) {
            (Some((stream, bytes)), undecided)
                if undecided.is_none_or(|(_, undecided)| bytes >= undecided) =>
            {
                self.sockets.drop_unfinished(stream, limit);
            }
            (_, Some((stream, _))) => self.connection.drop_stream(stream),
            _ => {}
        }
    }

    /// Gives back the memory of inflaters that are not in use. Returns whether one remains in use.
    /// Takes inflaters from this pool from now on.
    pub(super) fn share_inflaters(&mut self, pool: &InflaterPool) {
        for websocket in self.sockets.open() {
            websocket.share_inflaters(pool);
        }
        self.sockets.count_all();
    }

    /// Adds its open WebSockets to `open`.
    pub(super) fn open_connections(&self, open: &mut Vec<Connection>) {
        for stream in self.sockets.streams.values() {
            if let Socket::Open(websocket) = &stream.socket {
                open.push(websocket.connection().clone());
            }
        }
    }

    pub(super) fn park(&mut self) -> bool {
        let mut is_used = false;
        for websocket in self.sockets.open() {
            is_used |= websocket.park();
        }
        self.sockets.count_all();
        is_used
    }

    /// Bytes of the current, incomplete frame of one side.
    pub(super) const fn unfinished(&self, from_client: bool) -> usize {
        self.connection.unfinished(from_client)
    }

    /// Takes the next part of one side.
    pub(super) fn part<S: Sink>(
        &mut self,
        from_client: bool,
        part: StreamPart<'_>,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        let Self { connection, sockets } = self;
        let problems = connection.problems();
        connection.part(from_client, part, &mut |stream, event| {
            sockets.event(stream, event, problems, transport, context);
        });
    }

    /// Ends all streams, because the connection ends.
    pub(super) fn finish<S: Sink>(
        &mut self,
        ended: Ended,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        let Self { connection, sockets } = self;
        let problems = connection.problems();
        connection.finish(&mut |stream, event| {
            sockets.event(stream, event, problems, transport, context);
        });
        let problems = connection.problems();
        transport.http2 = problems;
        while let Some((stream, _)) = sockets.streams.first_key_value() {
            sockets.end(*stream, ended, problems, transport, context);
        }
    }
}

impl Sockets {
    /// The WebSockets that are read.
    fn open(&mut self) -> impl Iterator<Item = &mut OpenWebSocket> {
        self.streams.values_mut().filter_map(|stream| match &mut stream.socket {
            Socket::Open(websocket) => Some(&mut **websocket),
            Socket::Searched(..) | Socket::Unwanted => None,
        })
    }

    /// The stream whose message or search is the largest that is not finished, and how many bytes.
    fn largest_unfinished(&self) -> Option<(u32, usize)> {
        let unfinished = self.streams.iter().map(|(number, stream)| match &stream.socket {
            Socket::Open(websocket) => (*number, websocket.largest_unfinished()),
            Socket::Searched(midstream, _) => (*number, midstream.bytes_held()),
            Socket::Unwanted => (*number, 0),
        });
        unfinished.max_by_key(|(_, bytes)| *bytes)
    }

    fn drop_unfinished(&mut self, number: u32, limit: usize) {
        let Some(stream) = self.streams.get_mut(&number) else { return };
        match &mut stream.socket {
            Socket::Open(websocket) => websocket.drop_unfinished(limit),
            Socket::Searched(..) => stream.socket = Socket::Unwanted,
            Socket::Unwanted => {}
        }
        self.count(number);
    }

    /// Counts the memory of a stream anew.
    fn count(&mut self, number: u32) {
        if let Some(stream) = self.streams.get_mut(&number) {
            let bytes = stream.bytes_held();
            self.held = self.held - stream.counted + bytes;
            stream.counted = bytes;
        }
    }

    fn count_all(&mut self) {
        self.held = 0;
        for stream in self.streams.values_mut() {
            stream.counted = stream.bytes_held();
            self.held += stream.counted;
        }
    }

    /// Takes what happens on a stream.
    fn event<S: Sink>(
        &mut self,
        number: u32,
        event: StreamEvent<'_>,
        problems: Http2Problems,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        match event {
            StreamEvent::Part { from_client, part } => {
                self.part(number, from_client, part, transport, context);
            }
            StreamEvent::Opened(heads) => self.opened(number, heads, transport, context),
            StreamEvent::Refused(heads) => {
                let handshake = self.handshake(number, heads, transport, context);
                if let Some(mut connection) = transport.connection(handshake, context) {
                    context.sink.opened(&connection);
                    connection.ended = Some(Ended::Refused);
                    context.sink.ended(connection);
                }
            }
            StreamEvent::Unknown(origin) => {
                let endpoints = transport.client_and_server();
                let max_frame = context.options.limits.max_frame_size.unwrap_or(u64::MAX);
                let [client, server] = endpoints;
                let senders = [Sender::Server, Sender::Client];
                let midstream = Box::new(Midstream::new([server, client], senders, max_frame));
                self.insert(number, Socket::Searched(midstream, origin), origin);
            }
            StreamEvent::Ended(end, last) => {
                if let Some(stream) = self.streams.get_mut(&number) {
                    stream.last = last;
                }
                let ended = if end == StreamEnd::Reset { Ended::Rst } else { Ended::Fin };
                self.end(number, ended, problems, transport, context);
            }
        }
    }

    /// Gives the next WebSocket its number. The first has the one of the TCP connection.
    fn handshake<S: Sink>(
        &mut self,
        number: u32,
        heads: StreamHeads,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) -> CapturedHandshake {
        if std::mem::replace(&mut self.has_first, true) {
            let before = transport.number;
            transport.take_number(context);
            if self.open().all(|websocket| websocket.number() != before) {
                context.sink.closed(before);
            }
        }
        let StreamHeads { request, response, unknown_fields, first } = heads;
        let midstream = response.is_none();
        let stream = Some(CapturedStream { number, first, unknown_fields });
        CapturedHandshake { request, response, midstream, stream }
    }

    fn opened<S: Sink>(
        &mut self,
        number: u32,
        heads: StreamHeads,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        let first = heads.first;
        let client_start =
            if heads.request.is_some() { ClientStart::AtFrame } else { ClientStart::Unknown };
        let handshake = self.handshake(number, heads, transport, context);
        let extensions_are_known = handshake.extensions_are_known();
        let socket = match transport.connection(handshake, context) {
            None => Socket::Unwanted,
            Some(connection) => {
                context.sink.opened(&connection);
                Socket::Open(Box::new(OpenWebSocket::new(
                    connection,
                    client_start,
                    extensions_are_known,
                    (context.options, context.inflaters),
                )))
            }
        };
        self.insert(number, socket, first);
    }

    fn insert(&mut self, number: u32, socket: Socket, last: Origin) {
        self.streams.insert(number, Stream { socket, last, counted: 0 });
        self.count(number);
    }

    fn part<S: Sink>(
        &mut self,
        number: u32,
        from_client: bool,
        part: StreamPart<'_>,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        let Some(stream) = self.streams.get_mut(&number) else { return };
        if let Some((_, origin)) = part.bytes() {
            stream.last = origin;
        }
        match &mut stream.socket {
            Socket::Open(websocket) => websocket.part(from_client, part, context.sink),
            Socket::Searched(midstream, _) => {
                let client = midstream.part(usize::from(from_client), part);
                if client.is_some() {
                    self.open_searched(number, transport, context);
                }
            }
            Socket::Unwanted => return,
        }
        self.count(number);
    }

    /// Opens a WebSocket, because frames prove that the stream is one.
    fn open_searched<S: Sink>(
        &mut self,
        number: u32,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        let Some(stream) = self.streams.get_mut(&number) else { return };
        let socket = std::mem::replace(&mut stream.socket, Socket::Unwanted);
        let Socket::Searched(midstream, first) = socket else { return };
        let heads = StreamHeads { first, ..StreamHeads::default() };
        let handshake = self.handshake(number, heads, transport, context);
        let Some(connection) = transport.connection(handshake, context) else { return };
        context.sink.opened(&connection);
        let directions = midstream.directions;
        let Context { options, inflaters, sink, .. } = context;
        let websocket =
            OpenWebSocket::midstream(connection, directions, (options, inflaters), *sink);
        if let Some(stream) = self.streams.get_mut(&number) {
            stream.socket = Socket::Open(Box::new(websocket));
        }
    }

    /// Ends a stream.
    fn end<S: Sink>(
        &mut self,
        number: u32,
        ended: Ended,
        problems: Http2Problems,
        transport: &Transport,
        context: &mut Context<'_, S>,
    ) {
        let Some(stream) = self.streams.remove(&number) else { return };
        self.held -= stream.counted;
        if let Socket::Open(mut websocket) = stream.socket {
            websocket.settle(context.sink);
            websocket.note_http2_problems(problems);
            websocket.note_tls(transport.tls.clone());
            let number = websocket.number();
            websocket.finish(ended, [Repeats::default(); 2], stream.last, context.sink);
            if number != transport.number {
                context.sink.closed(number);
            }
        }
    }
}

impl Stream {
    /// The memory that it takes, in bytes.
    fn bytes_held(&self) -> usize {
        match &self.socket {
            Socket::Open(websocket) => websocket.bytes_held(),
            Socket::Searched(midstream, _) => midstream.bytes_held(),
            Socket::Unwanted => 0,
        }
    }
}
