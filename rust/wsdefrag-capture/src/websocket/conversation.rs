//! What two ends of a connection say to each other, once TCP is out of the way.
//!
//! ```text
//! Handshake   HTTP, until a server agrees to a WebSocket
//! Blind       it began before the capture did; frames are looked for on both sides
//! Open        a WebSocket
//! Dead        nothing that is of interest here
//! ```
//!
//! A connection whose handshake was captured in part goes on with what is known: the side whose
//! first frame has a known place is read from there, the other is searched.

use std::collections::VecDeque;
use std::net::SocketAddr;

use wsdefrag_core::{DeflateParams, Settings};

use crate::account::Account;
use crate::connection::{Connection, Ended, Request, Response};
use crate::http::head::{handshake_head, starts_like};
use crate::http::upgrade::{Kept, Outcome, Said, Upgrade};
use crate::options::Options;
use crate::sink::Sink;
use crate::stream_part::{Repeats, StreamPart};
use crate::websocket::direction::{Direction, Reading};
use crate::websocket::frame_search::{Found, FrameSearch, Sender};
use crate::websocket::problems::{self, Known};

/// What a conversation needs of the capture it is part of.
pub(crate) struct Context<'a, S> {
    pub(crate) options: &'a Options,
    /// The number of the next WebSocket.
    pub(crate) next_id: &'a mut u64,
    pub(crate) sink: &'a mut S,
}

enum Stage {
    Handshake(Box<Upgrade>),
    Blind(Box<[Blind; 2]>),
    Open(Box<Socket>),
    Dead,
}

/// One end of a connection that was caught in the middle.
struct Blind {
    search: FrameSearch,
    passed: Account,
}

/// A WebSocket.
struct Socket {
    connection: Connection,
    /// By whether the client sends.
    directions: [Direction; 2],
}

/// The two ends of a connection, and what they have said.
pub(crate) struct Conversation {
    ends: [SocketAddr; 2],
    /// Which end is the client, once that is known.
    client: Option<usize>,
    /// Whether it was captured from its first packet on.
    from_the_start: bool,
    opened: i64,
    pub(crate) last: i64,
    stage: Stage,
}

impl Conversation {
    pub(crate) fn new(ends: [SocketAddr; 2], client: Option<usize>, opened: i64) -> Self {
        let from_the_start = client.is_some();
        let stage = Stage::Handshake(Box::new(Upgrade::new(from_the_start)));
        Self { ends, client, from_the_start, opened, last: opened, stage }
    }

