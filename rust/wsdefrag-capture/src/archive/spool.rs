//! A temporary file for rows that do not fit into memory.
//!
//! The crate does no I/O, so a caller implements it. Where none is given, nothing leaves the memory.

use std::io;

/// Bytes outside the memory. They are appended, and read at their positions.
pub trait Spool: Send {
    /// Appends bytes at `position`, which is the number of bytes that were appended since the last
    /// [`clear`](Self::clear).
    ///
    /// # Errors
    ///
    /// If they could not be written.
    fn append(&mut self, position: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads bytes that were appended, from this position on, until `bytes` is full.
    ///
    /// # Errors
    ///
    /// If they could not be read.
    fn read(&mut self, position: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Drops all bytes.
    ///
    /// # Errors
    ///
    /// If that was not possible.
    fn clear(&mut self) -> io::Result<()>;
}
