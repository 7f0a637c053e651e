//! The protocol on top of one TCP connection: HTTP, then a WebSocket.
//!
//! ```text
//! Handshake   HTTP, until a server accepts a WebSocket
//! Midstream   the handshake was not captured; both directions are searched for frames
//! Open        a WebSocket
//! Unwanted    a WebSocket that the filter drops; everything is ignored
//! Dead        not a WebSocket, or ended; everything is ignored
//! ```
//!
//! Handshake leads to any other stage, Midstream to Open, to Dead or back to Handshake, Open to Dead.
//! Nothing leaves Dead. Where Open could follow, Unwanted may. When a handshake was captured in part, a direction is read at once if the
//! position of its first frame is known, and searched for frames otherwise.
//!
//! RFC 6455 section 4.

#![expect(
    clippy::disallowed_methods,
    reason = "boxes of a few hundred bytes, and parts that are there"
)]

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::connection::{Connection, Ended, MAX_ENCAPSULATION, Request, Response};
use crate::http::buffered::BufferedPart;
use crate::http::outcome::{Acceptance, Outcome};
use crate::http::parser::{starts_handshake, starts_like};
use crate::http::preamble::is_of_client;
use crate::http::preamble_message::OriginalAddresses;
use crate::http::upgrade::Upgrade;
use crate::options::Options;
use crate::packet::Origin;
use crate::packet::tags::Tag;
use crate::protocol::Protocol;
use crate::sink::Sink;
use crate::stream_part::{Repeats, StreamPart};
use crate::uid::Identity;
use crate::websocket::frame_search::Sender;
use crate::websocket::handshake::CapturedHandshake;
use crate::websocket::midstream::Midstream;
use crate::websocket::open_websocket::{ClientStart, OpenWebSocket};

/// The state of the capture that a conversation needs.
pub(crate) struct Context<'a, S> {
    pub(crate) options: &'a Options,
    /// The number of the next connection.
    pub(crate) next_number: &'a mut u64,
    pub(crate) sink: &'a mut S,
}

enum Stage {
    Handshake(Box<Upgrade>),
    Midstream(Box<Midstream>),
    Open(Box<OpenWebSocket>),
    Unwanted,
    Dead,
}

/// The protocol on top of one TCP connection. A `sender` is an index into `endpoints`.
pub(crate) struct Conversation {
    /// The number of the connection.
    pub(crate) number: u64,
    /// The number of WebSockets that the server has refused.
    refusals: u32,
    pub(crate) endpoints: [SocketAddr; 2],
    /// The index of the client, once it is known.
    client: Option<usize>,
    /// The sequence numbers of the SYNs, as far as they were captured.
    initial_sequences: [Option<u32>; 2],
    /// Whether the connection was captured from its SYN on.
    from_the_start: bool,
    /// The addresses that a proxy reported for the client and the server.
    original_addresses: Option<OriginalAddresses>,
    /// A hash of the tags and tunnels of the first packet, where they tell the connection from another
    /// one; else 0.
    pub(crate) tenant: u64,
    /// The tags and tunnels of its packets.
    encapsulation: Vec<Tag>,
    first: Origin,
    /// The last packet so far.
    pub(crate) last: Origin,
    /// The number of the last packet before the WebSocket opened, and the position in the other
    /// side's stream that it acknowledged.
    pub(crate) acknowledged: Option<(u64, u64)>,
    /// The position in each stream up to which the stages before Open have taken it.
    taken: [u64; 2],
    /// What it carries, as far as is known.
    pub(crate) protocol: Protocol,
    /// Number of its packets.
    pub(crate) packets: u64,
    stage: Stage,
}

