//! Frames as Python `bytes` of exactly their size.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use wsdefrag_core::deflate::deflater::Compression;
use wsdefrag_core::{Layout, OutOfMemory, Output, Refusal};

use crate::content::{deflating, gil_over};
use crate::random;
use crate::raw::bytes::framed_bytes;

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
