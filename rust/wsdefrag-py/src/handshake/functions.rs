//! Functions about fields and keys, for Python.

#![expect(clippy::disallowed_methods, reason = "parts of a field, whose length has a bound")]

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use wsdefrag_core::handshake::accept_key;
use wsdefrag_core::handshake::fields::members;

use crate::panics;

/// Give the ``Sec-WebSocket-Accept`` of a ``Sec-WebSocket-Key`` (RFC 6455 section 4.2.2).
#[pyfunction]
pub(crate) fn accept_key_of(py: Python<'_>, key: &str) -> PyResult<String> {
    panics::caught(py, || Ok(accept_key::accept_key(key.as_bytes())))
}

/// Give the members of a field's list that are not empty (RFC 9110 section 5.6.1).
#[pyfunction]
pub(crate) fn list_members(py: Python<'_>, value: &str) -> PyResult<Vec<String>> {
    panics::caught(py, || Ok(members(value).map(str::to_owned).collect()))
}

/// Make a random ``Sec-WebSocket-Key`` (RFC 6455 section 4.1).
///
/// Raises:
///     OSError: If the operating system has no random numbers.
#[pyfunction]
pub(crate) fn random_key(py: Python<'_>) -> PyResult<String> {
    panics::caught(py, || {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(accept_key::encode_key(random))
    })
}