    /// Whether nothing of interest can follow.
    pub(crate) const fn is_dead(&self) -> bool {
        matches!(self.stage, Stage::Dead)
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// Bytes that have come of the head or frame that an end is in the middle of.
    pub(crate) fn unfinished(&self, end: usize) -> usize {
        let from_client = self.client == Some(end);
        match &self.stage {
            Stage::Handshake(upgrade) => upgrade.unfinished(from_client),
            Stage::Open(socket) => {
                let bytes = socket.directions[usize::from(from_client)].unfinished();
                usize::try_from(bytes).unwrap_or(usize::MAX)
            }
            Stage::Blind(_) | Stage::Dead => 0,
        }
    }

    /// Takes the next part of what one end says.
    #[inline]
    pub(crate) fn piece<S: Sink>(
        &mut self,
        end: usize,
        piece: StreamPart<'_>,
        context: &mut Context<'_, S>,
    ) {
        if let (Stage::Open(socket), Some(client)) = (&mut self.stage, self.client) {
            let direction = &mut socket.directions[usize::from(end == client)];
            match piece {
                StreamPart::Data(bytes, origin) => direction.data(bytes, origin, context.sink),
                StreamPart::Gap(length) => direction.gap(length, context.sink),
            }
        } else {
            self.early_piece(end, piece, context);
        }
    }

    fn early_piece<S: Sink>(
        &mut self,
        end: usize,
        piece: StreamPart<'_>,
        context: &mut Context<'_, S>,
    ) {
        match &mut self.stage {
            Stage::Handshake(_) => self.handshake_piece(end, piece, context),
            Stage::Blind(_) if begins_handshake(piece).is_some() => {
                // What is lost of it, or was there before, was HTTP.
                let from_client = begins_handshake(piece) == Some(true);
                self.client = Some(if from_client { end } else { 1 - end });
                self.stage = Stage::Handshake(Box::new(Upgrade::new(false)));
                self.handshake_piece(end, piece, context);
            }
            Stage::Blind(_) => self.search_piece(end, piece, context),
            Stage::Open(_) | Stage::Dead => {}
        }
    }

    fn search_piece<S: Sink>(
        &mut self,
        end: usize,
        piece: StreamPart<'_>,
        context: &mut Context<'_, S>,
    ) {
        let Stage::Blind(blind) = &mut self.stage else { return };
        let Blind { search, passed } = &mut blind[end];
        match piece {
            StreamPart::Data(bytes, origin) => {
                passed.bytes += bytes.len() as u64;
                passed.lost += bytes.len() as u64;
                if let Some(found) = search.data(bytes, origin) {
                    self.found(end, found, context);
                }
            }
            StreamPart::Gap(length) => {
                passed.bytes += length;
                passed.lost += length;
                passed.gaps += 1;
                passed.missing += length;
                search.gap();
            }
        }
    }

    /// Takes a piece before there is a WebSocket, and then, as often as that shows what to make of
    /// what was kept, that.
    fn handshake_piece<S: Sink>(
        &mut self,
        end: usize,
        piece: StreamPart<'_>,
        context: &mut Context<'_, S>,
    ) {
        let again = self.offer(end, piece, context);
        self.say_again(again, context);
    }

    /// Takes what was kept, and whatever that makes worth another look, in order.
    fn say_again<S: Sink>(&mut self, kept: Vec<Kept>, context: &mut Context<'_, S>) {
        let mut again = VecDeque::from(kept);
        while let (Some(Kept { from_client, what }), Some(client)) =
            (again.pop_front(), self.client)
        {
            let end = if from_client { client } else { 1 - client };
            let piece = match &what {
                Said::Data(bytes, origin) => StreamPart::Data(bytes, *origin),
                Said::Gap(length) => StreamPart::Gap(*length),
            };
            if !matches!(self.stage, Stage::Handshake(_)) {
                self.piece(end, piece, context);
                continue;
            }
            for kept in self.offer(end, piece, context).into_iter().rev() {
                again.push_front(kept);
            }
        }
    }

    /// Offers a piece to the handshake; gives back what has to be said again.
    fn offer<S: Sink>(
        &mut self,
        end: usize,
        piece: StreamPart<'_>,
        context: &mut Context<'_, S>,
    ) -> Vec<Kept> {
        let client = match (self.client, piece) {
            (Some(client), _) => client,
            (None, StreamPart::Data(bytes, _)) if starts_like(bytes, true) => {
                *self.client.insert(end)
            }
            (None, StreamPart::Data(bytes, _)) if starts_like(bytes, false) => {
                *self.client.insert(1 - end)
            }
            (None, _) => {
                self.look_for_frames(context.options);
                self.search_piece(end, piece, context);
                return Vec::new();
            }
        };
        let Stage::Handshake(upgrade) = &mut self.stage else { return Vec::new() };
        let outcome = match piece {
            StreamPart::Data(bytes, origin) => upgrade.data(end == client, bytes, origin),
            StreamPart::Gap(length) => upgrade.gap(end == client, length),
        };
        match outcome {
            Outcome::More => Vec::new(),
            Outcome::NotWebSocket => {
                self.stage = Stage::Dead;
                // What began before the capture may look like anything.
                if !self.from_the_start && matches!(piece, StreamPart::Data(..)) {
                    self.client = None;
                    self.look_for_frames(context.options);
                    self.search_piece(end, piece, context);
                }
                Vec::new()
            }
            Outcome::Refused { request, response } => {
                self.refused(request, response, context);
                self.take_kept()
            }
            Outcome::Agreed { request, response } => {
                let response = Some(response);
                self.open(Known { request, response, midstream: false }, context)
            }
            Outcome::Unknown { request: None } => {
                let kept = self.take_kept();
                self.look_for_frames(context.options);
                kept
            }
            Outcome::Unknown { request } => {
                self.open(Known { request, response: None, midstream: true }, context)
            }
        }
    }

    fn take_kept(&mut self) -> Vec<Kept> {
        match &mut self.stage {
            Stage::Handshake(upgrade) => upgrade.take_kept(),
            _ => Vec::new(),
        }
    }

    fn look_for_frames(&mut self, options: &Options) {
        let max_frame = options.limits.max_frame_size.unwrap_or(u64::MAX);
        let blind = |end: usize| {
            let sender = match self.client {
                None => Sender::Unknown,
                Some(client) if client == end => Sender::Client,
                Some(_) => Sender::Server,
            };
            Blind { search: FrameSearch::new(sender, true, max_frame), passed: Account::default() }
        };
        self.stage = Stage::Blind(Box::new([blind(0), blind(1)]));
    }

    /// Makes a WebSocket of a connection on one end of which frames were found.
    fn found<S: Sink>(&mut self, end: usize, found: Found, context: &mut Context<'_, S>) {
        let Stage::Blind(blind) = std::mem::replace(&mut self.stage, Stage::Dead) else { return };
        let from_client = found.from_client;
        self.client = Some(if from_client { end } else { 1 - end });
        let known = Known { midstream: true, ..Known::default() };
        let Some(mut connection) = self.connection(known, context) else { return };
        connection.deflate = None;
        let id = connection.connection;
        let [first, second] = *blind;
        let (this, mut other) = if end == 0 { (first, second) } else { (second, first) };
        other.search.learn(!from_client);
        let resumed = |from_client: bool, blind: Blind| {
            let reading = reading(context.options, from_client, Some(unknown_deflate()));
            Direction::resumed(id, reading, blind.passed, blind.search)
        };
        let (mut this, other) = (resumed(from_client, this), resumed(!from_client, other));
        context.sink.opened(&connection);
        this.found(found, context.sink);
        let directions = if from_client { [other, this] } else { [this, other] };
        self.stage = Stage::Open(Box::new(Socket { connection, directions }));
    }

    /// Makes a WebSocket of a connection whose handshake has been read as far as it goes; gives back
    /// what has to be said again.
    fn open<S: Sink>(&mut self, known: Known, context: &mut Context<'_, S>) -> Vec<Kept> {
        let Stage::Handshake(mut upgrade) = std::mem::replace(&mut self.stage, Stage::Dead) else {
            return Vec::new();
        };
        let agreed = known.response.is_some();
        let Some(connection) = self.connection(known, context) else { return Vec::new() };
        let (id, deflate) = (connection.connection, connection.deflate);
        let readable = agreed && connection.problems.is_empty();
        let deflate = if readable { deflate } else { Some(unknown_deflate()) };
        let direction = |from_client: bool, exact: bool| {
            let reading = reading(context.options, from_client, deflate);
            match (exact, readable) {
                (true, true) => Direction::at_start(id, reading),
                (true, false) => Direction::at_frame(id, reading),
                (false, _) => Direction::searching(id, reading),
            }
        };
        let directions = [direction(false, agreed), direction(true, upgrade.client_is_exact)];
        context.sink.opened(&connection);
        self.stage = Stage::Open(Box::new(Socket { connection, directions }));
        upgrade.take_kept()
    }

    /// Describes the WebSocket at hand and gives it a number, if it is wanted.
    fn connection<S>(&self, known: Known, context: &mut Context<'_, S>) -> Option<Connection> {
        let client = self.client?;
        let ends = [self.ends[client], self.ends[1 - client]];
        let mut connection = known.describe(*context.next_id, ends);
        (connection.opened, connection.last) = (self.opened, self.last);
        // Numbers do not depend on which hosts and paths are asked for.
        *context.next_id += 1;
        let filter = &context.options.filter;
        let wanted = filter.wants_request(connection.host().as_deref(), connection.path());
        wanted.then_some(connection)
    }

    /// Reports a WebSocket that the server did not want.
    fn refused<S: Sink>(
        &self,
        request: Box<Request>,
        response: Box<Response>,
        context: &mut Context<'_, S>,
    ) {
        let known = Known { request: Some(request), response: Some(response), midstream: false };
        if let Some(mut connection) = self.connection(known, context) {
            context.sink.opened(&connection);
            connection.ended = Some(Ended::Refused);
            context.sink.ended(connection);
        }
    }

    /// Makes a WebSocket of a handshake that will not be completed, if there is any sign of one.
    fn finish_handshake<S: Sink>(&mut self, context: &mut Context<'_, S>) {
        let Stage::Handshake(upgrade) = &mut self.stage else { return };
        let known = match upgrade.give_up() {
            Outcome::Agreed { request, response } => {
                Known { request, response: Some(response), midstream: false }
            }
            Outcome::Unknown { request: Some(request) } => {
                Known { request: Some(request), response: None, midstream: true }
            }
            _ => return,
        };
        let kept = self.open(known, context);
        self.say_again(kept, context);
    }

    /// Ends the conversation; `repeats` are of both ends' streams.
    pub(crate) fn finish<S: Sink>(
        &mut self,
        ended: Ended,
        repeats: [Repeats; 2],
        context: &mut Context<'_, S>,
    ) {
        self.finish_handshake(context);
        let Stage::Open(socket) = std::mem::replace(&mut self.stage, Stage::Dead) else { return };
        let Socket { mut connection, mut directions } = *socket;
        for direction in &mut directions {
            direction.finish(context.sink);
        }
        let client = self.client.unwrap_or(0);
        for (direction, end) in directions.iter_mut().zip([1 - client, client]) {
            direction.account_mut().retransmissions = repeats[end].retransmissions;
            direction.account_mut().overlaps = repeats[end].overlaps;
        }
        let closes = directions.iter().filter_map(Direction::close);
        connection.close = closes.min_by_key(|close| close.packet).cloned();
        connection.last = self.last;
        connection.ended = Some(ended);
        connection.from_server = directions[0].account().clone();
        connection.from_client = directions[1].account().clone();
        problems::note_problems(&mut connection);
        context.sink.ended(connection);
    }
}

/// Whether a piece begins with a head that a handshake may be made of, and if so, whether it is the
/// client's.
fn begins_handshake(piece: StreamPart<'_>) -> Option<bool> {
    let StreamPart::Data(bytes, _) = piece else { return None };
    [true, false].into_iter().find(|requests| bytes.starts_with(handshake_head(*requests)))
}

/// Parameters that let RSV1 pass where it is not known what it means.
fn unknown_deflate() -> DeflateParams {
    DeflateParams::default()
}

fn reading(options: &Options, from_client: bool, deflate: Option<DeflateParams>) -> Reading {
    Reading {
        settings: Settings {
            from_client,
            deflate,
            limits: options.limits,
            strictness: options.strictness,
        },
        contents: options.contents && options.filter.wants_side(from_client),
        resync: options.resync,
    }
}
