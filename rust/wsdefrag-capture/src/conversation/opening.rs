//! How a WebSocket opens: after a handshake, or because frames prove that it is one.
//!
//! RFC 6455 section 4.

#![expect(clippy::disallowed_methods, reason = "boxes of a few hundred bytes")]

use crate::connection::Request;
use crate::conversation::application::{Application, Stage};
use crate::conversation::context::Context;
use crate::conversation::transport::Transport;
use crate::http::buffered::BufferedPart;
use crate::http::outcome::Acceptance;
use crate::options::Options;
use crate::sink::Sink;
use crate::stream_part::StreamPart;
use crate::websocket::frame_search::Sender;
use crate::websocket::handshake::CapturedHandshake;
use crate::websocket::midstream::Midstream;
use crate::websocket::open_websocket::{ClientStart, OpenWebSocket};

impl Application {
    /// Begins to search both directions for frames.
    pub(super) fn search_for_frames(&mut self, transport: &Transport, options: &Options) {
        let max_frame = options.limits.max_frame_size.unwrap_or(u64::MAX);
        let senders = [0, 1].map(|index| match transport.client {
            None => Sender::Unknown,
            Some(client) if client == index => Sender::Client,
            Some(_) => Sender::Server,
        });
        let midstream = Midstream::new(transport.endpoints, senders, max_frame);
        self.stage = Stage::Midstream(Box::new(midstream));
    }

    /// Searches the next part of the sender's stream for frames.
    pub(super) fn midstream_part<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        let Stage::Midstream(midstream) = &mut self.stage else { return };
        self.taken[sender] += part.length();
        if let Some(client) = midstream.part(sender, part) {
            self.open_midstream(client, transport, context);
        }
    }

    /// Opens a WebSocket, because frames prove that it is one. `client` is the index of its client.
    fn open_midstream<S: Sink>(
        &mut self,
        client: usize,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        let stage = std::mem::replace(&mut self.stage, Stage::Dead);
        let Stage::Midstream(midstream) = stage else { return };
        transport.client = Some(client);
        let handshake = CapturedHandshake { midstream: true, ..CapturedHandshake::default() };
        let Some(connection) = transport.connection(handshake, context) else {
            self.stage = Stage::Unwanted;
            return;
        };
        context.sink.opened(&connection);
        let [first, second] = midstream.directions;
        let directions = if client == 1 { [first, second] } else { [second, first] };
        let Context { options, inflaters, sink, .. } = context;
        let websocket =
            OpenWebSocket::midstream(connection, directions, (options, inflaters), *sink);
        self.stage = Stage::Open(Box::new(websocket));
    }

    /// Opens a WebSocket that a server accepted. Returns the buffered parts that have to be fed again.
    pub(super) fn open_accepted<S: Sink>(
        &mut self,
        Acceptance { request, response, acknowledged }: Acceptance,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) -> Vec<BufferedPart> {
        // Without the request, its end is where the server's acknowledgment says.
        let end_of_request = acknowledged.filter(|_| request.is_none());
        let response = Some(response);
        let handshake = CapturedHandshake { request, response, ..CapturedHandshake::default() };
        self.open(handshake, end_of_request, transport, context)
    }

    /// Opens a WebSocket that a client asked for, and whose response was not captured.
    pub(super) fn open_requested<S: Sink>(
        &mut self,
        request: Option<Box<Request>>,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) -> Vec<BufferedPart> {
        let handshake =
            CapturedHandshake { request, midstream: true, ..CapturedHandshake::default() };
        self.open(handshake, None, transport, context)
    }

    /// Opens a WebSocket after its handshake. Returns the buffered parts that have to be fed again.
    fn open<S: Sink>(
        &mut self,
        handshake: CapturedHandshake,
        end_of_request: Option<u64>,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) -> Vec<BufferedPart> {
        let extensions_are_known = handshake.extensions_are_known();
        let buffered = self.take_buffered(transport);
        let Stage::Handshake(upgrade) = std::mem::replace(&mut self.stage, Stage::Dead) else {
            return Vec::new();
        };
        let Some(connection) = transport.connection(handshake, context) else {
            self.stage = Stage::Unwanted;
            return Vec::new();
        };
        context.sink.opened(&connection);
        let taken = transport.client.map_or(0, |client| self.taken[client]);
        let rest_of_request = end_of_request.and_then(|end| end.checked_sub(taken));
        let client_start = match rest_of_request {
            _ if upgrade.client_is_complete => ClientStart::AtFrame,
            Some(rest) => ClientStart::AfterRequest(rest),
            None => ClientStart::Unknown,
        };
        let options = (context.options, context.inflaters);
        let websocket = OpenWebSocket::new(connection, client_start, extensions_are_known, options);
        self.stage = Stage::Open(Box::new(websocket));
        buffered
    }
}
