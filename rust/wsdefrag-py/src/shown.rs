//! How objects show themselves: their state, in less than 200 characters.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::Error;

/// Characters that the representation of an object has at most.
pub(crate) const LONGEST_REPR: usize = 199;

/// Bytes of a content that are shown at most.
const SHOWN: usize = 40;

/// A bool as Python writes it.
pub(crate) const fn shown_bool(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// Bytes as Python writes them; of long ones the beginning, and how many there are. What is shown
/// has at most `room` characters, if that is enough for none of the bytes.
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

/// What ended a direction, as one more attribute; nothing where nothing has.
pub(crate) fn shown_error(error: Option<&Error>) -> String {
    error.map_or_else(String::new, |error| format!(" error={}@{}", error.kind.name(), error.offset))
}
