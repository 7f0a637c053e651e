//! The columns of the messages table, and how each is made of the rows of a batch.
//!
//! `docs/schema.md` describes them.

#![expect(clippy::disallowed_macros, reason = "the columns")]

use std::mem;
use std::sync::{Arc, LazyLock};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, StringArray, UInt32Array, UInt64Array, new_null_array,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::DataType;

use super::choice::Column;
use super::message_rows::{Flags, MessageRows};
use super::open_connections::RowFacts;
use super::{
    FileNames, dictionary, name_type, names, optional, required, text_name_type, time_type,
    timestamps, uid_type,
};
use crate::account::MessageCounts;
use crate::message::{Status, type_name};

static STATUS_NAMES: LazyLock<ArrayRef> =
    LazyLock::new(|| dictionary(Status::ALL.map(Status::name)));

static TYPE_NAMES: LazyLock<ArrayRef> =
    LazyLock::new(|| dictionary(MessageCounts::TYPES.map(type_name)));

/// Makes a column of texts of their offsets, their bytes and their nulls. The bytes of each text are
/// UTF-8.
pub type MakeTexts = fn(OffsetBuffer<i32>, Buffer, Option<NullBuffer>) -> StringArray;

/// Makes a column of texts, and checks once more that they are UTF-8.
pub(super) fn checked_texts(
    ends: OffsetBuffer<i32>,
    bytes: Buffer,
    nulls: Option<NullBuffer>,
) -> StringArray {
    StringArray::new(ends, bytes, nulls)
}

/// The rows and contents of a batch.
pub(super) struct Batch {
    pub(super) length: usize,
    pub(super) rows: MessageRows,
    pub(super) text: Vec<u8>,
    pub(super) content: Vec<u8>,
    /// Whether contents were read.
    pub(super) contents: bool,
    pub(super) facts: RowFacts,
    pub(super) files: FileNames,
    pub(super) make_texts: MakeTexts,
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
        Column::new(optional("length", DataType::UInt64), |batch: &mut Batch| {
            let lengths = batch.rows.lengths();
            if batch.contents {
                Arc::new(UInt64Array::from(lengths))
            } else {
                new_null_array(&DataType::UInt64, lengths.len())
            }
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
