//! The sink of files of tables: fills the columns of one or more tables, and encodes their batches.
//!
//! Rows become batches while the capture is read, and batches become bytes when they are taken.
//!
//! - after a batch that cannot be encoded, `failed` is set, and the files stay without their end
//! - if memory for a content was refused, that row is lost, and the files have all other rows

use super::EncodeError;
use super::table_file::TableFile;
use crate::columns::rows::TableRows;
use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use crate::output::{Output, OutputError};
use crate::sink::Sink;

/// Fills tables and encodes them.
#[derive(Debug)]
pub struct TableFiles {
    rows: TableRows,
    /// The file of each table that is written, in the order of [`Table::ALL`](crate::columns::Table::ALL).
    files: [Option<TableFile>; 3],
    /// Whether a batch could not be encoded.
    failed: bool,
    /// Whether the files were finished.
    ended: bool,
}

impl TableFiles {
    /// Files of tables. `rows` fills the tables that have a file; they are in the order of
    /// [`Table::ALL`](crate::columns::Table::ALL).
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
        self.take_part(block, &mut 0)
    }

    /// The number of a file is that of its table.
    fn take_part(&mut self, block: &mut Vec<u8>, part: &mut usize) -> Result<(), OutputError> {
        self.encode()?;
        for (number, file) in self.files.iter_mut().enumerate() {
            if let Some(blocks) = file.as_mut().map(TableFile::blocks)
                && !blocks.is_empty()
            {
                *part = number;
                return Ok(blocks.take(block)?);
            }
        }
        Ok(())
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
