//! Turns the events of a reassembler into messages and events of a capture, and counts them.
//!
//! A message gets the connection's number, its own number in the direction, and the packets with
//! its first and its last byte. Whole messages count as emitted, others as skipped. An event gets the
//! number of the next message, which is its place.

#![expect(clippy::disallowed_methods, reason = "payloads of control frames, at most 125 bytes")]

use serde::{Deserialize, Serialize};
use wsdefrag_core::deflate::inflater::{Progress, Stream};
use wsdefrag_core::frame::close::{Close, NO_STATUS_RECEIVED};
use wsdefrag_core::{
    Damage, Error, Event, Extent, Kind, Mask, Memory, Opcode, OutOfMemory, VecMemory,
};

use crate::account::Account;
use crate::connection::CloseSeen;
use crate::event::{CaptureEvent, Detail};
use crate::message::{Message, Status};
use crate::packet::Origin;
use crate::sink::Sink;
use crate::stream_part::Gap;
use crate::websocket::gap_costs::GapCosts;

/// What one direction has given out, and what its next message needs.
#[derive(Default, Serialize, Deserialize)]
// Fields in the order of their use: those of every packet share cache lines.
#[repr(C)]
pub(super) struct DirectionOutput {
    /// The packet with the highest number so far. A message is complete only when this packet has
    /// been captured, because its segment may have been held for an earlier one.
    pub(super) latest: Origin,
    /// The position in the stream of the current reassembler's first byte.
    pub(super) base: u64,
    /// The number of the next message.
    seq: u64,
    connection: u64,
    /// The position in the stream up to which bytes have come that no tag of TLS confirms.
    pub(super) unauthenticated_until: u64,
    from_client: bool,
    /// Whether the frames were found by a search.
    pub(super) resynced: bool,
    pub(super) account: Account,
    /// The number of the next event.
    next_event: u64,
    /// The gaps whose cost is not certain yet.
    pub(super) gap_costs: GapCosts,
    /// Messages that may hold such bytes.
    pub(super) unauthenticated: u64,
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

    /// Gives its connection another number.
    pub(super) fn renumber(&mut self, connection: u64) {
        self.connection = connection;
        self.gap_costs.renumber(connection);
    }

    /// The next event: a frame at this position whose payload has `length` bytes, of which `missing`
    /// were not captured.
    fn next_event(
        &mut self,
        [offset, length, missing]: [u64; 3],
        [first, last]: [Option<Origin>; 2],
        detail: Detail,
    ) -> CaptureEvent {
        let event = self.next_event;
        self.next_event += 1;
        CaptureEvent {
            connection: self.connection,
            from_client: self.from_client,
            event,
            seq: self.seq,
            offset: self.base + offset,
            length,
            missing_bytes: missing,
            first,
            last,
            resynced: self.resynced,
            detail,
        }
    }

    /// The event of a gap at this position of the stream.
    pub(super) fn gap(&mut self, position: u64, gap: Gap, detail: Detail) -> CaptureEvent {
        let offset = position - self.base;
        self.next_event([offset, gap.length, gap.length], [gap.before, gap.after], detail)
    }

    /// Notes the broken rule that ended the direction, and gives out its event.
    pub(super) fn violated(&mut self, error: Error, origins: Origins, sink: &mut impl Sink) {
        let (first, last) = (origins.of(error.offset), self.latest);
        let in_stream = Error { offset: self.base + error.offset, ..error };
        if self.account.violation.is_none() {
            self.account.violation = Some(in_stream);
            let detail = Detail::Violation(in_stream);
            let event = self.next_event([error.offset, 0, 0], [Some(first), Some(last)], detail);
            sink.event(event);
        }
    }

    /// A sink for the events of a reassembler. Messages go on to `sink`.
    pub(super) const fn events<'a, S>(
        &'a mut self,
        origins: Origins,
        sink: &'a mut S,
    ) -> EventSink<'a, S> {
        EventSink { output: self, origins, sink }
    }
}

/// Takes the events of a reassembler.
pub(super) struct EventSink<'a, S> {
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
        account.counts.add(opcode, status, content.len() as u64);
        if extent.compressed && matches!(status, Status::Ok | Status::InvalidUtf8) {
            account.compressed += extent.payload_length;
            account.inflated += content.len() as u64;
        }
        let Origin { time: timestamp, packet: last_packet, file } = *latest;
        let this = *seq;
        *seq += 1;
        if status == Status::Undecodable {
            self.output.gap_costs.undecodable();
        }
        let unauthenticated = self.output.base + offset < self.output.unauthenticated_until;
        if unauthenticated {
            self.output.unauthenticated += 1;
        }
        self.sink.message(Message {
            connection: self.output.connection,
            seq: this,
            from_client: self.output.from_client,
            opcode,
            content,
            timestamp,
            first_timestamp: first.time,
            dropped: false,
            injected: false,
            frames: u32::try_from(extent.frames).unwrap_or(u32::MAX),
            wire_length: extent.wire_length,
            payload_length: extent.payload_length,
            compressed: extent.compressed,
            status,
            missing_bytes: missing,
            resynced: self.output.resynced,
            unauthenticated,
            first_packet: first.packet,
            last_packet,
            file,
        });
    }

    fn closed(&mut self, code: Option<u16>, reason: &str) {
        let DirectionOutput { from_client, latest, close, .. } = &mut *self.output;
        let (from_client, Origin { packet, time, .. }) = (*from_client, *latest);
        let reason = reason.to_owned();
        close.get_or_insert(CloseSeen { from_client, code, reason, time, packet });
    }

    /// Gives out a control frame, whose payload has `length` bytes, `missing` of them not captured.
    #[cold]
    fn control(&mut self, offset: u64, [length, missing]: [u64; 2], detail: Detail) {
        let packets = [Some(self.origins.of(offset)), Some(self.output.latest)];
        let event = self.output.next_event([offset, length, missing], packets, detail);
        self.sink.event(event);
    }

    /// Gives out a control frame that is complete.
    fn whole_control(&mut self, offset: u64, detail: Detail) {
        let length = detail.payload().map_or(0, <[u8]>::len) as u64;
        self.control(offset, [length, 0], detail);
    }
}

