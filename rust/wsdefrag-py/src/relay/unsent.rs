//! What waits to be sent one way, in the `bytes` that the caller will get.

use std::mem;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::deflate::deflater::Work;
use wsdefrag_core::relay::ByteOutput;
use wsdefrag_core::{Layout, Mask, OutOfMemory, Output, Refusal};

use crate::content::{deflating, gil_over};
use crate::random;
use crate::raw::bytes::{Gil, Writer};
use crate::write::encoder::PyOutput;

/// The most that room is made for ahead of need, in bytes.
const MOST_AHEAD: usize = 1 << 16;

/// Frames that were written and not taken.
#[derive(Default)]
pub(crate) struct Unsent {
    waiting: Waiting,
    /// Bytes that are likely to be written before any are taken.
    expected: usize,
}

/// What waits. Frames that were written by one call and taken before the next, as most are, are
/// written into a `bytes` of their size.
#[derive(Default)]
enum Waiting {
    #[default]
    Nothing,
    One(Py<PyBytes>),
    More(Writer),
}

impl Unsent {
    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        match &self.waiting {
            Waiting::Nothing => 0,
            Waiting::One(bytes) => Python::attach(|py| bytes.as_bytes(py).len()),
            Waiting::More(writer) => writer.as_slice().len(),
        }
    }

    /// Says that so many bytes came in, which go out again unless somebody is against it.
    pub(crate) fn expect(&mut self, bytes: usize) {
        self.expected = bytes.min(MOST_AHEAD);
    }

    /// All of it, which waits no longer.
    pub(crate) fn take(&mut self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        match mem::take(&mut self.waiting) {
            Waiting::Nothing => Ok(PyBytes::new(py, b"").unbind()),
            Waiting::One(bytes) => Ok(bytes),
            Waiting::More(writer) => writer.finish(py),
        }
    }

    /// A writer with room for `size` more bytes.
    fn room(&mut self, py: Python<'_>, size: usize) -> Result<&mut Writer, OutOfMemory> {
        if !matches!(self.waiting, Waiting::More(_)) {
            let written = match &self.waiting {
                Waiting::One(bytes) => bytes.as_bytes(py),
                _ => &[],
            };
            let needed = written.len() + size;
            let mut writer = Writer::with_capacity(py, needed.max(self.expected))?;
            writer.unmask(written, Mask::NONE, Gil::Keep);
            self.waiting = Waiting::More(writer);
        }
        let Waiting::More(writer) = &mut self.waiting else { unreachable!("it was made above") };
        let needed = writer.as_slice().len() + size;
        if writer.capacity() < needed {
            writer.grow(py, needed.max(2 * writer.capacity()))?;
        }
        Ok(writer)
    }
}

/// The output of one call, behind what waits.
pub(crate) struct Appending<'a, 'py> {
    pub(crate) py: Python<'py>,
    pub(crate) unsent: &'a mut Unsent,
    /// Whether the call's content stays as it is while the GIL is released.
    pub(crate) immutable: bool,
}

impl Output for Appending<'_, '_> {
    type Bytes = ();

    #[inline]
    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        random::masking_key()
    }

    #[inline]
    fn write(&mut self, layout: &Layout<'_>) -> Result<(), OutOfMemory> {
        if matches!(self.unsent.waiting, Waiting::Nothing) {
            let mut alone = PyOutput { py: self.py, immutable: self.immutable };
            self.unsent.waiting = Waiting::One(alone.write(layout)?);
        } else {
            let gil = gil_over(self.py, layout.size(), self.immutable);
            self.unsent.room(self.py, layout.size())?.lay(layout, gil);
        }
        Ok(())
    }

    fn compress(&mut self, work: Work<'_>) -> Result<Vec<usize>, OutOfMemory> {
        deflating(self.py, work, self.immutable)
    }
}

impl ByteOutput for Appending<'_, '_> {
    #[inline]
    fn append(&mut self, bytes: &[u8], mask: Mask) -> Result<(), OutOfMemory> {
        if bytes.is_empty() {
            return Ok(());
        }
        let gil = gil_over(self.py, bytes.len(), self.immutable);
        self.unsent.room(self.py, bytes.len())?.unmask(bytes, mask, gil);
        Ok(())
    }
}
