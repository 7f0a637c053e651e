//! The values of a message in an entry, from the capture or from an object that a caller holds.

#![expect(clippy::struct_excessive_bools, reason = "values of a message")]

use wsdefrag_core::{Opcode, OutOfMemory};

use crate::lines::json::seconds;
use crate::message::{Message, Status};

/// The values of a message.
#[derive(Clone, Copy, Debug)]
pub struct MessageEntry<'a> {
    /// Text or binary; a continuation if the first frame was not captured.
    pub opcode: Opcode,
    /// Whether the client sent it.
    pub from_client: bool,
    /// The decoded payload, as far as it is known.
    pub content: &'a [u8],
    /// When it was complete.
    pub time: Time,
    /// Whether a relay dropped it.
    pub dropped: bool,
    /// Whether a relay injected it.
    pub injected: bool,
    /// How complete it is.
    pub status: Status,
    /// Payload bytes that were not captured.
    pub missing_bytes: u64,
    /// Whether its frames were found by a search.
    pub resynced: bool,
    /// Whether it may have bytes of TLS records that were captured in part.
    pub unauthenticated: bool,
}

/// A time since the epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Time {
    /// In nanoseconds.
    Nanoseconds(i64),
    /// In seconds, as a live connection records it.
    Seconds(f64),
}

impl Time {
    /// A captured time, never zero.
    pub(super) const fn moment(nanoseconds: i64) -> Self {
        Self::Nanoseconds(nanoseconds).or_least()
    }

    /// Appends it as a number of seconds, as JSON and Python read it. A captured time is exact; where it
    /// is read as a float, that is the nearest one.
    pub(super) fn write(self, out: &mut Vec<u8>) -> Result<(), OutOfMemory> {
        match self {
            Self::Nanoseconds(time) => seconds(out, time),
            Self::Seconds(time) => {
                // A float has at most 24 characters in this form.
                out.try_reserve(32)?;
                let _ = std::io::Write::write_fmt(out, format_args!("{time:?}"));
                Ok(())
            }
        }
    }

    /// The same, but never zero: mitmproxy takes that as "no time".
    pub(super) const fn or_least(self) -> Self {
        match self {
            Self::Nanoseconds(0) => Self::Nanoseconds(1),
            Self::Seconds(0.0) => Self::Seconds(1e-9),
            time => time,
        }
    }
}

impl<'a> MessageEntry<'a> {
    /// The values of a message of a capture.
    #[must_use]
    pub fn of(message: &'a Message) -> Self {
        Self {
            opcode: message.opcode,
            from_client: message.from_client,
            content: &message.content,
            time: Time::Nanoseconds(message.timestamp),
            dropped: message.dropped,
            injected: message.injected,
            status: message.status,
            missing_bytes: message.missing_bytes,
            resynced: message.resynced,
            unauthenticated: message.unauthenticated,
        }
    }
}
