//! Lines of objects that a caller holds, formatted as the lines of a capture are.

#![expect(clippy::disallowed_macros, reason = "a short text")]

use pyo3::exceptions::{PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use wsdefrag_capture::lines::message_row::MessageRow;
use wsdefrag_capture::lines::shown::{Shown, binary};
use wsdefrag_capture::lines::{
    MessageAffixes, connection_line, content_members, event_line, event_text as text_of,
    message_line,
};
use wsdefrag_core::OutOfMemory;

use crate::capture::connection::is_connection;
use crate::capture::connection_row::{connection_facts, connection_row};
use crate::capture::event::CapturedEvent;
use crate::capture::message::CapturedMessage;
use crate::panics;
use crate::raw::bytes::{bytes_of, copied_bytes};
use crate::raw::text::copied_text;

/// The exception for refused memory.
fn no_memory(_: OutOfMemory) -> PyErr {
    PyMemoryError::new_err("no memory for a line")
}

/// Format a message, an event or a connection of a capture as a JSON object on one line.
///
/// Args:
///     item: The message, event or connection.
///     content: Whether to include the content of a message.
///
/// Returns:
///     The line, with its line feed, in UTF-8.
///
/// Raises:
///     TypeError: If the item is none of these, or an attribute has the wrong type.
#[pyfunction]
#[pyo3(signature = (item, *, content = true))]
pub(crate) fn json_line<'py>(
    item: &Bound<'py, PyAny>,
    content: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let py = item.py();
    panics::caught(py, || {
        let mut line = Vec::new();
        if let Ok(message) = item.cast::<CapturedMessage>() {
            let message = message.get();
            let facts = connection_facts(message.connection(py))?;
            let (numbers, file) = (message.numbers(py)?, message.file(py)?);
            let row = MessageRow {
                message: &numbers,
                content: bytes_of(message.content()),
                connection: &facts,
                file: file.as_deref(),
            };
            let affixes = MessageAffixes::new(numbers.connection, &facts, file.as_deref());
            affixes.and_then(|affixes| message_line(&mut line, &affixes, row, content))
        } else if let Ok(event) = item.cast::<CapturedEvent>() {
            event.get().with_row(py, |row| event_line(&mut line, row))?
        } else if is_connection(item)? {
            connection_line(&mut line, &connection_row(item)?)
        } else {
            let class = item.get_type().name()?;
            return Err(PyTypeError::new_err(format!("{class} is no row of a capture")));
        }
        .map_err(no_memory)?;
        copied_bytes(py, &line)
    })
}

/// Describe an event of a capture in words, for people.
///
/// Args:
///     event: A control frame, a gap or a violation.
///
/// Returns:
///     Its size, and what it cost as far as that is certain. The time, the connection, the sender, the
///     kind and the payload are left to the caller.
#[pyfunction]
pub(crate) fn event_text(event: &Bound<'_, CapturedEvent>) -> PyResult<String> {
    event.get().with_row(event.py(), text_of)
}

/// Format the content of a message as two members of a JSON object, one of them null.
///
/// Args:
///     content: The content.
///     is_text: Whether to write it as ``text``; content that is not UTF-8 is always ``content``, in
///         base64.
///
/// Returns:
///     The members, separated by a comma.
#[pyfunction]
#[pyo3(signature = (content, *, is_text))]
pub(crate) fn json_content<'py>(
    content: &Bound<'py, PyBytes>,
    is_text: bool,
) -> PyResult<Bound<'py, PyString>> {
    let mut members = Vec::new();
    content_members(&mut members, content.as_bytes(), is_text).map_err(no_memory)?;
    text(content.py(), &members)
}

/// Escape a text for a terminal, and cut it to a number of columns.
///
/// Args:
///     content: Text in UTF-8; other bytes are allowed.
///     columns: The most columns, at least 3.
///
/// Returns:
///     Printable characters on one line; the last three are dots if the text was cut.
#[pyfunction]
pub(crate) fn shown_text<'py>(
    content: &Bound<'py, PyBytes>,
    columns: usize,
) -> PyResult<Bound<'py, PyString>> {
    let mut line = Vec::new();
    Shown::new().text(&mut line, content.as_bytes(), columns.max(3)).map_err(no_memory)?;
    text(content.py(), &line)
}

/// Format bytes in hexadecimal, and cut them to a number of columns.
///
/// Args:
///     content: The bytes.
///     columns: The most columns, at least 3.
///
/// Returns:
///     Two digits for each byte; three dots at the end if bytes were cut.
#[pyfunction]
pub(crate) fn shown_binary<'py>(
    content: &Bound<'py, PyBytes>,
    columns: usize,
) -> PyResult<Bound<'py, PyString>> {
    let mut line = Vec::new();
    binary(&mut line, content.as_bytes(), columns.max(3)).map_err(no_memory)?;
    text(content.py(), &line)
}

/// A string of a text in UTF-8.
fn text<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyString>> {
    // Lines are UTF-8.
    copied_text(py, std::str::from_utf8(text).unwrap_or_default())
}
