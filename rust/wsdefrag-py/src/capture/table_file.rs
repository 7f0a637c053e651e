//! Files of tables: their formats and compression by name.

#![expect(clippy::disallowed_macros, reason = "short texts")]

use arrow_schema::SchemaRef;
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use wsdefrag_capture::files::table_file::{Format, TableFile};
use wsdefrag_capture::files::{Compression, EncodeError};

/// The format with this name; raises `ValueError` if there is none.
pub(crate) fn format_of(name: &str) -> PyResult<Format> {
    match name {
        "parquet" => Ok(Format::Parquet),
        "arrow" => Ok(Format::Arrow),
        _ => Err(PyValueError::new_err(format!("{name:?} is no format of a file of a table"))),
    }
}

/// The compression with this name; raises `ValueError` if there is none, or no such level.
pub(crate) fn compression_of(name: Option<&str>, level: Option<i32>) -> PyResult<Compression> {
    let levels = Compression::LEVELS;
    if let Some(level) = level
        && (name != Some("zstd") || !levels.contains(&level))
    {
        let text = format!(
            "compression_level must be from {} to {}, and is for zstd",
            levels.start(),
            levels.end()
        );
        return Err(PyValueError::new_err(text));
    }
    match name {
        None => Ok(Compression::None),
        Some("lz4") => Ok(Compression::Lz4),
        Some("zstd") => Ok(Compression::Zstd(level.unwrap_or(Compression::DEFAULT_LEVEL))),
        Some(other) => Err(PyValueError::new_err(format!(
            "compression must be 'zstd', 'lz4' or None, not {other:?}"
        ))),
    }
}

/// A file without rows.
pub(crate) fn new_file(
    format: Format,
    schema: &SchemaRef,
    compression: Compression,
) -> PyResult<TableFile> {
    TableFile::new(format, schema, compression).map_err(raised)
}

/// The exception for a batch that cannot be encoded.
pub(crate) fn raised(error: EncodeError) -> PyErr {
    match error {
        EncodeError::OutOfMemory => PyMemoryError::new_err("no memory to write the table"),
        EncodeError::Unsupported(text) => PyValueError::new_err(text),
    }
}
