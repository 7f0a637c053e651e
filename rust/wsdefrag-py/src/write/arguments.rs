//! Arguments of what writes frames.

use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;

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
    sizes.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(sizes.py()) {
            PyValueError::new_err("fragments must be sizes in bytes")
        } else {
            error
        }
    })
}
