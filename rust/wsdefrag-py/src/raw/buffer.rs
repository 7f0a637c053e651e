//! Reads any object that offers the buffer protocol, and the front of a `bytearray` that others fill.

use std::slice;

use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};

use crate::raw::python::view;

/// The caller's bytes during one call.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether the bytes cannot change while the GIL is released.
    pub(crate) immutable: bool,
}

/// Where the bytes of one call come from.
pub(crate) trait Source<'py> {
    fn py(&self) -> Python<'py>;

    /// Calls `read` with the bytes. `read` must run no Python code, and may release the GIL only if
    /// the input is immutable.
    fn read<R>(&self, read: impl FnOnce(Input<'_>) -> R) -> PyResult<R>;
}

impl<'py> Source<'py> for Bound<'py, PyAny> {
    fn py(&self) -> Python<'py> {
        Bound::py(self)
    }

    #[inline]
    fn read<R>(&self, read: impl FnOnce(Input<'_>) -> R) -> PyResult<R> {
        with_bytes(self, read)
    }
}

/// The first `count` bytes of a `bytearray`; all of them if it has fewer.
pub(crate) struct Front<'a, 'py> {
    pub(crate) array: &'a Bound<'py, PyByteArray>,
    pub(crate) count: usize,
}

impl<'py> Source<'py> for Front<'_, 'py> {
    fn py(&self) -> Python<'py> {
        self.array.py()
    }

    #[inline]
    fn read<R>(&self, read: impl FnOnce(Input<'_>) -> R) -> PyResult<R> {
        if cfg!(Py_GIL_DISABLED) {
            let mut copy = self.array.to_vec();
            copy.truncate(self.count);
            return Ok(read(Input { bytes: &copy, immutable: true }));
        }
        // SAFETY: the GIL is held, and `read` runs no Python code, so nobody resizes the array or
        // writes to it meanwhile.
        let bytes = unsafe { self.array.as_bytes() };
        let bytes = bytes.get(..self.count).unwrap_or(bytes);
        Ok(read(Input { bytes, immutable: false }))
    }
}

/// Calls `read` with the bytes of `data`, which is any object that offers the buffer protocol.
/// `read` must run no Python code, and may release the GIL only if the input is immutable.
///
/// A `bytes` never changes. Any other object is read in place if the interpreter has a GIL and the
/// bytes are contiguous; otherwise they are copied first.
#[inline]
pub(crate) fn with_bytes<R>(
    data: &Bound<'_, PyAny>,
    read: impl FnOnce(Input<'_>) -> R,
) -> PyResult<R> {
    if let Ok(bytes) = data.cast::<PyBytes>() {
        return Ok(read(Input { bytes: bytes.as_bytes(), immutable: true }));
    }
    // A memoryview describes its buffer completely, even if the object does not.
    let view = if data.is_exact_instance_of::<PyMemoryView>() { data } else { &view(data)? };
    let buffer = PyUntypedBuffer::get(view)?;
    let length = buffer.len_bytes();
    if cfg!(Py_GIL_DISABLED) || !buffer.is_c_contiguous() || length == 0 {
        let copy = view.call_method0("tobytes")?;
        return Ok(read(Input { bytes: copy.cast::<PyBytes>()?.as_bytes(), immutable: true }));
    }
    // SAFETY: the export keeps `length` contiguous bytes alive until `buffer` is dropped, below.
    // Python code cannot write to them meanwhile: the GIL is held, and `read` runs none. Code that
    // writes without the GIL (a read into the buffer on another thread, another process's view of
    // shared memory) is the caller's fault; every length is read once and every text is checked
    // after it was copied, so it gets a mixture of old and new bytes.
    let bytes = unsafe { slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), length) };
    Ok(read(Input { bytes, immutable: false }))
}
