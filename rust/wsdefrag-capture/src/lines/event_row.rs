//! The values of an event's line, from the capture or from an object that a caller holds.

#![expect(clippy::disallowed_methods, reason = "a rule in a sentence")]

use std::borrow::Cow;

use crate::connection_facts::ConnectionFacts;
use crate::event::{CaptureEvent, Detail};

/// The values of an event's line. Those that its kind does not have are `None`.
#[derive(Clone, Debug)]
pub struct EventRow<'a> {
    /// The name of the kind.
    pub kind: &'static str,
    /// The number of the connection.
    pub number: u64,
    /// What is known of the connection.
    pub connection: &'a ConnectionFacts,
    /// Whether the client sent it, or what is missing.
    pub from_client: bool,
    /// The number of the event in its direction.
    pub event: u64,
    /// The number of the message before whose end it comes.
    pub seq: u64,
    /// The position in the stream.
    pub offset: u64,
    /// Payload bytes of a control frame; bytes of a gap.
    pub length: u64,
    /// Bytes of `length` that were not captured.
    pub missing_bytes: u64,
    /// The time of the last packet, in nanoseconds since the epoch.
    pub timestamp: Option<i64>,
    /// The time of the first packet, in nanoseconds since the epoch.
    pub first_timestamp: Option<i64>,
    /// Whether the frames were found by a search.
    pub resynced: bool,
    /// The number of the first packet.
    pub first_packet: Option<u64>,
    /// The number of the last packet.
    pub last_packet: Option<u64>,
    /// The name of the file with this packet.
    pub file: Option<&'a str>,
    /// The captured part of a control frame's payload.
    pub payload: Option<&'a [u8]>,
    /// The close code.
    pub close_code: Option<u16>,
    /// The close reason.
    pub close_reason: Option<&'a str>,
    /// What a gap did to the reading of its direction.
    pub effect: Option<&'static str>,
    /// Messages that are incomplete because of a gap.
    pub incomplete: Option<u64>,
    /// Messages that cannot be inflated, and bytes that were lost because of a gap; `None` until that is
    /// certain.
    pub cost: Option<(u64, u64)>,
    /// The name of the broken rule.
    pub rule: Option<Cow<'a, str>>,
    /// The broken rule as a sentence.
    pub error: Option<Cow<'a, str>>,
}

impl<'a> EventRow<'a> {
    /// The values of an event of a capture.
    #[must_use]
    pub fn of(
        event: &'a CaptureEvent,
        connection: &'a ConnectionFacts,
        file: Option<&'a str>,
    ) -> Self {
        let mut row = Self {
            kind: event.detail.name(),
            number: event.connection,
            connection,
            from_client: event.from_client,
            event: event.event,
            seq: event.seq,
            offset: event.offset,
            length: event.length,
            missing_bytes: event.missing_bytes,
            timestamp: event.last.map(|packet| packet.time),
            first_timestamp: event.first.map(|packet| packet.time),
            resynced: event.resynced,
            first_packet: event.first.map(|packet| packet.packet),
            last_packet: event.last.map(|packet| packet.packet),
            file,
            payload: event.detail.payload(),
            close_code: None,
            close_reason: None,
            effect: None,
            incomplete: None,
            cost: None,
            rule: None,
            error: None,
        };
        match &event.detail {
            Detail::Ping(_) | Detail::Pong(_) => {}
            Detail::Close { code, reason, .. } => {
                row.close_code = *code;
                row.close_reason = Some(reason);
            }
            Detail::Gap(cost) => {
                row.effect = Some(cost.effect.name());
                row.incomplete = Some(cost.incomplete);
                row.cost = cost.is_final.then_some((cost.undecodable, cost.lost));
            }
            Detail::Violation(error) => {
                row.rule = Some(error.kind.name().into());
                row.error = Some(error.to_string().into());
            }
        }
        row
    }

    /// The time of the packet after a gap, or of the packet before it if none follows; of other events,
    /// the time of their last packet.
    #[must_use]
    pub fn time(&self) -> Option<i64> {
        self.timestamp.or(self.first_timestamp)
    }
}
