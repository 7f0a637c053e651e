//! The messages table: one row per message, in the order in which they were completed.
//!
//! | column | type | meaning |
//! | --- | --- | --- |
//! | `connection` | u64 | number of the message's connection, from 0 |
//! | `seq` | u64 | number of the message in its direction, from 0 |
//! | `from_client` | bool | whether the client sent it |
//! | `type` | u8 | opcode (RFC 6455 section 5.2): 1 text, 2 binary; 0 if the first frame was not captured |
//! | `content` | binary | decoded payload; `status` tells how complete it is |
//! | `timestamp` | timestamp\[ns, UTC\] | when the packet that completed the message was captured |
//! | `first_timestamp` | timestamp\[ns, UTC\] | when the packet with the message's first byte was captured |
//! | `dropped` | bool | always false |
//! | `injected` | bool | always false |
//! | `frames` | u32 | number of frames |
//! | `wire_length` | u64 | bytes of the frames on the wire, headers included |
//! | `payload_length` | u64 | payload bytes of the frames on the wire, before inflation |
//! | `compressed` | bool | whether the message was compressed |
//! | `status` | dictionary\[i8, utf8\] | how complete `content` is: a name of [`Status::ALL`] |
//! | `missing_bytes` | u64 | payload bytes that were not captured |
//! | `resynced` | bool | whether the frames were found by a search |
//! | `first_packet` | u64 | number of the packet with the message's first byte, from 1 |
//! | `last_packet` | u64 | number of the packet that completed the message, from 1 |
//!
//! No column has nulls. `dropped` and `injected` exist because mitmproxy's messages have them; a
//! capture cannot show either.
//!
//! - `content.len() <= i32::MAX`: the offsets of a binary column cannot address more
//! - `ends.len() == rows + 1`, and every other column has the length `rows`

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a batch has at most `FULL_ROWS` rows, and `FULL_CONTENT` bytes besides its last content"
)]

use std::mem;
use std::sync::{Arc, LazyLock};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, RecordBatch, UInt8Array, UInt32Array, UInt64Array,
};
use arrow_buffer::{BooleanBuffer, Buffer, OffsetBuffer};
use arrow_schema::{DataType, Schema, SchemaRef};

use super::{dictionary, name_type, names, required, time_type, timestamps};
use crate::message::{Message, Status};

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        required("connection", DataType::UInt64),
        required("seq", DataType::UInt64),
        required("from_client", DataType::Boolean),
        required("type", DataType::UInt8),
        required("content", DataType::Binary),
        required("timestamp", time_type()),
        required("first_timestamp", time_type()),
        required("dropped", DataType::Boolean),
        required("injected", DataType::Boolean),
        required("frames", DataType::UInt32),
        required("wire_length", DataType::UInt64),
        required("payload_length", DataType::UInt64),
        required("compressed", DataType::Boolean),
        required("status", name_type()),
        required("missing_bytes", DataType::UInt64),
        required("resynced", DataType::Boolean),
        required("first_packet", DataType::UInt64),
        required("last_packet", DataType::UInt64),
    ]))
});

static STATUS_NAMES: LazyLock<ArrayRef> =
    LazyLock::new(|| dictionary(Status::ALL.map(Status::name)));

// The bits of `flags`.
const FROM_CLIENT: u8 = 1;
const COMPRESSED: u8 = 2;
const RESYNCED: u8 = 4;

/// Collects messages for a record batch.
///
/// ```
/// use wsdefrag_capture::columns::MessageColumns;
///
/// let mut columns = MessageColumns::new();
/// let batch = columns.finish();
/// assert_eq!(batch.schema(), MessageColumns::schema());
/// assert_eq!(batch.num_rows(), 0);
/// ```
#[derive(Debug)]
pub struct MessageColumns {
    connection: Vec<u64>,
    seq: Vec<u64>,
    /// The three booleans of a row, one per bit. `finish` makes a column of each.
    flags: Vec<u8>,
    opcode: Vec<u8>,
    /// 0, then the end of each row's content in `content`.
    ends: Vec<i32>,
    /// The contents of all rows, one after the other.
    content: Vec<u8>,
    timestamp: Vec<i64>,
    first_timestamp: Vec<i64>,
    frames: Vec<u32>,
    wire_length: Vec<u64>,
    payload_length: Vec<u64>,
    status: Vec<i8>,
    missing_bytes: Vec<u64>,
    first_packet: Vec<u64>,
    last_packet: Vec<u64>,
}

