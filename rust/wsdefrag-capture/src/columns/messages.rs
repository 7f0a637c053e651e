//! The messages table: one row per message, in the order in which they were completed.
//!
//! `text` is set exactly where the message is whole, valid text; `content` is set where `text` is
//! null. Without contents ([`Options::contents`](crate::Options::contents)) both are null. `dropped`
//! and `injected` exist because mitmproxy's messages have them; a capture of packets cannot show either.
//!
//! - a content has at most [`MAX_CONTENT`](MessageColumns::MAX_CONTENT) bytes: the offsets of a column
//!   cannot address more than `i32::MAX`
//! - `text.len()` and `content.len()` are the sums of the rows' lengths
//! - texts are UTF-8: the core checked them, or `push` did

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a batch has at most `FULL_ROWS` rows, and `FULL_CONTENT` bytes besides its last content"
)]

use std::mem;
use std::sync::{Arc, LazyLock};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::DataType;
use wsdefrag_core::{Opcode, OutOfMemory};

use super::message_rows::{Flags, MessageRows, Place};
use super::open_connections::{OpenConnections, RowFacts};
use super::table::{Choice, Column, Table};
use super::{
    FileNames, dictionary, name_type, names, optional, required, text_name_type, time_type,
    timestamps, uid_type,
};
use crate::account::MessageCounts;
use crate::connection::Connection;
use crate::message::{Message, Status, type_name};

static STATUS_NAMES: LazyLock<ArrayRef> =
    LazyLock::new(|| dictionary(Status::ALL.map(Status::name)));

static TYPE_NAMES: LazyLock<ArrayRef> =
    LazyLock::new(|| dictionary(MessageCounts::TYPES.map(type_name)));

/// Makes a column of texts of their offsets, their bytes and their nulls. The bytes of each text are
/// UTF-8.
pub type MakeTexts = fn(OffsetBuffer<i32>, Buffer, Option<NullBuffer>) -> StringArray;

/// Makes a column of texts, and checks once more that they are UTF-8.
fn checked_texts(ends: OffsetBuffer<i32>, bytes: Buffer, nulls: Option<NullBuffer>) -> StringArray {
    StringArray::new(ends, bytes, nulls)
}

/// The rows and contents of a batch.
pub(super) struct Batch {
    length: usize,
    rows: MessageRows,
    text: Vec<u8>,
    content: Vec<u8>,
    facts: RowFacts,
    files: FileNames,
    make_texts: MakeTexts,
}

/// A column of counts.
fn count(name: &str, of: fn(&mut MessageRows) -> &mut Vec<u64>) -> Column<Batch> {
    Column::new(required(name, DataType::UInt64), move |batch: &mut Batch| {
        Arc::new(UInt64Array::from(mem::take(of(&mut batch.rows))))
    })
}

/// A column of bools.
fn flag(name: &str, of: fn(&mut MessageRows) -> &mut Flags) -> Column<Batch> {
    Column::new(required(name, DataType::Boolean), move |batch: &mut Batch| {
        of(&mut batch.rows).column(batch.length)
    })
}

/// A column of bools that are true in few captures, and then in the rows that `of` gives.
fn rarely(name: &str, of: fn(&mut MessageRows) -> &mut Vec<usize>) -> Column<Batch> {
    Column::new(required(name, DataType::Boolean), move |batch: &mut Batch| {
        let mut bits = BooleanBufferBuilder::new(batch.length);
        bits.append_n(batch.length, false);
        for row in mem::take(of(&mut batch.rows)) {
            bits.set_bit(row, true);
        }
        Arc::new(BooleanArray::new(bits.finish(), None))
    })
}

/// A column of times.
fn time(name: &str, of: fn(&mut MessageRows) -> &mut Vec<i64>) -> Column<Batch> {
    Column::new(required(name, time_type()), move |batch: &mut Batch| {
        timestamps(mem::take(of(&mut batch.rows)))
    })
}

