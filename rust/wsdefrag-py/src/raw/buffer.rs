//! Reads any object that offers the buffer protocol.

use std::slice;

use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::raw::python::view;

/// The caller's bytes during one call.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether the bytes cannot change while the GIL is released.
    pub(crate) immutable: bool,
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
    let view = view(data)?;
    let buffer = PyUntypedBuffer::get(&view)?;
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
