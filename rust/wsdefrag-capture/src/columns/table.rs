//! What the three tables have in common: their schemas, the choice of columns, and how a batch of rows
//! becomes arrays.
//!
//! A table is a list of columns. A column has a field and a function that makes its array of a batch,
//! so a column that is not chosen costs nothing.

#![expect(
    clippy::disallowed_methods,
    reason = "columns, and connections that are open: each is charged elsewhere"
)]

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};

use super::{connections, events, messages};

/// The version of the three schemas. It changes with any column.
pub const SCHEMA_VERSION: &str = "2";

/// A table of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// One row per message.
    Messages,
    /// One row per connection.
    Connections,
    /// One row per control frame, gap and violation.
    Events,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 3] = [Self::Messages, Self::Connections, Self::Events];

    /// The name of the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Connections => "connections",
            Self::Events => "events",
        }
    }

    /// The schema with all columns. Its metadata names the version of the schema, the table and the
    /// producer.
    #[must_use]
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 3]> = LazyLock::new(|| {
            [
                schema(Table::Messages, &messages::COLUMNS),
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
            return Ok(Choice { table: self, schema, indices });
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
        Ok(Choice { table: self, schema, indices })
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

/// Chosen columns of a table, in their order.
#[derive(Clone, Debug)]
pub struct Choice {
    table: Table,
    schema: SchemaRef,
    indices: Vec<usize>,
}

impl Choice {
    /// All columns of a table.
    #[must_use]
    pub fn all(table: Table) -> Self {
        let schema = table.schema();
        let indices = (0..schema.fields().len()).collect();
        Self { table, schema, indices }
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> Table {
        self.table
    }

    /// The schema of the chosen columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Whether a column of this name is chosen.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.schema.index_of(name).is_ok()
    }

    /// A batch of `rows` rows of the chosen columns.
    pub(super) fn batch<B>(
        &self,
        columns: &[Column<B>],
        rows: usize,
        batch: &mut B,
    ) -> RecordBatch {
        let arrays = self.indices.iter().map(|index| (columns[*index].make)(batch)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema(), arrays, &options)
            .expect("the columns are those of the schema and equally long")
    }
}

/// Why columns cannot be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChoiceError {
    /// The table has no column of this name.
    Unknown(Table, String),
    /// The name comes twice.
    Repeated(String),
}

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(table, name) => {
                write!(f, "the table {} has no column {name:?}", table.name())
            }
            Self::Repeated(name) => write!(f, "the column {name:?} is chosen twice"),
        }
    }
}

impl std::error::Error for ChoiceError {}

/// How the array of a column is made of a batch.
type Make<B> = Box<dyn Fn(&mut B) -> ArrayRef + Send + Sync>;

/// A column of a table whose batches are `B`.
pub(super) struct Column<B> {
    field: Field,
    make: Make<B>,
}

impl<B> Column<B> {
    pub(super) fn new(
        field: Field,
        make: impl Fn(&mut B) -> ArrayRef + Send + Sync + 'static,
    ) -> Self {
        Self { field, make: Box::new(make) }
    }
}

/// What rows say of their connection, for the connections that are open.
#[derive(Debug, Default)]
pub(super) struct OpenConnections {
    open: HashMap<u64, ConnectionFacts, foldhash::fast::FixedState>,
    /// Connections that have ended; rows of the current batch may belong to them.
    ended: Vec<u64>,
}

/// What rows say of their connection.
#[derive(Clone, Debug)]
pub(super) struct ConnectionFacts {
    pub(super) uid: [u8; 16],
    pub(super) host: Option<String>,
    pub(super) path: Option<String>,
}

impl OpenConnections {
    /// Takes a connection that has opened.
    pub(super) fn opened(&mut self, connection: &crate::Connection) {
        let facts = ConnectionFacts {
            uid: connection.uid,
            host: connection.host().map(Into::into),
            path: connection.path().map(Into::into),
        };
        self.open.insert(connection.connection, facts);
    }

    /// Takes the number of a connection that has ended.
    pub(super) fn ended(&mut self, connection: u64) {
        self.ended.push(connection);
    }

    /// Whether no connection is open.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether so many have ended that they should be forgotten.
    pub(super) const fn is_full(&self) -> bool {
        self.ended.len() >= 1 << 12
    }

    /// Forgets the connections that have ended, after a batch.
    pub(super) fn forget_ended(&mut self) {
        for connection in self.ended.drain(..) {
            self.open.remove(&connection);
        }
    }

    /// The facts of the rows' connections: each once, and for each row an index into them.
    pub(super) fn of_rows(&self, rows: impl Iterator<Item = u64>) -> RowFacts {
        let mut places = HashMap::<u64, u32, foldhash::fast::FixedState>::default();
        let mut found = RowFacts::default();
        let mut last = None;
        for connection in rows {
            let place = match last {
                Some((before, place)) if before == connection => place,
                _ => *places.entry(connection).or_insert_with(|| {
                    let place = u32::try_from(found.facts.len()).expect("a batch has few rows");
                    found.facts.push(self.open.get(&connection).cloned());
                    place
                }),
            };
            last = Some((connection, place));
            found.places.push(place);
        }
        found
    }
}

/// The facts of the connections of a batch.
#[derive(Debug, Default)]
pub(super) struct RowFacts {
    /// Each connection once; `None` if it was not given with [`OpenConnections::opened`].
    facts: Vec<Option<ConnectionFacts>>,
    /// For each row, the index into `facts`.
    places: Vec<u32>,
}

impl RowFacts {
    /// The column `uid`.
    pub(super) fn uids(&self) -> ArrayRef {
        let uids: Vec<_> = self
            .facts
            .iter()
            .map(|facts| facts.as_ref().map_or([0; 16], |facts| facts.uid))
            .collect();
        let rows = self.places.iter().map(|place| uids[*place as usize]);
        super::uids(rows)
    }

    /// A column of texts that the connections have.
    pub(super) fn texts(&self, of: impl Fn(&ConnectionFacts) -> Option<&str>) -> ArrayRef {
        let texts = self.facts.iter().map(|facts| facts.as_ref().and_then(&of));
        let (keys, values) = super::distinct(texts);
        super::text_names(self.places.iter().map(|place| keys[*place as usize]), &values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::{DataType, TimeUnit};

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
