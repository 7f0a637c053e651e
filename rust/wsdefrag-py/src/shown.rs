//! Formats the `repr` of objects: their state, in less than 200 characters.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a text has at most 200 characters; a close reason at most 123 bytes, and other texts are the caller's"
)]

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use wsdefrag_core::Error;

/// Longest `repr`, in characters.
pub(crate) const LONGEST_REPR: usize = 199;

/// Most bytes of a content that are shown.
const SHOWN: usize = 40;

/// Most bytes in the start of a message's content.
const SHOWN_START: usize = 28;

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

/// Most characters of a text or of bytes in the `repr` of an event.
const LONGEST_VALUE: usize = 60;

/// Bytes as Python writes them; of long ones the start, and their number.
pub(crate) fn shown_payload(bytes: &Bound<'_, PyBytes>) -> PyResult<String> {
    let (py, content) = (bytes.py(), bytes.as_bytes());
    let mut size = content.len().min(LONGEST_VALUE);
    loop {
        let start = PyBytes::new(py, &content[..size]).repr()?.to_string();
        if start.len() > LONGEST_VALUE {
            size -= 1;
        } else if size < content.len() {
            return Ok(format!("{start}... ({} bytes)", content.len()));
        } else {
            return Ok(start);
        }
    }
}

/// The start of a message's content as Python writes it; for long ones followed by the number of bytes.
/// Of a text, an incomplete last character is left out.
pub(crate) fn shown_start(py: Python<'_>, content: &[u8], is_text: bool) -> PyResult<String> {
    let start = &content[..content.len().min(SHOWN_START)];
    let is_cut = start.len() < content.len();
    let shown = match std::str::from_utf8(start) {
        _ if !is_text => PyBytes::new(py, start).repr()?,
        Ok(text) => PyString::new(py, text).repr()?,
        Err(error) => {
            let is_incomplete = is_cut && error.error_len().is_none();
            let end = if is_incomplete { error.valid_up_to() } else { start.len() };
            PyString::new(py, &String::from_utf8_lossy(&start[..end])).repr()?
        }
    };
    let shown = shown.to_string();
    Ok(if is_cut { format!("{shown}... ({} bytes)", content.len()) } else { shown })
}

/// A text as Python writes it; dots replace the middle of a long one, as in `reprlib`.
pub(crate) fn shown_text(text: &Bound<'_, PyString>) -> PyResult<String> {
    let whole: Vec<char> = text.to_string_lossy().chars().collect();
    let written = |characters: &[char]| -> PyResult<Vec<char>> {
        let part = PyString::new(text.py(), &characters.iter().collect::<String>());
        Ok(part.repr()?.to_string_lossy().chars().collect())
    };
    let start = written(&whole[..whole.len().min(LONGEST_VALUE)])?;
    if start.len() <= LONGEST_VALUE {
        return Ok(start.iter().collect());
    }
    let head = (LONGEST_VALUE - 3) / 2;
    let tail = LONGEST_VALUE - 3 - head;
    let ends = [&whole[..head], &whole[whole.len().saturating_sub(tail)..]].concat();
    let ends = written(&ends)?;
    let (head, tail) = (&ends[..head], &ends[ends.len() - tail..]);
    Ok(head.iter().chain(&['.', '.', '.']).chain(tail).collect())
}

/// A call of a class with these arguments, cut if it is too long.
pub(crate) fn shown_call(class: &str, arguments: &[String]) -> String {
    let whole = format!("{class}({})", arguments.join(", "));
    if whole.chars().count() <= LONGEST_REPR {
        return whole;
    }
    let start: String = whole.chars().take(LONGEST_REPR - 4).collect();
    format!("{start}...)")
}
