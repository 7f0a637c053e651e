//! The encoder of a file, in either format.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::arrow_ipc::ArrowFile;
use super::blocks::Blocks;
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

/// Encodes batches.
#[derive(Debug)]
pub(super) struct Encoder {
    file: File,
    rows: u64,
}

#[derive(Debug)]
enum File {
    Parquet(Box<ParquetFile>),
    Arrow(Box<ArrowFile>),
}

impl Encoder {
    /// Of a file without rows.
    #[expect(clippy::disallowed_methods, reason = "there is room")]
    pub(super) fn new(
        format: Format,
        schema: &SchemaRef,
        compression: Compression,
    ) -> Result<Self, EncodeError> {
        room(0)?;
        let file = match format {
            Format::Parquet => File::Parquet(Box::new(ParquetFile::new(schema, compression)?)),
            Format::Arrow => File::Arrow(Box::new(ArrowFile::new(schema, compression)?)),
        };
        Ok(Self { file, rows: 0 })
    }

    /// Has another thread take a part of the work, where that is worth it.
    pub(super) fn share(&mut self) {
        if let File::Parquet(file) = &mut self.file {
            file.contents_in_thread();
        }
    }

    /// Encodes a batch. After an error it cannot be used.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
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
        match &mut self.file {
            File::Parquet(file) => file.write(batch, size)?,
            File::Arrow(file) => file.write(batch)?,
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Encodes what ends the file.
    pub(super) fn finish(&mut self) -> Result<(), EncodeError> {
        room(0)?;
        match &mut self.file {
            File::Parquet(file) => file.finish(),
            File::Arrow(file) => file.finish(),
        }
    }

    /// The bytes that are ready.
    pub(super) fn blocks(&mut self) -> &mut Blocks {
        match &mut self.file {
            File::Parquet(file) => file.blocks(),
            File::Arrow(file) => file.blocks(),
        }
    }

    /// Whether a whole block is ready.
    pub(super) fn is_full(&self) -> bool {
        match &self.file {
            File::Parquet(file) => file.is_full(),
            File::Arrow(file) => file.is_full(),
        }
    }

    /// Bytes of the file that are not ready: the pages of a row group.
    pub(super) fn held(&self) -> usize {
        match &self.file {
            File::Parquet(file) => file.held(),
            File::Arrow(_) => 0,
        }
    }

    /// The rows that were written.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }
}
