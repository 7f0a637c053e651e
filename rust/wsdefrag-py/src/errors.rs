//! Converts errors of the Rust crates to Python exceptions.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a short text")]

use std::fmt::{self, Write};

use pyo3::exceptions::{PyMemoryError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use pyo3::{IntoPyObjectExt, intern};
use wsdefrag_capture::CheckpointError;
use wsdefrag_core::error::{Error, Kind};
use wsdefrag_core::handshake::fault::{Fault, HandshakeError};
use wsdefrag_core::handshake::writer::InvalidHead;
use wsdefrag_core::limits::Excess;
use wsdefrag_core::write::refusal::NO_MEMORY;
use wsdefrag_core::{Opcode, Refusal};

use crate::capture::failure::Failure;
use crate::classes::ExceptionRef;
use crate::opcodes::opcode_member;
use crate::raw::number::{float, integer};

static PROTOCOL_ERROR: ExceptionRef = ExceptionRef::new("ProtocolError");
static INVALID_UTF8: ExceptionRef = ExceptionRef::new("InvalidUtf8");
static INFLATE_FAILED: ExceptionRef = ExceptionRef::new("InflateFailed");
static LIMIT_EXCEEDED: ExceptionRef = ExceptionRef::new("LimitExceeded");
static OUT_OF_MEMORY: ExceptionRef = ExceptionRef::new("OutOfMemory");
static INCOMPLETE: ExceptionRef = ExceptionRef::new("IncompleteMessage");
static HANDSHAKE_FAILED: ExceptionRef = ExceptionRef::new("HandshakeFailed");
static CAPTURE_ERROR: ExceptionRef = ExceptionRef::new("CaptureError");
static CHECKPOINT_ERROR: ExceptionRef = ExceptionRef::new("CheckpointError");

/// The close code of a connection that ended without a Close frame (RFC 6455 section 7.1.5).
pub(crate) const ABNORMAL_CLOSURE: u16 = 1006;

/// Most bytes of the text of an error.
const LONGEST_TEXT: usize = 256;

/// A text that takes no memory from the system, which may just have refused some.
struct Text {
    bytes: [u8; LONGEST_TEXT],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..).unwrap_or_default();
        let size = text.len().min(room.len());
        room[..size].copy_from_slice(&text.as_bytes()[..size]);
        self.len += size;
        Ok(())
    }
}

/// The exception object for `error`. Runs no Python code, and takes memory only from the
/// interpreter.
pub(crate) fn violation<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let kind = error.kind;
    let mut text = Text { bytes: [0; LONGEST_TEXT], len: 0 };
    // It never fails.
    let _ = write!(text, "{error}");
    let text = str::from_utf8(&text.bytes[..text.len]).unwrap_or_default();
    let name = (intern!(py, "kind"), text_of(py, kind.name())?);
    let offset = (intern!(py, "offset"), integer(py, error.offset)?);
    let section = (intern!(py, "rfc_section"), text_of(py, kind.rfc_section())?);
    let code = (intern!(py, "close_code"), integer(py, kind.close_code().into())?);
    let class = match kind {
        Kind::Limit(excess) => {
            let value = match excess {
                Excess::InflateRatio { limit, .. } => float(py, limit)?,
                Excess::FrameSize { limit, .. }
                | Excess::MessageSize { limit, .. }
                | Excess::Fragments { limit, .. }
                | Excess::Budget { limit, .. } => integer(py, limit)?,
            };
            let value = (intern!(py, "value"), value);
            let requested = integer(py, excess.requested())?;
            let requested = (intern!(py, "requested"), requested);
            let attributes = [name, offset, section, code, value, requested];
            return LIMIT_EXCEEDED.make(py, text, &attributes);
        }
        Kind::OutOfMemory => &OUT_OF_MEMORY,
        Kind::InvalidUtf8 | Kind::InvalidCloseReason => &INVALID_UTF8,
        Kind::InvalidDeflateData | Kind::TruncatedDeflateData | Kind::TooManyDeflateMembers(_) => {
            &INFLATE_FAILED
        }
        _ => &PROTOCOL_ERROR,
    };
    class.make(py, text, &[name, offset, section, code])
}

/// A `str`; raises `MemoryError` if there is no memory for it, where PyO3 panics.
fn text_of<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyString::from_bytes(py, text.as_bytes())?.into_any())
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
        let attributes = [
            (intern!(py, "kind"), intern!(py, "incomplete_message").as_any().clone()),
            (intern!(py, "type"), opcode_member(py, opcode)?.clone()),
            (intern!(py, "content"), content.bind(py).clone().into_any()),
            (intern!(py, "offset"), integer(py, offset)?),
            (intern!(py, "rfc_section"), intern!(py, "RFC 6455 section 7.1.5").as_any().clone()),
            (intern!(py, "close_code"), integer(py, ABNORMAL_CLOSURE.into())?),
        ];
        INCOMPLETE.make(py, &text, &attributes)
    };
    match make() {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}

/// The exception object for what ended a handshake.
pub(crate) fn handshake_failed<'py>(
    py: Python<'py>,
    error: &HandshakeError,
) -> PyResult<Bound<'py, PyAny>> {
    let attributes = [
        (intern!(py, "kind"), text_of(py, error.fault.name())?),
        (intern!(py, "offset"), integer(py, error.offset as u64)?),
        (intern!(py, "rfc_section"), text_of(py, error.rfc_section())?),
        (intern!(py, "status"), integer(py, error.status().into())?),
    ];
    HANDSHAKE_FAILED.make(py, &error.to_string(), &attributes)
}

/// The exception for what ended a handshake.
pub(crate) fn raise_handshake(py: Python<'_>, error: &HandshakeError) -> PyErr {
    if error.fault == Fault::OutOfMemory {
        return PyMemoryError::new_err(error.to_string());
    }
    match handshake_failed(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}

/// The exception for a head that cannot be written.
pub(crate) fn raise_invalid_head(error: &InvalidHead) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The exception for a call that an encoder refused.
pub(crate) fn raise_refusal(refusal: Refusal) -> PyErr {
    match refusal {
        Refusal::OutOfMemory => PyMemoryError::new_err(NO_MEMORY),
        Refusal::NoMaskingKey => PyOSError::new_err(refusal.to_string()),
        _ => PyValueError::new_err(refusal.to_string()),
    }
}

/// The exception for a state of a capture that cannot be written or read.
pub(crate) fn raise_checkpoint(py: Python<'_>, error: &CheckpointError) -> PyErr {
    if *error == CheckpointError::OutOfMemory {
        return PyMemoryError::new_err(error.to_string());
    }
    let make = || {
        let attributes = [(intern!(py, "kind"), text_of(py, error.name())?)];
        CHECKPOINT_ERROR.make(py, &error.to_string(), &attributes)
    };
    match make() {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
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
        Failure::Checkpoint(error) => return raise_checkpoint(py, &error),
        Failure::OutOfMemory | Failure::Outgrown(_) => return PyMemoryError::new_err(text),
        // An exception that a Python file object raised is passed on unchanged.
        Failure::Io(error, None) => return error.into(),
    };
    let make = || {
        let attributes = [
            (intern!(py, "file"), file.into_bound_py_any(py)?),
            (intern!(py, "record"), record.into_bound_py_any(py)?),
            (intern!(py, "offset"), offset.into_bound_py_any(py)?),
        ];
        CAPTURE_ERROR.make(py, &text, &attributes)
    };
    match make() {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}
