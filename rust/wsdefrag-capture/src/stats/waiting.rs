//! What a connection waits for: pongs, and responses.

#![expect(clippy::disallowed_methods, reason = "at most `MAX_PINGS` and `MAX_REQUESTS`")]

use std::collections::{HashMap, VecDeque};

use crate::event::{CaptureEvent, Detail};
use crate::message::Message;
use crate::selection::json_member_hash;

/// Pings of a connection that wait for their pongs.
const MAX_PINGS: usize = 32;

/// Requests of a connection that wait for their responses.
const MAX_REQUESTS: usize = 1024;

/// Contents that are searched for an id, in bytes.
const MAX_SEARCHED: usize = 1 << 20;

/// What a row tells about times; durations in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Observed {
    /// From a ping to this pong.
    pub(super) round_trip: Option<u64>,
    /// From the request with the same id to this response.
    pub(super) by_id: Option<u64>,
    /// From the client's last message to this first one of the server.
    pub(super) by_turns: Option<u64>,
    /// How long nothing came before it, and since when.
    pub(super) silence: Option<(i64, i64)>,
}

/// What a connection waits for.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Pings: the sender, the payload, the time.
    pings: VecDeque<(bool, Vec<u8>, i64)>,
    /// Requests: a hash of the id, and the time.
    requests: HashMap<u64, i64, foldhash::fast::FixedState>,
    /// The time of the client's last message, if the server has not answered.
    turn: Option<i64>,
    /// The time of the last row.
    last: Option<i64>,
}

impl Waiting {
    /// Takes a message: a request of the client, or a response to one, whose JSON has the same value in the
    /// member with this name.
    pub(super) fn message(&mut self, message: &Message, member: &str) -> Observed {
        let time = message.timestamp;
        let mut observed = Observed { silence: self.heard(time), ..Observed::default() };
        if message.from_client {
            // Of several messages in a row, the last one is what the server answers.
            self.turn = Some(time);
        } else {
            observed.by_turns = self.turn.take().map(|asked| since(asked, time));
        }
        let content = &message.content;
        if content.len() > MAX_SEARCHED {
            return observed;
        }
        let Some(id) = json_member_hash(content, member) else { return observed };
        if message.from_client {
            if self.requests.len() >= MAX_REQUESTS {
                self.requests.clear();
            }
            self.requests.insert(id, time);
        } else {
            observed.by_id = self.requests.remove(&id).map(|asked| since(asked, time));
        }
        observed
    }

    /// Takes a ping, or the pong that answers one (RFC 6455 section 5.5.3).
    pub(super) fn event(&mut self, event: &CaptureEvent) -> Observed {
        let mut observed = Observed::default();
        let Some(time) = event.last.or(event.first).map(|packet| packet.time) else {
            return observed;
        };
        if event.detail.payload().is_some() {
            observed.silence = self.heard(time);
        }
        match &event.detail {
            Detail::Ping(payload) => {
                if self.pings.len() == MAX_PINGS {
                    self.pings.pop_front();
                }
                self.pings.push_back((event.from_client, payload.clone(), time));
            }
            Detail::Pong(payload) => {
                let answers = |(sender, sent, _): &(bool, Vec<u8>, i64)| {
                    *sender != event.from_client && sent == payload
                };
                if let Some(place) = self.pings.iter().position(answers)
                    && let Some((.., asked)) = self.pings.remove(place)
                {
                    observed.round_trip = Some(since(asked, time));
                }
            }
            _ => {}
        }
        observed
    }

    /// Notes that something was heard. Returns how long nothing was, and since when.
    fn heard(&mut self, time: i64) -> Option<(i64, i64)> {
        let last = self.last.replace(time)?;
        Some((time.saturating_sub(last), last))
    }
}

/// Nanoseconds from one time to another; 0 if the clock went back.
fn since(from: i64, to: i64) -> u64 {
    u64::try_from(to.saturating_sub(from)).unwrap_or(0)
}
