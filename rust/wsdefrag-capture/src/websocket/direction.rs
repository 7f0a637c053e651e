//! One direction of a WebSocket, out of a capture: pieces of the stream in, messages out, and an
//! account of every byte.
//!
//! It is *reading* while it knows where frames begin, and *searching*
//! ([`frame_search`](crate::websocket::frame_search)) while it does not: from the start of a
//! connection that was caught in the middle, or behind a loss where that is asked for. Otherwise a
//! loss leaves it reading without hope: bytes are counted and dropped.
//!
//! - `account.bytes` counts what was taken; the other figures add up to it after
//!   [`finish`](Direction::finish)

use wsdefrag_core::{
    Damage, Event, Extent, Kind, Opcode, Passive, Reassembler, Settings, VecMemory,
};

use crate::account::Account;
use crate::connection::CloseSeen;
use crate::message::{Message, Status};
use crate::packet::Origin;
use crate::sink::Sink;
use crate::websocket::frame_search::{Found, FrameSearch, Sender};

/// How directions are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) settings: Settings,
    pub(crate) contents: bool,
    pub(crate) resync: bool,
}

enum State {
    Reading(Box<Reassembler<Vec<u8>>>),
    Searching(Box<FrameSearch>),
}

/// One direction of a WebSocket.
pub(crate) struct Direction {
    reading: Reading,
    state: State,
    /// Where on the stream the reassembler at hand began.
    base: u64,
    /// The packet of the first byte of what is pending.
    first: Origin,
    ledger: Ledger,
}

impl Direction {
    /// A direction whose next byte is the first one behind the handshake.
    pub(crate) fn at_start(connection: u64, reading: Reading) -> Self {
        Self::new(connection, reading, State::Reading(reassembler(&reading, true)))
    }

    /// A direction whose next byte begins a frame, while what was agreed is not known.
    pub(crate) fn at_frame(connection: u64, reading: Reading) -> Self {
        Self::new(connection, reading, State::Reading(reassembler(&reading, false)))
    }

    /// A direction of which it is not known where a frame begins.
    pub(crate) fn searching(connection: u64, reading: Reading) -> Self {
        Self::new(connection, reading, State::Searching(Box::new(search(&reading))))
    }

    /// A direction on which a search is under way; `passed` says what it has been given.
    pub(crate) fn resumed(
        connection: u64,
        reading: Reading,
        passed: Account,
        by: FrameSearch,
    ) -> Self {
        let mut this = Self::new(connection, reading, State::Searching(Box::new(by)));
        this.ledger.account = passed;
        this
    }

    fn new(connection: u64, reading: Reading, state: State) -> Self {
        let from_client = reading.settings.from_client;
        let ledger = Ledger { connection, from_client, ..Ledger::default() };
        Self { reading, state, base: 0, first: Origin::default(), ledger }
    }

    /// What became of its bytes so far.
    pub(crate) const fn account(&self) -> &Account {
        &self.ledger.account
    }

    /// The same, to add what is known elsewhere.
    pub(crate) const fn account_mut(&mut self) -> &mut Account {
        &mut self.ledger.account
    }

    /// Its close frame.
    pub(crate) const fn close(&self) -> Option<&CloseSeen> {
        self.ledger.close.as_ref()
    }

    /// Bytes that have come of the frame at hand.
    pub(crate) fn unfinished(&self) -> u64 {
        match &self.state {
            State::Reading(reassembler) => reassembler.unfinished(),
            State::Searching(_) => 0,
        }
    }

    /// Takes the next bytes.
    #[inline]
    pub(crate) fn data(&mut self, bytes: &[u8], origin: Origin, sink: &mut impl Sink) {
        self.ledger.account.bytes += bytes.len() as u64;
        match &mut self.state {
            State::Reading(_) => self.read(bytes, origin, sink),
            State::Searching(search) => {
                self.ledger.account.lost += bytes.len() as u64;
                if let Some(found) = search.data(bytes, origin) {
                    self.found(found, sink);
                }
            }
        }
    }