pub(super) static COLUMNS: LazyLock<Vec<Column<Batch>>> = LazyLock::new(|| {
    vec![
        Column::new(required("uid", uid_type()), |batch: &mut Batch| batch.facts.uids()),
        count("connection", |rows| &mut rows.connection),
        count("seq", |rows| &mut rows.seq),
        flag("from_client", |rows| &mut rows.from_client),
        Column::new(required("type", name_type()), |batch: &mut Batch| {
            names(mem::take(&mut batch.rows.opcode), &TYPE_NAMES)
        }),
        Column::new(optional("text", DataType::Utf8), |batch: &mut Batch| {
            let (ends, nulls) = batch.rows.text.layout();
            let bytes = Buffer::from_vec(mem::take(&mut batch.text));
            Arc::new((batch.make_texts)(ends, bytes, nulls))
        }),
        Column::new(optional("content", DataType::Binary), |batch: &mut Batch| {
            let (ends, nulls) = batch.rows.content.layout();
            let bytes = Buffer::from_vec(mem::take(&mut batch.content));
            Arc::new(BinaryArray::new(ends, bytes, nulls))
        }),
        time("timestamp", |rows| &mut rows.timestamp),
        time("first_timestamp", |rows| &mut rows.first_timestamp),
        rarely("dropped", |rows| &mut rows.dropped),
        rarely("injected", |rows| &mut rows.injected),
        Column::new(required("frames", DataType::UInt32), |batch: &mut Batch| {
            Arc::new(UInt32Array::from(mem::take(&mut batch.rows.frames)))
        }),
        count("wire_length", |rows| &mut rows.wire_length),
        count("payload_length", |rows| &mut rows.payload_length),
        flag("compressed", |rows| &mut rows.compressed),
        Column::new(required("status", name_type()), |batch: &mut Batch| {
            names(mem::take(&mut batch.rows.status), &STATUS_NAMES)
        }),
        count("missing_bytes", |rows| &mut rows.missing_bytes),
        flag("resynced", |rows| &mut rows.resynced),
        flag("unauthenticated", |rows| &mut rows.unauthenticated),
        count("first_packet", |rows| &mut rows.first_packet),
        count("last_packet", |rows| &mut rows.last_packet),
        Column::new(optional("file", text_name_type()), |batch: &mut Batch| {
            match batch.rows.file[..] {
                [file, ref others @ ..] if others.iter().all(|other| *other == file) => {
                    batch.files.one(batch.length, file)
                }
                ref files => batch.files.column(files.iter().map(|file| Some(*file))),
            }
        }),
        Column::new(optional("host", text_name_type()), |batch: &mut Batch| {
            batch.facts.texts(|facts| facts.host.as_deref())
        }),
        Column::new(optional("path", text_name_type()), |batch: &mut Batch| {
            batch.facts.texts(|facts| facts.path.as_deref())
        }),
    ]
});

/// What the chosen columns need.
struct Wants {
    text: bool,
    content: bool,
    /// What the connections have.
    facts: bool,
}

/// Collects messages for a record batch.
///
/// ```
/// use wsdefrag_capture::columns::{Choice, MessageColumns, Table};
///
/// let mut columns = MessageColumns::new(Choice::all(Table::Messages));
/// let batch = columns.finish();
/// assert_eq!(batch.schema(), Table::Messages.schema());
/// assert_eq!(batch.num_rows(), 0);
/// ```
pub struct MessageColumns {
    choice: Choice,
    files: FileNames,
    make_texts: MakeTexts,
    /// Whether contents are read.
    contents: bool,
    /// Whether the core has checked that texts are UTF-8.
    texts_are_checked: bool,
    wants: Wants,
    connections: OpenConnections,
    rows: MessageRows,
    text: Vec<u8>,
    content: Vec<u8>,
}

impl MessageColumns {
    /// Rows at which a batch is full.
    pub const FULL_ROWS: usize = super::MOST_ROWS;

