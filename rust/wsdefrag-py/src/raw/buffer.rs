//! Reading anything that offers the buffer protocol.

use std::slice;

use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

/// What the caller passed, for the time of one call.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether nobody can change the bytes, even while the GIL is released.
    pub(crate) immutable: bool,
}

/// Calls `read` with what `data` holds, which is anything that offers the buffer protocol.
///
/// `bytes` never change. Anything else is read in place only where the GIL keeps other code from
/// changing it meanwhile, and where its bytes are contiguous; otherwise it is copied first. So
/// `read` may run Python code, or release the GIL, only where the input says that it is immutable.
#[inline]
pub(crate) fn with_bytes<R>(
    data: &Bound<'_, PyAny>,
    read: impl FnOnce(Input<'_>) -> R,
) -> PyResult<R> {
    if let Ok(bytes) = data.cast::<PyBytes>() {
        return Ok(read(Input { bytes: bytes.as_bytes(), immutable: true }));
    }
    let buffer = PyUntypedBuffer::get(data)?;
    let length = buffer.len_bytes();
    if cfg!(Py_GIL_DISABLED) || !buffer.is_c_contiguous() || length == 0 {
        let copy = PyMemoryView::from(data)?.call_method0("tobytes")?;
        return Ok(read(Input { bytes: copy.cast::<PyBytes>()?.as_bytes(), immutable: true }));
    }
    // SAFETY: the export keeps `length` contiguous bytes alive until `buffer` is dropped, below.
    // The GIL is held throughout and `read` runs no Python code, so nothing writes to them.
    let bytes = unsafe { slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), length) };
    Ok(read(Input { bytes, immutable: false }))
}
