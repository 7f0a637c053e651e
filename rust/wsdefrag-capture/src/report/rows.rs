//! The rows but for their contents, as columns of numbers.
//!
//! An element has up to [`ROWS`] rows, one column after the other. Each column but the first two
//! consists of numbers in LEB128, seven bits a byte with the least significant ones first. Differences
//! are zigzag numbers: 0, -1, 1, -2 are 0, 1, 2, 3. Most numbers are 0 that way, or one less than the
//! last, which compresses to next to nothing.

#![expect(clippy::disallowed_methods, reason = "columns of at most `ROWS` rows")]

use std::collections::HashMap;

use wsdefrag_core::{Opcode, OutOfMemory};

use crate::event::{CaptureEvent, Detail};
use crate::message::Message;
use crate::report::packer::Packer;

/// Rows of an element but the last; `ROW_BLOCK` in `page/store.js`.
pub(super) const ROWS: usize = 16 << 10;

/// The columns, in the order of `COLUMNS` in `page/store.js`.
#[derive(Clone, Copy)]
enum Column {
    /// A byte: the [kind] and flags.
    Kind,
    /// A byte: the number of the status.
    Status,
    /// The number of the connection, as the difference from the row before.
    Connection,
    /// Nanoseconds since the row before.
    Time,
    /// Nanoseconds from the first packet to that time.
    Lasted,
    /// The number in the direction: how many are left out since the row before of its direction.
    /// Messages and events are counted separately.
    Number,
    /// Bytes of the content in the page.
    Length,
    /// Payload bytes on the wire, as the difference from the content; of an event, its length.
    Payload,
    /// Bytes of the frames on the wire beyond the payload.
    Overhead,
    /// Frames; of an event, the number of the message before whose end it comes.
    Frames,
    /// Bytes that were not captured.
    Missing,
    /// The number of the last packet, as the difference from the row before.
    Packet,
    /// How many packets before that the first one is.
    Packets,
    /// The index of the file, as the difference from the row before.
    File,
}

const COLUMNS: usize = Column::File as usize + 1;

/// What a row is: its number in the lower half of the byte. The upper half has flags.
mod kind {
    pub(super) const CONTINUATION: u8 = 0;
    pub(super) const TEXT: u8 = 1;
    pub(super) const BINARY: u8 = 2;
    /// Events follow, in the order of `Detail::NAMES`.
    pub(super) const EVENT: u8 = 3;
    /// What a gap cost, where that was not certain at its place.
    pub(super) const COST: u8 = 8;
    pub(super) const FROM_CLIENT: u8 = 0x10;
    pub(super) const COMPRESSED: u8 = 0x20;
    pub(super) const RESYNCED: u8 = 0x40;
    pub(super) const UNAUTHENTICATED: u8 = 0x80;
}

/// Collects rows.
pub(super) struct Rows {
    columns: [Vec<u8>; COLUMNS],
    count: u64,
    /// Rows in elements of the page.
    before: u64,
    /// The values of the row before, which differences refer to; 0 at the start of an element.
    last: Last,
    /// The next numbers of open connections: of messages and of events, for each side.
    next: HashMap<u64, [[u64; 2]; 2], foldhash::fast::FixedState>,
}

#[derive(Default)]
struct Last {
    connection: u64,
    time: i64,
    packet: u64,
    file: u32,
}

/// What rows of both kinds have.
struct Row {
    kind: u8,
    status: u8,
    connection: u64,
    from_client: bool,
    first_time: i64,
    time: i64,
    number: u64,
    length: usize,
    payload: u64,
    overhead: u64,
    frames: u64,
    missing: u64,
    first_packet: u64,
    last_packet: u64,
    file: u32,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            columns: [const { Vec::new() }; COLUMNS],
            count: 0,
            before: 0,
            last: Last::default(),
            next: HashMap::default(),
        }
    }
}

impl Rows {
    /// Rows so far.
    pub(super) const fn total(&self) -> u64 {
        self.before + self.count
    }

    /// Whether an element is full.
    pub(super) const fn is_full(&self) -> bool {
        self.count >= ROWS as u64
    }