    #[inline]
    fn read(&mut self, bytes: &[u8], origin: Origin, sink: &mut impl Sink) {
        let State::Reading(reassembler) = &mut self.state else { return };
        if origin.packet > self.ledger.latest.packet {
            self.ledger.latest = origin;
        }
        let start = reassembler.bytes_received();
        let place = Place { start, origin, pending: self.first };
        reassembler.receive_data(bytes, &mut self.ledger.rows(place, sink));
        if self.ledger.resynced && reassembler.error().is_some() {
            return self.disprove(sink);
        }
        if reassembler.pending().is_some_and(|pending| pending >= start) {
            self.first = origin;
        }
    }

    /// Searches on: what was taken for frames cannot have been any.
    #[cold]
    fn disprove(&mut self, sink: &mut impl Sink) {
        let before = self.ledger.account.trailing;
        self.settle(sink);
        let account = &mut self.ledger.account;
        account.lost += account.trailing - before;
        account.trailing = before;
        account.violation = None;
        self.state = State::Searching(Box::new(search(&self.reading)));
    }

    /// Takes note of bytes that were not captured.
    pub(crate) fn gap(&mut self, length: u64, sink: &mut impl Sink) {
        let account = &mut self.ledger.account;
        account.bytes += length;
        account.gaps += 1;
        account.missing += length;
        match &mut self.state {
            State::Searching(search) => {
                account.lost += length;
                search.gap();
            }
            State::Reading(reassembler) => {
                let was_lost = reassembler.is_lost();
                let place = Place::pending(self.first);
                reassembler.receive_gap(length, &mut self.ledger.rows(place, sink));
                if self.reading.resync && !was_lost && reassembler.is_lost() {
                    self.settle(sink);
                    self.state = State::Searching(Box::new(search(&self.reading)));
                }
            }
        }
    }

    /// Goes on reading with frames that were found.
    pub(crate) fn found(&mut self, found: Found, sink: &mut impl Sink) {
        let ledger = &mut self.ledger;
        let bytes: u64 = found.pieces.iter().map(|(bytes, _)| bytes.len() as u64).sum();
        ledger.account.lost -= bytes;
        ledger.resynced = true;
        self.base = ledger.account.bytes - bytes;
        self.state = State::Reading(reassembler(&self.reading, false));
        for (bytes, origin) in found.pieces {
            match &self.state {
                State::Reading(_) => self.read(&bytes, origin, sink),
                // They were disproved by those before.
                State::Searching(_) => self.ledger.account.lost += bytes.len() as u64,
            }
        }
    }

    /// Ends what the reassembler at hand was given, and takes over its counts.
    fn settle(&mut self, sink: &mut impl Sink) {
        let State::Reading(reassembler) = &mut self.state else { return };
        reassembler.finish(&mut self.ledger.rows(Place::pending(self.first), sink));
        let account = &mut self.ledger.account;
        account.control += reassembler.control_bytes();
        account.skipped += reassembler.bytes_skipped();
        account.tolerated.add(reassembler.tolerated());
        if reassembler.is_lost() {
            account.lost += reassembler.bytes_discarded();
        } else {
            account.trailing += reassembler.bytes_discarded();
        }
        if let Some(mut error) = reassembler.error().copied() {
            error.offset += self.base;
            account.violation.get_or_insert(error);
        }
    }

    /// Ends the direction; its account is complete then.
    pub(crate) fn finish(&mut self, sink: &mut impl Sink) {
        if let State::Searching(search) = &mut self.state
            && let Some(found) = search.convinced()
        {
            self.found(found, sink);
        }
        self.settle(sink);
        debug_assert!(self.account().is_balanced(), "{:?}", self.account());
    }
}

fn reassembler(reading: &Reading, from_the_start: bool) -> Box<Reassembler<Vec<u8>>> {
    let how = Passive { contents: reading.contents, from_the_start };
    Box::new(Reassembler::passive(reading.settings, how))
}

fn search(reading: &Reading) -> FrameSearch {
    let settings = &reading.settings;
    let sender = if settings.from_client { Sender::Client } else { Sender::Server };
    let max_frame = settings.limits.max_frame_size.unwrap_or(u64::MAX);
    FrameSearch::new(sender, settings.deflate.is_some(), max_frame)
}

/// What is known of a direction besides its frames.
#[derive(Default)]
struct Ledger {
    connection: u64,
    from_client: bool,
    seq: u64,
    resynced: bool,
    /// The last packet that the stream so far had to wait for.
    latest: Origin,
    account: Account,
    close: Option<CloseSeen>,
}

