//! An open WebSocket: the connection with its handshake, and its two directions.
//!
//! It opens after a handshake, or when frames are found in a connection captured from the middle on.
//! Each part of a stream goes to its direction. At the end, the accounts and the first close frame
//! are added to the connection, which is then reported.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use wsdefrag_core::deflate::params::foreign_extensions;
use wsdefrag_core::{DeflateParams, InflaterPool, Settings};

use crate::connection::{Connection, Ended};
use crate::http2::problems::Http2Problems;
use crate::options::Options;
use crate::packet::Origin;
use crate::sink::Sink;
use crate::stream_part::{Repeats, StreamPart};
use crate::tls_facts::TlsFacts;
use crate::websocket::direction::{Direction, DirectionOptions};
use crate::websocket::frame_search::Found;
use crate::websocket::midstream::SearchedDirection;
use crate::websocket::problems;

/// The ends of no connection.
const UNKNOWN: [SocketAddr; 2] = [SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0); 2];

/// Where the client's first frame begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientStart {
    /// At the next byte.
    AtFrame,
    /// After this many bytes of the request, which were not captured whole.
    AfterRequest(u64),
    Unknown,
}

/// A WebSocket that has not ended.
// Fields in the order of their use: those of every packet share cache lines.
#[derive(Serialize, Deserialize)]
#[repr(C)]
pub(crate) struct OpenWebSocket {
    /// Bytes of the request that have yet to come.
    rest_of_request: u64,
    /// Bytes of memory besides those that the directions allocate.
    own_bytes: usize,
    /// Indexed by `from_client`.
    directions: [Direction; 2],
    connection: Connection,
}

impl OpenWebSocket {
    /// A WebSocket after its handshake. If the response was captured, the server's first byte begins a
    /// frame.
    pub(crate) fn new(
        connection: Connection,
        client: ClientStart,
        extensions_are_known: bool,
        (options, inflaters): (&Options, &InflaterPool),
    ) -> Self {
        let (id, server_at_frame) = (connection.connection, connection.response.is_some());
        let extensions = connection.extensions().unwrap_or_default();
        let is_readable =
            extensions_are_known && DeflateParams::from_header_tolerant(&extensions).is_ok();
        let deflate_is_known = (server_at_frame && is_readable) || options.deflate.is_some();
        let deflate = if deflate_is_known { connection.deflate } else { Some(unknown_deflate()) };
        let is_foreign = !foreign_extensions(&extensions).is_empty();
        let direction = |from_client: bool, at_frame: bool| {
            let mut options = direction_options(options, inflaters, from_client, deflate);
            options.settings.foreign_extension = is_foreign;
            match (at_frame, deflate_is_known) {
                (true, true) => Direction::after_handshake(id, options),
                (true, false) => Direction::at_frame(id, options),
                (false, _) => Direction::searching(id, options),
            }
        };
        let client_at_frame = client != ClientStart::Unknown;
        let directions = [direction(false, server_at_frame), direction(true, client_at_frame)];
        let rest_of_request = match client {
            ClientStart::AfterRequest(rest) => rest,
            ClientStart::AtFrame | ClientStart::Unknown => 0,
        };
        let own_bytes = own_bytes(&connection, options);
        Self { rest_of_request, own_bytes, directions, connection }
    }

    /// A WebSocket whose handshake was not captured. `directions` is indexed by `from_client`. The
    /// gaps so far and the frames that have been found go to `sink`.
    pub(crate) fn midstream(
        connection: Connection,
        [mut server, mut client]: [SearchedDirection; 2],
        (options, inflaters): (&Options, &InflaterPool),
        sink: &mut impl Sink,
    ) -> Self {
        let id = connection.connection;
        let found = [server.search.prove(false), client.search.prove(true)];
        let mut direction = |from_client: bool, searched: SearchedDirection| {
            let deflate = options.deflate.unwrap_or_else(unknown_deflate);
            let options = direction_options(options, inflaters, from_client, Some(deflate));
            let SearchedDirection { search, account, gaps } = searched;
            let mut direction = Direction::with_search(id, options, account, search);
            for (position, gap) in gaps {
                direction.unread_gap(position, gap, sink);
            }
            direction
        };
        let directions = [direction(false, server), direction(true, client)];
        let own_bytes = own_bytes(&connection, options);
        let mut this = Self { connection, rest_of_request: 0, directions, own_bytes };
        this.read_found(found, sink);
        this
    }

