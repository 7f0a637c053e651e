//! Reading anything that offers the buffer protocol.

use std::slice;

use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

/// Calls `read` with the bytes of `data`, which is anything that offers the buffer protocol.
///
/// `bytes` never change. Anything else is read in place only where the GIL keeps other Python code
/// from changing it meanwhile (`read` runs none), and where its bytes are contiguous; otherwise it
/// is copied first.
#[inline]
pub(crate) fn with_bytes<R>(data: &Bound<'_, PyAny>, read: impl FnOnce(&[u8]) -> R) -> PyResult<R> {
    if let Ok(bytes) = data.cast::<PyBytes>() {
        return Ok(read(bytes.as_bytes()));
    }
    let buffer = PyUntypedBuffer::get(data)?;
    if cfg!(Py_GIL_DISABLED) || !buffer.is_c_contiguous() {
        let copy = contiguous_copy(data, &buffer)?;
        return Ok(read(&copy));
    }
    let length = buffer.len_bytes();
    if length == 0 {
        return Ok(read(&[]));
    }
    // SAFETY: the export keeps `length` contiguous bytes alive until `buffer` is dropped, below.
    // The GIL is held throughout and `read` runs no Python code, so nothing writes to them.
    let bytes = unsafe { slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), length) };
    Ok(read(bytes))
}

#[cold]
fn contiguous_copy(data: &Bound<'_, PyAny>, buffer: &PyUntypedBuffer) -> PyResult<Vec<u8>> {
    let mut copy = vec![0_u8; buffer.len_bytes()];
    let view = PyMemoryView::from(data)?;
    let contiguous = view.call_method0("tobytes")?;
    copy.copy_from_slice(contiguous.cast::<PyBytes>()?.as_bytes());
    Ok(copy)
}