    /// Bytes of content at which a batch is full. Allocators return blocks of more than 32 MiB to the
    /// system, and new pages would cost several times as much as filling them.
    pub const FULL_CONTENT: usize = 1 << 20;

    /// The longest content, in bytes, that always fits into a batch that is not full.
    pub const MAX_CONTENT: usize = i32::MAX as usize - Self::FULL_CONTENT;

    /// An empty batch of the chosen columns of the messages table. Contents are read, and the rule
    /// for UTF-8 is enforced.
    #[must_use]
    pub fn new(choice: Choice) -> Self {
        debug_assert_eq!(choice.table(), Table::Messages);
        let has = |names: [&str; 3]| names.iter().any(|name| choice.has(name));
        let wants = Wants {
            text: choice.has("text"),
            content: choice.has("content"),
            facts: has(["uid", "host", "path"]),
        };
        Self {
            choice,
            files: FileNames::default(),
            make_texts: checked_texts,
            contents: true,
            texts_are_checked: true,
            wants,
            connections: OpenConnections::default(),
            rows: MessageRows::with_capacity(0),
            text: Vec::new(),
            content: Vec::new(),
        }
    }

    /// Sets what the column `file` names.
    #[must_use]
    pub fn with_files(mut self, files: FileNames) -> Self {
        self.files = files;
        self
    }

    /// Sets how the capture is read: whether contents are read, and whether the rule for UTF-8 is
    /// enforced, so that a whole text needs no check here.
    #[must_use]
    pub const fn with_reading(mut self, contents: bool, utf8_is_enforced: bool) -> Self {
        self.contents = contents;
        self.texts_are_checked = utf8_is_enforced;
        self
    }

    /// Sets how columns of texts are made. The function may rely on the bytes being UTF-8 if every
    /// message comes from a [`Capture`](crate::Capture) with the options that
    /// [`with_reading`](Self::with_reading) names.
    #[must_use]
    pub fn with_texts(mut self, make_texts: MakeTexts) -> Self {
        self.make_texts = make_texts;
        self
    }

