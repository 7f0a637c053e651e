//! The streams of an HTTP/2 connection that are WebSockets or may be.
//!
//! Ordinary streams are not kept. The client numbers its streams upwards, so a stream that is not kept
//! is an ordinary one, unless its request may have been in a gap: then its number lies between those
//! of the requests around the gap.
//!
//! RFC 9113 section 5.1, RFC 8441 section 5.
//!
//! - `kept.len() <= MAX_STREAMS`
//! - `held` is the sum of what was counted for the streams

#![expect(clippy::disallowed_methods, reason = "at most `MAX_STREAMS`")]

mod heads;

use std::collections::{BTreeMap, VecDeque};

use crate::http2::event::StreamEvent;
use crate::http2::fields::Wanted;
use crate::http2::request_numbers::RequestNumbers;
use crate::http2::stream::{State, Stream};
use crate::packet::Origin;
use crate::stream_part::{Gap, StreamPart};
use serde::{Deserialize, Serialize};

/// Streams of one connection that are kept. Common servers allow 100 to 250 at a time.
pub(super) const MAX_STREAMS: usize = 4096;
/// Streams of one connection whose beginning was not captured, and which are searched.
const MAX_UNKNOWN: usize = 64;
/// Bytes of a stream that are buffered until it is known what they are.
const MAX_BUFFERED: usize = 64 << 10;
/// Nanoseconds of capture time after a reset in which the other side may not have learnt of it.
const RESET_WAIT: i64 = 2_000_000_000;
/// Streams that wait for that.
const MAX_RESET: usize = 256;

/// The streams of a connection.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Streams {
    kept: BTreeMap<u32, Stream>,
    requests: RequestNumbers,
    unknown: usize,
    /// Streams that were reset, and when.
    reset: VecDeque<(u32, i64)>,
    held: usize,
    /// Streams that were not kept for want of room.
    pub(super) dropped: u64,
}

impl Streams {
    /// The memory that the streams take, in bytes.
    pub(super) const fn bytes_held(&self) -> usize {
        self.held
    }

    /// The highest number of a request.
    pub(super) const fn highest(&self) -> u32 {
        self.requests.highest()
    }

    /// Takes note that requests may have been lost.
    pub(super) fn lose_requests(&mut self) {
        self.requests.lose();
    }

    /// What the fields of a block on a stream are wanted for; those of a pushed request for nothing.
    pub(super) fn wanted(&self, from_client: bool, stream: u32, is_headers: bool) -> Wanted {
        match self.kept.get(&stream) {
            _ if !is_headers => Wanted::Nothing,
            Some(it) if it.is_given_out() => Wanted::Nothing,
            _ if from_client => Wanted::Request,
            Some(_) => Wanted::Response,
            None if stream > self.requests.highest() || self.requests.may_be_lost(stream) => {
                Wanted::Response
            }
            None => Wanted::Nothing,
        }
    }

