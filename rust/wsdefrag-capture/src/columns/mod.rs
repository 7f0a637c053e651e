//! Messages, connections and events as Arrow tables, in record batches.
//!
//! Rows are collected, and `finish` makes the chosen columns of them and starts an empty batch. The
//! content of a message is copied once, and no row is stored for longer than a batch.
//!
//! `docs/schema.md` describes every column. `uid` and `connection` have the same values in all tables,
//! so they join them.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "names, arrays that are there, and the rows of a batch"
)]

pub(crate) mod choice;
mod connection_values;
pub mod connections;
pub mod events;
mod message_rows;
mod message_table;
pub mod messages;
mod open_connections;
pub mod rows;
mod schema;
mod tls_values;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, FixedSizeBinaryArray, Int8Array, Int32Array,
    StringArray, TimestampNanosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_schema::{DataType, Field, TimeUnit};

pub use choice::{Choice, ChoiceError};
pub use connections::ConnectionColumns;
pub use events::EventColumns;
pub use message_table::MakeTexts;
pub use messages::MessageColumns;
pub use rows::TableRows;
pub use schema::SCHEMA_VERSION;

/// Rows that a batch has at most, in nearly all cases.
const MOST_ROWS: usize = 1 << 13;

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

    /// A column of rows that are all of one file.
    fn one(&self, rows: usize, file: u32) -> ArrayRef {
        match file as usize {
            known if known < self.0.len() => one_name(rows, known, &self.0),
            _ => text_names(vec![NULL; rows], &self.0),
        }
    }

    /// A column of the files with these indices.
    fn column(&self, files: impl Iterator<Item = Option<u32>>) -> ArrayRef {
        let files_known = self.0.len();
        let known = |file: &u32| (*file as usize) < files_known;
        let keys = files.map(|file| file.filter(known).map_or(NULL, u32::cast_signed));
        text_names(keys.collect(), &self.0)
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

/// The keys of rows that all have the same of the first names of a dictionary, as many as a batch has at
/// most: rows of each key.
static SAME_KEYS: LazyLock<[DictionaryArray<Int8Type>; 4]> = LazyLock::new(|| {
    let names = dictionary(["", "", "", ""]);
    [0, 1, 2, 3].map(|key: i8| {
        let keys = Int8Array::from(vec![key; MOST_ROWS]);
        DictionaryArray::new(keys, names.slice(0, key.unsigned_abs() as usize + 1))
    })
});

/// A column of names from `dictionary`. Most batches have the same name in all rows, and such columns
/// are there already.
fn names(keys: impl Into<Int8Array>, dictionary: &ArrayRef) -> ArrayRef {
    let keys: Int8Array = keys.into();
    if let [key, others @ ..] = &keys.values()[..]
        && keys.nulls().is_none()
        && others.iter().all(|other| other == key)
        && let Some(same) = usize::try_from(*key).ok().and_then(|key| SAME_KEYS.get(key))
        && keys.len() <= same.len()
    {
        return Arc::new(same.slice(0, keys.len()).with_values(Arc::clone(dictionary)));
    }
    Arc::new(DictionaryArray::<Int8Type>::new(keys, Arc::clone(dictionary)))
}

/// The keys of rows that all have the first name of a dictionary, as many as a batch has at most.
static FIRST_KEYS: LazyLock<DictionaryArray<Int32Type>> = LazyLock::new(|| {
    let keys = Int32Array::from(vec![0; MOST_ROWS]);
    DictionaryArray::new(keys, dictionary([""]))
});

/// A column in which all rows have the text at this index of `dictionary`. Its keys are there already.
fn one_name(rows: usize, index: usize, dictionary: &ArrayRef) -> ArrayRef {
    if rows > FIRST_KEYS.len() {
        let keys = vec![i32::try_from(index).expect("a dictionary is short"); rows];
        return text_names(keys, dictionary);
    }
    let keys = FIRST_KEYS.slice(0, rows);
    Arc::new(keys.with_values(dictionary.slice(index, 1)))
}

/// The key of a null, which no text has.
const NULL: i32 = -1;

/// A column of texts from `dictionary`; the key [`NULL`] is a null.
fn text_names(keys: Vec<i32>, dictionary: &ArrayRef) -> ArrayRef {
    let nulls = keys.contains(&NULL).then(|| keys.iter().map(|key| *key != NULL).collect());
    let keys = Int32Array::new(keys.into(), nulls);
    Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::clone(dictionary)))
}

/// Each text once, and the key of each; that of `None` is [`NULL`].
fn distinct<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> (Vec<i32>, ArrayRef) {
    let mut known = HashMap::<_, i32, foldhash::fast::RandomState>::default();
    let mut values = Vec::new();
    let mut last = ("", NULL);
    let mut key = |text: &'a str| {
        if last.1 == NULL || last.0 != text {
            let key = *known.entry(text).or_insert_with(|| {
                values.push(text);
                i32::try_from(values.len() - 1).expect("a batch has few rows")
            });
            last = (text, key);
        }
        last.1
    };
    let keys = texts.map(|text| text.map_or(NULL, &mut key)).collect();
    (keys, Arc::new(StringArray::from_iter_values(values)))
}

/// A column of `uid`s.
fn uids<'a>(uids: impl Iterator<Item = &'a [u8; UID]>) -> ArrayRef {
    let bytes = uids.copied().collect::<Vec<_>>().into_flattened();
    Arc::new(FixedSizeBinaryArray::new(UID_LENGTH, Buffer::from_vec(bytes), None))
}

/// A column of bools, one for each row.
fn flags<R>(rows: &[R], flag: impl Fn(&R) -> bool) -> ArrayRef {
    let bits = BooleanBuffer::collect_bool(rows.len(), |row| flag(&rows[row]));
    Arc::new(BooleanArray::new(bits, None))
}
