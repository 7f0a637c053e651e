//! What an entry tells: a connection, and its messages in order.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "copies of parts of an entry that is in memory"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;

use wsdefrag_core::Opcode;

use crate::connection::{Connection, MAX_PROBLEMS};
use crate::event::{CaptureEvent, Detail, GapCost, GapEffect};
use crate::message::{Message, Status};
use crate::packet::Origin;

/// A message of an entry.
#[expect(clippy::struct_excessive_bools, reason = "values of a message")]
#[derive(Clone, Debug)]
pub(super) struct Recorded<'a> {
    pub(super) from_client: bool,
    pub(super) opcode: Opcode,
    pub(super) content: std::borrow::Cow<'a, [u8]>,
    /// In nanoseconds since the epoch.
    pub(super) time: i64,
    pub(super) dropped: bool,
    pub(super) injected: bool,
    pub(super) status: Status,
    pub(super) missing_bytes: u64,
    pub(super) resynced: bool,
    pub(super) unauthenticated: bool,
}

/// The status with this name.
pub(super) fn status_of(name: &str) -> Option<Status> {
    Status::ALL.into_iter().find(|status| status.name() == name)
}

/// The address of a host and a port. A host that is no IP address is the unspecified one.
pub(super) fn endpoint(host: &str, port: u16) -> SocketAddr {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    SocketAddr::new(host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), port)
}

/// Notes what went wrong.
pub(super) fn problem(connection: &mut Connection, text: &str) {
    if connection.problems.len() < MAX_PROBLEMS {
        connection.problems.push(text.to_owned());
    }
}

impl Recorded<'_> {
    /// The row of the message. `seq` is its number in its direction.
    pub(super) fn row(self, connection: u64, seq: u64, file: u32, has_content: bool) -> Message {
        Message {
            connection,
            seq,
            from_client: self.from_client,
            opcode: self.opcode,
            content: if has_content { self.content.into_owned() } else { Vec::new() },
            timestamp: self.time,
            first_timestamp: self.time,
            dropped: self.dropped,
            injected: self.injected,
            frames: 0,
            wire_length: 0,
            payload_length: 0,
            compressed: false,
            status: self.status,
            missing_bytes: self.missing_bytes,
            resynced: self.resynced,
            unauthenticated: self.unauthenticated,
            first_packet: 0,
            last_packet: 0,
            file,
        }
    }
}

/// Something of an entry, in order.
#[derive(Clone, Debug)]
pub(super) enum Item<'a> {
    Message(Recorded<'a>),
    Event(CaptureEvent),
    /// A sentence about what has no row.
    Problem(String),
}

/// The values of an event of ours, as far as the entry has them.
#[derive(Clone, Debug, Default)]
pub(super) struct EventValues {
    pub(super) kind: String,
    pub(super) from_client: bool,
    /// `event`, `seq`, `offset`, `length` and `missing_bytes`.
    pub(super) numbers: [u64; 5],
    /// The times and packets of the first and the last packet.
    pub(super) times: [Option<i64>; 2],
    pub(super) packets: [u64; 2],
    pub(super) resynced: bool,
    pub(super) payload: Vec<u8>,
    pub(super) close_code: Option<u16>,
    pub(super) close_reason: String,
    pub(super) effect: String,
    /// `incomplete`, `undecodable` and `lost`.
    pub(super) cost: [u64; 3],
    pub(super) error: String,
}

impl EventValues {
    /// The names of `numbers`.
    pub(super) const NUMBERS: [&'static str; 5] =
        ["event", "seq", "offset", "length", "missing_bytes"];

    /// The names of `cost`.
    pub(super) const COST: [&'static str; 3] = ["incomplete", "undecodable", "lost"];

    /// The event. What broke a rule is no row, because only the sentence is known.
    pub(super) fn item<'a>(self, connection: u64, file: u32) -> Item<'a> {
        let detail = match self.kind.as_str() {
            "ping" => Detail::Ping(self.payload),
            "pong" => Detail::Pong(self.payload),
            "close" => Detail::Close {
                payload: self.payload,
                code: self.close_code,
                reason: self.close_reason,
            },
            "gap" => {
                let known = GapEffect::ALL.into_iter().find(|one| one.name() == self.effect);
                let [incomplete, undecodable, lost] = self.cost;
                let effect = known.unwrap_or(GapEffect::Nothing);
                Detail::Gap(GapCost { effect, incomplete, undecodable, lost, is_final: true })
            }
            _ => {
                let side = if self.from_client { "client" } else { "server" };
                return Item::Problem(format!("{} from the {side}: {}", self.kind, self.error));
            }
        };
        let origin =
            |at: usize| self.times[at].map(|time| Origin { packet: self.packets[at], time, file });
        let [event, seq, offset, length, missing_bytes] = self.numbers;
        Item::Event(CaptureEvent {
            connection,
            from_client: self.from_client,
            event,
            seq,
            offset,
            length,
            missing_bytes,
            first: origin(0),
            last: origin(1),
            resynced: self.resynced,
            detail,
        })
    }
}

/// Where the bytes of `part` are in `whole`, which contains them.
pub(super) fn range_of(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
    let start = start.min(whole.len());
    start..(start + part.len()).min(whole.len())
}
