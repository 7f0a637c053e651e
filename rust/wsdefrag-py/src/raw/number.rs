//! Creates numbers; raises `MemoryError` if there is no memory for one, where PyO3 panics.

use pyo3::ffi;
use pyo3::prelude::*;

/// An `int`.
pub(crate) fn integer(py: Python<'_>, value: u64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: attached.
    let number = unsafe { ffi::PyLong_FromUnsignedLongLong(value) };
    // SAFETY: attached; null with an exception set, or an owned reference.
    unsafe { Bound::from_owned_ptr_or_err(py, number) }
}

/// A `float`.
pub(crate) fn float(py: Python<'_>, value: f64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: attached.
    let number = unsafe { ffi::PyFloat_FromDouble(value) };
    // SAFETY: attached; null with an exception set, or an owned reference.
    unsafe { Bound::from_owned_ptr_or_err(py, number) }
}
