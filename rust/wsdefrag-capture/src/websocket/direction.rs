//! One direction of a captured WebSocket: a stream with gaps in, messages and an account out.
//!
//! ```text
//! Reassembling   the start of each frame is known; a reassembler reads them
//! Searching      the start of the next frame is unknown; the stream is searched for frames
//! ```
//!
//! A search begins at the start of a direction that was captured from the middle on, and, if
//! `resync` is set, at a gap after which the next frame is unknown. Without `resync` such a gap
//! leaves the direction in Reassembling, and all later bytes are counted as lost. Frames that are
//! found lead back to Reassembling, with a new reassembler. If they break a rule, they were not
//! frames, and the search begins again.
//!
//! The length of a gap inside TLS may be a guess. Inside a frame it is tested by what follows, which is
//! stored meanwhile. A gap whose length stays unknown is like one after which the next frame is
//! unknown, wherever it is.
//!
//! - `account.bytes` is the number of bytes taken
//! - `account.is_balanced()` after [`finish`](Direction::finish)

#![expect(clippy::disallowed_methods, reason = "boxes of a few hundred bytes")]

use serde::{Deserialize, Serialize};
use wsdefrag_core::limits::Excess;
use wsdefrag_core::{InflaterPool, Passive, Reassembler, Settings};

use crate::account::Account;
use crate::connection::CloseSeen;
use crate::packet::Origin;
use crate::sink::Sink;
use crate::stream_part::{OwnedPart, StreamPart};
use crate::websocket::direction_output::{DirectionOutput, Origins};
use crate::websocket::frame_search::{Certainty, Found, FrameSearch, Sender};
use crate::websocket::gap_test::GapTest;

/// How a direction is read.
#[derive(Serialize, Deserialize)]
pub(crate) struct DirectionOptions {
    pub(crate) settings: Settings,
    /// Whether messages have their content.
    pub(crate) contents: bool,
    /// Whether frames are searched for after a gap.
    pub(crate) resync: bool,
    #[serde(skip)]
    pub(crate) inflaters: InflaterPool,
}

#[derive(Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly all directions are in the large one")]
pub(super) enum State {
    Reassembling(Reassembler<Vec<u8>>),
    Searching(Box<FrameSearch>),
}

/// One direction of a WebSocket.
// Fields in the order of their use: those of every packet share cache lines.
#[derive(Serialize, Deserialize)]
#[repr(C)]
pub(crate) struct Direction {
    /// While the length of a gap inside the current frame is a guess: what followed. The state is
    /// Reassembling then.
    pub(super) test: Option<Box<GapTest>>,
    /// The packet with the first byte of the incomplete message or frame.
    pub(super) first: Origin,
    pub(super) output: DirectionOutput,
    pub(super) state: State,
    pub(super) options: DirectionOptions,
}

impl Direction {
    /// Takes inflaters from this pool from now on.
    pub(crate) fn share_inflaters(&mut self, pool: &InflaterPool) {
        self.options.inflaters = pool.clone();
        if let State::Reassembling(reassembler) = &mut self.state {
            reassembler.share_inflaters(pool.clone());
        }
    }

    /// A direction whose next byte is the first one after the handshake.
    pub(crate) fn after_handshake(connection: u64, options: DirectionOptions) -> Self {
        let reassembler = reassembler(&options, true);
        Self::new(connection, options, State::Reassembling(reassembler))
    }

    /// A direction whose next byte begins a frame, with unknown extensions.
    pub(crate) fn at_frame(connection: u64, options: DirectionOptions) -> Self {
        let reassembler = reassembler(&options, false);
        Self::new(connection, options, State::Reassembling(reassembler))
    }

    /// A direction whose next frame is searched for.
    pub(crate) fn searching(connection: u64, options: DirectionOptions) -> Self {
        let search = Box::new(search_of(&options, Certainty::Beginning));
        Self::new(connection, options, State::Searching(search))
    }

    /// A direction that continues a search. `account` counts the bytes searched so far.
    pub(crate) fn with_search(
        connection: u64,
        options: DirectionOptions,
        account: Account,
        search: FrameSearch,
    ) -> Self {
        let mut this = Self::new(connection, options, State::Searching(Box::new(search)));
        this.output.account = account;
        this
    }

