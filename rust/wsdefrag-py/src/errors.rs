//! Converts errors of the Rust crates to Python exceptions.

use pyo3::exceptions::{PyMemoryError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDict};
use wsdefrag_core::error::{Error, Kind};
use wsdefrag_core::limits::Excess;
use wsdefrag_core::{Opcode, Refusal};

use crate::capture::failure::Failure;
use crate::classes::PyClassRef;
use crate::opcodes::opcode_member;

static PROTOCOL_ERROR: PyClassRef = PyClassRef::new("wsdefrag.errors", "ProtocolError");
static INVALID_UTF8: PyClassRef = PyClassRef::new("wsdefrag.errors", "InvalidUtf8");
static INFLATE_FAILED: PyClassRef = PyClassRef::new("wsdefrag.errors", "InflateFailed");
static LIMIT_EXCEEDED: PyClassRef = PyClassRef::new("wsdefrag.errors", "LimitExceeded");
static OUT_OF_MEMORY: PyClassRef = PyClassRef::new("wsdefrag.errors", "OutOfMemory");
static INCOMPLETE: PyClassRef = PyClassRef::new("wsdefrag.errors", "IncompleteMessage");
static CAPTURE_ERROR: PyClassRef = PyClassRef::new("wsdefrag.errors", "CaptureError");

/// The exception object for `error`.
pub(crate) fn violation<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let keywords = PyDict::new(py);
    keywords.set_item("offset", error.offset)?;
    keywords.set_item("close_code", error.kind.close_code())?;
    keywords.set_item("kind", error.kind.name())?;
    keywords.set_item("rfc_section", error.kind.rfc_section())?;
    let class = match error.kind {
        Kind::Limit(excess) => {
            keywords.set_item("requested", excess.requested())?;
            match excess {
                Excess::InflateRatio { limit, .. } => keywords.set_item("value", limit)?,
                Excess::FrameSize { limit, .. }
                | Excess::MessageSize { limit, .. }
                | Excess::Fragments { limit, .. }
                | Excess::Budget { limit, .. } => keywords.set_item("value", limit)?,
            }
            &LIMIT_EXCEEDED
        }
        Kind::OutOfMemory => &OUT_OF_MEMORY,
        Kind::InvalidUtf8 | Kind::InvalidCloseReason => &INVALID_UTF8,
        Kind::InvalidDeflateData | Kind::TruncatedDeflateData | Kind::TooManyDeflateMembers(_) => {
            &INFLATE_FAILED
        }
        _ => &PROTOCOL_ERROR,
    };
    class.get(py)?.call((error.to_string(),), Some(&keywords))
}

/// [`violation`] as a `PyErr`.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    match violation(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}

/// The `IncompleteMessage` that `receive_eof` raises.
pub(crate) fn raise_incomplete(
    py: Python<'_>,
    opcode: Opcode,
    content: &Py<PyBytes>,
    offset: u64,
) -> PyErr {
    let make = || {
        let text = format!("stream ended inside a {opcode} at byte {offset}");
        let keywords = [
            ("type", opcode_member(py, opcode)?.clone()),
            ("content", content.bind(py).clone().into_any()),
            ("offset", offset.into_pyobject(py)?.into_any()),
        ];
        INCOMPLETE.get(py)?.call((text,), Some(&keywords.into_py_dict(py)?))
    };
    match make() {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}

/// The exception for a call that an encoder refused.
pub(crate) fn raise_refusal(refusal: Refusal) -> PyErr {
    let text = refusal.to_string();
    match refusal {
        Refusal::OutOfMemory => PyMemoryError::new_err(text),
        Refusal::NoMaskingKey => PyOSError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}

/// The exception for a capture that could not be read.
pub(crate) fn raise_capture(py: Python<'_>, failure: Failure) -> PyErr {
    let text = failure.to_string();
    let (record, offset, file) = match failure {
        Failure::Broken(broken, file) => (broken.record, broken.offset, file),
        Failure::Compressed(progress, _, file) => (progress.packets, progress.bytes, file),
        Failure::Io(error, Some(path)) => {
            // Given the error number and the path, Python chooses the subclass of OSError and its
            // text.
            return match error.raw_os_error() {
                Some(number) => {
                    let text = py
                        .import("os")
                        .and_then(|os| os.call_method1("strerror", (number,)))
                        .and_then(|text| text.extract::<String>());
                    match text {
                        Ok(text) => PyOSError::new_err((number, text, path.into_os_string())),
                        Err(failure) => failure,
                    }
                }
                None => PyOSError::new_err(text),
            };
        }
        // An exception that a Python file object raised is passed on unchanged.
        Failure::Io(error, None) => return error.into(),
    };
    let make = || {
        let keywords = PyDict::new(py);
        keywords.set_item("file", file)?;
        keywords.set_item("record", record)?;
        keywords.set_item("offset", offset)?;
        CAPTURE_ERROR.get(py)?.call((text,), Some(&keywords))
    };
    match make() {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}