/// Where on the stream a reassembler is working.
#[derive(Clone, Copy)]
struct Place {
    /// The first byte of the piece at hand, as the reassembler counts.
    start: u64,
    /// Its packet.
    origin: Origin,
    /// The packet of what began before that.
    pending: Origin,
}

impl Place {
    /// There is no piece; all that can be completed began before.
    const fn pending(pending: Origin) -> Self {
        Self { start: u64::MAX, origin: pending, pending }
    }
}

impl Ledger {
    const fn rows<'a, S>(&'a mut self, place: Place, sink: &'a mut S) -> Rows<'a, S> {
        Rows { memory: VecMemory, ledger: self, place, sink }
    }
}

/// Makes rows of what a reassembler gives.
struct Rows<'a, S> {
    memory: VecMemory,
    ledger: &'a mut Ledger,
    place: Place,
    sink: &'a mut S,
}

impl<S: Sink> Rows<'_, S> {
    #[inline]
    fn message(
        &mut self,
        offset: u64,
        opcode: Opcode,
        content: Vec<u8>,
        extent: &Extent,
        (status, missing): (Status, u64),
    ) {
        let place = &self.place;
        let first = if offset >= place.start { place.origin } else { place.pending };
        let Ledger { account, latest, seq, .. } = &mut *self.ledger;
        match status {
            Status::Ok | Status::Undecodable | Status::InvalidUtf8 => {
                account.emitted += extent.wire_length;
            }
            Status::Incomplete | Status::TooBig | Status::ProtocolError => {
                account.skipped += extent.wire_length;
            }
        }
        account.messages += 1;
        account.content += content.len() as u64;
        if extent.compressed && matches!(status, Status::Ok | Status::InvalidUtf8) {
            account.compressed += extent.payload_length;
            account.inflated += content.len() as u64;
        }
        let (timestamp, last_packet) = (latest.time, latest.packet);
        let this = *seq;
        *seq += 1;
        self.sink.message(Message {
            connection: self.ledger.connection,
            seq: this,
            from_client: self.ledger.from_client,
            opcode,
            content,
            timestamp,
            first_timestamp: first.time,
            frames: u32::try_from(extent.frames).unwrap_or(u32::MAX),
            wire_length: extent.wire_length,
            payload_length: extent.payload_length,
            compressed: extent.compressed,
            status,
            missing_bytes: missing,
            resynced: self.ledger.resynced,
            first_packet: first.packet,
            last_packet,
        });
    }

    fn closed(&mut self, code: Option<u16>, reason: &str) {
        let Ledger { from_client, latest, close, .. } = &mut *self.ledger;
        let (from_client, Origin { packet, time }) = (*from_client, *latest);
        let reason = reason.to_owned();
        close.get_or_insert(CloseSeen { from_client, code, reason, time, packet });
    }
}

impl<S: Sink> wsdefrag_core::Sink for Rows<'_, S> {
    type Memory = VecMemory;

    #[inline]
    fn memory(&mut self) -> &mut VecMemory {
        &mut self.memory
    }

    #[inline]
    fn event(&mut self, offset: u64, event: Event<'_, Vec<u8>>) {
        match event {
            Event::Message { opcode, content, extent } => {
                self.message(offset, opcode, content, &extent, (Status::Ok, 0));
            }
            Event::Damaged { opcode, content, extent, damage, missing } => {
                if opcode.is_control() {
                    self.ledger.account.skipped += extent.wire_length;
                    if opcode == Opcode::Close {
                        self.closed(None, "");
                    }
                    return;
                }
                self.message(offset, opcode, content, &extent, (status(damage), missing));
            }
            Event::Ping(_) | Event::Pong(_) => self.ledger.account.pings += 1,
            Event::Close(close) => self.closed(Some(close.code), close.reason),
        }
    }
}

/// What is to be thought of a message with this damage.
const fn status(damage: Damage) -> Status {
    match damage {
        Damage::Missing => Status::Incomplete,
        Damage::Undecodable => Status::Undecodable,
        Damage::Fault(Kind::Limit(_)) => Status::TooBig,
        Damage::Fault(Kind::InvalidUtf8) => Status::InvalidUtf8,
        Damage::Fault(_) => Status::ProtocolError,
    }
}