    fn new(connection: u64, options: DirectionOptions, state: State) -> Self {
        let output = DirectionOutput::new(connection, options.settings.from_client);
        Self { options, state, test: None, first: Origin::default(), output }
    }

    /// The account of the bytes so far.
    pub(crate) const fn account(&self) -> &Account {
        &self.output.account
    }

    /// Whether a gap ended the direction, because nothing said where the next frame began.
    pub(crate) const fn is_lost_to_gap(&self) -> bool {
        match &self.state {
            State::Reassembling(reassembler) => reassembler.is_lost(),
            State::Searching(_) => false,
        }
    }

    /// Messages that may hold bytes that no tag of TLS confirms.
    pub(crate) const fn unauthenticated_messages(&self) -> u64 {
        self.output.unauthenticated
    }

    /// The account, so that the caller can add the counters of TCP.
    pub(crate) const fn account_mut(&mut self) -> &mut Account {
        &mut self.output.account
    }

    /// The close frame of this direction.
    pub(crate) const fn close(&self) -> Option<&CloseSeen> {
        self.output.close.as_ref()
    }

    /// The memory that is allocated besides this value, in bytes.
    #[inline]
    pub(crate) fn bytes_held(&self) -> usize {
        let tested = self.test.as_ref().map_or(0, |test| size_of::<GapTest>() + test.bytes_held());
        tested
            + match &self.state {
                State::Reassembling(reassembler) => {
                    reassembler.bytes_held() - size_of::<Reassembler<Vec<u8>>>()
                }
                State::Searching(search) => size_of::<FrameSearch>() + search.bytes_held(),
            }
    }

    /// Drops the unfinished message, which becomes too big, or the search's segments. `limit` is the
    /// bound of the memory that is the reason, in bytes.
    pub(crate) fn drop_unfinished(&mut self, limit: usize) {
        match &mut self.state {
            State::Reassembling(reassembler) => {
                let (limit, requested) = (limit as u64, reassembler.bytes_held() as u64);
                reassembler.abandon_message(Excess::MessageSize { limit, requested });
            }
            State::Searching(search) => search.gap(),
        }
    }

    /// Gives back the memory of an inflater that is not in use. Returns whether it remains in use.
    pub(crate) fn park(&mut self) -> bool {
        let State::Reassembling(reassembler) = &mut self.state else { return false };
        reassembler.park_inflater();
        reassembler.has_inflater()
    }

    /// Bytes of the current, incomplete frame.
    pub(crate) fn unfinished(&self) -> u64 {
        match &self.state {
            State::Reassembling(reassembler) => reassembler.unfinished(),
            State::Searching(_) => 0,
        }
    }

    /// Takes the next bytes.
    #[inline]
    pub(crate) fn data(&mut self, bytes: &[u8], origin: Origin, sink: &mut impl Sink) {
        self.output.account.bytes += bytes.len() as u64;
        if self.test.is_some() {
            self.test_data(StreamPart::Data(bytes, origin), sink);
        } else if matches!(self.state, State::Reassembling(_)) {
            self.reassemble(bytes, origin, sink);
        } else {
            self.search(StreamPart::Data(bytes, origin), sink);
        }
    }

    /// Takes the next part, whose bytes no tag of TLS confirms.
    #[cold]
    pub(crate) fn unauthenticated(&mut self, part: StreamPart<'_>, sink: &mut impl Sink) {
        self.output.account.bytes += part.length();
        if self.test.is_some() {
            self.test_data(part, sink);
        } else {
            self.read_bytes(part, sink);
        }
    }

    /// Reads bytes that have been counted.
    pub(super) fn read_bytes(&mut self, part: StreamPart<'_>, sink: &mut impl Sink) {
        let Some((bytes, origin)) = part.bytes() else { return };
        let State::Reassembling(reassembler) = &self.state else { return self.search(part, sink) };
        if matches!(part, StreamPart::Unauthenticated(..)) {
            let end = reassembler.bytes_received() + part.length();
            self.output.unauthenticated_until = self.output.base + end;
        }
        self.reassemble(bytes, origin, sink);
    }

    /// Searches bytes that have been counted for frames.
    #[cold]
    fn search(&mut self, part: StreamPart<'_>, sink: &mut impl Sink) {
        let State::Searching(search) = &mut self.state else { return };
        self.output.account.lost += part.length();
        if let Some(found) = search.part(part) {
            self.read_found(found, sink);
        }
    }

