//! Python memory for the engine: payloads are written into `bytes` without a copy.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use wsdefrag_core::deflate::deflater::Compression;
use wsdefrag_core::deflate::inflater::{Progress, Stream};
use wsdefrag_core::limits::Excess;
use wsdefrag_core::{Content, Mask, Memory, OutOfMemory, TextMemory};

use crate::budget::Charge;
use crate::raw::bytes::{Gil, Writer, bytes_of, copied_bytes, unmasked_bytes};
use crate::raw::text::ascii_text;

/// The size, in bytes, from which a content at least doubles when it grows.
const LARGE: usize = 1 << 20;

/// A payload that becomes a Python `bytes`.
pub(crate) enum PyContent {
    /// A complete `bytes`.
    Whole(Py<PyBytes>),
    /// A `bytes` that is still being written.
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

    /// The content as a `bytes`. If memory for it is refused, nothing has changed.
    pub(crate) fn bytes(&mut self, py: Python<'_>) -> PyResult<&Py<PyBytes>> {
        if let Self::Growing(writer) = self {
            *self = Self::Whole(copied_bytes(py, writer.as_slice())?.unbind());
        }
        match self {
            Self::Whole(bytes) => Ok(bytes),
            Self::Growing(_) => unreachable!("it was replaced above"),
        }
    }
}

impl Content for PyContent {
    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes_of(bytes),
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

/// Smallest number of bytes for which unmasking releases the GIL. Taking the GIL back costs time,
/// so the usual reads of 64 KiB keep it.
const LONG: usize = 1 << 18;
/// Inflating one byte takes at least as long as unmasking this many.
const INFLATING: usize = 8;
/// Compressing one byte takes at least as long as masking this many.
const DEFLATING: usize = 32;

/// Whether to keep the GIL while this many bytes are masked or unmasked.
#[inline]
pub(crate) const fn gil_over(py: Python<'_>, bytes: usize, immutable: bool) -> Gil<'_> {
    if bytes >= LONG && immutable { Gil::Release(py) } else { Gil::Keep }
}

/// Compresses; releases the GIL for large contents.
pub(crate) fn deflating(
    py: Python<'_>,
    work: Compression<'_>,
    immutable: bool,
) -> Result<Vec<usize>, OutOfMemory> {
    let bytes = work.size().saturating_mul(DEFLATING);
    gil_over(py, bytes, immutable).during(|| work.run())
}

/// The memory for one call.
pub(crate) struct PyMemory<'py> {
    pub(crate) py: Python<'py>,
    /// Whether the call's input cannot change while the GIL is released.
    pub(crate) immutable_input: bool,
    /// The charge on a budget, if there is a budget.
    pub(crate) charge: Option<Charge>,
}

impl<'py> PyMemory<'py> {
    pub(crate) const fn new(py: Python<'py>) -> Self {
        Self { py, immutable_input: false, charge: None }
    }

    #[inline]
    const fn gil(&self, bytes: usize) -> Gil<'py> {
        gil_over(self.py, bytes, self.immutable_input)
    }
}

impl Memory for PyMemory<'_> {
    type Content = PyContent;

    #[inline]
    fn admit(&mut self, wanted: usize, least: usize) -> Result<usize, Excess> {
        match &mut self.charge {
            Some(charge) => charge.admit(wanted, least),
            None => Ok(wanted),
        }
    }

    #[inline]
    fn forgo(&mut self, bytes: usize) {
        if let Some(charge) = &mut self.charge {
            charge.forgo(bytes);
        }
    }

    #[inline]
    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(PyContent, u8), OutOfMemory> {
        let (bytes, any) = unmasked_bytes(self.py, wire, mask, self.gil(wire.len()))?;
        Ok((PyContent::Whole(bytes), any))
    }

    fn allocate(&mut self, capacity: usize) -> Result<PyContent, OutOfMemory> {
        Writer::with_capacity(self.py, capacity).map(PyContent::Growing)
    }

    /// A `bytes` grows by being copied to a larger one, so both are resident for a moment. A large one
    /// therefore at least doubles: the new one's unwritten pages are not resident, and copies are few.
    fn grow(&mut self, content: &mut PyContent, capacity: usize) -> Result<(), OutOfMemory> {
        let writer = growing(content);
        let held = writer.as_slice().len();
        let least = if held >= LARGE { held.saturating_mul(2) } else { 0 };
        writer.grow(self.py, capacity.max(least))
    }

    #[inline]
    fn unmask(&mut self, content: &mut PyContent, wire: &[u8], mask: Mask) -> u8 {
        growing(content).unmask(wire, mask, self.gil(wire.len()))
    }

    fn inflate(
        &mut self,
        content: &mut PyContent,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
    ) -> Progress {
        let gil = self.gil(INFLATING * room.min(input.len()));
        growing(content).inflate(room, stream, input, gil)
    }
}

impl TextMemory for PyMemory<'_> {
    type Text = Py<PyString>;

    #[inline]
    fn ascii(&mut self, wire: &[u8], mask: Mask) -> Result<Option<Py<PyString>>, OutOfMemory> {
        ascii_text(self.py, wire, mask, self.gil(wire.len()))
    }

    fn text(&mut self, text: &str) -> Result<Py<PyString>, OutOfMemory> {
        match PyString::from_bytes(self.py, text.as_bytes()) {
            Ok(text) => Ok(text.unbind()),
            Err(_) => Err(OutOfMemory),
        }
    }
}

#[inline]
fn growing(content: &mut PyContent) -> &mut Writer {
    match content {
        PyContent::Growing(writer) => writer,
        PyContent::Whole(_) => unreachable!("the engine never appends to a complete content"),
    }
}
