//! Arguments of what writes frames.

#![expect(clippy::disallowed_macros, reason = "a short text")]

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PySequence, PyString};
use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use crate::errors::raise_refusal;

/// Parses a caller's masking key.
pub(crate) fn parse_key(key: Option<&[u8]>) -> PyResult<Option<[u8; 4]>> {
    key.map(<[u8; 4]>::try_from)
        .transpose()
        .map_err(|_| PyValueError::new_err("masking_key must be four bytes or None"))
}

/// Parses a caller's close code.
pub(crate) fn parse_code(code: &Bound<'_, PyAny>) -> PyResult<u16> {
    code.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(code.py()) {
            PyValueError::new_err(format!("{code} is not a close code"))
        } else {
            error
        }
    })
}

/// Parses a caller's fragment sizes, in bytes.
pub(crate) fn parse_sizes(sizes: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    if sizes.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("fragments must be a sequence of sizes, not str"));
    }
    let refused = |refused: OutOfMemory| raise_refusal(refused.into());
    let sizes = sizes.cast::<PySequence>()?;
    let mut parsed = Vec::new();
    parsed.try_reserve_exact(sizes.len()?).map_err(|error| refused(error.into()))?;
    for size in sizes.try_iter()? {
        let size = size?.extract().map_err(|error: PyErr| {
            if error.is_instance_of::<PyOverflowError>(sizes.py()) {
                PyValueError::new_err("fragments must be sizes in bytes")
            } else {
                error
            }
        })?;
        parsed.try_push(size).map_err(refused)?;
    }
    Ok(parsed)
}
