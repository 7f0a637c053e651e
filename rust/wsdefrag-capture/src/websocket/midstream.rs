//! A connection that was captured from the middle on: both directions are searched for frames, and
//! their evidence together decides whether it is a WebSocket.
//!
//! ```text
//! one side masks, the other does not    for it
//! a pong has the payload of a ping      for it
//! both sides mask, or neither does      against it
//! the other side sends no frames        against it, above all for frames without masks
//! ports of another protocol             against it
//! ```
//!
//! Until then the bytes of each direction are counted.
//!
//! - `account.bytes == account.lost`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_GAPS`")]

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::account::Account;
use crate::stream_part::{Gap, StreamPart};
use crate::websocket::candidate::Candidate;
use crate::websocket::evidence::{THRESHOLD, Weight};
use crate::websocket::frame_search::{FrameSearch, Sender};
use crate::websocket::well_known_ports;
use serde::{Deserialize, Serialize};

/// One side masks, and the other does not.
const OPPOSITE: Weight = 60;
/// Both sides mask, or neither does.
const ALIKE: Weight = -120;
/// A pong has the payload of a ping: a weight for each byte, one more for the empty payload, and the
/// limit.
const ECHO: (Weight, Weight) = (20, 120);
/// The other side has sent segments, none of them a frame: frames with masks prove more by themselves.
const SILENT: (Weight, Weight) = (-50, -100);
/// Gaps that are remembered while no frame has been found.
const MAX_GAPS: usize = 64;

/// A direction in which no frame has been found.
#[derive(Serialize, Deserialize)]
pub(crate) struct SearchedDirection {
    pub(crate) search: FrameSearch,
    pub(crate) account: Account,
    /// The newest gaps, at most [`MAX_GAPS`], and their positions in the stream.
    pub(crate) gaps: VecDeque<(u64, Gap)>,
}

/// A connection in which no frame has been found. Arrays have one entry per endpoint.
#[derive(Serialize, Deserialize)]
pub(crate) struct Midstream {
    pub(crate) directions: [SearchedDirection; 2],
    /// The weight of the ports.
    ports: Weight,
}

impl Midstream {
    /// A connection between two endpoints, with the sender of each direction.
    pub(crate) fn new(endpoints: [SocketAddr; 2], senders: [Sender; 2], max_frame: u64) -> Self {
        let direction = |sender: Sender| {
            // RSV1 may be set: nothing is known of the extensions.
            let search = FrameSearch::new(sender, true, max_frame);
            SearchedDirection { search, account: Account::default(), gaps: VecDeque::new() }
        };
        let ports = well_known_ports::weight(endpoints.map(|endpoint| endpoint.port()));
        Self { directions: senders.map(direction), ports }
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        let directions = self.directions.iter().map(|direction| {
            let gaps = direction.gaps.capacity() * size_of::<(u64, Gap)>();
            direction.search.bytes_held() + gaps
        });
        size_of::<Self>() + directions.sum::<usize>()
    }

    /// Takes a part of the sender's stream. Returns who the client is, if this proves a WebSocket.
    pub(crate) fn part(&mut self, sender: usize, part: StreamPart<'_>) -> Option<usize> {
        self.directions[sender].part(part);
        let [direction, other] = [&self.directions[sender], &self.directions[1 - sender]];
        // Without frames here, the evidence has not grown.
        let candidate = direction.search.candidate()?;
        let client = if candidate.is_of_client() { sender } else { 1 - sender };
        let weight = direction.search.weight() + self.ports + agreement(candidate, other);
        (weight >= THRESHOLD).then_some(client)
    }
}

/// The weight of what the other direction says about a candidate.
fn agreement(candidate: &Candidate, other: &SearchedDirection) -> Weight {
    let Some(others) = other.search.candidate().filter(|others| others.is_likely()) else {
        let has_sent = other.account.bytes > other.account.missing;
        let silent = if candidate.is_of_client() { SILENT.0 } else { SILENT.1 };
        return if has_sent { silent } else { 0 };
    };
    if candidate.is_of_client() == others.is_of_client() {
        return ALIKE;
    }
    let echo = candidate.longest_echo(others).map_or(0, |length| {
        let bytes = Weight::try_from(length).unwrap_or(Weight::MAX);
        bytes.saturating_add(1).saturating_mul(ECHO.0).min(ECHO.1)
    });
    OPPOSITE + echo + other.search.weight()
}

impl SearchedDirection {
    fn part(&mut self, part: StreamPart<'_>) {
        let account = &mut self.account;
        account.bytes += part.length();
        account.lost += part.length();
        if let StreamPart::Gap(gap) = part {
            account.gaps += 1;
            account.missing += gap.length;
            if self.gaps.len() == MAX_GAPS {
                self.gaps.pop_front();
            }
            self.gaps.push_back((account.bytes - gap.length, gap));
        }
        let found = self.search.part(part);
        debug_assert!(found.is_none(), "nothing is confirmed by one direction alone");
    }
}
