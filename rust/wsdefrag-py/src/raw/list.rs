//! Creates lists.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// An empty list; raises `MemoryError` if there is no memory for it, where PyO3 panics.
#[inline]
pub(crate) fn empty_list(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    // SAFETY: attached.
    let list = unsafe { ffi::PyList_New(0) };
    // SAFETY: attached; null with an exception set, or an owned reference.
    let list = unsafe { Bound::from_owned_ptr_or_err(py, list) }?;
    // SAFETY: the call makes a list.
    Ok(unsafe { list.cast_into_unchecked() })
}

/// A list of these numbers; raises `MemoryError` if there is no memory for it, where PyO3 panics.
pub(crate) fn list_of_sizes<'py>(py: Python<'py>, sizes: &[usize]) -> PyResult<Bound<'py, PyList>> {
    let list = empty_list(py)?;
    for size in sizes {
        // SAFETY: attached.
        let number = unsafe { ffi::PyLong_FromSize_t(*size) };
        // SAFETY: attached; null with an exception set, or an owned reference.
        list.append(unsafe { Bound::from_owned_ptr_or_err(py, number) }?)?;
    }
    Ok(list)
}
