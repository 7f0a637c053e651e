//! Entry from the interpreter into hand-made types: every slot function and accessor of a type in
//! `raw` begins here.
//!
//! A panic becomes an exception; it would end the process in a C function.
//!
//! The interpreter calls a slot with its thread attached, so nothing is acquired: `Python::attach`
//! asks the `PyGILState` functions, which know only one interpreter for each thread and would wait
//! for ever in a subinterpreter.

use std::ffi::c_int;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::panics;
use crate::raw::event_storage::Object;

/// Runs the body of a slot that returns an object. An error is raised.
///
/// # Safety
///
/// Attached, and called by the interpreter.
#[inline]
pub(super) unsafe fn object<'py>(body: impl FnOnce(Python<'py>) -> PyResult<Object>) -> Object {
    // SAFETY: by the contract. The token is used only until the slot returns.
    let py = unsafe { Python::assume_attached() };
    panics::caught(py, || body(py)).unwrap_or_else(|error| {
        error.restore(py);
        ptr::null_mut()
    })
}

/// Runs the body of a slot that returns 0, or -1 with an exception.
///
/// # Safety
///
/// As for [`object`].
#[inline]
pub(super) unsafe fn status<'py>(body: impl FnOnce(Python<'py>) -> PyResult<()>) -> c_int {
    // SAFETY: as above.
    let py = unsafe { Python::assume_attached() };
    match panics::caught(py, || body(py)) {
        Ok(()) => 0,
        Err(error) => {
            error.restore(py);
            -1
        }
    }
}

/// Runs the body of `tp_hash`.
///
/// # Safety
///
/// As for [`object`].
pub(super) unsafe fn hash<'py>(
    body: impl FnOnce(Python<'py>) -> PyResult<isize>,
) -> ffi::Py_hash_t {
    // SAFETY: as above.
    let py = unsafe { Python::assume_attached() };
    panics::caught(py, || body(py)).unwrap_or_else(|error| {
        error.restore(py);
        -1
    })
}
