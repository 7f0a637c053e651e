//! The rows of a batch of messages: the values of each column side by side.
//!
//! Rows wait until there are [`BLOCK`] of them. Then each column takes its values of all of them, while
//! they are in the cache; and 64 flags make a word of a column of bools.
//!
//! - every column has the values of `spread` rows, and `spread` is a multiple of [`BLOCK`] until
//!   [`spread`](MessageRows::spread) is called for the rest
//! - a content is in one of two columns, so its length is the sum of what it takes there

#![expect(clippy::disallowed_methods, reason = "a batch has at most `FULL_ROWS` rows")]

use std::mem;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::message::Message;

/// Rows that are spread over the columns together: as many as a word has bits.
const BLOCK: usize = u64::BITS as usize;

/// Where a row's content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Text,
    Content,
    /// The contents of the capture are not read.
    Nowhere,
}

/// A row that waits: the numbers of a message.
#[derive(Clone, Copy, Debug)]
struct Row {
    connection: u64,
    seq: u64,
    timestamp: i64,
    first_timestamp: i64,
    wire_length: u64,
    payload_length: u64,
    missing_bytes: u64,
    first_packet: u64,
    last_packet: u64,
    frames: u32,
    file: u32,
    text_end: i32,
    content_end: i32,
    opcode: i8,
    status: i8,
}

/// A column of bools: a bit for each row.
#[derive(Debug, Default)]
pub(super) struct Flags {
    words: Vec<u64>,
    /// The bits of the rows that wait.
    waiting: u64,
}

impl Flags {
    /// Sets the bit of the row at this index of those that wait.
    #[inline]
    fn set(&mut self, index: usize, flag: bool) {
        self.waiting |= u64::from(flag) << index;
    }

    fn spread(&mut self) {
        // Arrow's bits are in the order of the bytes.
        self.words.push(mem::take(&mut self.waiting).to_le());
    }

    fn take(&mut self, rows: usize) -> BooleanBuffer {
        BooleanBuffer::new(Buffer::from_vec(mem::take(&mut self.words)), 0, rows)
    }

    /// The column; nothing is left.
    pub(super) fn column(&mut self, rows: usize) -> ArrayRef {
        Arc::new(BooleanArray::new(self.take(rows), None))
    }
}

/// A column of contents: where each ends, and the rows that have one.
#[derive(Debug)]
pub(super) struct Contents {
    ends: Vec<i32>,
    /// Where the content of the last row that waits ends.
    end: i32,
    present: Flags,
    /// `ends`, once a column needs them.
    offsets: Option<ScalarBuffer<i32>>,
}

impl Contents {
    fn with_capacity(rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { ends, end: 0, present: Flags::default(), offsets: None }
    }

    /// Adds a row's content, if it is in this column. Returns where the content ends.
    #[inline]
    fn add(&mut self, index: usize, is_here: bool, length: i32) -> i32 {
        self.present.set(index, is_here);
        self.end += if is_here { length } else { 0 };
        self.end
    }

    /// The offsets and the nulls. The offsets stay for the lengths.
    pub(super) fn layout(&mut self) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        let rows = self.offsets().len() - 1;
        let nulls = NullBuffer::new(self.present.take(rows));
        (OffsetBuffer::new(self.offsets()), Some(nulls).filter(|it| it.null_count() > 0))
    }

    /// The offsets. They are in memory once, however often they are taken.
    fn offsets(&mut self) -> ScalarBuffer<i32> {
        let ends = mem::take(&mut self.ends);
        self.offsets.get_or_insert_with(|| ScalarBuffer::from(ends)).clone()
    }
}

/// The rows of a batch.
#[derive(Debug)]
pub(super) struct MessageRows {
    waiting: Vec<Row>,
    /// Rows in the columns.
    spread: usize,
    pub(super) connection: Vec<u64>,
    pub(super) seq: Vec<u64>,
    pub(super) from_client: Flags,
    pub(super) opcode: Vec<i8>,
    pub(super) text: Contents,
    pub(super) content: Contents,
    pub(super) timestamp: Vec<i64>,
    pub(super) first_timestamp: Vec<i64>,
    /// The rows of messages that were dropped.
    pub(super) dropped: Vec<usize>,
    /// The rows of messages that were injected.
    pub(super) injected: Vec<usize>,
    pub(super) frames: Vec<u32>,
    pub(super) wire_length: Vec<u64>,
    pub(super) payload_length: Vec<u64>,
    pub(super) compressed: Flags,
    pub(super) status: Vec<i8>,
    pub(super) missing_bytes: Vec<u64>,
    pub(super) resynced: Flags,
    pub(super) unauthenticated: Flags,
    pub(super) first_packet: Vec<u64>,
    pub(super) last_packet: Vec<u64>,
    pub(super) file: Vec<u32>,
}