impl Conversation {
    /// A conversation before its first byte. `client` is known if the SYN was captured.
    pub(crate) fn new(
        number: u64,
        endpoints: [SocketAddr; 2],
        client: Option<usize>,
        first: Origin,
    ) -> Self {
        let from_the_start = client.is_some();
        let stage = Stage::Handshake(Box::new(Upgrade::new(from_the_start)));
        Self {
            number,
            refusals: 0,
            endpoints,
            client,
            initial_sequences: [None; 2],
            from_the_start,
            original_addresses: None,
            tenant: 0,
            encapsulation: Vec::new(),
            first,
            last: first,
            acknowledged: None,
            taken: [0; 2],
            protocol: Protocol::default(),
            packets: 0,
            stage,
        }
    }

    /// Takes note of a SYN of the connection. A SYN that acknowledges another tells its number, too.
    pub(crate) fn syn(&mut self, sender: usize, sequence: u32, acknowledgment: Option<u32>) {
        self.initial_sequences[sender].get_or_insert(sequence);
        if let Some(acknowledgment) = acknowledgment {
            self.initial_sequences[1 - sender].get_or_insert(acknowledgment.wrapping_sub(1));
        }
    }

    /// Takes note of the tags and tunnels of a packet.
    pub(crate) fn note_tags(&mut self, tags: &[Tag]) {
        for tag in tags {
            if self.encapsulation.len() < MAX_ENCAPSULATION && !self.encapsulation.contains(tag) {
                self.encapsulation.push(*tag);
                if let Stage::Open(websocket) = &mut self.stage {
                    websocket.encapsulation().push(tag.to_string());
                }
            }
        }
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

    /// Whether everything that follows is ignored.
    pub(crate) const fn is_dead(&self) -> bool {
        matches!(self.stage, Stage::Dead)
    }

    /// Whether it is a WebSocket.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_) | Stage::Unwanted)
    }

    /// Whether it is a WebSocket that is read.
    #[inline]
    pub(crate) const fn is_read(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// The memory that it takes, without this value itself and the directions of a WebSocket, in bytes.
    pub(crate) fn common_bytes(&self) -> usize {
        match &self.stage {
            Stage::Open(websocket) => websocket.own_bytes(),
            Stage::Handshake(upgrade) => upgrade.bytes_held(),
            Stage::Midstream(midstream) => midstream.bytes_held(),
            Stage::Unwanted | Stage::Dead => 0,
        }
    }

    /// The memory that the sender's direction of a WebSocket takes, in bytes.
    #[inline]
    pub(crate) fn direction_bytes(&self, sender: usize) -> usize {
        match &self.stage {
            Stage::Open(websocket) => websocket.direction_bytes(self.client == Some(sender)),
            _ => 0,
        }
    }

    /// Bytes of the largest message or search that is not finished, or of the handshake.
    pub(crate) fn largest_unfinished(&self) -> usize {
        match &self.stage {
            Stage::Open(websocket) => websocket.largest_unfinished(),
            Stage::Handshake(_) | Stage::Midstream(_) => self.common_bytes(),
            Stage::Unwanted | Stage::Dead => 0,
        }
    }

    /// Drops the largest message or search that is not finished. `limit` is the bound of the memory
    /// that is the reason, in bytes.
    pub(crate) fn drop_unfinished(&mut self, limit: usize) {
        if let Stage::Open(websocket) = &mut self.stage {
            websocket.drop_unfinished(limit);
        }
    }

    /// Gives back the memory of inflaters that are not in use. They are restored when needed.
    pub(crate) fn park(&mut self) {
        if let Stage::Open(websocket) = &mut self.stage {
            websocket.park();
        }
    }

    /// Bytes of the sender's current, incomplete head or frame.
    pub(crate) fn unfinished(&self, sender: usize) -> usize {
        let from_client = self.client == Some(sender);
        match &self.stage {
            Stage::Handshake(upgrade) => upgrade.unfinished(from_client),
            Stage::Open(websocket) => websocket.unfinished(from_client),
            Stage::Midstream(_) | Stage::Unwanted | Stage::Dead => 0,
        }
    }

    /// Takes the next part of the sender's stream.
    #[inline]
    pub(crate) fn part<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        context: &mut Context<'_, S>,
    ) {
        if let (Stage::Open(websocket), Some(client)) = (&mut self.stage, self.client) {
            websocket.part(sender == client, part, context.sink);
        } else {
            self.part_before_open(sender, part, context);
        }
    }

