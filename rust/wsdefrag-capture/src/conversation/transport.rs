//! What is known of a TCP connection besides the bytes that it carries: who, when, under which tags.
//!
//! A WebSocket that opens on it takes its row of the connections table from here.

#![expect(clippy::disallowed_methods, reason = "at most `MAX_ENCAPSULATION`")]

use std::net::SocketAddr;

use crate::checkpoint::side;
use crate::connection::{Connection, MAX_ENCAPSULATION};
use crate::conversation::context::Context;
use crate::http::preamble_message::OriginalAddresses;
use crate::http2::problems::Http2Problems;
use crate::packet::Origin;
use crate::packet::tags::Tag;
use crate::protocol::{Carried, Protocol};
use crate::tls_facts::{TlsFacts, TlsStatus};
use crate::uid::Identity;
use crate::websocket::handshake::CapturedHandshake;
use serde::{Deserialize, Serialize};

/// What is known of a TCP connection. Arrays have one entry per endpoint, and a `sender` is an index
/// into them.
// Fields in the order of their use: those of every packet share cache lines.
#[derive(Serialize, Deserialize)]
#[repr(C)]
pub(crate) struct Transport {
    /// The index of the client, once it is known.
    #[serde(deserialize_with = "side::known")]
    pub(crate) client: Option<usize>,
    /// The last packet so far.
    pub(crate) last: Origin,
    /// Number of its packets.
    pub(crate) packets: u64,
    /// The number of the last packet before the WebSocket opened, and the position in the other
    /// side's stream that it acknowledged.
    pub(crate) acknowledged: Option<(u64, u64)>,
    /// The number of the connection.
    pub(crate) number: u64,
    /// The number of WebSockets that the server has refused.
    refusals: u32,
    pub(crate) endpoints: [SocketAddr; 2],
    /// The sequence numbers of the SYNs, as far as they were captured.
    initial_sequences: [Option<u32>; 2],
    /// Whether the connection was captured from its SYN on.
    pub(crate) from_the_start: bool,
    /// The addresses that a proxy reported for the client and the server.
    pub(crate) original_addresses: Option<OriginalAddresses>,
    /// A hash of the tags and tunnels of the first packet, where they tell the connection from another
    /// one; else 0.
    pub(crate) tenant: u64,
    /// The tags and tunnels of its packets.
    encapsulation: Vec<Tag>,
    first: Origin,
    /// What it carries, as far as is known.
    pub(crate) protocol: Protocol,
    /// What is known of its TLS so far, without the accounts; `None` in clear text.
    pub(crate) tls: Option<Box<TlsFacts>>,
    /// What went wrong on it, if it is one of HTTP/2 that has ended.
    pub(crate) http2: Http2Problems,
}

impl Transport {
    /// The file of its first packet.
    pub(crate) const fn first_file(&self) -> u32 {
        self.first.file
    }

    /// A connection before its first byte. `client` is known if the SYN was captured.
    pub(crate) const fn new(
        number: u64,
        endpoints: [SocketAddr; 2],
        client: Option<usize>,
        first: Origin,
    ) -> Self {
        Self {
            number,
            refusals: 0,
            endpoints,
            client,
            initial_sequences: [None; 2],
            from_the_start: client.is_some(),
            original_addresses: None,
            tenant: 0,
            encapsulation: Vec::new(),
            first,
            last: first,
            acknowledged: None,
            protocol: Protocol::Other,
            packets: 0,
            tls: None,
            http2: Http2Problems { long_blocks: 0, wrong_blocks: 0, dropped_streams: 0 },
        }
    }

    /// Takes note of a SYN of the connection. A SYN that acknowledges another tells its number, too.
    pub(crate) fn syn(&mut self, sender: usize, sequence: u32, acknowledgment: Option<u32>) {
        self.initial_sequences[sender].get_or_insert(sequence);
        if let Some(acknowledgment) = acknowledgment {
            self.initial_sequences[1 - sender].get_or_insert(acknowledgment.wrapping_sub(1));
        }
    }

