//! The figures of a group of connections.

#![expect(clippy::disallowed_methods, reason = "at most one entry for each close code")]
#![expect(clippy::cast_precision_loss, reason = "rates, means, and times in seconds")]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::histogram::Histogram;
use super::waiting::Observed;
use crate::connection::Connection;
use crate::message::{Message, Status};

/// Nanoseconds in a second.
const SECOND: f64 = 1e9;

/// The figures of what one side sent.
#[derive(Clone, Debug, Default)]
struct Side {
    sizes: Histogram,
    content: u64,
    wire: u64,
    compressed: u64,
    /// Bytes of compressed messages on the wire, and after inflation.
    deflated: u64,
    inflated: u64,
    not_whole: u64,
    /// Bytes that were not captured, bytes that were captured too late, and bytes that cannot be
    /// assigned to frames.
    missing: u64,
    late: u64,
    lost: u64,
    retransmissions: u64,
    /// Retransmissions with other bytes.
    overlaps: u64,
}

/// The figures of a group of connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    connections: u64,
    pub(super) reconnects: u64,
    midstream: u64,
    refused: u64,
    /// Connections of flow files and archives, which have no packets.
    recorded: u64,
    gaps: u64,
    /// The first and the last time of a packet.
    times: Option<(i64, i64)>,
    /// The sum of the connections' durations.
    duration: u128,
    sides: [Side; 2],
    closes: BTreeMap<u16, u64>,
    /// Nanoseconds from a ping to its pong.
    round_trips: Histogram,
    /// Nanoseconds from a request to the response with the same id.
    by_id: Histogram,
    /// Nanoseconds from a client's message to the next one of the server, where they take turns.
    by_turns: Histogram,
    /// The longest time without a message or a control frame, and when it began.
    silence: (i64, i64),
}

impl Figures {
    pub(super) fn message(&mut self, message: &Message) {
        let side = &mut self.sides[usize::from(!message.from_client)];
        let length = message.content.len() as u64;
        side.sizes.add(length);
        side.content += length;
        side.wire += message.wire_length;
        if message.compressed && message.status == Status::Ok {
            side.compressed += 1;
            side.deflated += message.payload_length;
            side.inflated += length;
        }
        side.not_whole += u64::from(message.status != Status::Ok);
    }

    pub(super) fn gap(&mut self) {
        self.gaps += 1;
    }

    pub(super) fn observed(&mut self, observed: Observed) {
        let Observed { round_trip, by_id, by_turns, silence } = observed;
        for (histogram, duration) in [
            (&mut self.round_trips, round_trip),
            (&mut self.by_id, by_id),
            (&mut self.by_turns, by_turns),
        ] {
            if let Some(duration) = duration {
                histogram.add(duration);
            }
        }
        self.silence = self.silence.max(silence.unwrap_or_default());
    }

    pub(super) fn ended(&mut self, connection: &Connection) {
        let (first, last) = (connection.first.time, connection.last.time);
        self.connections += 1;
        self.midstream += u64::from(connection.midstream);
        self.refused += u64::from(connection.refused());
        self.recorded += u64::from(connection.last.packet == 0);
        self.duration += u128::from(connection.duration().max(0).unsigned_abs());
        self.times = Some(
            self.times.map_or((first, last), |(start, end)| (start.min(first), end.max(last))),
        );
        for from_client in [true, false] {
            let account = connection.account(from_client);
            let side = &mut self.sides[usize::from(!from_client)];
            side.missing += account.missing;
            side.late += account.late;
            side.lost += account.lost;
            side.retransmissions += account.retransmissions;
            side.overlaps += account.overlaps;
        }
        if let Some(code) = connection.close.as_ref().and_then(|close| close.code) {
            *self.closes.entry(code).or_default() += 1;
        }
    }

    /// All of them, with this name; times in seconds.
    pub(super) fn json(&self, name: &str) -> Value {
        let (first, last) = self.times.unwrap_or_default();
        let span = seconds(last.saturating_sub(first) as f64);
        let duration = |value: f64| json!(seconds(value));
        let closes: Vec<_> = self.closes.iter().collect();
        json!({
            "name": name,
            "connections": self.connections,
            "reconnects": self.reconnects,
            "midstream": self.midstream,
            "refused": self.refused,
            "recorded": self.recorded,
            "first": self.times.map(|(first, _)| seconds(first as f64)),
            "last": self.times.map(|(_, last)| seconds(last as f64)),
            "seconds": span,
            "connected_seconds": seconds(self.duration as f64),
            "gaps": self.gaps,
            "closes": closes,
            "client": self.sides[0].json(span),
            "server": self.sides[1].json(span),
            "ping_round_trip": self.round_trips.figures(duration),
            "latency_by_id": self.by_id.figures(duration),
            "latency_by_turns": self.by_turns.figures(duration),
            "longest_silence": seconds(self.silence.0 as f64),
            "longest_silence_began": (self.silence.0 > 0).then(|| seconds(self.silence.1 as f64)),
        })
    }
}

impl Side {
    fn json(&self, span: f64) -> Value {
        let rate = |amount: u64| if span > 0.0 { json!(amount as f64 / span) } else { Value::Null };
        let sizes = self.sizes.figures(|value| json!(value));
        let messages = sizes["count"].as_u64().unwrap_or(0);
        json!({
            "messages": messages,
            "bytes": self.content,
            "wire_bytes": self.wire,
            "messages_per_second": rate(messages),
            "bytes_per_second": rate(self.content),
            "size": sizes,
            "size_histogram": self.sizes.powers(),
            "compressed": self.compressed,
            "compression_ratio": (self.deflated > 0).then(|| self.inflated as f64 / self.deflated as f64),
            "not_whole": self.not_whole,
            "missing_bytes": self.missing,
            "late_bytes": self.late,
            "lost_bytes": self.lost,
            "retransmissions": self.retransmissions,
            "overlaps": self.overlaps,
        })
    }
}

/// Nanoseconds in seconds.
fn seconds(nanoseconds: f64) -> f64 {
    nanoseconds / SECOND
}
