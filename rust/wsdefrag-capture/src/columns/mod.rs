//! Messages, connections and events as Arrow tables, in record batches.
//!
//! Rows are collected, and `finish` makes the chosen columns of them and starts an empty batch. The
//! content of a message is copied once, and no row is stored for longer than a batch.
//!
//! `docs/schema.md` describes every column. `uid` and `connection` have the same values in all tables,
//! so they join them.

#![expect(clippy::disallowed_methods, reason = "names, and arrays that are there")]

mod connection_values;
pub mod connections;
pub mod events;
pub mod messages;
mod open_connections;
mod schema;
mod table;
mod tls_values;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, FixedSizeBinaryArray, Int8Array, Int32Array,
    StringArray, TimestampNanosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_schema::{DataType, Field, TimeUnit};

pub use connections::ConnectionColumns;
pub use events::EventColumns;
pub use messages::MessageColumns;
pub use schema::SCHEMA_VERSION;
pub use table::{Choice, ChoiceError, Table};

/// The time zone of all times.
const UTC: &str = "UTC";

/// Bytes of a `uid`.
const UID: usize = 16;
/// The same number in the type that Arrow takes.
const UID_LENGTH: i32 = 16;

/// The names of the capture's files, for the column `file`.
#[derive(Clone, Debug)]
pub struct FileNames(ArrayRef);

impl FileNames {
    /// The names in the order of the files.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self(Arc::new(StringArray::from_iter_values(names)))
    }

    /// A column of the files with these indices.
    fn column(&self, files: impl Iterator<Item = Option<u32>>) -> ArrayRef {
        let known = |file: &u32| (*file as usize) < self.0.len();
        let keys = files.map(|file| file.filter(known).map(u32::cast_signed));
        text_names(keys, &self.0)
    }
}

impl Default for FileNames {
    fn default() -> Self {
        Self::new(&[])
    }
}

/// A column without nulls.
fn required(name: impl Into<String>, data_type: DataType) -> Field {
    Field::new(name, data_type, false)
}

/// A column with nulls.
fn optional(name: impl Into<String>, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

/// The type of `uid`.
const fn uid_type() -> DataType {
    DataType::FixedSizeBinary(UID_LENGTH)
}

/// The type of times: nanoseconds since the epoch, in UTC.
fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into()))
}

/// The type of a column whose values are names of a short list.
///
/// Keys are signed because Arrow's format recommends it: some readers support no others.
fn name_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8))
}

/// The type of a column whose texts repeat.
fn text_name_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// A column of times.
fn timestamps(times: impl Into<TimestampNanosecondArray>) -> ArrayRef {
    Arc::new(times.into().with_timezone(UTC))
}

/// The names that a column may have, in the order of their keys.
fn dictionary<const N: usize>(names: [&'static str; N]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(names))
}

/// A column of names from `dictionary`.
fn names(keys: impl Into<Int8Array>, dictionary: &ArrayRef) -> ArrayRef {
    Arc::new(DictionaryArray::<Int8Type>::new(keys.into(), Arc::clone(dictionary)))
}

/// A column of texts from `dictionary`.
fn text_names(keys: impl Iterator<Item = Option<i32>>, dictionary: &ArrayRef) -> ArrayRef {
    let keys: Int32Array = keys.collect();
    Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::clone(dictionary)))
}

/// Each text once, and the key of each.
fn distinct<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> (Vec<Option<i32>>, ArrayRef) {
    let mut known = HashMap::new();
    let mut values = Vec::new();
    let mut key = |text: &'a str| {
        *known.entry(text).or_insert_with(|| {
            values.push(text);
            i32::try_from(values.len() - 1).expect("a batch has few rows")
        })
    };
    let keys = texts.map(|text| text.map(&mut key)).collect();
    (keys, Arc::new(StringArray::from_iter_values(values)))
}

/// A column of `uid`s.
fn uids(uids: impl Iterator<Item = [u8; UID]>) -> ArrayRef {
    let bytes: Vec<u8> = uids.flatten().collect();
    Arc::new(FixedSizeBinaryArray::new(UID_LENGTH, Buffer::from_vec(bytes), None))
}

/// A column of bools, one for each row.
fn flags<R>(rows: &[R], flag: impl Fn(&R) -> bool) -> ArrayRef {
    let bits = BooleanBuffer::collect_bool(rows.len(), |row| flag(&rows[row]));
    Arc::new(BooleanArray::new(bits, None))
}
