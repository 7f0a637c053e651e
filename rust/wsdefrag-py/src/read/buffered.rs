//! Bytes that were fed and not yet read.

use std::mem;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

/// Fed bytes; the number is how many of them were read.
pub(crate) enum Buffered {
    Nothing,
    Chunk(Py<PyBytes>, usize),
    Joined(Vec<u8>, usize),
}

impl Buffered {
    pub(crate) fn unread<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match self {
            Self::Nothing => &[],
            Self::Chunk(chunk, read) => &chunk.as_bytes(py)[*read..],
            Self::Joined(bytes, read) => &bytes[*read..],
        }
    }

    /// Marks all but the last `unread` bytes as read.
    pub(crate) fn leave(&mut self, py: Python<'_>, unread: usize) {
        match self {
            _ if unread == 0 => *self = Self::Nothing,
            Self::Nothing => {}
            Self::Chunk(chunk, read) => *read = chunk.as_bytes(py).len() - unread,
            Self::Joined(bytes, read) => *read = bytes.len() - unread,
        }
    }

    /// Appends `more` to the unread bytes.
    pub(crate) fn join(&mut self, py: Python<'_>, more: &[u8]) -> Result<(), OutOfMemory> {
        if let Self::Joined(bytes, read) = self {
            // Moving the unread bytes costs no more than reading the others did.
            if *read > bytes.len() / 2 {
                bytes.drain(..mem::take(read));
            }
            return bytes.try_append(more);
        }
        let unread = self.unread(py);
        let mut bytes = Vec::new();
        bytes.try_reserve(unread.len() + more.len())?;
        bytes.try_append(unread)?;
        bytes.try_append(more)?;
        *self = Self::Joined(bytes, 0);
        Ok(())
    }
}
