//! A file for each of one or more tables.

use arrow_array::RecordBatch;

use super::EncodeError;
use super::table_file::TableFile;
use super::table_sink::{Files, TableSink};
use crate::output::OutputError;
use crate::table::Table;

/// Fills tables, and encodes each into its file; they are in the order of [`Table::ALL`].
pub type TableFiles = TableSink<[Option<TableFile>; 3]>;

impl Files for [Option<TableFile>; 3] {
    fn write(&mut self, table: Table, batch: &RecordBatch) -> Result<(), EncodeError> {
        self[table as usize].as_mut().map_or(Ok(()), |file| file.write(batch))
    }

    fn finish(&mut self) -> Result<(), EncodeError> {
        self.iter_mut().flatten().try_for_each(TableFile::finish)
    }

    fn is_full(&self) -> bool {
        self.iter().flatten().any(TableFile::is_full)
    }

    /// The number of a file is that of its table.
    fn take_part(&mut self, block: &mut Vec<u8>, part: &mut usize) -> Result<(), OutputError> {
        for (number, file) in self.iter_mut().enumerate() {
            if let Some(blocks) = file.as_mut().map(TableFile::blocks)
                && !blocks.is_empty()
            {
                *part = number;
                return Ok(blocks.take(block)?);
            }
        }
        Ok(())
    }

    fn rows(&self) -> u64 {
        self.iter().flatten().map(TableFile::rows).sum()
    }

    fn bytes_held(&self) -> usize {
        self.iter().flatten().map(TableFile::held).sum()
    }
}
