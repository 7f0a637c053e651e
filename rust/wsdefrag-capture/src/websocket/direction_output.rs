//! Turns the events of a reassembler into messages of a capture, and counts them.
//!
//! A message gets the connection's number, its own number in the direction, and the packets with
//! its first and its last byte. Whole messages count as emitted, others as skipped.

use wsdefrag_core::{Damage, Event, Extent, Kind, Opcode, VecMemory};

use crate::account::Account;
use crate::connection::CloseSeen;
use crate::message::{Message, Status};
use crate::packet::Origin;
use crate::sink::Sink;

/// What one direction has given out, and what its next message needs.
#[derive(Default)]
pub(super) struct DirectionOutput {
    connection: u64,
    from_client: bool,
    /// The number of the next message.
    seq: u64,
    /// Whether the frames were found by a search.
    pub(super) resynced: bool,
    /// The packet with the highest number so far. A message is complete only when this packet has
    /// been captured, because its segment may have been held for an earlier one.
    pub(super) latest: Origin,
    pub(super) account: Account,
    /// The first close frame.
    pub(super) close: Option<CloseSeen>,
}

/// The packets that the offsets of a reassembler belong to.
#[derive(Clone, Copy)]
pub(super) struct Origins {
    /// The offset of the current segment's first byte.
    pub(super) start: u64,
    /// The packet of the current segment.
    pub(super) current: Origin,
    /// The packet of what began before the current segment.
    pub(super) pending: Origin,
}

impl Origins {
    /// Without a current segment: everything began before.
    pub(super) const fn pending(pending: Origin) -> Self {
        Self { start: u64::MAX, current: pending, pending }
    }

    const fn of(&self, offset: u64) -> Origin {
        if offset >= self.start { self.current } else { self.pending }
    }
}

impl DirectionOutput {
    pub(super) fn new(connection: u64, from_client: bool) -> Self {
        Self { connection, from_client, ..Self::default() }
    }

    /// A sink for the events of a reassembler. Messages go on to `sink`.
    pub(super) const fn events<'a, S>(
        &'a mut self,
        origins: Origins,
        sink: &'a mut S,
    ) -> EventSink<'a, S> {
        EventSink { memory: VecMemory, output: self, origins, sink }
    }
}

/// Takes the events of a reassembler.
pub(super) struct EventSink<'a, S> {
    memory: VecMemory,
    output: &'a mut DirectionOutput,
    origins: Origins,
    sink: &'a mut S,
}

impl<S: Sink> EventSink<'_, S> {
    #[inline]
    fn message(
        &mut self,
        offset: u64,
        opcode: Opcode,
        content: Vec<u8>,
        extent: &Extent,
        (status, missing): (Status, u64),
    ) {
        let first = self.origins.of(offset);
        let DirectionOutput { account, latest, seq, .. } = &mut *self.output;
        match status {
            Status::Ok | Status::Undecodable | Status::InvalidUtf8 => {
                account.emitted += extent.wire_length;
            }
            Status::Incomplete | Status::TooBig | Status::ProtocolError => {
                account.skipped += extent.wire_length;
            }
        }
        account.messages += 1;
        account.content += content.len() as u64;
        if extent.compressed && matches!(status, Status::Ok | Status::InvalidUtf8) {
            account.compressed += extent.payload_length;
            account.inflated += content.len() as u64;
        }
        let (timestamp, last_packet) = (latest.time, latest.packet);
        let this = *seq;
        *seq += 1;
        self.sink.message(Message {
            connection: self.output.connection,
            seq: this,
            from_client: self.output.from_client,
            opcode,
            content,
            timestamp,
            first_timestamp: first.time,
            frames: u32::try_from(extent.frames).unwrap_or(u32::MAX),
            wire_length: extent.wire_length,
            payload_length: extent.payload_length,
            compressed: extent.compressed,
            status,
            missing_bytes: missing,
            resynced: self.output.resynced,
            first_packet: first.packet,
            last_packet,
        });
    }

    fn closed(&mut self, code: Option<u16>, reason: &str) {
        let DirectionOutput { from_client, latest, close, .. } = &mut *self.output;
        let (from_client, Origin { packet, time, .. }) = (*from_client, *latest);
        let reason = reason.to_owned();
        close.get_or_insert(CloseSeen { from_client, code, reason, time, packet });
    }
}

impl<S: Sink> wsdefrag_core::Sink for EventSink<'_, S> {
    type Memory = VecMemory;

    #[inline]
    fn memory(&mut self) -> &mut VecMemory {
        &mut self.memory
    }

    #[inline]
    fn event(&mut self, offset: u64, event: Event<'_, Vec<u8>>) {
        match event {
            Event::Message { opcode, content, extent } => {
                self.message(offset, opcode, content, &extent, (Status::Ok, 0));
            }
            Event::Damaged { opcode, content, extent, damage, missing } => {
                if opcode.is_control() {
                    self.output.account.skipped += extent.wire_length;
                    if opcode == Opcode::Close {
                        self.closed(None, "");
                    }
                    return;
                }
                self.message(offset, opcode, content, &extent, (status(damage), missing));
            }
            Event::Opaque { opcode, content, rsv, extent } => {
                self.output.account.foreign_bits |= rsv;
                self.message(offset, opcode, content, &extent, (Status::Undecodable, 0));
            }
            Event::Ping(_) | Event::Pong(_) => self.output.account.pings += 1,
            Event::Close(close) => self.closed(Some(close.code), close.reason),
        }
    }
}

/// The status of a message with this damage.
const fn status(damage: Damage) -> Status {
    match damage {
        Damage::Missing => Status::Incomplete,
        Damage::Undecodable => Status::Undecodable,
        Damage::Fault(Kind::Limit(_)) => Status::TooBig,
        Damage::Fault(Kind::InvalidUtf8) => Status::InvalidUtf8,
        Damage::Fault(_) => Status::ProtocolError,
    }
}
