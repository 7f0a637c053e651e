//! Python's memory for the engine: contents that become `bytes` without a copy.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::deflate::{Progress, Stream};
use wsdefrag_core::{Content, Mask, Memory, OutOfMemory};

use crate::raw::{Writer, unmasked_bytes};

/// A payload on its way to Python.
pub(crate) enum PyContent {
    /// A `bytes` of its final size, all written.
    Whole(Py<PyBytes>),
    /// One that grows.
    Growing(Writer),
}

impl PyContent {
    #[inline]
    pub(crate) fn into_bytes(self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        match self {
            Self::Whole(bytes) => Ok(bytes),
            Self::Growing(writer) => writer.finish(py),
        }
    }
}

impl Content for PyContent {
    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => Python::attach(|py| bytes.as_bytes(py)),
            Self::Growing(writer) => writer.as_slice(),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Self::Whole(_) => self.as_slice().len(),
            Self::Growing(writer) => writer.capacity(),
        }
    }
}

/// The memory of one call.
///
/// The GIL is kept throughout: a read of 64 KiB takes a few microseconds, and what takes long for
/// larger ones is the system's handing out of pages, which threads wait for one after the other.
pub(crate) struct PyMemory<'py>(pub(crate) Python<'py>);

impl Memory for PyMemory<'_> {
    type Content = PyContent;

    #[inline]
    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(PyContent, u8), OutOfMemory> {
        let (bytes, any) = unmasked_bytes(self.0, wire, mask)?;
        Ok((PyContent::Whole(bytes), any))
    }

    fn allocate(&mut self, capacity: usize) -> Result<PyContent, OutOfMemory> {
        Writer::with_capacity(self.0, capacity).map(PyContent::Growing)
    }

    fn grow(&mut self, content: &mut PyContent, capacity: usize) -> Result<(), OutOfMemory> {
        growing(content).grow(self.0, capacity)
    }

    #[inline]
    fn unmask(&mut self, content: &mut PyContent, wire: &[u8], mask: Mask) -> u8 {
        growing(content).unmask(wire, mask)
    }

    fn inflate(
        &mut self,
        content: &mut PyContent,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
    ) -> Progress {
        growing(content).inflate(room, stream, input)
    }
}

#[inline]
fn growing(content: &mut PyContent) -> &mut Writer {
    match content {
        PyContent::Growing(writer) => writer,
        PyContent::Whole(_) => unreachable!("the engine never appends to a whole content"),
    }
}