    /// The number of rows in the current batch.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the current batch is empty.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the current batch should be [finished](Self::finish).
    #[inline]
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len() >= Self::FULL_ROWS
            || self.text.len() + self.content.len() >= Self::FULL_CONTENT
            || self.connections.is_full()
    }

    /// Whether a message is so large that a [batch of its own](Self::batch_of_one) is cheaper.
    #[inline]
    #[must_use]
    pub const fn needs_own_batch(message: &Message) -> bool {
        message.content.len() >= Self::FULL_CONTENT / 2
    }

    /// Takes a connection that has opened, before its first message.
    pub fn opened(&mut self, connection: &Connection) {
        if self.wants.facts {
            self.connections.opened(connection);
        }
    }

    /// Takes a connection that has ended, after its last message.
    pub fn ended(&mut self, connection: &Connection) {
        if self.wants.facts {
            self.connections.ended(connection.connection);
            if self.is_empty() {
                self.connections.forget_ended();
            }
        }
    }

    /// Makes a batch of one row without copying the content. The current batch must be empty.
    ///
    /// # Panics
    ///
    /// If the content is longer than [`MAX_CONTENT`](Self::MAX_CONTENT).
    #[must_use]
    pub fn batch_of_one(&mut self, mut message: Message) -> RecordBatch {
        debug_assert!(self.is_empty());
        let content = mem::take(&mut message.content);
        let place = self.place(&message, &content);
        let length = length(&content);
        match place {
            Place::Text if self.wants.text => self.text = content,
            Place::Content if self.wants.content => self.content = content,
            _ => {}
        }
        self.rows.push(&message, place, length);
        self.finish_with(0)
    }

    /// Appends a row.
    ///
    /// # Errors
    ///
    /// If there is no memory for the content; the batch is unchanged.
    ///
    /// # Panics
    ///
    /// If the content is longer than [`MAX_CONTENT`](Self::MAX_CONTENT).
    #[inline]
    pub fn push(&mut self, message: &Message) -> Result<(), OutOfMemory> {
        let content = &message.content[..];
        let place = self.place(message, content);
        let (wanted, column) = match place {
            Place::Text => (self.wants.text, &mut self.text),
            Place::Content => (self.wants.content, &mut self.content),
            Place::Nowhere => (false, &mut self.content),
        };
        if wanted {
            column.try_reserve(content.len())?;
            column.extend_from_slice(content);
        }
        self.rows.push(message, place, length(content));
        Ok(())
    }

    /// Where a message's content belongs.
    #[inline]
    fn place(&self, message: &Message, content: &[u8]) -> Place {
        if !self.contents {
            return Place::Nowhere;
        }
        let is_text = message.opcode == Opcode::Text
            && message.status == Status::Ok
            && (self.texts_are_checked || std::str::from_utf8(content).is_ok());
        if is_text { Place::Text } else { Place::Content }
    }

    /// Returns the current batch and starts an empty one with capacity for as much content.
    ///
    /// # Panics
    ///
    /// Never: all columns have the same length and the types of the schema.
    #[must_use]
    pub fn finish(&mut self) -> RecordBatch {
        self.finish_with(Self::FULL_CONTENT)
    }

    /// Returns the current batch and starts one with capacity for as much content, at most `most`
    /// bytes: contents over the bound may be due to one large message.
    fn finish_with(&mut self, most: usize) -> RecordBatch {
        // The contents of the next batch may be longer, so its capacity is an eighth larger.
        let next = |bytes: &Vec<u8>| Vec::with_capacity(bytes.len().min(most) * 9 / 8);
        let (text, content) = (next(&self.text), next(&self.content));
        self.rows.spread();
        let length = self.len();
        let facts = if self.wants.facts {
            self.connections.of_rows(&self.rows.connection)
        } else {
            RowFacts::default()
        };
        let mut batch = Batch {
            length,
            rows: mem::replace(&mut self.rows, MessageRows::with_capacity(length)),
            text: mem::replace(&mut self.text, text),
            content: mem::replace(&mut self.content, content),
            facts,
            files: self.files.clone(),
            make_texts: self.make_texts,
        };
        let made = self.choice.batch(&COLUMNS, length, &mut batch);
        self.connections.forget_ended();
        made
    }
}

