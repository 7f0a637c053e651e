//! The schemas of the tables, and the choice of columns by name.

#![expect(clippy::disallowed_methods, reason = "the columns of a table")]

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow_schema::{Schema, SchemaRef};

use super::choice::{Choice, ChoiceError, Column};
use super::{connections, events, message_table};
use crate::table::Table;

/// The version of the three schemas. It changes with any column.
pub const SCHEMA_VERSION: &str = "4";

impl Table {
    /// The schema with all columns. Its metadata names the version of the schema, the table and the
    /// producer.
    #[must_use]
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 3]> = LazyLock::new(|| {
            [
                schema(Table::Messages, &message_table::COLUMNS),
                schema(Table::Connections, &connections::COLUMNS),
                schema(Table::Events, &events::COLUMNS),
            ]
        });
        Arc::clone(&SCHEMAS[self as usize])
    }

    /// Chooses columns by name, in this order; `None` chooses all.
    ///
    /// # Errors
    ///
    /// If a name is unknown or repeated.
    pub fn choose(self, names: Option<&[String]>) -> Result<Choice, ChoiceError> {
        let schema = self.schema();
        let Some(names) = names else {
            let indices = (0..schema.fields().len()).collect();
            return Ok(Choice::new(self, schema, indices));
        };
        let mut indices = Vec::with_capacity(names.len());
        for name in names {
            let index = schema.index_of(name);
            let index = index.map_err(|_| ChoiceError::Unknown(self, name.clone()))?;
            if indices.contains(&index) {
                return Err(ChoiceError::Repeated(name.clone()));
            }
            indices.push(index);
        }
        let fields: Vec<_> =
            indices.iter().map(|index| Arc::clone(&schema.fields()[*index])).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        Ok(Choice::new(self, schema, indices))
    }
}

impl Choice {
    /// All columns of a table.
    #[must_use]
    pub fn all(table: Table) -> Self {
        let schema = table.schema();
        let indices = (0..schema.fields().len()).collect();
        Self::new(table, schema, indices)
    }
}

fn schema<B>(table: Table, columns: &[Column<B>]) -> SchemaRef {
    let fields: Vec<_> = columns.iter().map(|column| column.field.clone()).collect();
    let producer = concat!("wsdefrag ", env!("CARGO_PKG_VERSION"));
    let metadata = [
        ("wsdefrag.schema_version", SCHEMA_VERSION),
        ("wsdefrag.table", table.name()),
        ("wsdefrag.producer", producer),
    ];
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    Arc::new(Schema::new_with_metadata(fields, HashMap::from(metadata.map(owned))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::{DataType, Field, TimeUnit};

    /// The tables of columns in the documentation: for each row the column's name and its type.
    fn documented() -> Vec<Vec<(String, String)>> {
        let page = include_str!("../../../../docs/schema.md");
        let mut tables = Vec::new();
        for row in page.lines().filter_map(|line| line.strip_prefix("| ")) {
            match *row.split(" | ").collect::<Vec<_>>() {
                ["column", ..] => tables.push(Vec::new()),
                [name, data_type, _] if name.starts_with('`') => {
                    let row = (name.trim_matches('`').into(), data_type.into());
                    tables.last_mut().expect("a table of columns").push(row);
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
                DataType::FixedSizeBinary(bytes) => format!("fixed_size_binary[{bytes}]"),
                DataType::Duration(TimeUnit::Nanosecond) => "duration[ns]".into(),
                DataType::Struct(fields) => {
                    let fields = fields.iter();
                    let fields = fields
                        .map(|field| format!("{}: {}", field.name(), words(field.data_type())));
                    format!("struct[{}]", fields.collect::<Vec<_>>().join(", "))
                }
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
    fn tables_have_the_documented_columns() {
        let [messages, own, direction, events] = documented().try_into().unwrap();
        let mut connections = own;
        for side in ["client", "server"] {
            connections
                .extend(direction.iter().map(|(name, of)| (format!("{side}_{name}"), of.clone())));
        }
        for (table, expected) in Table::ALL.into_iter().zip([messages, connections, events]) {
            assert_eq!(described(&table.schema()), expected, "{table:?}");
        }
    }

    #[test]
    fn unknown_and_repeated_columns_are_refused() {
        let choose = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            Table::Events.choose(Some(&names)).map(|_| ())
        };
        assert_eq!(choose(&["kind", "offset"]), Ok(()));
        let unknown = ChoiceError::Unknown(Table::Events, "content".into());
        assert_eq!(choose(&["kind", "content"]), Err(unknown));
        assert_eq!(choose(&["kind", "kind"]), Err(ChoiceError::Repeated("kind".into())));
    }
}
