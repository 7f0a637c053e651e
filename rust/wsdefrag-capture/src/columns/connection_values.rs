//! Columns of the connections table by the type of their values.

#![expect(clippy::disallowed_methods, reason = "a batch has at most `FULL_ROWS` rows")]

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{BooleanArray, StringArray, UInt16Array, UInt64Array};
use arrow_schema::DataType;

use super::table::Column;
use super::{FileNames, optional, required, time_type, timestamps};
use crate::connection::Connection;

/// What the columns of a batch are made of.
pub(super) struct Batch {
    pub(super) rows: Vec<Connection>,
    pub(super) files: FileNames,
}

/// A column of texts.
pub(super) fn text(
    name: &str,
    of: impl Fn(&Connection) -> String + Send + Sync + 'static,
) -> Column<Batch> {
    Column::new(required(name, DataType::Utf8), move |batch: &mut Batch| {
        Arc::new(StringArray::from_iter_values(batch.rows.iter().map(&of)))
    })
}

/// A column of texts that may be null.
pub(super) fn optional_text(
    name: impl Into<String>,
    of: impl Fn(&Connection) -> Option<String> + Send + Sync + 'static,
) -> Column<Batch> {
    Column::new(optional(name, DataType::Utf8), move |batch: &mut Batch| {
        Arc::new(batch.rows.iter().map(&of).collect::<StringArray>())
    })
}

/// A column of lists of texts.
pub(super) fn texts(
    name: impl Into<String>,
    of: impl Fn(&Connection) -> &[String] + Send + Sync + 'static,
) -> Column<Batch> {
    let field = required(name, DataType::new_list(DataType::Utf8, true));
    Column::new(field, move |batch: &mut Batch| {
        let mut list = ListBuilder::new(StringBuilder::new());
        for row in &batch.rows {
            for text in of(row) {
                list.values().append_value(text);
            }
            list.append(true);
        }
        Arc::new(list.finish())
    })
}

/// A column of counts.
pub(super) fn count(
    name: impl Into<String>,
    of: impl Fn(&Connection) -> u64 + Send + Sync + 'static,
) -> Column<Batch> {
    Column::new(required(name, DataType::UInt64), move |batch: &mut Batch| {
        Arc::new(UInt64Array::from_iter_values(batch.rows.iter().map(&of)))
    })
}

/// A column of ports or codes that may be null.
pub(super) fn optional_number(name: &str, of: fn(&Connection) -> Option<u16>) -> Column<Batch> {
    Column::new(optional(name, DataType::UInt16), move |batch: &mut Batch| {
        Arc::new(batch.rows.iter().map(of).collect::<UInt16Array>())
    })
}

/// A column of bools that may be null.
pub(super) fn optional_flag(name: &str, of: fn(&Connection) -> Option<bool>) -> Column<Batch> {
    Column::new(optional(name, DataType::Boolean), move |batch: &mut Batch| {
        Arc::new(batch.rows.iter().map(of).collect::<BooleanArray>())
    })
}

/// A column of times.
pub(super) fn time(name: &str, of: fn(&Connection) -> i64) -> Column<Batch> {
    Column::new(required(name, time_type()), move |batch: &mut Batch| {
        timestamps(batch.rows.iter().map(of).collect::<Vec<_>>())
    })
}

/// A column of ports.
pub(super) fn port(name: &str, of: fn(&Connection) -> u16) -> Column<Batch> {
    Column::new(required(name, DataType::UInt16), move |batch: &mut Batch| {
        Arc::new(UInt16Array::from_iter_values(batch.rows.iter().map(of)))
    })
}
