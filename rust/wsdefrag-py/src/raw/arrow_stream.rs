//! Takes the stream of an Arrow capsule (Arrow `PyCapsule` interface).

#![expect(clippy::disallowed_methods, reason = "a short text")]

use std::ffi::CStr;
use std::ptr;

use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// The name of a capsule with a stream.
const STREAM: &CStr = c"arrow_array_stream";

/// A reader of the stream in a capsule, which is empty then.
pub(crate) fn stream_of(capsule: &Bound<'_, PyCapsule>) -> PyResult<RecordBatchStreamReader> {
    let pointer = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of this name contains such a stream, which the interface has the consumer move
    // out. It stays until the capsule is destroyed, and the GIL keeps other consumers away meanwhile.
    let stream = unsafe { ptr::replace(pointer.as_ptr(), FFI_ArrowArrayStream::empty()) };
    RecordBatchStreamReader::try_new(stream)
        .map_err(|error| PyValueError::new_err(error.to_string()))
}