    #[inline]
    fn reassemble(&mut self, bytes: &[u8], origin: Origin, sink: &mut impl Sink) {
        let State::Reassembling(reassembler) = &mut self.state else { return };
        if origin.packet > self.output.latest.packet {
            self.output.latest = origin;
        }
        let start = reassembler.bytes_received();
        let origins = Origins { start, current: origin, pending: self.first };
        reassembler.receive_data(bytes, &mut self.output.events(origins, sink));
        if let Some(error) = reassembler.error().copied() {
            if self.output.resynced {
                return self.search_again(sink);
            }
            return self.output.violated(error, origins, sink);
        }
        if reassembler.pending().is_some_and(|pending| pending >= start) {
            self.first = origin;
        }
    }

    /// Searches again: the bytes that were found break a rule, so they are not frames.
    #[cold]
    fn search_again(&mut self, sink: &mut impl Sink) {
        let before = self.output.account.trailing;
        self.finish_reassembler(sink);
        let account = &mut self.output.account;
        account.lost += account.trailing - before;
        account.trailing = before;
        self.state = State::Searching(Box::new(search_of(&self.options, Certainty::Resync)));
    }

    /// Reads frames that a search has found.
    fn read_found(&mut self, found: Found, sink: &mut impl Sink) {
        self.begin_found(&found);
        for part in found.segments {
            self.found_segment(&part, sink);
        }
    }

    /// Begins with frames that a search has found, with a new reassembler. Their segments have to
    /// follow.
    pub(crate) fn begin_found(&mut self, found: &Found) {
        let output = &mut self.output;
        let bytes: u64 = found.segments.iter().map(|part| part.data_length() as u64).sum();
        output.account.lost -= bytes;
        output.resynced = true;
        output.base = output.account.bytes - bytes;
        self.state = State::Reassembling(reassembler(&self.options, false));
    }

    /// Takes a segment of frames that a search has found.
    pub(crate) fn found_segment(&mut self, part: &OwnedPart, sink: &mut impl Sink) {
        match &self.state {
            State::Reassembling(_) => self.read_bytes(part.as_part(), sink),
            // An earlier segment broke a rule.
            State::Searching(_) => self.output.account.lost += part.data_length() as u64,
        }
    }

    /// Ends the current reassembler and adds its counters to the account.
    pub(super) fn finish_reassembler(&mut self, sink: &mut impl Sink) {
        let State::Reassembling(reassembler) = &mut self.state else { return };
        reassembler.finish(&mut self.output.events(Origins::pending(self.first), sink));
        let account = &mut self.output.account;
        account.control += reassembler.control_bytes();
        account.skipped += reassembler.bytes_skipped();
        account.tolerated.add(reassembler.tolerated());
        if reassembler.is_lost() {
            account.lost += reassembler.bytes_discarded();
        } else {
            account.trailing += reassembler.bytes_discarded();
        }
    }

    /// Ends the direction and completes its account.
    pub(crate) fn finish(&mut self, sink: &mut impl Sink) {
        if let Some(test) = &self.test {
            self.end_test(test.at_end(), sink);
        }
        if let State::Searching(search) = &mut self.state
            && let Some(found) = search.take_found()
        {
            self.read_found(found, sink);
        }
        self.finish_reassembler(sink);
        if let State::Reassembling(reassembler) = &mut self.state {
            reassembler.drop_inflater();
        }
        let lost = self.output.account.lost;
        self.output.gap_costs.finish(lost, sink);
        debug_assert!(self.account().is_balanced(), "{:?}", self.account());
    }
}

fn reassembler(options: &DirectionOptions, from_the_start: bool) -> Reassembler<Vec<u8>> {
    let passive = Passive { contents: options.contents, from_the_start };
    let reassembler = Reassembler::passive(options.settings, passive);
    reassembler.with_inflaters(options.inflaters.clone())
}

pub(super) fn search_of(options: &DirectionOptions, certainty: Certainty) -> FrameSearch {
    let settings = &options.settings;
    let sender = if settings.from_client { Sender::Client } else { Sender::Server };
    let max_frame = settings.limits.max_frame_size.unwrap_or(u64::MAX);
    FrameSearch::new(sender, settings.deflate.is_some(), max_frame)
        .with_foreign_extension(settings.foreign_extension)
        .with_certainty(certainty)
}
