//! Messages and connections as Arrow tables, in record batches.
//!
//! Rows are pushed into plain vectors, one per column. `finish` turns the vectors into arrays without
//! copying them, and starts an empty batch. So the content of a message is copied once, and no row
//! is stored for longer than a batch.
//!
//! The column `connection` has the same numbers in both tables, so it joins them.

#![expect(clippy::disallowed_methods, reason = "names, and arrays that are there")]

pub mod connections;
pub mod messages;

use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, DictionaryArray, Int8Array, StringArray, TimestampNanosecondArray};
use arrow_schema::{DataType, Field, TimeUnit};

pub use connections::ConnectionColumns;
pub use messages::MessageColumns;

/// The time zone of all times.
const UTC: &str = "UTC";

/// A column without nulls.
fn required(name: impl Into<String>, data_type: DataType) -> Field {
    Field::new(name, data_type, false)
}

/// A column with nulls.
fn optional(name: impl Into<String>, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
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

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::Schema;

    /// The tables in a module's documentation: for each row the column's name and its type.
    fn documented(module: &str) -> Vec<Vec<(String, String)>> {
        let mut tables = Vec::new();
        for row in module.lines().filter_map(|line| line.strip_prefix("//! | ")) {
            match *row.split(" | ").collect::<Vec<_>>() {
                ["column", ..] => tables.push(Vec::new()),
                [name, data_type, _] if name.starts_with('`') => {
                    let row = (name.trim_matches('`').into(), data_type.replace('\\', ""));
                    tables.last_mut().unwrap().push(row);
                }
                _ => {}
            }
        }
        tables
    }

    /// The names and types of a schema's columns, written as in the documentation.
    fn described(schema: &Schema) -> Vec<(String, String)> {
        fn words(data_type: &DataType) -> String {
            match data_type {
                DataType::Boolean => "bool".into(),
                DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) => {
                    format!("timestamp[ns, {zone}]")
                }
                DataType::Dictionary(key, value) => {
                    format!("dictionary[{}, {}]", words(key), words(value))
                }
                DataType::List(item) => format!("list[{}]", words(item.data_type())),
                other => other.to_string().to_lowercase().replace("uint", "u").replace("int", "i"),
            }
        }
        let nulls = |field: &Field| if field.is_nullable() { ", null" } else { "" };
        let fields = schema.fields().iter();
        fields
            .map(|field| (field.name().clone(), words(field.data_type()) + nulls(field)))
            .collect()
    }

    #[test]
    fn messages_have_the_documented_columns() {
        let [table] = documented(include_str!("messages.rs")).try_into().unwrap();
        assert_eq!(described(&MessageColumns::schema()), table);
    }

    #[test]
    fn connections_have_the_documented_columns() {
        let [own, direction] = documented(include_str!("connections.rs")).try_into().unwrap();
        let mut expected = own;
        for side in ["client", "server"] {
            expected
                .extend(direction.iter().map(|(name, of)| (format!("{side}_{name}"), of.clone())));
        }
        assert_eq!(described(&ConnectionColumns::schema()), expected);
    }
}
