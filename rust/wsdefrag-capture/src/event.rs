//! What happened in a direction besides its messages: control frames, gaps, and the broken rule that
//! ended it.
//!
//! An event has its place among the messages of its direction: it comes before the message with the
//! number `seq` is complete, and after all earlier ones. Events of a direction are numbered in this
//! order, so `(uid, from_client, event)` identifies one.
//!
//! What a gap cost may be known only later: messages that cannot be inflated follow until the end of
//! the direction. So a gap is shown twice: in its place, and as a row when its cost is certain (see
//! [`Sink`](crate::sink::Sink)).
//!
//! RFC 6455 section 5.5 (control frames).

use serde::{Deserialize, Serialize};
use wsdefrag_core::Error;

use crate::packet::Origin;

/// A control frame, a gap or a violation: a row of the events table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaptureEvent {
    /// The number of the connection, from 0.
    pub connection: u64,
    /// Whether the client sent it, or what is missing.
    pub from_client: bool,
    /// The number of the event in its direction, from 0.
    pub event: u64,
    /// The number of the message of its direction before whose end it comes.
    pub seq: u64,
    /// The position in the stream of its first byte, counted from the end of the handshake: of the
    /// frame, of the gap, or of the frame that broke a rule.
    pub offset: u64,
    /// Payload bytes of a control frame, captured or not; bytes of a gap; 0 for a violation.
    pub length: u64,
    /// Bytes of `length` that were not captured, or too late to be read.
    pub missing_bytes: u64,
    /// The packet with the frame's first byte; for a gap, the packet with the last byte before it.
    /// `None` if there is no such packet.
    pub first: Option<Origin>,
    /// The packet that completed the frame; for a gap, the packet with the first byte after it.
    /// `None` if there is no such packet.
    pub last: Option<Origin>,
    /// Whether the frames were found by a search.
    pub resynced: bool,
    /// What it is.
    pub detail: Detail,
}

/// What an event is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Detail {
    /// A ping with the captured part of its payload.
    Ping(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A pong with the captured part of its payload.
    Pong(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A close frame.
    Close {
        /// The captured part of its payload.
        #[serde(with = "serde_bytes")]
        payload: Vec<u8>,
        /// The close code; 1005 if the frame had none, `None` if it was not captured whole.
        code: Option<u16>,
        /// The close reason.
        reason: String,
    },
    /// Bytes that were not captured, or too late to be read.
    Gap(GapCost),
    /// The broken rule that ended the direction.
    Violation(Error),
}

impl Detail {
    /// The names of all kinds, in the order of their numbers.
    pub const NAMES: [&'static str; 5] = ["ping", "pong", "close", "gap", "violation"];

    /// The number of the kind: an index into [`NAMES`](Self::NAMES).
    #[must_use]
    pub const fn number(&self) -> usize {
        match self {
            Self::Ping(_) => 0,
            Self::Pong(_) => 1,
            Self::Close { .. } => 2,
            Self::Gap(_) => 3,
            Self::Violation(_) => 4,
        }
    }

    /// The name in columns and JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        Self::NAMES[self.number()]
    }

    /// The captured part of a control frame's payload.
    #[must_use]
    pub fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Ping(payload) | Self::Pong(payload) | Self::Close { payload, .. } => {
                Some(payload)
            }
            Self::Gap(_) | Self::Violation(_) => None,
        }
    }
}

/// What a gap does to the reading of its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GapEffect {
    /// Nothing: its bytes were in a part of the stream that is not read.
    Nothing,
    /// It lies inside a frame whose header was captured. Reading goes on after that frame.
    Frame,
    /// It lies inside a frame of a compressed message. Later compressed messages of the direction
    /// refer to what is missing and cannot be inflated.
    Window,
    /// It hides where the next frame begins. Frames are searched for.
    Search,
    /// It hides where the next frame begins. The rest of the direction is not read.
    End,
}

impl GapEffect {
    /// All values, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Nothing, Self::Frame, Self::Window, Self::Search, Self::End];

    /// The name in columns and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Frame => "frame",
            Self::Window => "window",
            Self::Search => "search",
            Self::End => "end",
        }
    }
}

/// What a gap cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapCost {
    /// What it did to the reading of its direction.
    pub effect: GapEffect,
    /// Messages that are incomplete because of it: 0 or 1. Messages that lie in the gap as a whole
    /// are not known, and not counted.
    pub incomplete: u64,
    /// Messages that cannot be inflated because of it.
    pub undecodable: u64,
    /// Bytes that could not be assigned to frames because of it, those of the gap itself included:
    /// up to where frames were found again, or to the end of the direction.
    pub lost: u64,
    /// Whether `undecodable` and `lost` will not change any more.
    pub is_final: bool,
}

impl GapCost {
    /// The cost of a gap in a part of the stream that is not read.
    pub(crate) const NOTHING: Self =
        Self { effect: GapEffect::Nothing, incomplete: 0, undecodable: 0, lost: 0, is_final: true };
}
