//! The sink of files of columns: fills tables, and gives their batches to files.
//!
//! Rows become batches while the capture is read, and batches become bytes when they are taken.
//!
//! - after a batch that cannot be encoded, `failed` is set, and the files stay without their end
//! - if memory for a content was refused, that row is lost, and the files have all other rows

use arrow_array::RecordBatch;

use super::EncodeError;
use crate::columns::rows::TableRows;
use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use crate::output::{Output, OutputError};
use crate::sink::Sink;
use crate::table::Table;

/// Files that encode batches.
pub trait Files {
    /// Encodes a batch of a table.
    ///
    /// # Errors
    ///
    /// If it cannot be encoded.
    fn write(&mut self, table: Table, batch: &RecordBatch) -> Result<(), EncodeError>;

    /// Makes the ends of all files ready.
    ///
    /// # Errors
    ///
    /// If there is no memory for them.
    fn finish(&mut self) -> Result<(), EncodeError>;

    /// Whether a file has so many bytes that they should be taken.
    fn is_full(&self) -> bool;

    /// Does what [`Output::take_part`] does.
    ///
    /// # Errors
    ///
    /// If there is no memory for the block.
    fn take_part(&mut self, block: &mut Vec<u8>, part: &mut usize) -> Result<(), OutputError>;

    /// What [`Output::part_names`] gives.
    fn names(&self) -> &[(String, u64)] {
        &[]
    }

    /// Rows of all files.
    fn rows(&self) -> u64;

    /// Bytes that are held and are not ready.
    fn bytes_held(&self) -> usize;
}

/// Fills tables and encodes them.
#[derive(Debug)]
pub struct TableSink<F> {
    rows: TableRows,
    files: F,
    /// Whether a batch could not be encoded.
    failed: bool,
    /// Whether the files were finished.
    ended: bool,
}

impl<F: Files> TableSink<F> {
    /// `rows` fills the tables that have files, with all columns that these have.
    #[must_use]
    pub const fn new(rows: TableRows, files: F) -> Self {
        Self { rows, files, failed: false, ended: false }
    }

    /// Encodes the batches that are full.
    fn encode(&mut self) -> Result<(), EncodeError> {
        if self.ended {
            return Ok(());
        }
        while let Some((table, batch)) = self.rows.next_batch() {
            if !self.failed {
                self.files.write(table, &batch).inspect_err(|_| self.failed = true)?;
            }
        }
        if self.failed || self.rows.out_of_memory() {
            return Err(EncodeError::OutOfMemory);
        }
        Ok(())
    }
}

impl<F: Files> Sink for TableSink<F> {
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
        self.failed || self.rows.is_full() || self.files.is_full()
    }
}

impl<F: Files> Output for TableSink<F> {
    fn take(&mut self, block: &mut Vec<u8>) -> Result<(), OutputError> {
        self.take_part(block, &mut 0)
    }

    fn take_part(&mut self, block: &mut Vec<u8>, part: &mut usize) -> Result<(), OutputError> {
        self.encode()?;
        self.files.take_part(block, part)
    }

    fn part_names(&self) -> &[(String, u64)] {
        self.files.names()
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.rows.finish();
        let encoded = self.encode();
        self.ended = true;
        if !self.failed {
            self.files.finish().inspect_err(|_| self.failed = true)?;
        }
        Ok(encoded?)
    }

    fn rows(&self) -> u64 {
        self.files.rows()
    }

    fn bytes_held(&self) -> usize {
        self.files.bytes_held()
    }
}