impl MessageRows {
    /// No rows, with room for as many.
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            waiting: Vec::with_capacity(BLOCK),
            spread: 0,
            connection: Vec::with_capacity(rows),
            seq: Vec::with_capacity(rows),
            from_client: Flags::default(),
            opcode: Vec::with_capacity(rows),
            text: Contents::with_capacity(rows),
            content: Contents::with_capacity(rows),
            timestamp: Vec::with_capacity(rows),
            first_timestamp: Vec::with_capacity(rows),
            dropped: Vec::new(),
            injected: Vec::new(),
            frames: Vec::with_capacity(rows),
            wire_length: Vec::with_capacity(rows),
            payload_length: Vec::with_capacity(rows),
            compressed: Flags::default(),
            status: Vec::with_capacity(rows),
            missing_bytes: Vec::with_capacity(rows),
            resynced: Flags::default(),
            unauthenticated: Flags::default(),
            first_packet: Vec::with_capacity(rows),
            last_packet: Vec::with_capacity(rows),
            file: Vec::with_capacity(rows),
        }
    }

    /// The length of each row's content, in bytes.
    pub(super) fn lengths(&mut self) -> Vec<u64> {
        let (texts, contents) = (self.text.offsets(), self.content.offsets());
        let lengths = texts.windows(2).zip(contents.windows(2)).map(|(text, content)| {
            u64::from(((text[1] - text[0]) + (content[1] - content[0])).unsigned_abs())
        });
        lengths.collect()
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.spread + self.waiting.len()
    }

    /// Adds a message whose content has `length` bytes at this place.
    #[inline]
    pub(super) fn push(&mut self, message: &Message, place: Place, length: i32) {
        let index = self.waiting.len();
        self.from_client.set(index, message.from_client);
        self.compressed.set(index, message.compressed);
        self.resynced.set(index, message.resynced);
        self.unauthenticated.set(index, message.unauthenticated);
        if message.dropped || message.injected {
            self.mark(message);
        }
        self.waiting.push(Row {
            connection: message.connection,
            seq: message.seq,
            timestamp: message.timestamp,
            first_timestamp: message.first_timestamp,
            wire_length: message.wire_length,
            payload_length: message.payload_length,
            missing_bytes: message.missing_bytes,
            first_packet: message.first_packet,
            last_packet: message.last_packet,
            frames: message.frames,
            file: message.file,
            text_end: self.text.add(index, place == Place::Text, length),
            content_end: self.content.add(index, place == Place::Content, length),
            opcode: message.opcode as i8,
            status: message.status as i8,
        });
        if self.waiting.len() == BLOCK {
            self.spread();
        }
    }

    /// Notes that the message of the next row was dropped or injected.
    #[cold]
    fn mark(&mut self, message: &Message) {
        let row = self.len();
        self.dropped.extend(message.dropped.then_some(row));
        self.injected.extend(message.injected.then_some(row));
    }

    /// Moves the rows that wait into the columns. Only the last ones may be fewer than [`BLOCK`].
    #[inline(never)]
    pub(super) fn spread(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let rows = &self.waiting[..];
        self.connection.extend(rows.iter().map(|row| row.connection));
        self.seq.extend(rows.iter().map(|row| row.seq));
        self.opcode.extend(rows.iter().map(|row| row.opcode));
        self.text.ends.extend(rows.iter().map(|row| row.text_end));
        self.content.ends.extend(rows.iter().map(|row| row.content_end));
        self.timestamp.extend(rows.iter().map(|row| row.timestamp));
        self.first_timestamp.extend(rows.iter().map(|row| row.first_timestamp));
        self.frames.extend(rows.iter().map(|row| row.frames));
        self.wire_length.extend(rows.iter().map(|row| row.wire_length));
        self.payload_length.extend(rows.iter().map(|row| row.payload_length));
        self.status.extend(rows.iter().map(|row| row.status));
        self.missing_bytes.extend(rows.iter().map(|row| row.missing_bytes));
        self.first_packet.extend(rows.iter().map(|row| row.first_packet));
        self.last_packet.extend(rows.iter().map(|row| row.last_packet));
        self.file.extend(rows.iter().map(|row| row.file));
        self.spread += rows.len();
        self.waiting.clear();
        self.text.present.spread();
        self.content.present.spread();
        self.from_client.spread();
        self.compressed.spread();
        self.resynced.spread();
        self.unauthenticated.spread();
    }
}