impl Default for MessageColumns {
    fn default() -> Self {
        Self::with_capacity(0, 0)
    }
}

impl MessageColumns {
    /// Rows at which a batch is full.
    pub const FULL_ROWS: usize = 1 << 14;

    /// Bytes of content at which a batch is full. Allocators return blocks of more than 32 MiB to the
    /// system, and new pages would cost several times as much as filling them.
    pub const FULL_CONTENT: usize = 1 << 20;

    /// The longest content, in bytes, that always fits into a batch that is not full.
    pub const MAX_CONTENT: usize = i32::MAX as usize - Self::FULL_CONTENT;

    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with capacity for `rows` rows and `content` bytes of contents.
    fn with_capacity(rows: usize, content: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self {
            connection: Vec::with_capacity(rows),
            seq: Vec::with_capacity(rows),
            flags: Vec::with_capacity(rows),
            opcode: Vec::with_capacity(rows),
            ends,
            content: Vec::with_capacity(content),
            timestamp: Vec::with_capacity(rows),
            first_timestamp: Vec::with_capacity(rows),
            frames: Vec::with_capacity(rows),
            wire_length: Vec::with_capacity(rows),
            payload_length: Vec::with_capacity(rows),
            status: Vec::with_capacity(rows),
            missing_bytes: Vec::with_capacity(rows),
            first_packet: Vec::with_capacity(rows),
            last_packet: Vec::with_capacity(rows),
        }
    }

    /// The schema of the table.
    #[must_use]
    pub fn schema() -> SchemaRef {
        Arc::clone(&SCHEMA)
    }

