//! What a pass counts of its rows: messages, losses, violations.
//!
//! Lost: bytes that were not captured, and messages that cannot be read because of that. Violated: a
//! side broke a rule of the protocol, or exceeded a limit. Tolerated: a side broke a rule that is not
//! enforced.

#![expect(
    clippy::disallowed_methods,
    reason = "at most `MAX_VIOLATIONS` texts, and the caller's ranges"
)]

use std::ops::RangeInclusive;

use wsdefrag_core::strictness::Tolerated;

use crate::account::Account;
use crate::connection::Connection;
use crate::event::{CaptureEvent, Detail, GapEffect};
use crate::message::{Message, Status};
use crate::options::Filter;
use crate::sink::Sink;

/// Texts of violations that are kept. More are only counted: a faulty program may break a rule on each
/// connection.
pub const MAX_VIOLATIONS: usize = 8;

/// A broken rule that ended a direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The number of the connection.
    pub connection: u64,
    /// Whether the client broke it.
    pub from_client: bool,
    /// The rule as a sentence.
    pub text: String,
}

/// Counters of the rows of a pass. Those of directions count only the sides that the filter wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The side whose directions are counted; `None` for both.
    side: Option<bool>,
    /// Messages.
    pub messages: u64,
    /// Bytes of their contents.
    pub content: u64,
    /// Messages by status, in the order of [`Status::ALL`].
    pub statuses: [u64; Status::ALL.len()],
    /// Connections that have ended.
    pub connections: u64,
    /// Connections whose handshake was not captured.
    pub midstream: u64,
    /// Directions that are not read to their end because of a gap.
    pub ends: u64,
    /// Bytes that were not captured.
    pub missing: u64,
    /// Bytes that were captured too late to be read.
    pub late: u64,
    /// Bytes that cannot be assigned to frames.
    pub lost: u64,
    /// How often each rule that is switched off was broken.
    pub tolerated: Tolerated,
    /// Directions that a broken rule ended.
    pub violated: u64,
    /// The first [`MAX_VIOLATIONS`] of them.
    pub violations: Vec<Violation>,
    /// Wanted ranges of numbers of which no connection was found.
    pub not_found: Vec<RangeInclusive<u64>>,
}

impl Tally {
    /// Counters of what this filter chooses.
    #[must_use]
    pub fn new(filter: &Filter) -> Self {
        let (side, not_found) = (filter.from_client, filter.connections.clone());
        Self { side, not_found, ..Self::default() }
    }

    /// Counts a message with a content of this length.
    #[inline]
    pub fn message(&mut self, message: &Message, length: usize) {
        self.messages += 1;
        self.content += length as u64;
        self.statuses[message.status as usize] += 1;
    }

    /// Counts a gap in its place.
    pub fn gap(&mut self, gap: &CaptureEvent) {
        if let Detail::Gap(cost) = &gap.detail {
            self.ends += u64::from(cost.effect == GapEffect::End);
        }
    }

    /// Counts a connection that has ended.
    pub fn ended(&mut self, connection: &Connection) {
        let number = connection.connection;
        self.connections += 1;
        self.midstream += u64::from(connection.midstream);
        self.not_found.retain(|wanted| !wanted.contains(&number));
        for from_client in [true, false] {
            if self.side.is_none_or(|side| side == from_client) {
                self.direction(number, from_client, connection.account(from_client));
            }
        }
    }

    fn direction(&mut self, connection: u64, from_client: bool, account: &Account) {
        self.missing += account.missing;
        self.late += account.late;
        self.lost += account.lost;
        self.tolerated.add(&account.tolerated);
        let Some(error) = &account.violation else { return };
        self.violated += 1;
        if self.violations.len() < MAX_VIOLATIONS {
            let text = error.to_string();
            self.violations.push(Violation { connection, from_client, text });
        }
    }
}

/// Counts the rows, and passes them on.
#[derive(Clone, Debug)]
pub struct Counted<S> {
    /// The counters.
    pub tally: Tally,
    /// What receives the rows.
    pub next: S,
}

impl<S: Sink> Sink for Counted<S> {
    fn opened(&mut self, connection: &Connection) {
        self.next.opened(connection);
    }

    #[inline]
    fn message(&mut self, message: Message) {
        self.tally.message(&message, message.content.len());
        self.next.message(message);
    }

    #[inline]
    fn prepared(&mut self, message: Message, length: usize) {
        self.tally.message(&message, length);
        self.next.prepared(message, length);
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        self.next.spare()
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.tally.gap(gap);
        self.next.gap(gap);
    }

    fn event(&mut self, event: CaptureEvent) {
        self.next.event(event);
    }

    fn ended(&mut self, connection: Connection) {
        self.tally.ended(&connection);
        self.next.ended(connection);
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.next.is_full()
    }
}
