//! Python's memory for the engine: contents that become `bytes` without a copy.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::deflate::{Progress, Stream};
use wsdefrag_core::{Content, Mask, Memory, OutOfMemory};

use crate::raw::{self, Writer};

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
            // The slice lives as long as the object, and `bytes` do not change.
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

/// Ranges of at least this many bytes are unmasked or inflated without the GIL. Below it, getting
/// the GIL back from a busy thread may take longer than the work.
const DETACHED: usize = 1 << 18;

/// The memory of one call.
pub(crate) struct PyMemory<'py> {
    pub(crate) py: Python<'py>,
    /// Whether the call's input stays as it is while the GIL is released.
    pub(crate) immutable_input: bool,
}

impl<'py> PyMemory<'py> {
    pub(crate) const fn new(py: Python<'py>) -> Self {
        Self { py, immutable_input: false }
    }

    /// Does `work` on so many bytes, without the GIL if they are many.
    #[inline]
    fn run<R: Send>(&self, bytes: usize, work: impl FnOnce() -> R + Send) -> R {
        if bytes >= DETACHED && self.immutable_input { self.py.detach(work) } else { work() }
    }
}

impl Memory for PyMemory<'_> {
    type Content = PyContent;

    #[inline]
    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(PyContent, u8), OutOfMemory> {
        let (bytes, any) = raw::whole_bytes(self.py, wire.len(), |slots| {
            self.run(wire.len(), || mask.unmask(wire, slots))
        })?;
        Ok((PyContent::Whole(bytes), any))
    }

    fn allocate(&mut self, capacity: usize) -> Result<PyContent, OutOfMemory> {
        Writer::with_capacity(self.py, capacity).map(PyContent::Growing)
    }

    fn grow(&mut self, content: &mut PyContent, capacity: usize) -> Result<(), OutOfMemory> {
        growing(content).grow(self.py, capacity)
    }

    #[inline]
    fn unmask(&mut self, content: &mut PyContent, wire: &[u8], mask: Mask) -> u8 {
        growing(content).append(wire.len(), |slots| {
            (wire.len(), self.run(wire.len(), || mask.unmask(wire, slots)))
        })
    }

    fn inflate(
        &mut self,
        content: &mut PyContent,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
    ) -> Progress {
        growing(content).append(room, |slots| {
            let progress = self.run(room, || stream.inflate_uninit(input, slots));
            (progress.produced, progress)
        })
    }
}

#[inline]
fn growing(content: &mut PyContent) -> &mut Writer {
    match content {
        PyContent::Growing(writer) => writer,
        PyContent::Whole(_) => unreachable!("the engine never appends to a whole content"),
    }
}