    /// Adds a message whose content is in the page with this many bytes.
    #[inline]
    pub(super) fn message(&mut self, message: &Message, length: usize) {
        let kind = match message.opcode {
            Opcode::Text => kind::TEXT,
            Opcode::Binary => kind::BINARY,
            _ => kind::CONTINUATION,
        };
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let kind = kind
            | flag(message.compressed, kind::COMPRESSED)
            | flag(message.resynced, kind::RESYNCED)
            | flag(message.unauthenticated, kind::UNAUTHENTICATED);
        self.push(&Row {
            kind,
            status: message.status as u8,
            connection: message.connection,
            from_client: message.from_client,
            first_time: message.first_timestamp,
            time: message.timestamp,
            number: message.seq,
            length,
            payload: message.payload_length,
            overhead: message.wire_length.saturating_sub(message.payload_length),
            frames: u64::from(message.frames),
            missing: message.missing_bytes,
            first_packet: message.first_packet,
            last_packet: message.last_packet,
            file: message.file,
        });
    }

    /// Adds an event whose text is in the page with this many bytes. `is_cost`: whether it says only
    /// what a gap cost that has a row already.
    pub(super) fn event(&mut self, event: &CaptureEvent, length: usize, is_cost: bool) {
        let last = event.last.or(event.first).unwrap_or_default();
        let first = event.first.unwrap_or(last);
        let kind = if is_cost { kind::COST } else { kind::EVENT + number_of(&event.detail) };
        self.push(&Row {
            kind: kind | if event.resynced { kind::RESYNCED } else { 0 },
            status: 0,
            connection: event.connection,
            from_client: event.from_client,
            first_time: first.time,
            time: last.time,
            number: event.event,
            length,
            payload: event.length,
            overhead: 0,
            frames: event.seq,
            missing: event.missing_bytes,
            first_packet: first.packet,
            last_packet: last.packet,
            file: last.file,
        });
    }

    /// Forgets a connection.
    pub(super) fn ended(&mut self, connection: u64) {
        self.next.remove(&connection);
    }

    #[inline]
    fn push(&mut self, row: &Row) {
        let next = self.next.entry(row.connection).or_default();
        let is_event = row.kind & 0x0f >= kind::EVENT;
        let next = &mut next[usize::from(is_event)][usize::from(row.from_client)];
        let left_out = difference(row.number, *next);
        // The row of a gap's cost repeats the number of the gap.
        *next = if row.kind & 0x0f == kind::COST { *next } else { row.number + 1 };
        let kind = row.kind | if row.from_client { kind::FROM_CLIENT } else { 0 };
        self.columns[Column::Kind as usize].push(kind);
        self.columns[Column::Status as usize].push(row.status);
        let last = &self.last;
        // Ends of hostile times may be further apart than an i64 says; the page shows them wrapped.
        let numbers = [
            (Column::Connection, difference(row.connection, last.connection)),
            (Column::Time, zigzag(row.time.wrapping_sub(last.time))),
            (Column::Lasted, zigzag(row.time.wrapping_sub(row.first_time))),
            (Column::Number, left_out),
            (Column::Length, row.length as u64),
            (Column::Payload, difference(row.payload, row.length as u64)),
            (Column::Overhead, row.overhead),
            (Column::Frames, row.frames),
            (Column::Missing, row.missing),
            (Column::Packet, difference(row.last_packet, last.packet)),
            (Column::Packets, difference(row.last_packet, row.first_packet)),
            (Column::File, difference(u64::from(row.file), u64::from(last.file))),
        ];
        for (column, number) in numbers {
            varint(&mut self.columns[column as usize], number);
        }
        self.last = Last {
            connection: row.connection,
            time: row.time,
            packet: row.last_packet,
            file: row.file,
        };
        self.count += 1;
    }

    /// Appends the rows to the page as an element, if there are any.
    pub(super) fn flush(
        &mut self,
        packer: &mut Packer,
        page: &mut Vec<u8>,
    ) -> Result<(), OutOfMemory> {
        if self.count == 0 {
            return Ok(());
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(self.bytes_held())?;
        for column in &mut self.columns {
            bytes.extend_from_slice(column);
            column.clear();
        }
        let numbers = [("first", self.before), ("count", self.count)];
        self.before += std::mem::take(&mut self.count);
        self.last = Last::default();
        packer.element("rows", &numbers, &bytes, page)
    }

    /// Bytes of the columns.
    pub(super) fn bytes_held(&self) -> usize {
        self.columns.iter().map(Vec::len).sum()
    }
}

/// The index of an event's kind, as a byte.
fn number_of(detail: &Detail) -> u8 {
    u8::try_from(detail.number()).unwrap_or(0)
}

/// `number` as a difference from another.
#[inline]
const fn difference(number: u64, from: u64) -> u64 {
    zigzag(number.wrapping_sub(from).cast_signed())
}

#[inline]
const fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

#[inline]
fn varint(column: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        column.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    column.push(number.to_le_bytes()[0]);
}
