//! Frames as Python `bytes` of exactly their size, or as buffers to be sent one after the other.

use std::ptr;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use wsdefrag_core::deflate::deflater::Compression;
use wsdefrag_core::{Layout, OutOfMemory, Output, Refusal};

use crate::content::{deflating, gil_over};
use crate::random;
use crate::raw::bytes::{copied_bytes, framed_bytes};
use crate::raw::list::empty_list;

/// Shortest text, in characters, whose UTF-8 is not cached in its `str`.
const LONG_TEXT: usize = 1 << 12;

/// Calls `encode` with a text's UTF-8.
#[inline]
pub(crate) fn with_text<R>(
    text: &Bound<'_, PyString>,
    encode: impl FnOnce(&[u8]) -> PyResult<R>,
) -> PyResult<R> {
    // A non-ASCII `str` would keep its cached UTF-8 for its lifetime.
    if text.len()? >= LONG_TEXT && !text.call_method0("isascii")?.extract()? {
        return encode(text.encode_utf8()?.as_bytes());
    }
    encode(text.to_str()?.as_bytes())
}

/// The output of one call: a new `bytes`.
pub(crate) struct PyOutput<'py> {
    pub(crate) py: Python<'py>,
    /// Whether the call's content cannot change while the GIL is released.
    pub(crate) immutable: bool,
}

impl Output for PyOutput<'_> {
    type Bytes = Py<PyBytes>;

    #[inline]
    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        random::masking_key()
    }

    #[inline]
    fn write(&mut self, layout: &Layout<'_>) -> Result<Py<PyBytes>, OutOfMemory> {
        let written =
            framed_bytes(self.py, layout, gil_over(self.py, layout.size(), self.immutable));
        if written.is_err() {
            // The encoder reports the error by its own exception.
            drop(PyErr::take(self.py));
        }
        written
    }

    fn compress(&mut self, work: Compression<'_>) -> Result<Vec<usize>, OutOfMemory> {
        deflating(self.py, work, self.immutable)
    }
}

/// Shortest content, in bytes, that is not copied behind its header: to give the system two buffers
/// costs as much as to copy some kilobytes.
const LONG_CONTENT: usize = 1 << 13;

/// The output of one call: a list of `bytes`, of which one may be the content itself.
pub(crate) struct BufferOutput<'a, 'py> {
    pub(crate) content: &'a Bound<'py, PyAny>,
    pub(crate) frames: PyOutput<'py>,
}

impl<'py> BufferOutput<'_, 'py> {
    /// The content, if it is long and a `bytes`, and goes out as it is behind this header.
    fn unchanged(&self, layout: &Layout<'_>) -> Option<&Bound<'py, PyBytes>> {
        let content = self.content.cast_exact::<PyBytes>().ok()?;
        let bytes = content.as_bytes();
        (bytes.len() >= LONG_CONTENT && ptr::eq(layout.payload(), bytes)).then_some(content)
    }

    fn list(&self, parts: &[&Bound<'py, PyBytes>]) -> PyResult<Py<PyList>> {
        let list = empty_list(self.frames.py)?;
        for part in parts {
            list.append(part)?;
        }
        Ok(list.unbind())
    }

    fn parts(&self, layout: &Layout<'_>) -> Option<PyResult<Py<PyList>>> {
        let (header, content) = (layout.plain_header()?, self.unchanged(layout)?);
        let head = copied_bytes(self.frames.py, &header.to_bytes()[..header.size]);
        Some(head.and_then(|head| self.list(&[&head, content])))
    }
}

impl Output for BufferOutput<'_, '_> {
    type Bytes = Py<PyList>;

    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        self.frames.masking_key()
    }

    fn write(&mut self, layout: &Layout<'_>) -> Result<Py<PyList>, OutOfMemory> {
        let py = self.frames.py;
        let list = if let Some(parts) = self.parts(layout) {
            parts
        } else {
            let frames = self.frames.write(layout)?;
            self.list(&[frames.bind(py)])
        };
        // The encoder reports the error by its own exception.
        list.map_err(|_| OutOfMemory)
    }

    fn compress(&mut self, work: Compression<'_>) -> Result<Vec<usize>, OutOfMemory> {
        self.frames.compress(work)
    }
}
