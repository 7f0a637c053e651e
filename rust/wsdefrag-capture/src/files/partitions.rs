//! The files of a lake: a Parquet file for each hour of each table.
//!
//! A row belongs to the hour, in UTC, of its `timestamp`, or of `started` for a connection. Rows come
//! nearly in the order of their times, so only few files are open at a time.
//!
//! - at most `MOST_OPEN` files are open; over it, the one used least recently is finished, and later
//!   rows of its hour go to another file

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "one for each file and each run of rows of one hour"
)]

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{Array, RecordBatch};
use chrono::DateTime;

use super::table_file::{Format, TableFile};
use super::table_sink::Files;
use super::{Compression, EncodeError};
use crate::output::OutputError;
use crate::table::Table;

/// Files that are open at a time; each holds up to a row group.
const MOST_OPEN: usize = 12;

/// Nanoseconds of an hour.
const HOUR: i64 = 3_600_000_000_000;

/// A file of one hour of a table.
#[derive(Debug)]
struct Part {
    /// Its number among all files of the pass.
    number: usize,
    table: Table,
    hour: i64,
    file: TableFile,
    is_finished: bool,
}

/// Encodes each hour of tables, which have all columns, into a file of its own.
#[derive(Debug)]
pub struct Partitions {
    compression: Compression,
    /// The files that are open or have bytes left, the one used last at the end.
    parts: Vec<Part>,
    /// The names of all files so far, by number, and how many rows they have.
    names: Vec<(String, u64)>,
}

/// The columns that say to which hour a row belongs; the first that is not null counts.
const fn time_columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Messages => &["timestamp"],
        Table::Connections => &["started"],
        Table::Events => &["timestamp", "first_timestamp"],
    }
}

/// The hour of each row, counted from the epoch.
fn hours(table: Table, batch: &RecordBatch) -> Vec<i64> {
    let columns: Vec<_> = time_columns(table)
        .iter()
        .filter_map(|name| batch.column_by_name(name))
        .filter_map(|column| column.as_primitive_opt::<TimestampNanosecondType>())
        .collect();
    let time =
        |row: usize| columns.iter().find(|it| it.is_valid(row)).map_or(0, |it| it.value(row));
    (0..batch.num_rows()).map(|row| time(row).div_euclid(HOUR)).collect()
}

/// The folder of an hour of a table, as Hive names partitions.
fn folder(table: Table, hour: i64) -> String {
    let time = DateTime::from_timestamp_nanos(hour.saturating_mul(HOUR)).naive_utc();
    let (date, hour) = (time.date(), hour.rem_euclid(24));
    format!("{}/date={date}/hour={hour:02}", table.name())
}

impl Partitions {
    /// Without rows.
    #[must_use]
    pub const fn new(compression: Compression) -> Self {
        Self { compression, parts: Vec::new(), names: Vec::new() }
    }

    /// The file of an hour, which is made if there is none that is open.
    fn part(&mut self, table: Table, hour: i64, batch: &RecordBatch) -> Result<usize, EncodeError> {
        let wanted = |it: &Part| it.table == table && it.hour == hour && !it.is_finished;
        if let Some(index) = self.parts.iter().rposition(wanted) {
            let part = self.parts.remove(index);
            self.parts.push(part);
        } else {
            if self.parts.iter().filter(|part| !part.is_finished).count() >= MOST_OPEN
                && let Some(oldest) = self.parts.iter_mut().find(|part| !part.is_finished)
            {
                oldest.file.finish()?;
                oldest.is_finished = true;
            }
            let file = TableFile::new(Format::Parquet, &batch.schema(), self.compression)?;
            let number = self.names.len();
            self.names.push((folder(table, hour), 0));
            self.parts.push(Part { number, table, hour, file, is_finished: false });
        }
        Ok(self.parts.len() - 1)
    }
}

impl Files for Partitions {
    fn write(&mut self, table: Table, batch: &RecordBatch) -> Result<(), EncodeError> {
        let hours = hours(table, batch);
        let mut first = 0;
        for run in hours.chunk_by(|one, other| one == other) {
            let index = self.part(table, run[0], batch)?;
            let part = &mut self.parts[index];
            part.file.write(&batch.slice(first, run.len()))?;
            self.names[part.number].1 += run.len() as u64;
            first += run.len();
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), EncodeError> {
        for part in self.parts.iter_mut().filter(|part| !part.is_finished) {
            part.file.finish()?;
            part.is_finished = true;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.parts.iter().any(|part| part.file.is_full())
    }

    fn take_part(&mut self, block: &mut Vec<u8>, number: &mut usize) -> Result<(), OutputError> {
        self.parts.retain_mut(|part| !part.is_finished || !part.file.blocks().is_empty());
        for part in &mut self.parts {
            let blocks = part.file.blocks();
            if !blocks.is_empty() {
                *number = part.number;
                return Ok(blocks.take(block)?);
            }
        }
        Ok(())
    }

    fn names(&self) -> &[(String, u64)] {
        &self.names
    }

    fn rows(&self) -> u64 {
        self.names.iter().map(|(_, rows)| rows).sum()
    }

    fn bytes_held(&self) -> usize {
        self.parts.iter().map(|part| part.file.held()).sum()
    }
}