    /// Takes the next part of a stream's bytes.
    pub(super) fn part(
        &mut self,
        from_client: bool,
        number: u32,
        part: StreamPart<'_>,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        let Some(stream) = self.kept.get_mut(&number) else {
            let Some((_, origin)) = part.bytes() else { return };
            if self.requests.may_be_lost(number) {
                self.begin_unknown(number, origin, out);
                if self.kept.contains_key(&number) {
                    out(number, StreamEvent::Part { from_client, part });
                }
            }
            return;
        };
        if let Some((_, origin)) = part.bytes() {
            stream.last = origin;
        }
        match &stream.state {
            State::Open | State::Unknown => {
                if !stream.ended[usize::from(from_client)] {
                    out(number, StreamEvent::Part { from_client, part });
                }
                return;
            }
            State::Requested(_) if from_client => {}
            State::Answered(_) if !from_client => {}
            // The other heads were not captured.
            State::Requested(_) | State::Answered(_) => {
                self.decide(number, out);
                return self.part(from_client, number, part, out);
            }
        }
        stream.buffered.push(from_client, part);
        let is_too_much = stream.buffered.bytes() > MAX_BUFFERED;
        self.count(number);
        if is_too_much {
            self.decide(number, out);
        }
    }

    /// Takes note that a side ended a stream, or reset it.
    pub(super) fn end(
        &mut self,
        from_client: bool,
        number: u32,
        origin: Origin,
        is_reset: bool,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        let Some(stream) = self.kept.get_mut(&number) else { return };
        stream.last = origin;
        stream.ended[usize::from(from_client)] = true;
        stream.is_reset |= is_reset;
        if is_reset {
            self.decide(number, out);
            self.reset.push_back((number, origin.time));
        }
        self.end_if_over(number, out);
        self.end_reset(origin.time, out);
    }

    /// Ends a stream that both sides have ended.
    fn end_if_over(&mut self, number: u32, out: &mut impl FnMut(u32, StreamEvent<'_>)) {
        if self.kept.get(&number).is_some_and(|it| it.is_given_out() && it.ended == [true; 2]) {
            self.end_now(number, out);
        }
    }

    fn end_now(&mut self, number: u32, out: &mut impl FnMut(u32, StreamEvent<'_>)) {
        let Some(stream) = self.remove(number) else { return };
        self.unknown -= usize::from(matches!(stream.state, State::Unknown));
        out(number, StreamEvent::Ended(stream.end(), stream.last));
    }

    /// Ends streams that one side reset so long before `now` that the other side has learnt of it.
    pub(super) fn end_reset(&mut self, now: i64, out: &mut impl FnMut(u32, StreamEvent<'_>)) {
        while let Some((number, time)) = self.reset.front().copied()
            && (time < now.saturating_sub(RESET_WAIT) || self.reset.len() > MAX_RESET)
        {
            self.reset.pop_front();
            self.end_now(number, out);
        }
    }

    /// Takes a gap after which bytes of any stream of one side may be missing.
    pub(super) fn lose(
        &mut self,
        from_client: bool,
        gap: Gap,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        if from_client {
            self.lose_requests();
        }
        let part = StreamPart::Gap(gap);
        for (number, stream) in &mut self.kept {
            if stream.ended[usize::from(from_client)] {
                continue;
            }
            match stream.state {
                State::Open | State::Unknown => {
                    out(*number, StreamEvent::Part { from_client, part });
                }
                State::Requested(_) if from_client => stream.buffered.push(true, part),
                State::Answered(_) if !from_client => stream.buffered.push(false, part),
                State::Requested(_) | State::Answered(_) => {}
            }
        }
    }

    /// Ends streams that were reset, and decides those of which only one side's heads were captured,
    /// because no more follow.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(u32, StreamEvent<'_>)) {
        self.end_reset(i64::MAX, out);
        let undecided = self.kept.iter().filter(|(_, stream)| !stream.is_given_out());
        for number in undecided.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.decide(number, out);
        }
    }

    /// Takes it that the heads that have not come do not come.
    fn decide(&mut self, number: u32, out: &mut impl FnMut(u32, StreamEvent<'_>)) {
        let Some(stream) = self.kept.get_mut(&number) else { return };
        match &stream.state {
            State::Open | State::Unknown => {}
            State::Answered(heads) if !heads.name_websocket() => {
                let Some(mut stream) = self.remove(number) else { return };
                self.begin_unknown(number, stream.last, out);
                if self.kept.contains_key(&number) {
                    give_out(number, &mut stream, out);
                }
            }
            State::Requested(_) | State::Answered(_) => self.open(number, out),
        }
    }

    /// Gives out a stream as a WebSocket.
    fn open(&mut self, number: u32, out: &mut impl FnMut(u32, StreamEvent<'_>)) {
        let Some(stream) = self.kept.get_mut(&number) else { return };
        let state = std::mem::replace(&mut stream.state, State::Open);
        let (State::Requested(heads) | State::Answered(heads)) = state else { return };
        out(number, StreamEvent::Opened(heads));
        give_out(number, stream, out);
        self.count(number);
        self.end_if_over(number, out);
    }

    /// Gives out a stream whose beginning was not captured.
    fn begin_unknown(
        &mut self,
        number: u32,
        origin: Origin,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        // Streams of the server are no WebSockets, and its pushes have even numbers.
        if self.unknown < MAX_UNKNOWN && number % 2 == 1 && !self.kept.contains_key(&number) {
            self.insert(number, State::Unknown, origin);
            if self.kept.contains_key(&number) {
                self.unknown += 1;
                out(number, StreamEvent::Unknown(origin));
            }
        }
    }

    fn insert(&mut self, number: u32, state: State, origin: Origin) {
        if self.kept.len() < MAX_STREAMS {
            self.kept.insert(number, Stream::new(state, origin));
            self.count(number);
        } else {
            self.dropped += 1;
        }
    }

    fn remove(&mut self, number: u32) -> Option<Stream> {
        let stream = self.kept.remove(&number)?;
        self.held -= stream.counted;
        Some(stream)
    }

    /// Counts the memory of a stream anew.
    fn count(&mut self, number: u32) {
        if let Some(stream) = self.kept.get_mut(&number) {
            let bytes = stream.bytes_held();
            self.held = self.held - stream.counted + bytes;
            stream.counted = bytes;
        }
    }

    /// The undecided stream that takes the most memory, and how many bytes.
    pub(super) fn largest_undecided(&self) -> Option<(u32, usize)> {
        let undecided = self.kept.iter().filter(|(_, stream)| !stream.is_given_out());
        undecided.map(|(number, stream)| (*number, stream.counted)).max_by_key(|(_, bytes)| *bytes)
    }

    /// Drops a stream for want of room.
    pub(super) fn drop_stream(&mut self, number: u32) {
        if self.remove(number).is_some() {
            self.dropped += 1;
        }
    }
}

/// Gives out the parts that a stream buffered.
fn give_out(number: u32, stream: &mut Stream, out: &mut impl FnMut(u32, StreamEvent<'_>)) {
    for buffered in stream.buffered.take() {
        let (from_client, part) = (buffered.from_client, buffered.part.as_part());
        out(number, StreamEvent::Part { from_client, part });
    }
}