    /// Corrects what is known of the protocol by the next bytes of a stream. What was decrypted is not
    /// TLS any more.
    pub(crate) fn learn(&mut self, bytes: &[u8], in_tls: bool) {
        if in_tls && self.protocol == Protocol::Tls {
            self.protocol = Protocol::Other;
        }
        self.protocol.learn(bytes);
        if in_tls && self.protocol == Protocol::Tls {
            self.protocol = Protocol::Other;
        }
    }

    /// What it carried, for the counts.
    pub(crate) fn carried(&self) -> Carried {
        let unread = (self.protocol == Protocol::Tls).then_some(TlsStatus::NoKeys);
        let tls = self.tls.as_ref().map(|tls| tls.status).or(unread);
        Carried { protocol: self.protocol, tls }
    }

    /// Takes note of a tag or tunnel of a packet. Returns whether it is a new one.
    pub(super) fn note_tag(&mut self, tag: Tag) -> bool {
        let is_new =
            self.encapsulation.len() < MAX_ENCAPSULATION && !self.encapsulation.contains(&tag);
        if is_new {
            self.encapsulation.push(tag);
        }
        is_new
    }

    /// Takes note of who opened the connection, before the first byte. Returns whether the other end was
    /// taken for the client.
    pub(crate) const fn opened_by(&mut self, client: usize) -> bool {
        let other = 1 - client;
        let is_new = matches!(self.client, Some(before) if before == other);
        if is_new {
            self.initial_sequences[other] = None;
        }
        self.client = Some(client);
        is_new
    }

    /// Whether this end opened the connection, or seems to have.
    pub(crate) const fn is_client(&self, end: usize) -> bool {
        matches!(self.client, Some(client) if client == end)
    }

    /// The addresses and ports of the client and the server, in that order.
    pub(crate) fn client_and_server(&self) -> [SocketAddr; 2] {
        let client = self.client.unwrap_or(0);
        [self.endpoints[client], self.endpoints[1 - client]]
    }

    /// Makes the connection of a new WebSocket. `None` if the filter does not want it.
    pub(crate) fn connection<S>(
        &mut self,
        handshake: CapturedHandshake,
        context: &Context<'_, S>,
    ) -> Option<Connection> {
        self.protocol = Protocol::WebSocket;
        let client = self.client?;
        let endpoints = self.client_and_server();
        let uid = Identity {
            endpoints,
            initial_sequences: [client, 1 - client].map(|end| self.initial_sequences[end]),
            opened: self.first.time,
            refusals: self.refusals,
            stream: handshake.stream.map(|stream| stream.number),
            tenant: self.tenant,
        }
        .uid(&context.options.capture_point);
        let stream = handshake.stream;
        let mut connection = handshake.connection(self.number, uid, endpoints);
        connection.first = stream.map_or(self.first, |stream| stream.first);
        connection.last = self.last;
        if !connection.refused() {
            connection.deflate = connection.deflate.or(context.options.deflate);
        }
        connection.tls.clone_from(&self.tls);
        connection.original_client_address = self.original_addresses.map(|[client, _]| client);
        connection.original_server_address = self.original_addresses.map(|[_, server]| server);
        connection.encapsulation = self.encapsulation.iter().map(ToString::to_string).collect();
        let filter = &context.options.filter;
        let wanted = filter.wants_endpoints(endpoints)
            && filter.wants_connection(connection.connection)
            && filter.wants_request(connection.host().as_deref(), connection.path());
        wanted.then_some(connection)
    }

    /// Takes note of a refused WebSocket: what follows on the TCP connection has a number of its own,
    /// whatever the filter.
    pub(crate) const fn count_refusal<S>(&mut self, context: &mut Context<'_, S>) {
        self.refusals += 1;
        self.take_number(context);
    }

    /// Takes the next number for another WebSocket on the TCP connection.
    pub(crate) const fn take_number<S>(&mut self, context: &mut Context<'_, S>) {
        self.number = *context.next_number;
        *context.next_number += 1;
    }
}
