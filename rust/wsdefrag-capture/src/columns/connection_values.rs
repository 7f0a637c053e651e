//! Columns of the connections table by the type of their values.

#![expect(clippy::disallowed_methods, reason = "a batch has at most `FULL_ROWS` rows")]

use std::net::IpAddr;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{BooleanArray, StringArray, UInt16Array, UInt64Array};
use arrow_schema::DataType;

use super::choice::Column;
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

/// A column of IP addresses.
pub(super) fn address(name: &str, of: fn(&Connection) -> IpAddr) -> Column<Batch> {
    Column::new(required(name, DataType::Utf8), move |batch: &mut Batch| {
        let mut texts = StringBuilder::new();
        for row in &batch.rows {
            append_address(&mut texts, of(row));
        }
        Arc::new(texts.finish())
    })
}

/// Appends the text of an address. That of IPv4 is written by hand, which takes a fifth of the
/// standard library's time.
fn append_address(texts: &mut StringBuilder, address: IpAddr) {
    let IpAddr::V4(address) = address else { return texts.append_value(address.to_string()) };
    let mut text = [b'.'; 15];
    let mut length = 0;
    for octet in address.octets() {
        for (least, unit) in [(100, 100), (10, 10), (0, 1)] {
            if octet >= least {
                text[length] = b'0' + octet / unit % 10;
                length += 1;
            }
        }
        // The point after it is there already.
        length += 1;
    }
    texts.append_value(std::str::from_utf8(&text[..length - 1]).unwrap_or_default());
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
