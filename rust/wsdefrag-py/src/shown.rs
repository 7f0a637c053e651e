//! Formats the `repr` of objects: their state, in less than 200 characters.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::Error;

/// Longest `repr`, in characters.
pub(crate) const LONGEST_REPR: usize = 199;

/// Most bytes of a content that are shown.
const SHOWN: usize = 40;

/// A bool as Python writes it.
pub(crate) const fn shown_bool(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// Bytes as Python writes them. Long bytes are shortened to at most `room` characters if possible,
/// followed by their number.
pub(crate) fn shown_bytes(py: Python<'_>, bytes: &[u8], room: usize) -> PyResult<String> {
    let mut size = bytes.len().min(SHOWN);
    loop {
        let mut shown = PyBytes::new(py, &bytes[..size]).repr()?.to_string();
        if size < bytes.len() {
            shown = format!("{shown}... ({} bytes)", bytes.len());
        }
        if shown.len() <= room || size == 0 {
            return Ok(shown);
        }
        size -= 1;
    }
}

/// The error that ended a direction as an attribute; empty if there is none.
pub(crate) fn shown_error(error: Option<&Error>) -> String {
    error.map_or_else(String::new, |error| format!(" error={}@{}", error.kind.name(), error.offset))
}
