//! Files of columns: Parquet and Arrow IPC.
//!
//! ```text
//! rows          columns/ makes batches of them
//! TableFile     encodes batches; the bytes that are ready are in its blocks
//! TableSink     both: the sink of one or more tables
//! TableFiles    one with a file for each table
//! Partitions    its files where each hour of a table has one
//! ```
//!
//! Both formats are written from front to back, so the caller writes the blocks to whatever it has.
//! The libraries that encode allocate in ways that cannot be refused. So before a batch is encoded, as
//! much memory as that takes at most is asked for and given back (`room`).

pub mod arrow_ipc;
pub mod blocks;
mod column_thread;
mod dictionary;
mod encoder;
mod encoder_thread;
mod name_column;
pub mod parquet;
pub mod partitions;
pub mod table_file;
pub mod table_files;
pub mod table_sink;

use std::fmt;
use std::hint::black_box;

use ::parquet::errors::ParquetError;
use arrow_array::{Array, RecordBatch};
use arrow_schema::ArrowError;
use wsdefrag_core::OutOfMemory;

use crate::output::OutputError;

/// How the columns of a file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// With LZ4.
    Lz4,
    /// With Zstandard, at this level.
    Zstd(i32),
}

impl Compression {
    /// The level of zstd that is used if none is given. Higher ones make messages hardly smaller.
    pub const DEFAULT_LEVEL: i32 = 1;

    /// The levels of zstd.
    pub const LEVELS: std::ops::RangeInclusive<i32> = 1..=22;
}

impl Default for Compression {
    fn default() -> Self {
        Self::Zstd(Self::DEFAULT_LEVEL)
    }
}

/// Why a batch cannot be encoded.
#[derive(Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// There is no memory for it.
    OutOfMemory,
    /// The format cannot hold it; tables of a capture always fit.
    Unsupported(String),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("no memory to write the table"),
            Self::Unsupported(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for EncodeError {}

impl From<OutOfMemory> for EncodeError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
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

/// What is written is kept in blocks, which fail only if memory is refused.
fn is_out_of_memory(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::OutOfMemory)
}

#[expect(clippy::disallowed_methods, reason = "a short text")]
impl From<ParquetError> for EncodeError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(error) if is_out_of_memory(&*error) => Self::OutOfMemory,
            other => Self::Unsupported(other.to_string()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a short text")]
impl From<ArrowError> for EncodeError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) if is_out_of_memory(&error) => Self::OutOfMemory,
            other => Self::Unsupported(other.to_string()),
        }
    }
}

/// Bytes that encoding a batch takes beside copies of it: states of the compressors, and the pages and
/// dictionaries of the columns, which have at most 1 MiB each and are mostly much smaller.
const ENCODING: usize = 8 << 20;

/// Copies of a batch that encoding it makes at most: the values of a page, and the page.
const COPIES: usize = 3;

/// The bytes of a batch's values.
fn size(batch: &RecordBatch) -> usize {
    let sizes = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    // It fails only for types that a table of a capture has not.
    sizes.map(|size| size.unwrap_or(0)).sum()
}

/// Makes sure that there is memory to encode a batch of `size` bytes.
fn room(size: usize) -> Result<(), OutOfMemory> {
    let mut reserve = Vec::<u8>::new();
    reserve.try_reserve_exact(size.saturating_mul(COPIES).saturating_add(ENCODING))?;
    black_box(reserve);
    Ok(())
}
