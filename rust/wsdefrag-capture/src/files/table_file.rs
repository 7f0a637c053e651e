//! A file of a table in either format.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::arrow_ipc::ArrowFile;
use super::blocks::Blocks;
use super::encoder_thread::EncoderThread;
use super::parquet::ParquetFile;
use super::{Compression, EncodeError, room, size};

/// A format of files of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Parquet.
    Parquet,
    /// Arrow IPC, in the form for files.
    Arrow,
}

/// Rows of a batch that are encoded together. Batches of other producers may have millions.
const MOST_ROWS: usize = 1 << 14;

/// Encodes the batches of a table.
#[derive(Debug)]
pub struct TableFile {
    encoder: Encoder,
    rows: u64,
}

#[derive(Debug)]
enum Encoder {
    Parquet(Box<ParquetFile>),
    Arrow(Box<ArrowFile>),
    Thread(Box<EncoderThread>),
}

impl TableFile {
    /// A file without rows.
    ///
    /// # Errors
    ///
    /// If there is no memory, or the format has no such type.
    #[expect(clippy::disallowed_methods, reason = "there is room")]
    pub fn new(
        format: Format,
        schema: &SchemaRef,
        compression: Compression,
    ) -> Result<Self, EncodeError> {
        room(0)?;
        let encoder = match format {
            Format::Parquet => Encoder::Parquet(Box::new(ParquetFile::new(schema, compression)?)),
            Format::Arrow => Encoder::Arrow(Box::new(ArrowFile::new(schema, compression)?)),
        };
        Ok(Self { encoder, rows: 0 })
    }

    /// Has another thread encode it from now on, unless the system has no more. Errors may come later then:
    /// with another batch, or at the end.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "one for each file")]
    pub fn in_thread(self) -> Self {
        match EncoderThread::new(self) {
            Ok(thread) => Self { encoder: Encoder::Thread(Box::new(thread)), rows: 0 },
            Err(file) => file,
        }
    }

    /// Encodes a batch.
    ///
    /// # Errors
    ///
    /// If there is no memory, or the format cannot hold a value. The file cannot be used after it.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        if let Encoder::Thread(thread) = &mut self.encoder {
            return thread.write(batch);
        }
        let mut first = 0;
        while first < batch.num_rows() {
            let rows = (batch.num_rows() - first).min(MOST_ROWS);
            self.write_part(&batch.slice(first, rows))?;
            first += rows;
        }
        Ok(())
    }

    fn write_part(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        let size = size(batch);
        room(size)?;
        match &mut self.encoder {
            Encoder::Parquet(file) => file.write(batch, size)?,
            Encoder::Arrow(file) => file.write(batch)?,
            Encoder::Thread(thread) => thread.write(batch)?,
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Encodes what ends the file.
    ///
    /// # Errors
    ///
    /// If there is no memory.
    pub fn finish(&mut self) -> Result<(), EncodeError> {
        room(0)?;
        match &mut self.encoder {
            Encoder::Parquet(file) => file.finish(),
            Encoder::Arrow(file) => file.finish(),
            Encoder::Thread(thread) => thread.finish(),
        }
    }

    /// The bytes that are ready.
    pub fn blocks(&mut self) -> &mut Blocks {
        match &mut self.encoder {
            Encoder::Parquet(file) => file.blocks(),
            Encoder::Arrow(file) => file.blocks(),
            Encoder::Thread(thread) => thread.blocks(),
        }
    }

    /// Whether a whole block is ready.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match &self.encoder {
            Encoder::Parquet(file) => file.is_full(),
            Encoder::Arrow(file) => file.is_full(),
            Encoder::Thread(thread) => thread.is_full(),
        }
    }

    /// Bytes of the file that are not ready: the pages of a row group.
    #[must_use]
    pub fn held(&self) -> usize {
        match &self.encoder {
            Encoder::Parquet(file) => file.held(),
            Encoder::Arrow(_) => 0,
            Encoder::Thread(thread) => thread.held(),
        }
    }

    /// The rows that were written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        match &self.encoder {
            Encoder::Thread(thread) => thread.rows(),
            _ => self.rows,
        }
    }
}
