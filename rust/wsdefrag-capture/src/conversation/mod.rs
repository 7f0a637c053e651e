//! The conversation on top of one TCP connection: the layers above TCP in their order.
//!
//! ```text
//! transport     what is known of the TCP connection, for the rows of its WebSockets
//! application   HTTP, then a WebSocket; http_stage and opening are its steps; http2_stage is HTTP/2 with
//!               its WebSockets
//! ```

pub(crate) mod application;
pub(crate) mod context;
mod http2_stage;
mod http_stage;
mod opening;
pub(crate) mod transport;

use std::net::SocketAddr;

use crate::connection::Ended;
use crate::conversation::application::Application;
use crate::conversation::context::Context;
use crate::conversation::transport::Transport;
use crate::packet::Origin;
use crate::packet::tags::Tag;
use crate::sink::Sink;
use crate::stream_part::{Repeats, StreamPart};

/// The protocols on top of one TCP connection. A `sender` is an index into its endpoints.
pub(crate) struct Conversation {
    pub(crate) transport: Transport,
    application: Application,
}

impl Conversation {
    /// A conversation before its first byte. `client` is known if the SYN was captured.
    pub(crate) fn new(
        number: u64,
        endpoints: [SocketAddr; 2],
        client: Option<usize>,
        first: Origin,
    ) -> Self {
        Self {
            transport: Transport::new(number, endpoints, client, first),
            application: Application::new(client.is_some()),
        }
    }

    /// Takes note of the tags and tunnels of a packet.
    pub(crate) fn note_tags(&mut self, tags: &[Tag]) {
        for tag in tags {
            if self.transport.note_tag(*tag) {
                self.application.note_tag(*tag);
            }
        }
    }

    /// Whether everything that follows is ignored.
    pub(crate) const fn is_dead(&self) -> bool {
        self.application.is_dead()
    }

    /// Whether it is a WebSocket.
    pub(crate) fn is_open(&self) -> bool {
        self.application.is_open()
    }

    /// Whether it is a WebSocket that is read, and a segment changes only what its sender's direction
    /// takes.
    #[inline]
    pub(crate) const fn is_read(&self) -> bool {
        self.application.is_read()
    }

    /// The memory that it takes, without this value itself and the directions of a WebSocket, in bytes.
    pub(crate) fn common_bytes(&self) -> usize {
        self.application.common_bytes()
    }

    /// The memory that the sender's direction of a WebSocket takes, in bytes.
    #[inline]
    pub(crate) fn direction_bytes(&self, sender: usize) -> usize {
        self.application.direction_bytes(self.transport.is_client(sender))
    }

    /// Bytes of the largest message or search that is not finished, or of the handshake.
    pub(crate) fn largest_unfinished(&self) -> usize {
        self.application.largest_unfinished()
    }

    /// Drops the largest message or search that is not finished. `limit` is the bound of the memory
    /// that is the reason, in bytes.
    pub(crate) fn drop_unfinished(&mut self, limit: usize) {
        self.application.drop_unfinished(limit);
    }

    /// Gives back the memory of inflaters that are not in use. They are restored when needed.
    pub(crate) fn park(&mut self) {
        self.application.park();
    }

    /// Bytes of the sender's current, incomplete head or frame.
    pub(crate) fn unfinished(&self, sender: usize) -> usize {
        self.application.unfinished(self.transport.is_client(sender))
    }

    /// Takes the next part of the sender's stream.
    #[inline]
    pub(crate) fn part<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        context: &mut Context<'_, S>,
    ) {
        self.application.part(sender, part, &mut self.transport, context);
    }

    /// Gives out what is unfinished, before the end.
    pub(crate) fn settle<S: Sink>(&mut self, ended: Ended, context: &mut Context<'_, S>) {
        self.application.settle(ended, &mut self.transport, context);
    }

    /// Ends the conversation, which must be settled. `repeats` is indexed by the sender.
    pub(crate) fn finish<S: Sink>(
        &mut self,
        ended: Ended,
        repeats: [Repeats; 2],
        context: &mut Context<'_, S>,
    ) {
        self.application.finish(ended, repeats, &self.transport, context);
    }
}