    /// The number of rows in the current batch.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.connection.len()
    }

    /// Whether the current batch is empty.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.connection.is_empty()
    }

    /// Bytes of contents in the current batch.
    #[inline]
    #[must_use]
    pub const fn content_bytes(&self) -> usize {
        self.content.len()
    }

    /// Whether the current batch should be [finished](Self::finish).
    #[inline]
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len() >= Self::FULL_ROWS || self.content_bytes() >= Self::FULL_CONTENT
    }

    /// Whether a message is so large that a [batch of its own](Self::batch_of_one) is cheaper.
    #[inline]
    #[must_use]
    pub const fn needs_own_batch(message: &Message) -> bool {
        message.content.len() >= Self::FULL_CONTENT / 2
    }

    /// Makes a batch of one row without copying the content.
    ///
    /// # Panics
    ///
    /// If the content is longer than [`MAX_CONTENT`](Self::MAX_CONTENT).
    #[must_use]
    pub fn batch_of_one(mut message: Message) -> RecordBatch {
        let content = mem::take(&mut message.content);
        let mut columns = Self::with_capacity(1, 0);
        columns.push(&message);
        let end = i32::try_from(content.len()).expect("a content is shorter than 2 GiB");
        if let Some(last) = columns.ends.last_mut() {
            *last = end;
        }
        columns.content = content;
        columns.finish_with(0, 0)
    }

    /// Appends a row.
    ///
    /// # Panics
    ///
    /// If the contents of the current batch exceed `i32::MAX` bytes. That cannot happen with contents
    /// of up to [`MAX_CONTENT`](Self::MAX_CONTENT) bytes in a batch that is not full.
    #[inline]
    pub fn push(&mut self, message: &Message) {
        let end = i32::try_from(self.content.len() + message.content.len())
            .expect("the contents of a batch are shorter than 2 GiB");
        self.content.extend_from_slice(&message.content);
        self.ends.push(end);
        self.connection.push(message.connection);
        self.seq.push(message.seq);
        self.flags.push(
            u8::from(message.from_client) * FROM_CLIENT
                + u8::from(message.compressed) * COMPRESSED
                + u8::from(message.resynced) * RESYNCED,
        );
        self.opcode.push(message.opcode as u8);
        self.timestamp.push(message.timestamp);
        self.first_timestamp.push(message.first_timestamp);
        self.frames.push(message.frames);
        self.wire_length.push(message.wire_length);
        self.payload_length.push(message.payload_length);
        self.status.push(message.status as i8);
        self.missing_bytes.push(message.missing_bytes);
        self.first_packet.push(message.first_packet);
        self.last_packet.push(message.last_packet);
    }

    /// Returns the current batch and starts an empty one with capacity for as many rows.
    ///
    /// # Panics
    ///
    /// Never: all columns have the same length and the types of the schema.
    #[must_use]
    pub fn finish(&mut self) -> RecordBatch {
        // The contents of the next batch may be longer, so its capacity is an eighth larger. Contents
        // over the bound are not counted: they may be due to one large message.
        let content = self.content.len().min(Self::FULL_CONTENT);
        self.finish_with(self.len(), content + content / 8)
    }

    /// Returns the current batch and starts one with capacity for `rows` rows and `content` bytes.
    fn finish_with(&mut self, rows: usize, content: usize) -> RecordBatch {
        let done = mem::replace(self, Self::with_capacity(rows, content));

        let ends = OffsetBuffer::new(done.ends.into());
        let content = BinaryArray::new(ends, Buffer::from_vec(done.content), None);
        let flag = |bit| {
            let bits = BooleanBuffer::collect_bool(done.flags.len(), |i| done.flags[i] & bit != 0);
            Arc::new(BooleanArray::new(bits, None)) as ArrayRef
        };
        let never: ArrayRef =
            Arc::new(BooleanArray::new(BooleanBuffer::new_unset(done.flags.len()), None));
        RecordBatch::try_new(
            Self::schema(),
            vec![
                Arc::new(UInt64Array::from(done.connection)),
                Arc::new(UInt64Array::from(done.seq)),
                flag(FROM_CLIENT),
                Arc::new(UInt8Array::from(done.opcode)),
                Arc::new(content),
                timestamps(done.timestamp),
                timestamps(done.first_timestamp),
                Arc::clone(&never),
                never,
                Arc::new(UInt32Array::from(done.frames)),
                Arc::new(UInt64Array::from(done.wire_length)),
                Arc::new(UInt64Array::from(done.payload_length)),
                flag(COMPRESSED),
                names(done.status, &STATUS_NAMES),
                Arc::new(UInt64Array::from(done.missing_bytes)),
                flag(RESYNCED),
                Arc::new(UInt64Array::from(done.first_packet)),
                Arc::new(UInt64Array::from(done.last_packet)),
            ],
        )
        .expect("the columns are those of the schema and equally long")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{
        Int8Type, TimestampNanosecondType, UInt8Type, UInt32Type, UInt64Type,
    };
    use arrow_array::{Array, ArrayAccessor, StringArray};
    use wsdefrag_core::Opcode;

    /// Messages with different values in every field and every row.
    fn messages(rows: usize) -> Vec<Message> {
        let opcodes = [Opcode::Text, Opcode::Binary, Opcode::Continuation];
        let message = |i: usize| {
            let row = i as u64;
            Message {
                connection: u64::MAX - row,
                seq: row,
                from_client: i.is_multiple_of(2),
                opcode: opcodes[i % 3],
                content: "é\0€".repeat(i % 5).into_bytes(),
                timestamp: i64::MAX - row.cast_signed(),
                first_timestamp: i64::MIN + row.cast_signed(),
                frames: u32::MAX - u32::try_from(i).unwrap(),
                wire_length: 1000 + row,
                payload_length: 2000 + row,
                compressed: i.is_multiple_of(3),
                status: Status::ALL[i % 6],
                missing_bytes: 3000 + row,
                resynced: i.is_multiple_of(5),
                first_packet: 4000 + row,
                last_packet: 5000 + row,
            }
        };
        (0..rows).map(message).collect()
    }

    fn push_each(columns: &mut MessageColumns, messages: &[Message]) {
        for message in messages {
            columns.push(message);
        }
    }

    fn assert_rows(batch: &RecordBatch, messages: &[Message]) {
        let column = |name| batch.column_by_name(name).unwrap();
        let flags = |name| column(name).as_boolean();
        let numbers = |name| column(name).as_primitive::<UInt64Type>();
        let times = |name| column(name).as_primitive::<TimestampNanosecondType>();
        let opcodes = column("type").as_primitive::<UInt8Type>();
        let frames = column("frames").as_primitive::<UInt32Type>();
        let status = column("status").as_dictionary::<Int8Type>();
        let status = status.downcast_dict::<StringArray>().unwrap();
        assert_eq!(batch.num_rows(), messages.len());
        for (i, message) in messages.iter().enumerate() {
            assert_eq!(numbers("connection").value(i), message.connection);
            assert_eq!(numbers("seq").value(i), message.seq);
            assert_eq!(flags("from_client").value(i), message.from_client);
            assert_eq!(opcodes.value(i), message.opcode as u8);
            assert_eq!(column("content").as_binary::<i32>().value(i), message.content);
            assert_eq!(times("timestamp").value(i), message.timestamp);
            assert_eq!(times("first_timestamp").value(i), message.first_timestamp);
            assert!(!flags("dropped").value(i));
            assert!(!flags("injected").value(i));
            assert_eq!(frames.value(i), message.frames);
            assert_eq!(numbers("wire_length").value(i), message.wire_length);
            assert_eq!(numbers("payload_length").value(i), message.payload_length);
            assert_eq!(flags("compressed").value(i), message.compressed);
            assert_eq!(status.value(i), message.status.name());
            assert_eq!(numbers("missing_bytes").value(i), message.missing_bytes);
            assert_eq!(flags("resynced").value(i), message.resynced);
            assert_eq!(numbers("first_packet").value(i), message.first_packet);
            assert_eq!(numbers("last_packet").value(i), message.last_packet);
        }
        assert!(batch.columns().iter().all(|column| column.null_count() == 0));
    }

    #[test]
    fn batch_of_one_equals_a_pushed_row() {
        let message = messages(3).remove(2);
        let mut columns = MessageColumns::new();
        columns.push(&message);
        assert_eq!(MessageColumns::batch_of_one(message), columns.finish());
    }

    #[test]
    fn rows_have_the_values_of_the_messages_in_order() {
        for rows in [1, 2, 7, 8, 9, 63, 64, 65, 200] {
            let mut columns = MessageColumns::new();
            let messages = messages(rows);
            push_each(&mut columns, &messages);
            assert_eq!(columns.len(), rows);
            assert_rows(&columns.finish(), &messages);
        }
    }

    #[test]
    fn rows_of_one_batch_do_not_change_another() {
        let mut columns = MessageColumns::new();
        let messages = messages(300);
        let batches: Vec<_> = messages
            .chunks(130)
            .map(|chunk| {
                push_each(&mut columns, chunk);
                let content: usize = chunk.iter().map(|message| message.content.len()).sum();
                assert_eq!(columns.content_bytes(), content);
                let batch = columns.finish();
                assert!(columns.is_empty());
                assert_eq!(columns.content_bytes(), 0);
                batch
            })
            .collect();
        for (batch, chunk) in batches.iter().zip(messages.chunks(130)) {
            assert_rows(batch, chunk);
        }
    }

    #[test]
    fn empty_batch_has_all_columns() {
        let mut columns = MessageColumns::new();
        for _ in 0..2 {
            let batch = columns.finish();
            assert_eq!(batch.schema(), MessageColumns::schema());
            assert_rows(&batch, &[]);
        }
    }

    #[test]
    fn dictionary_has_every_status_even_in_an_empty_batch() {
        let batch = MessageColumns::new().finish();
        let status = batch.column_by_name("status").unwrap().as_dictionary::<Int8Type>();
        let names: Vec<_> = status.values().as_string::<i32>().iter().flatten().collect();
        assert_eq!(names, Status::ALL.map(Status::name));
    }

    #[test]
    fn batch_is_full_at_either_bound() {
        let mut columns = MessageColumns::new();
        let [mut message] = messages(1).try_into().unwrap();
        for _ in 1..MessageColumns::FULL_ROWS {
            columns.push(&message);
        }
        assert!(!columns.is_full());
        columns.push(&message);
        assert!(columns.is_full());

        assert_eq!(columns.finish().num_rows(), MessageColumns::FULL_ROWS);
        message.content = vec![0; MessageColumns::FULL_CONTENT - 1];
        columns.push(&message);
        assert!(!columns.is_full());
        message.content = vec![0; 1];
        columns.push(&message);
        assert!(columns.is_full());
    }
}
