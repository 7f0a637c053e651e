//! Creates events without running Python code.

use pyo3::ffi;
use pyo3::prelude::*;

use crate::raw::event_fields::fill;
use crate::raw::event_storage::{EventStorage, OpaqueStorage};
use crate::raw::event_type::event_type;
use crate::read::event_value::{EventValues, Kind};

/// A new event. Runs no Python code.
#[inline]
pub(crate) fn new_event<'py>(
    py: Python<'py>,
    values: EventValues<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let kind = values.detail.kind();
    let class = event_type(py, kind)?.as_type_ptr();
    let object: *mut ffi::PyObject = if kind == Kind::Opaque {
        // SAFETY: attached; the class is live, and its instances are of this size and untracked.
        unsafe { ffi::PyObject_New::<OpaqueStorage>(class) }.cast()
    } else {
        // SAFETY: as above.
        unsafe { ffi::PyObject_New::<EventStorage>(class) }.cast()
    };
    if object.is_null() {
        return Err(PyErr::fetch(py));
    }
    // SAFETY: the object is new.
    unsafe { fill(object, values) };
    // SAFETY: attached; the reference is ours.
    Ok(unsafe { Bound::from_owned_ptr(py, object) })
}
