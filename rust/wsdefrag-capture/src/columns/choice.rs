//! The tables of a capture, the choice of their columns, and how a batch of rows becomes arrays.
//!
//! A table is a list of columns. A column has a field and a function that makes its array of a batch,
//! so a column that is not chosen costs nothing.

use std::fmt;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, SchemaRef};

use crate::table::Table;

/// Chosen columns of a table, in their order.
#[derive(Clone, Debug)]
pub struct Choice {
    table: Table,
    schema: SchemaRef,
    indices: Vec<usize>,
}

impl Choice {
    /// The columns with these indices in the table; `schema` is theirs.
    pub(super) const fn new(table: Table, schema: SchemaRef, indices: Vec<usize>) -> Self {
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
    pub(super) field: Field,
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
