//! The sink of files of tables: fills the columns of one or more tables, and encodes their batches.
//!
//! Rows become batches while the capture is read, and batches become bytes when they are taken.
//!
//! - after a batch that cannot be encoded, `failed` is set, and the files stay without their end
//! - if memory for a content was refused, that row is lost, and the files have all other rows

use wsdefrag_core::OutOfMemory;

use super::EncodeError;
use super::table_file::TableFile;
use crate::columns::rows::TableRows;
use crate::columns::table::Table;
use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use crate::output::{Output, OutputError};
use crate::sink::Sink;

/// Fills tables and encodes them.
#[derive(Debug)]
pub struct TableFiles {
    rows: TableRows,
    /// The file of each table that is written, in the order of [`Table::ALL`].
    files: [Option<TableFile>; 3],
    /// Whether a batch could not be encoded.
    failed: bool,
    /// Whether the files were finished.
    ended: bool,
}

impl TableFiles {
    /// Files of tables. `rows` fills the tables that have a file; they are in the order of
    /// [`Table::ALL`].
    #[must_use]
    pub const fn new(rows: TableRows, files: [Option<TableFile>; 3]) -> Self {
        Self { rows, files, failed: false, ended: false }
    }

    /// Encodes the batches that are full.
    fn encode(&mut self) -> Result<(), EncodeError> {
        if self.ended {
            return Ok(());
        }
        while let Some((table, batch)) = self.rows.next_batch() {
            if let Some(file) = &mut self.files[table as usize]
                && !self.failed
            {
                file.write(&batch).inspect_err(|_| self.failed = true)?;
            }
        }
        if self.failed || self.rows.out_of_memory() {
            return Err(EncodeError::OutOfMemory);
        }
        Ok(())
    }

    /// Encodes the batches that are full, and moves the bytes that are ready of one table to the end of
    /// `block`. Returns which table, or `None` if no bytes are ready.
    ///
    /// # Errors
    ///
    /// If a batch cannot be encoded or there is no memory.
    pub fn take_any(&mut self, block: &mut Vec<u8>) -> Result<Option<Table>, OutputError> {
        self.encode()?;
        Ok(self.take_ready(block)?)
    }

    fn take_ready(&mut self, block: &mut Vec<u8>) -> Result<Option<Table>, OutOfMemory> {
        for table in Table::ALL {
            if let Some(blocks) = self.files[table as usize].as_mut().map(TableFile::blocks)
                && !blocks.is_empty()
            {
                blocks.take(block)?;
                return Ok(Some(table));
            }
        }
        Ok(None)
    }
}

impl From<EncodeError> for OutputError {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::OutOfMemory => Self::OutOfMemory,
            EncodeError::Unsupported(text) => Self::Spool(std::io::Error::other(text)),
        }
    }
}

impl Sink for TableFiles {
    fn opened(&mut self, connection: &Connection) {
        self.rows.opened(connection);
    }

    #[inline]
    fn message(&mut self, message: Message) {
        self.rows.message(message);
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        self.rows.spare()
    }

    fn event(&mut self, event: CaptureEvent) {
        self.rows.event(event);
    }

    fn ended(&mut self, connection: Connection) {
        self.rows.ended(connection);
    }

    fn is_full(&self) -> bool {
        self.failed || self.rows.is_full() || self.files.iter().flatten().any(TableFile::is_full)
    }
}

impl Output for TableFiles {
    fn take(&mut self, block: &mut Vec<u8>) -> Result<(), OutputError> {
        self.take_any(block).map(drop)
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.rows.finish();
        let encoded = self.encode();
        self.ended = true;
        if !self.failed {
            for file in self.files.iter_mut().flatten() {
                file.finish().inspect_err(|_| self.failed = true)?;
            }
        }
        Ok(encoded?)
    }

    fn rows(&self) -> u64 {
        self.files.iter().flatten().map(TableFile::rows).sum()
    }

    fn bytes_held(&self) -> usize {
        self.files.iter().flatten().map(TableFile::held).sum()
    }
}
