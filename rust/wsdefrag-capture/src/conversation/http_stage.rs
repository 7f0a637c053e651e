//! The stage before a WebSocket: HTTP, and what its outcome leads to.
//!
//! RFC 6455 section 4.

#![expect(clippy::disallowed_methods, reason = "parts that are there")]

use std::collections::VecDeque;

use crate::connection::{Ended, Request, Response};
use crate::conversation::application::{Application, Stage};
use crate::conversation::context::Context;
use crate::conversation::http2_stage::Http2Stage;
use crate::conversation::transport::Transport;
use crate::http::buffered::BufferedPart;
use crate::http::outcome::Outcome;
use crate::http::parser::starts_like;
use crate::http::preamble::is_of_client;
use crate::http2::beginning::{Beginning, starts_like_server};
use crate::protocol::Protocol;
use crate::sink::Sink;
use crate::stream_part::StreamPart;
use crate::websocket::handshake::CapturedHandshake;

impl Application {
    /// Feeds a part to the handshake, then feeds the buffered parts that it released.
    pub(super) fn handshake_part<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        let released = self.feed_handshake(sender, part, transport, context);
        self.feed_again(released, transport, context);
    }

    /// Feeds buffered parts in order. Parts that the handshake releases meanwhile come first.
    fn feed_again<S: Sink>(
        &mut self,
        buffered: Vec<BufferedPart>,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        let mut queue = VecDeque::from(buffered);
        while let (Some(BufferedPart { from_client, part }), Some(client)) =
            (queue.pop_front(), transport.client)
        {
            let sender = if from_client { client } else { 1 - client };
            if !matches!(self.stage, Stage::Handshake(_)) {
                self.part(sender, part.as_part(), transport, context);
                continue;
            }
            let released = self.feed_handshake(sender, part.as_part(), transport, context);
            for buffered in released.into_iter().rev() {
                queue.push_front(buffered);
            }
        }
    }

    /// Feeds a part to the handshake. Returns the buffered parts that have to be fed again.
    fn feed_handshake<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) -> Vec<BufferedPart> {
        let client = match (transport.client, part.bytes()) {
            (Some(client), _) => client,
            (None, Some((bytes, _))) if starts_like(bytes, true) || is_of_client(bytes) => {
                *transport.client.insert(sender)
            }
            (None, Some((bytes, _))) if starts_like(bytes, false) || starts_like_server(bytes) => {
                *transport.client.insert(1 - sender)
            }
            (None, _) => {
                self.search_for_frames(transport, context.options);
                self.midstream_part(sender, part, transport, context);
                return Vec::new();
            }
        };
        if let Some((bytes, _)) = part.bytes()
            && self.taken == [0; 2]
            && sender != client
            && starts_like_server(bytes)
        {
            // The client's preface was captured later, as packets may be.
            let buffered = self.take_buffered(transport);
            self.begin_http2(Beginning::Preface(0), Beginning::Server, &[], transport);
            self.part(sender, part, transport, context);
            return buffered;
        }
        let Stage::Handshake(upgrade) = &mut self.stage else { return Vec::new() };
        self.taken[sender] += part.length();
        let packet = part.bytes().map(|(_, origin)| origin.packet);
        let of_this = transport.acknowledged.filter(|(by, _)| packet == Some(*by));
        let acknowledged = of_this.map(|(_, position)| position);
        let outcome = upgrade.part(sender == client, part, acknowledged);
        transport.original_addresses =
            upgrade.original_addresses().or(transport.original_addresses);
        match outcome {
            Outcome::NeedMoreData => Vec::new(),
            Outcome::NotWebSocket => {
                self.stage = Stage::Dead;
                // Without its start, frames may have been taken for HTTP.
                if !transport.from_the_start && part.bytes().is_some() {
                    // Inside TLS the hellos or the keys have told who the client is.
                    transport.client = transport.client.filter(|_| self.in_tls);
                    self.taken[sender] -= part.length();
                    self.search_for_frames(transport, context.options);
                    self.midstream_part(sender, part, transport, context);
                }
                Vec::new()
            }
            Outcome::Switches => {
                let buffered = self.take_buffered(transport);
                self.stage = Stage::Encrypted(Vec::new());
                buffered
            }
            Outcome::HttpContinues => self.take_buffered(transport),
            Outcome::Refused { request, response } => {
                report_refusal(request, response, transport, context);
                self.take_buffered(transport)
            }
            Outcome::Accepted(acceptance) => self.open_accepted(*acceptance, transport, context),
            Outcome::Http2 { client, server, settings } => {
                let buffered = self.take_buffered(transport);
                self.begin_http2(client, server, &settings, transport);
                buffered
            }
            Outcome::Unknown { request: None } => {
                let buffered = self.take_buffered(transport);
                self.search_for_frames(transport, context.options);
                buffered
            }
            Outcome::Unknown { request } => self.open_requested(request, transport, context),
        }
    }

    /// Reads HTTP/2 from the next parts on.
    pub(super) fn begin_http2(
        &mut self,
        client: Beginning,
        server: Beginning,
        settings: &[u8],
        transport: &mut Transport,
    ) {
        if transport.protocol != Protocol::WebSocket {
            transport.protocol = Protocol::Http2;
        }
        self.stage = Stage::Http2(Box::new(Http2Stage::new(client, server, settings)));
    }

    /// Removes the parts that the handshake buffered; they have to be fed again.
    pub(super) fn take_buffered(&mut self, transport: &Transport) -> Vec<BufferedPart> {
        let (Stage::Handshake(upgrade), Some(client)) = (&mut self.stage, transport.client) else {
            return Vec::new();
        };
        let buffered = upgrade.take_buffered();
        for BufferedPart { from_client, part } in &buffered {
            let sender = if *from_client { client } else { 1 - client };
            self.taken[sender] -= part.as_part().length();
        }
        buffered
    }

    /// Opens a WebSocket if an incomplete handshake has a request for one or an acceptance.
    pub(super) fn finish_handshake<S: Sink>(
        &mut self,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        while let Stage::Handshake(upgrade) = &mut self.stage {
            let buffered = match upgrade.decide() {
                Outcome::Accepted(acceptance) => {
                    self.open_accepted(*acceptance, transport, context)
                }
                Outcome::Unknown { request: Some(request) } => {
                    self.open_requested(Some(request), transport, context)
                }
                Outcome::HttpContinues => self.take_buffered(transport),
                _ => {
                    // What a client sent through a proxy whose answer was not captured.
                    let buffered = self.take_buffered(transport);
                    self.search_for_frames(transport, context.options);
                    buffered
                }
            };
            self.feed_again(buffered, transport, context);
        }
    }
}

/// Reports a WebSocket that the server refused.
fn report_refusal<S: Sink>(
    request: Box<Request>,
    response: Box<Response>,
    transport: &mut Transport,
    context: &mut Context<'_, S>,
) {
    let (request, response) = (Some(request), Some(response));
    let handshake = CapturedHandshake { request, response, ..CapturedHandshake::default() };
    if let Some(mut connection) = transport.connection(handshake, context) {
        context.sink.opened(&connection);
        connection.ended = Some(Ended::Refused);
        context.sink.ended(connection);
    }
    context.sink.closed(transport.number);
    transport.count_refusal(context);
}