    fn part_before_open<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        context: &mut Context<'_, S>,
    ) {
        if let StreamPart::Data(bytes, _) = part {
            self.protocol.learn(bytes);
        }
        match &self.stage {
            Stage::Handshake(_) => self.handshake_part(sender, part, context),
            Stage::Midstream(_) => {
                if let Some(from_client) = starts_new_handshake(part) {
                    // Everything before it was HTTP.
                    self.client = Some(if from_client { sender } else { 1 - sender });
                    self.stage = Stage::Handshake(Box::new(Upgrade::new(false)));
                    self.handshake_part(sender, part, context);
                } else {
                    self.midstream_part(sender, part, context);
                }
            }
            Stage::Open(_) | Stage::Unwanted | Stage::Dead => {}
        }
    }

    fn midstream_part<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        context: &mut Context<'_, S>,
    ) {
        let Stage::Midstream(midstream) = &mut self.stage else { return };
        self.taken[sender] += part.length();
        if let Some(client) = midstream.part(sender, part) {
            self.open_midstream(client, context);
        }
    }

    /// Feeds a part to the handshake, then feeds the buffered parts that it released.
    fn handshake_part<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        context: &mut Context<'_, S>,
    ) {
        let released = self.feed_handshake(sender, part, context);
        self.feed_again(released, context);
    }

    /// Feeds buffered parts in order. Parts that the handshake releases meanwhile come first.
    fn feed_again<S: Sink>(&mut self, buffered: Vec<BufferedPart>, context: &mut Context<'_, S>) {
        let mut queue = VecDeque::from(buffered);
        while let (Some(BufferedPart { from_client, part }), Some(client)) =
            (queue.pop_front(), self.client)
        {
            let sender = if from_client { client } else { 1 - client };
            if !matches!(self.stage, Stage::Handshake(_)) {
                self.part(sender, part.as_part(), context);
                continue;
            }
            let released = self.feed_handshake(sender, part.as_part(), context);
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
        context: &mut Context<'_, S>,
    ) -> Vec<BufferedPart> {
        let client = match (self.client, part) {
            (Some(client), _) => client,
            (None, StreamPart::Data(bytes, _))
                if starts_like(bytes, true) || is_of_client(bytes) =>
            {
                *self.client.insert(sender)
            }
            (None, StreamPart::Data(bytes, _)) if starts_like(bytes, false) => {
                *self.client.insert(1 - sender)
            }
            (None, _) => {
                self.search_for_frames(context.options);
                self.midstream_part(sender, part, context);
                return Vec::new();
            }
        };
        let Stage::Handshake(upgrade) = &mut self.stage else { return Vec::new() };
        self.taken[sender] += part.length();
        let outcome = match part {
            StreamPart::Data(bytes, origin) => {
                let of_this = self.acknowledged.filter(|(packet, _)| *packet == origin.packet);
                let acknowledged = of_this.map(|(_, position)| position);
                upgrade.data(sender == client, bytes, origin, acknowledged)
            }
            StreamPart::Gap(gap) => upgrade.gap(sender == client, gap),
        };
        self.original_addresses = upgrade.original_addresses().or(self.original_addresses);
        match outcome {
            Outcome::NeedMoreData => Vec::new(),
            Outcome::NotWebSocket => {
                self.stage = Stage::Dead;
                // Without its start, frames may have been taken for HTTP.
                if !self.from_the_start && matches!(part, StreamPart::Data(..)) {
                    self.client = None;
                    self.taken[sender] -= part.length();
                    self.search_for_frames(context.options);
                    self.midstream_part(sender, part, context);
                }
                Vec::new()
            }
            Outcome::HttpContinues => self.take_buffered(),
            Outcome::Refused { request, response } => {
                self.report_refusal(request, response, context);
                self.take_buffered()
            }
            Outcome::Accepted(acceptance) => self.open_accepted(*acceptance, context),
            Outcome::Unknown { request: None } => {
                let buffered = self.take_buffered();
                self.search_for_frames(context.options);
                buffered
            }
            Outcome::Unknown { request } => self.open_requested(request, context),
        }
    }

    /// Removes the parts that the handshake buffered; they have to be fed again.
    fn take_buffered(&mut self) -> Vec<BufferedPart> {
        let (Stage::Handshake(upgrade), Some(client)) = (&mut self.stage, self.client) else {
            return Vec::new();
        };
        let buffered = upgrade.take_buffered();
        for BufferedPart { from_client, part } in &buffered {
            let sender = if *from_client { client } else { 1 - client };
            self.taken[sender] -= part.as_part().length();
        }
        buffered
    }

    fn search_for_frames(&mut self, options: &Options) {
        let max_frame = options.limits.max_frame_size.unwrap_or(u64::MAX);
        let senders = [0, 1].map(|index| match self.client {
            None => Sender::Unknown,
            Some(client) if client == index => Sender::Client,
            Some(_) => Sender::Server,
        });
        let midstream = Midstream::new(self.endpoints, senders, max_frame);
        self.stage = Stage::Midstream(Box::new(midstream));
    }

    /// Opens a WebSocket, because frames prove that it is one. `client` is the index of its client.
    fn open_midstream<S: Sink>(&mut self, client: usize, context: &mut Context<'_, S>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Dead);
        let Stage::Midstream(midstream) = stage else { return };
        self.client = Some(client);
        let handshake = CapturedHandshake { midstream: true, ..CapturedHandshake::default() };
        let Some(connection) = self.connection(handshake, context) else {
            self.stage = Stage::Unwanted;
            return;
        };
        context.sink.opened(&connection);
        let [first, second] = midstream.directions;
        let directions = if client == 1 { [first, second] } else { [second, first] };
        let websocket =
            OpenWebSocket::midstream(connection, directions, context.options, context.sink);
        self.stage = Stage::Open(Box::new(websocket));
    }

    /// Opens a WebSocket that a server accepted. Returns the buffered parts that have to be fed again.
    fn open_accepted<S: Sink>(
        &mut self,
        Acceptance { request, response, acknowledged }: Acceptance,
        context: &mut Context<'_, S>,
    ) -> Vec<BufferedPart> {
        // Without the request, its end is where the server's acknowledgment says.
        let end_of_request = acknowledged.filter(|_| request.is_none());
        let handshake = CapturedHandshake { request, response: Some(response), midstream: false };
        self.open(handshake, end_of_request, context)
    }

    /// Opens a WebSocket that a client asked for, and whose response was not captured.
    fn open_requested<S: Sink>(
        &mut self,
        request: Option<Box<Request>>,
        context: &mut Context<'_, S>,
    ) -> Vec<BufferedPart> {
        let handshake = CapturedHandshake { request, response: None, midstream: true };
        self.open(handshake, None, context)
    }

    /// Opens a WebSocket after its handshake. Returns the buffered parts that have to be fed again.
    fn open<S: Sink>(
        &mut self,
        handshake: CapturedHandshake,
        end_of_request: Option<u64>,
        context: &mut Context<'_, S>,
    ) -> Vec<BufferedPart> {
        let buffered = self.take_buffered();
        let Stage::Handshake(upgrade) = std::mem::replace(&mut self.stage, Stage::Dead) else {
            return Vec::new();
        };
        let Some(connection) = self.connection(handshake, context) else {
            self.stage = Stage::Unwanted;
            return Vec::new();
        };
        context.sink.opened(&connection);
        let taken = self.client.map_or(0, |client| self.taken[client]);
        let rest_of_request = end_of_request.and_then(|end| end.checked_sub(taken));
        let client_start = match rest_of_request {
            _ if upgrade.client_is_complete => ClientStart::AtFrame,
            Some(rest) => ClientStart::AfterRequest(rest),
            None => ClientStart::Unknown,
        };
        let websocket = OpenWebSocket::new(connection, client_start, context.options);
        self.stage = Stage::Open(Box::new(websocket));
        buffered
    }

    /// Makes the connection of a new WebSocket. `None` if the filter does not want it.
    fn connection<S>(
        &mut self,
        handshake: CapturedHandshake,
        context: &mut Context<'_, S>,
    ) -> Option<Connection> {
        self.protocol = Protocol::WebSocket;
        let client = self.client?;
        let endpoints = [self.endpoints[client], self.endpoints[1 - client]];
        let uid = Identity {
            endpoints,
            initial_sequences: [client, 1 - client].map(|end| self.initial_sequences[end]),
            opened: self.first.time,
            refusals: self.refusals,
            tenant: self.tenant,
        }
        .uid(&context.options.capture_point);
        let mut connection = handshake.connection(self.number, uid, endpoints);
        (connection.first, connection.last) = (self.first, self.last);
        if !connection.refused() {
            connection.deflate = connection.deflate.or(context.options.deflate);
        }
        connection.original_client_address = self.original_addresses.map(|[client, _]| client);
        connection.original_server_address = self.original_addresses.map(|[_, server]| server);
        connection.encapsulation = self.encapsulation.iter().map(ToString::to_string).collect();
        let filter = &context.options.filter;
        let wanted = filter.wants_endpoints(endpoints)
            && filter.wants_connection(connection.connection)
            && filter.wants_request(connection.host().as_deref(), connection.path());
        wanted.then_some(connection)
    }

    /// Reports a WebSocket that the server refused.
    fn report_refusal<S: Sink>(
        &mut self,
        request: Box<Request>,
        response: Box<Response>,
        context: &mut Context<'_, S>,
    ) {
        let (request, response) = (Some(request), Some(response));
        let handshake = CapturedHandshake { request, response, midstream: false };
        if let Some(mut connection) = self.connection(handshake, context) {
            context.sink.opened(&connection);
            connection.ended = Some(Ended::Refused);
            context.sink.ended(connection);
        }
        // What follows on the same TCP connection has a number of its own, whatever the filter.
        self.refusals += 1;
        self.number = *context.next_number;
        *context.next_number += 1;
    }

    /// Opens a WebSocket if an incomplete handshake has a request for one or an acceptance.
    fn finish_handshake<S: Sink>(&mut self, context: &mut Context<'_, S>) {
        while let Stage::Handshake(upgrade) = &mut self.stage {
            let buffered = match upgrade.decide() {
                Outcome::Accepted(acceptance) => self.open_accepted(*acceptance, context),
                Outcome::Unknown { request: Some(request) } => {
                    self.open_requested(Some(request), context)
                }
                _ => {
                    // What a client sent through a proxy whose answer was not captured.
                    let buffered = self.take_buffered();
                    self.search_for_frames(context.options);
                    buffered
                }
            };
            self.feed_again(buffered, context);
        }
    }

    /// Gives out what is unfinished, before the end.
    pub(crate) fn settle<S: Sink>(&mut self, context: &mut Context<'_, S>) {
        self.finish_handshake(context);
        if let Stage::Open(websocket) = &mut self.stage {
            websocket.settle(context.sink);
        }
    }

    /// Ends the conversation, which must be settled. `repeats` is indexed by the sender.
    pub(crate) fn finish<S: Sink>(
        &mut self,
        ended: Ended,
        repeats: [Repeats; 2],
        context: &mut Context<'_, S>,
    ) {
        let stage = std::mem::replace(&mut self.stage, Stage::Dead);
        let Stage::Open(websocket) = stage else { return };
        let client = self.client.unwrap_or(0);
        let repeats = [repeats[1 - client], repeats[client]];
        websocket.finish(ended, repeats, self.last, context.sink);
    }
}

/// Whether a part starts with the head of a handshake: `Some(true)` for a request, `Some(false)` for
/// a response.
fn starts_new_handshake(part: StreamPart<'_>) -> Option<bool> {
    let StreamPart::Data(bytes, _) = part else { return None };
    [true, false].into_iter().find(|request| starts_handshake(bytes, *request))
}
