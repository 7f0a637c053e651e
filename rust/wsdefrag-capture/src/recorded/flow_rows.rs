//! The messages and events of a flow of mitmproxy, read one by one from its bytes.
//!
//! `archive/flow.rs` writes flows, and documents our metadata.

#![expect(clippy::disallowed_methods, reason = "copies of parts of a flow that is in memory")]

use std::ops::Range;

use wsdefrag_core::Opcode;
use wsdefrag_core::text::is_valid;

use crate::message::Status;
use crate::recorded::entry::{EventValues, Item, Recorded, status_of};
use crate::recorded::netstring::{Items, Value, find};

/// The messages and events of a flow, which are not parsed yet: ranges of its bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct FlowRows {
    pub(super) messages: Range<usize>,
    not_whole: Range<usize>,
    events: Range<usize>,
    /// Messages of the flow that were given out.
    whole: u64,
    /// Messages of the client and the server that were given out.
    counts: [u64; 2],
}

impl FlowRows {
    /// Those of the metadata, from these lists; the list of messages follows.
    pub(super) fn of_metadata(not_whole: Range<usize>, events: Range<usize>) -> Self {
        Self { not_whole, events, ..Self::default() }
    }

    /// The next message or event. `bytes` are those of the flow.
    pub(super) fn next<'a>(
        &mut self,
        bytes: &'a [u8],
        connection: u64,
        file: u32,
    ) -> Option<Item<'a>> {
        if let Some(item) = self.next_event(bytes, connection, file) {
            return Some(item);
        }
        let (message, is_whole) = match peek(bytes, &self.not_whole) {
            Some((value, rest)) if before(value) <= self.whole || self.messages.is_empty() => {
                self.not_whole.start = rest;
                (not_whole(value), false)
            }
            _ => {
                let (value, rest) = peek(bytes, &self.messages)?;
                self.messages.start = rest;
                (state(value), true)
            }
        };
        let Some(message) = message else {
            return Some(Item::Problem("a message of the flow cannot be read".to_owned()));
        };
        self.whole += u64::from(is_whole);
        self.counts[usize::from(!message.from_client)] += 1;
        Some(Item::Message(message))
    }

    /// The next event, if it comes before the next message.
    fn next_event<'a>(&mut self, bytes: &'a [u8], connection: u64, file: u32) -> Option<Item<'a>> {
        let (value, rest) = peek(bytes, &self.events)?;
        let values = event(value);
        let is_due = values.numbers[1] <= self.counts[usize::from(!values.from_client)];
        let is_last = self.messages.is_empty() && self.not_whole.is_empty();
        if before(value) > self.whole || !is_due && !is_last {
            return None;
        }
        self.events.start = rest;
        Some(values.item(connection, file))
    }
}

/// The first value of a range of a list, and where the next one starts. Nothing can be read after bytes
/// that are no value.
fn peek<'a>(bytes: &'a [u8], range: &Range<usize>) -> Option<(Value<'a>, usize)> {
    let mut items = Items(bytes.get(range.clone())?);
    let value = items.next()?;
    Some((value, range.end - items.0.len()))
}

/// How many messages of the flow come before a message or an event of the metadata.
fn before(value: Value<'_>) -> u64 {
    let number = value.dict().and_then(|pairs| find(&pairs, b"before"));
    number.and_then(Value::integer).unwrap_or(0)
}

/// A message of a state.
fn state(value: Value<'_>) -> Option<Recorded<'_>> {
    let mut items = value.list()?;
    let opcode = match items.next()?.integer::<u8>()? {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        _ => return None,
    };
    let from_client = items.next()?.boolean()?;
    let content = items.next()?.bytes()?;
    let time = items.next()?.time()?;
    let mut flag = || items.next().and_then(Value::boolean).unwrap_or(false);
    let is_whole = opcode != Opcode::Text || is_valid(content);
    Some(Recorded {
        from_client,
        opcode,
        content: content.into(),
        time,
        dropped: flag(),
        injected: flag(),
        status: if is_whole { Status::Ok } else { Status::InvalidUtf8 },
        missing_bytes: 0,
        resynced: false,
        unauthenticated: false,
    })
}

/// A message of the metadata.
fn not_whole(value: Value<'_>) -> Option<Recorded<'_>> {
    let pairs = value.dict()?;
    let mut message = state(find(&pairs, b"state")?)?;
    message.status = status_of(find(&pairs, b"status")?.text()?)?;
    message.missing_bytes = find(&pairs, b"missing_bytes")?.integer()?;
    Some(message)
}

/// An event of the metadata.
fn event(value: Value<'_>) -> EventValues {
    let mut values = EventValues::default();
    for (key, value) in value.dict().into_iter().flatten() {
        let Ok(key) = std::str::from_utf8(key) else { continue };
        let text = || value.text().unwrap_or_default().to_owned();
        if let Some(at) = EventValues::NUMBERS.iter().position(|name| *name == key) {
            values.numbers[at] = value.integer().unwrap_or_default();
        } else if let Some(at) = EventValues::COST.iter().position(|name| *name == key) {
            values.cost[at] = value.integer().unwrap_or_default();
        }
        match key {
            "kind" => values.kind = text(),
            "from_client" => values.from_client = value.boolean() == Some(true),
            "first_timestamp_ns" => values.times[0] = value.integer(),
            "timestamp_ns" => values.times[1] = value.integer(),
            "first_packet" => values.packets[0] = value.integer().unwrap_or_default(),
            "last_packet" => values.packets[1] = value.integer().unwrap_or_default(),
            "resynced" => values.resynced = value.boolean() == Some(true),
            "payload" => values.payload = value.bytes().unwrap_or_default().to_vec(),
            "close_code" => values.close_code = value.integer(),
            "close_reason" => values.close_reason = text(),
            "effect" => values.effect = text(),
            "error" => values.error = text(),
            _ => {}
        }
    }
    values
}
