//! The conversation on top of one TCP connection: the layers above TCP in their order.
//!
//! ```text
//! encrypted     TLS, if there is some: both streams of records in, both streams of the application out
//! transport     what is known of the TCP connection, for the rows of its WebSockets
//! application   HTTP, then a WebSocket; http_stage and opening are its steps; http2_stage is HTTP/2 with
//!               its WebSockets
//! ```

#![expect(
    clippy::disallowed_methods,
    reason = "boxes of a few hundred bytes, and parts of what one segment completes"
)]

pub(crate) mod application;
pub(crate) mod context;
mod encrypted;
mod http2_stage;
mod http_stage;
mod opening;
pub(crate) mod transport;

use std::net::SocketAddr;

use crate::connection::Connection;
use crate::connection::Ended;
use crate::conversation::application::Application;
use crate::conversation::context::{CaptureState, Scan};
use crate::conversation::encrypted::Encrypted;
use crate::conversation::transport::Transport;
use crate::packet::Origin;
use crate::packet::tags::Tag;
use crate::protocol::Protocol;
use crate::sink::Sink;
use crate::stream_part::{OwnedPart, Repeats, StreamPart};
use serde::{Deserialize, Serialize};
use wsdefrag_core::InflaterPool;

/// The protocols on top of one TCP connection. A `sender` is an index into its endpoints.
// Fields in the order of their use: those of every packet share cache lines.
#[derive(Serialize, Deserialize)]
#[repr(C)]
pub(crate) struct Conversation {
    encrypted: Option<Box<Encrypted>>,
    application: Application,
    pub(crate) transport: Transport,
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
            encrypted: None,
            application: Application::new(client.is_some(), false),
        }
    }

    /// Begins with the SYN of the connection, which was captured after later packets. No part has been
    /// taken.
    pub(crate) fn begin(&mut self, client: usize) {
        self.transport.client = Some(client);
        self.transport.from_the_start = true;
        self.application = Application::new(true, false);
    }

    /// Gives the connection, and the WebSockets on it, other numbers.
    pub(crate) fn renumber(&mut self, new: &dyn Fn(u64) -> u64) {
        self.transport.number = new(self.transport.number);
        self.application.renumber(new);
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

    /// Whether it is a WebSocket, and a segment changes only what its sender's direction takes.
    #[inline]
    pub(crate) const fn is_steady(&self) -> bool {
        self.encrypted.is_none() && self.application.is_steady()
    }

    /// The memory that it takes, without this value itself and the directions of a WebSocket, in bytes.
    pub(crate) fn common_bytes(&self) -> usize {
        let encrypted = self.encrypted.as_ref().map_or(0, |encrypted| encrypted.bytes_held());
        encrypted + self.application.common_bytes()
    }

    /// Whether the positions that packets acknowledge tell something. Those inside TLS do not.
    #[inline]
    pub(crate) fn wants_acknowledgments(&self) -> bool {
        !self.application.is_open() && self.encrypted.is_none()
    }

    /// The memory that the sender's direction of a WebSocket takes, in bytes.
    #[inline]
    pub(crate) fn direction_bytes(&self, sender: usize) -> usize {
        self.application.direction_bytes(self.transport.is_client(sender))
    }

    /// Bytes of the largest message or search that is not finished, or of the handshake.
    pub(crate) fn largest_unfinished(&self) -> usize {
        let encrypted =
            self.encrypted.as_ref().map_or(0, |encrypted| encrypted.session.bytes_held());
        self.application.largest_unfinished().max(encrypted)
    }

    /// Drops the largest message or search that is not finished. `limit` is the bound of the memory
    /// that is the reason, in bytes.
    pub(crate) fn drop_unfinished(&mut self, limit: usize) {
        match &mut self.encrypted {
            Some(encrypted)
                if encrypted.session.bytes_held() > self.application.largest_unfinished() =>
            {
                encrypted.session.drop_held();
            }
            _ => self.application.drop_unfinished(limit),
        }
    }

    /// Gives back the memory of inflaters that are not in use. They are restored when needed. Returns
    /// whether one remains in use.
    pub(crate) fn park(&mut self) -> bool {
        self.application.park()
    }

    /// Takes inflaters from this pool from now on.
    pub(crate) fn share_inflaters(&mut self, pool: &InflaterPool) {
        self.application.share_inflaters(pool);
    }

    /// Adds its open WebSockets to `open`.
    pub(crate) fn open_connections(&self, open: &mut Vec<Connection>) {
        self.application.open_connections(open);
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
        state: &mut CaptureState<'_, S>,
    ) {
        if self.encrypted.is_some() {
            return self.encrypted_part(sender, part, state);
        }
        self.application.part(sender, part, &mut self.transport, &mut state.context);
        if let Some(parts) = self.application.take_encrypted() {
            self.begin_tls(parts, state);
        }
    }

    /// Begins TLS, with these parts.
    fn begin_tls<S: Sink>(
        &mut self,
        parts: Vec<(usize, OwnedPart)>,
        state: &mut CaptureState<'_, S>,
    ) {
        let transport = &mut self.transport;
        transport.protocol = Protocol::Tls;
        transport.acknowledged = None;
        self.application = Application::new(transport.from_the_start, true);
        self.encrypted = Some(Box::new(Encrypted::new(transport.client)));
        for (sender, part) in parts {
            self.encrypted_part(sender, part.as_part(), state);
        }
        let session = self.encrypted.as_ref().map(|encrypted| &encrypted.session);
        if *state.scan == Scan::Possible && !session.is_some_and(|it| it.has_secrets(state.keys)) {
            *state.scan = Scan::Wanted;
        }
    }

    /// Takes the next part of a sender's stream of records.
    fn encrypted_part<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        CaptureState { keys, context, .. }: &mut CaptureState<'_, S>,
    ) {
        let Self { transport, encrypted: Some(encrypted), application } = self else { return };
        if application.is_dead() {
            return;
        }
        let Some(part) = encrypted.begin(sender, part, transport) else { return };
        let session = &mut encrypted.session;
        if transport.client.is_some() {
            session.part(sender, part, keys, &mut |sender, part| {
                application.part(sender, part, transport, context);
            });
        } else {
            // The first part of the application may be what shows who the client is.
            let mut parts = Vec::new();
            session.part(sender, part, keys, &mut |sender, part| {
                parts.push((sender, part.to_owned()));
            });
            transport.client = session.client();
            for (sender, part) in parts {
                application.part(sender, part.as_part(), transport, context);
            }
        }
        if !application.is_open() {
            encrypted.tell(transport);
            if !context.reads_tls && encrypted.hello_is_over(transport) {
                application.ignore_rest();
                self.encrypted = None;
            }
        }
    }

    /// Gives out what is unfinished, before the end.
    pub(crate) fn settle<S: Sink>(&mut self, ended: Ended, state: &mut CaptureState<'_, S>) {
        if self.encrypted.is_none() {
            self.application.finish_handshake(&mut self.transport, &mut state.context);
            if let Some(parts) = self.application.take_encrypted() {
                self.begin_tls(parts, state);
            }
        }
        let CaptureState { keys, context, .. } = state;
        let Self { transport, encrypted, application } = self;
        if let Some(encrypted) = encrypted {
            encrypted.session.finish(keys, &mut |sender, part| {
                application.part(sender, part, transport, context);
            });
            encrypted.tell(transport);
            let client = transport.client.unwrap_or(0);
            transport.tls = Some(Box::new(encrypted.facts(client)));
        }
        application.settle(ended, transport, context);
    }

    /// Ends the conversation, which must be settled. `repeats` is indexed by the sender.
    pub(crate) fn finish<S: Sink>(
        &mut self,
        ended: Ended,
        mut repeats: [Repeats; 2],
        state: &mut CaptureState<'_, S>,
    ) {
        if self.encrypted.is_some() {
            // Bytes of records are not bytes of the application.
            repeats = repeats.map(|repeats| Repeats { late: 0, ..repeats });
        }
        self.application.finish(ended, repeats, &self.transport, &mut state.context);
    }
}