    /// Its number.
    pub(crate) const fn number(&self) -> u64 {
        self.connection.connection
    }

    /// Gives it another number.
    pub(crate) fn renumber(&mut self, new: &dyn Fn(u64) -> u64) {
        self.connection.connection = new(self.connection.connection);
        for direction in &mut self.directions {
            direction.output.renumber(self.connection.connection);
        }
    }

    /// Takes inflaters from this pool from now on.
    pub(crate) fn share_inflaters(&mut self, pool: &InflaterPool) {
        for direction in &mut self.directions {
            direction.share_inflaters(pool);
        }
    }

    /// What is known of the connection so far.
    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        self.own_bytes + self.direction_bytes(false) + self.direction_bytes(true)
    }

    /// The memory that it takes without its directions' own, in bytes.
    pub(crate) const fn own_bytes(&self) -> usize {
        self.own_bytes
    }

    /// The memory that one direction takes, in bytes.
    #[inline]
    pub(crate) fn direction_bytes(&self, from_client: bool) -> usize {
        self.directions[usize::from(from_client)].bytes_held()
    }

    /// Bytes of the larger of the directions.
    pub(crate) fn largest_unfinished(&self) -> usize {
        self.directions.iter().map(Direction::bytes_held).max().unwrap_or(0)
    }

    /// Drops what is unfinished in the larger of the directions.
    pub(crate) fn drop_unfinished(&mut self, limit: usize) {
        let [server, client] = &mut self.directions;
        let larger = if client.bytes_held() > server.bytes_held() { client } else { server };
        larger.drop_unfinished(limit);
    }

    /// Gives back the memory of inflaters that are not in use. Returns whether one remains in use.
    pub(crate) fn park(&mut self) -> bool {
        let [server, client] = &mut self.directions;
        server.park() | client.park()
    }

    /// Takes note of what is known of the connection's TLS at its end.
    pub(crate) fn note_tls(&mut self, tls: Option<Box<TlsFacts>>) {
        self.connection.tls = tls;
    }

    /// The tags and tunnels of the connection's packets.
    pub(crate) fn encapsulation(&mut self) -> &mut Vec<String> {
        &mut self.connection.encapsulation
    }

    /// Adds a sentence for each problem of the connection of HTTP/2 that the WebSocket is a stream of.
    pub(crate) fn note_http2_problems(&mut self, problems: Http2Problems) {
        problems::add_http2_problems(&mut self.connection, problems);
    }

    /// Reads the frames of both sides that were found at the same time, in the order of the packets.
    #[expect(clippy::disallowed_methods, reason = "as many as the two searches had stored")]
    fn read_found(&mut self, found: [Option<Found>; 2], sink: &mut impl Sink) {
        let mut segments = Vec::new();
        for (direction, found) in self.directions.iter_mut().zip(found) {
            let Some(found) = found else { continue };
            direction.begin_found(&found);
            // A segment that was captured late stays before those that waited for it.
            let mut latest = 0;
            for part in found.segments {
                latest = part.bytes().map_or(latest, |(_, origin)| origin.packet.max(latest));
                segments.push((latest, found.from_client, part));
            }
        }
        segments.sort_by_key(|(latest, ..)| *latest);
        for (_, from_client, part) in segments {
            self.directions[usize::from(from_client)].found_segment(&part, sink);
        }
    }

    /// Bytes of the current, incomplete frame of one side.
    pub(crate) fn unfinished(&self, from_client: bool) -> usize {
        let bytes = self.directions[usize::from(from_client)].unfinished();
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// Takes the next part of one side's stream.
    #[inline]
    pub(crate) fn part(&mut self, from_client: bool, part: StreamPart<'_>, sink: &mut impl Sink) {
        if self.rest_of_request > 0 && from_client {
            return self.part_of_request(part, sink);
        }
        let direction = &mut self.directions[usize::from(from_client)];
        match part {
            StreamPart::Data(bytes, origin) => direction.data(bytes, origin, sink),
            StreamPart::Unauthenticated(..) => direction.unauthenticated(part, sink),
            StreamPart::Gap(gap) => direction.gap(gap, sink),
        }
    }

    /// Takes a part of the client's stream that begins in the request.
    #[cold]
    fn part_of_request(&mut self, part: StreamPart<'_>, sink: &mut impl Sink) {
        let skipped = self.rest_of_request.min(part.length());
        self.rest_of_request -= skipped;
        let rest = part.after(skipped);
        if rest.length() > 0 {
            self.part(true, rest, sink);
        }
    }

    /// Gives out what is unfinished, before the end; nothing follows.
    pub(crate) fn settle(&mut self, sink: &mut impl Sink) {
        for direction in &mut self.directions {
            direction.finish(sink);
        }
    }

    /// Ends the WebSocket, which must be settled, and reports it. `repeats` is indexed by
    /// `from_client`; `last` is the last packet.
    pub(crate) fn finish(
        &mut self,
        ended: Ended,
        repeats: [Repeats; 2],
        last: Origin,
        sink: &mut impl Sink,
    ) {
        let Self { connection, directions, .. } = self;
        for (direction, repeats) in directions.iter_mut().zip(repeats) {
            let account = direction.account_mut();
            account.retransmissions = repeats.retransmissions;
            account.overlaps = repeats.overlaps;
            // Gaps of the handshake have late bytes, too.
            account.late = repeats.late.min(account.missing);
            account.missing -= account.late;
        }
        let closes = directions.iter().filter_map(Direction::close);
        connection.close = closes.min_by_key(|close| close.packet).cloned();
        connection.last = last;
        connection.ended = Some(ended);
        let lost_to_gap = directions.each_ref().map(Direction::is_lost_to_gap);
        let unauthenticated = directions.each_ref().map(Direction::unauthenticated_messages);
        connection.from_server = std::mem::take(directions[0].account_mut());
        connection.from_client = std::mem::take(directions[1].account_mut());
        problems::add_problems(connection, lost_to_gap, unauthenticated);
        // What is left in its place is not looked at.
        sink.ended(std::mem::replace(connection, Connection::new(0, [0; 16], UNKNOWN)));
    }
}

/// Bytes of memory that a WebSocket takes besides its directions' own, with those of the receiver.
fn own_bytes(connection: &Connection, options: &Options) -> usize {
    let heads = connection.heads_memory();
    let object = match options.object_memory {
        0 => 0,
        // Each name and value is an object of its own.
        fixed => fixed + 2 * heads,
    };
    size_of::<OpenWebSocket>() + heads + object + options.tables * connection.facts_memory()
}

/// Parameters for a WebSocket whose extensions are unknown: they allow RSV1.
fn unknown_deflate() -> DeflateParams {
    DeflateParams::default()
}

fn direction_options(
    options: &Options,
    inflaters: &InflaterPool,
    from_client: bool,
    deflate: Option<DeflateParams>,
) -> DirectionOptions {
    DirectionOptions {
        settings: Settings {
            from_client,
            deflate,
            foreign_extension: false,
            limits: options.limits,
            strictness: options.strictness,
        },
        contents: options.contents && options.filter.wants_side(from_client),
        resync: options.resync,
        inflaters: inflaters.clone(),
    }
}