/// The length of a content in the offsets of a column.
#[inline]
fn length(content: &[u8]) -> i32 {
    let length = i32::try_from(content.len()).ok();
    length
        .filter(|_| content.len() <= MessageColumns::MAX_CONTENT)
        .expect("a content fits a column")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Request;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{
        Int8Type, Int32Type, TimestampNanosecondType, UInt32Type, UInt64Type,
    };
    use arrow_array::{Array, ArrayAccessor, StringArray};

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
                dropped: i.is_multiple_of(5),
                injected: i.is_multiple_of(11),
                unauthenticated: i.is_multiple_of(7),
                first_packet: 4000 + row,
                last_packet: 5000 + row,
                file: u32::try_from(i % 2).unwrap(),
            }
        };
        (0..rows).map(message).collect()
    }

    fn push_each(columns: &mut MessageColumns, messages: &[Message]) {
        for message in messages {
            columns.push(message).unwrap();
        }
    }

    /// Columns for messages of two files, with their connections.
    fn columns(messages: &[Message]) -> MessageColumns {
        let files = FileNames::new(&["first.pcap".into(), "second.pcap".into()]);
        let mut columns = MessageColumns::new(Choice::all(Table::Messages)).with_files(files);
        for message in messages {
            columns.opened(&connection(message.connection));
        }
        columns
    }

    /// A connection whose identity, host and path depend on its number.
    fn connection(number: u64) -> Connection {
        let host = format!("host-{}.example", number % 2).into_bytes();
        let request = Request {
            target: format!("/{}", number % 3),
            fields: vec![("Host".into(), host)],
            ..Request::default()
        };
        Connection {
            connection: number,
            uid: [number.to_be_bytes()[7]; 16],
            request: (!number.is_multiple_of(4)).then_some(request),
            ..Connection::of(["192.0.2.1:50000", "192.0.2.2:80"])
        }
    }

    fn assert_rows(batch: &RecordBatch, messages: &[Message]) {
        let column = |name| batch.column_by_name(name).unwrap();
        let flags = |name| column(name).as_boolean();
        let numbers = |name| column(name).as_primitive::<UInt64Type>();
        let times = |name| column(name).as_primitive::<TimestampNanosecondType>();
        let types = column("type").as_dictionary::<Int8Type>();
        let types = types.downcast_dict::<StringArray>().unwrap();
        let (text, content) = (column("text").as_string::<i32>(), column("content").as_binary());
        let content: &BinaryArray = content;
        let uids = column("uid").as_fixed_size_binary();
        let names = |name| {
            let names = column(name).as_dictionary::<Int32Type>();
            names.downcast_dict::<StringArray>().unwrap().into_iter().collect::<Vec<_>>()
        };
        let (hosts, paths, files) = (names("host"), names("path"), names("file"));
        let frames = column("frames").as_primitive::<UInt32Type>();
        let status = column("status").as_dictionary::<Int8Type>();
        let status = status.downcast_dict::<StringArray>().unwrap();
        assert_eq!(batch.num_rows(), messages.len());
        for (i, message) in messages.iter().enumerate() {
            assert_eq!(numbers("connection").value(i), message.connection);
            assert_eq!(numbers("seq").value(i), message.seq);
            assert_eq!(flags("from_client").value(i), message.from_client);
            assert_eq!(types.value(i), type_name(message.opcode));
            let is_text = message.opcode == Opcode::Text && message.status == Status::Ok;
            assert_eq!((text.is_null(i), content.is_null(i)), (!is_text, is_text));
            let found = if is_text { text.value(i).as_bytes() } else { content.value(i) };
            assert_eq!(found, message.content);
            let connection = connection(message.connection);
            assert_eq!(uids.value(i), connection.uid);
            assert_eq!(hosts[i], connection.host().as_deref());
            assert_eq!(paths[i], connection.path());
            assert_eq!(files[i], Some(["first.pcap", "second.pcap"][message.file as usize]));
            assert_eq!(times("timestamp").value(i), message.timestamp);
            assert_eq!(times("first_timestamp").value(i), message.first_timestamp);
            assert_eq!(flags("dropped").value(i), message.dropped);
            assert_eq!(flags("injected").value(i), message.injected);
            assert_eq!(frames.value(i), message.frames);
            assert_eq!(numbers("wire_length").value(i), message.wire_length);
            assert_eq!(numbers("payload_length").value(i), message.payload_length);
            assert_eq!(flags("compressed").value(i), message.compressed);
            assert_eq!(status.value(i), message.status.name());
            assert_eq!(numbers("missing_bytes").value(i), message.missing_bytes);
            assert_eq!(flags("resynced").value(i), message.resynced);
            assert_eq!(flags("unauthenticated").value(i), message.unauthenticated);
            assert_eq!(numbers("first_packet").value(i), message.first_packet);
            assert_eq!(numbers("last_packet").value(i), message.last_packet);
        }
    }

    #[test]
    fn batch_of_one_equals_a_pushed_row() {
        for message in messages(18) {
            let mut columns = columns(std::slice::from_ref(&message));
            columns.push(&message).unwrap();
            let pushed = columns.finish();
            assert_eq!(columns.batch_of_one(message), pushed);
        }
    }

    #[test]
    fn rows_have_the_values_of_the_messages_in_order() {
        for rows in [1, 2, 7, 8, 9, 63, 64, 65, 200] {
            let messages = messages(rows);
            let mut columns = columns(&messages);
            push_each(&mut columns, &messages);
            assert_eq!(columns.len(), rows);
            assert_rows(&columns.finish(), &messages);
        }
    }

    #[test]
    fn rows_of_one_batch_do_not_change_another() {
        let messages = messages(300);
        let mut columns = columns(&messages);
        let batches: Vec<_> = messages
            .chunks(130)
            .map(|chunk| {
                push_each(&mut columns, chunk);
                let batch = columns.finish();
                assert!(columns.is_empty());
                batch
            })
            .collect();
        for (batch, chunk) in batches.iter().zip(messages.chunks(130)) {
            assert_rows(batch, chunk);
        }
    }

    #[test]
    fn empty_batch_has_all_columns() {
        let mut columns = columns(&[]);
        for _ in 0..2 {
            let batch = columns.finish();
            assert_eq!(batch.schema(), Table::Messages.schema());
            assert_rows(&batch, &[]);
        }
    }

    #[test]
    fn dictionary_has_every_status_even_in_an_empty_batch() {
        let batch = columns(&[]).finish();
        let status = batch.column_by_name("status").unwrap().as_dictionary::<Int8Type>();
        let names: Vec<_> = status.values().as_string::<i32>().iter().flatten().collect();
        assert_eq!(names, Status::ALL.map(Status::name));
    }

    #[test]
    fn batch_is_full_at_either_bound() {
        let mut columns = columns(&[]);
        let [mut message] = messages(1).try_into().unwrap();
        for _ in 1..MessageColumns::FULL_ROWS {
            columns.push(&message).unwrap();
        }
        assert!(!columns.is_full());
        columns.push(&message).unwrap();
        assert!(columns.is_full());

        assert_eq!(columns.finish().num_rows(), MessageColumns::FULL_ROWS);
        message.content = vec![0; MessageColumns::FULL_CONTENT - 1];
        columns.push(&message).unwrap();
        assert!(!columns.is_full());
        message.content = vec![0; 1];
        columns.push(&message).unwrap();
        assert!(columns.is_full());
    }

    #[test]
    fn text_is_checked_where_the_rule_is_off() {
        let [mut message] = messages(1).try_into().unwrap();
        message.content = b"\xff".to_vec();
        let mut columns = columns(&[]).with_reading(true, false);
        columns.push(&message).unwrap();
        message.content = b"ok".to_vec();
        columns.push(&message).unwrap();
        let batch = columns.finish();
        let text: Vec<_> =
            batch.column_by_name("text").unwrap().as_string::<i32>().iter().collect();
        assert_eq!(text, [None, Some("ok")]);
    }

    #[test]
    fn contents_that_are_not_read_are_null() {
        let mut columns = columns(&[]).with_reading(false, true);
        push_each(&mut columns, &messages(6));
        let batch = columns.finish();
        for name in ["text", "content"] {
            assert_eq!(batch.column_by_name(name).unwrap().null_count(), 6);
        }
    }

    #[test]
    fn chosen_columns_come_in_their_order_and_others_are_not_made() {
        let names = ["last_packet", "text", "seq"].map(String::from);
        let choice = Table::Messages.choose(Some(&names)).unwrap();
        let mut columns = MessageColumns::new(choice);
        push_each(&mut columns, &messages(200));
        assert!(columns.content.is_empty());
        let batch = columns.finish();
        let found: Vec<_> =
            batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(found, names);
        assert_eq!(batch.num_rows(), 200);
        let seqs = batch.column(2).as_primitive::<UInt64Type>();
        assert!(seqs.values().iter().copied().eq(0..200));

        let mut none = MessageColumns::new(Table::Messages.choose(Some(&[])).unwrap());
        push_each(&mut none, &messages(3));
        assert_eq!(none.finish().num_rows(), 3);
    }

    #[test]
    fn rows_of_an_ended_connection_keep_its_facts() {
        let messages = messages(2);
        let mut columns = columns(&messages);
        columns.push(&messages[0]).unwrap();
        columns.ended(&connection(messages[0].connection));
        columns.push(&messages[1]).unwrap();
        assert_rows(&columns.finish(), &messages);
        columns.ended(&connection(messages[1].connection));
        assert!(columns.connections.is_empty());
    }
}
