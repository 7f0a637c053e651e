//! Converts heads and what is known of them to Python.

#![expect(clippy::disallowed_methods, reason = "parts of a head, whose length has a bound")]

use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDict};
use wsdefrag_core::DeflateParams;
use wsdefrag_core::handshake::fields::{Field, latin1};
use wsdefrag_core::handshake::request::Request;
use wsdefrag_core::handshake::response::Response;

use crate::params::{DeflateFields, deflate_fields};

/// Method, target, version, fields, bytes.
pub(crate) type RequestValues<'py> =
    (String, String, String, Vec<(String, String)>, Bound<'py, PyBytes>);

/// Status, reason, version, fields, bytes.
pub(crate) type ResponseValues<'py> =
    (u16, String, String, Vec<(String, String)>, Bound<'py, PyBytes>);

pub(crate) fn request_values<'py>(py: Python<'py>, request: &Request) -> RequestValues<'py> {
    let head = &request.head;
    let bytes = PyBytes::new(py, &request.bytes);
    (head.method.clone(), head.target.clone(), head.version.clone(), fields(&head.fields), bytes)
}

pub(crate) fn response_values<'py>(py: Python<'py>, response: &Response) -> ResponseValues<'py> {
    let head = &response.head;
    let version = ["HTTP/1.", &head.minor_version.to_string()].concat();
    let bytes = PyBytes::new(py, &response.bytes);
    (head.status, head.reason.clone(), version, fields(&head.fields), bytes)
}

fn fields(fields: &[Field]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| (name.clone(), latin1(value))).collect()
}

/// The fields of the Python class, or None.
pub(crate) fn deflate_values(params: Option<DeflateParams>) -> Option<DeflateFields> {
    params.map(deflate_fields)
}

/// The names of faults, and how often each was tolerated.
pub(crate) fn tolerated(
    py: Python<'_>,
    counts: impl Iterator<Item = (&'static str, u32)>,
) -> PyResult<Bound<'_, PyDict>> {
    counts.into_py_dict(py)
}