impl<S: Sink> wsdefrag_core::Sink for EventSink<'_, S> {
    type Memory = Self;

    #[inline]
    fn memory(&mut self) -> &mut Self {
        self
    }

    #[inline]
    fn event(&mut self, offset: u64, event: Event<'_, Vec<u8>>) -> Result<(), OutOfMemory> {
        match event {
            Event::Message { opcode, content, extent } => {
                self.message(offset, opcode, content, &extent, (Status::Ok, 0));
            }
            Event::Damaged { opcode, content, extent, damage, missing } => {
                if opcode.is_control() {
                    self.output.account.skipped += extent.wire_length;
                    let detail = match opcode {
                        Opcode::Ping => Detail::Ping(content),
                        Opcode::Pong => Detail::Pong(content),
                        _ => {
                            self.closed(None, "");
                            Detail::Close { payload: content, code: None, reason: String::new() }
                        }
                    };
                    self.control(offset, [extent.payload_length, missing], detail);
                    return Ok(());
                }
                self.message(offset, opcode, content, &extent, (status(damage), missing));
            }
            Event::Opaque { opcode, content, rsv, extent } => {
                self.output.account.foreign_bits |= rsv;
                self.message(offset, opcode, content, &extent, (Status::Undecodable, 0));
            }
            // A passive direction collects all messages.
            Event::Uncollected { .. } => {}
            Event::Ping(payload) => {
                self.output.account.pings += 1;
                self.whole_control(offset, Detail::Ping(payload.to_vec()));
            }
            Event::Pong(payload) => {
                self.output.account.pings += 1;
                self.whole_control(offset, Detail::Pong(payload.to_vec()));
            }
            Event::Close(close) => {
                self.closed(Some(close.code), close.reason);
                let detail = Detail::Close {
                    payload: close_payload(close),
                    code: Some(close.code),
                    reason: close.reason.to_owned(),
                };
                self.whole_control(offset, detail);
            }
        }
        Ok(())
    }
}

/// Bytes of a buffer that are not needed at most, besides as many as are needed, where it is used again
/// for an unfinished message.
const MOST_UNUSED: usize = 1 << 10;

/// The memory of vectors. A message gets a buffer that the receiver has used before, if there is one; an
/// unfinished one, which is held, only one that is not much too large.
impl<S: Sink> Memory for EventSink<'_, S> {
    type Content = Vec<u8>;

    #[inline]
    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(Vec<u8>, u8), OutOfMemory> {
        let mut content = self.sink.spare();
        // What is left of the former content is overwritten.
        content.truncate(wire.len());
        content.try_reserve_exact(wire.len() - content.len())?;
        content.resize(wire.len(), 0);
        let any = mask.unmask(wire, &mut content[..]);
        Ok((content, any))
    }

    #[inline]
    fn allocate(&mut self, capacity: usize) -> Result<Vec<u8>, OutOfMemory> {
        let mut spare = self.sink.spare();
        if (capacity..=2 * capacity + MOST_UNUSED).contains(&spare.capacity()) {
            spare.clear();
            return Ok(spare);
        }
        VecMemory.allocate(capacity)
    }

    fn grow(&mut self, content: &mut Vec<u8>, capacity: usize) -> Result<(), OutOfMemory> {
        VecMemory.grow(content, capacity)
    }

    #[inline]
    fn unmask(&mut self, content: &mut Vec<u8>, wire: &[u8], mask: Mask) -> u8 {
        VecMemory.unmask(content, wire, mask)
    }

    fn inflate(
        &mut self,
        content: &mut Vec<u8>,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
    ) -> Progress {
        VecMemory.inflate(content, room, stream, input)
    }
}

/// The payload of a close frame (RFC 6455 section 5.5.1).
fn close_payload(close: Close<'_>) -> Vec<u8> {
    // 1005 stands for a payload without a code; it may also be one that is tolerated.
    if close.code == NO_STATUS_RECEIVED && close.reason.is_empty() {
        return Vec::new();
    }
    [&close.code.to_be_bytes(), close.reason.as_bytes()].concat()
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
