//! The one place where core errors become Python exceptions.

use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};
use wsdefrag_core::error::{Error, Kind};
use wsdefrag_core::limits::Excess;

use crate::classes::{PyClassRef, opcode_member};
use crate::ending::Cut;

static PROTOCOL_ERROR: PyClassRef = PyClassRef::new("wsdefrag.errors", "ProtocolError");
static INVALID_UTF8: PyClassRef = PyClassRef::new("wsdefrag.errors", "InvalidUtf8");
static INFLATE_FAILED: PyClassRef = PyClassRef::new("wsdefrag.errors", "InflateFailed");
static LIMIT_EXCEEDED: PyClassRef = PyClassRef::new("wsdefrag.errors", "LimitExceeded");
static OUT_OF_MEMORY: PyClassRef = PyClassRef::new("wsdefrag.errors", "OutOfMemory");
static INCOMPLETE: PyClassRef = PyClassRef::new("wsdefrag.errors", "IncompleteMessage");

/// The exception object that says what `error` says.
pub(crate) fn violation<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let keywords = PyDict::new(py);
    keywords.set_item("offset", error.offset)?;
    keywords.set_item("close_code", error.kind.close_code())?;
    let class = match error.kind {
        Kind::Limit(excess) => {
            keywords.set_item("limit", excess.name())?;
            keywords.set_item("requested", excess.requested())?;
            match excess {
                Excess::InflateRatio { limit, .. } => keywords.set_item("value", limit)?,
                Excess::FrameSize { limit, .. }
                | Excess::MessageSize { limit, .. }
                | Excess::Fragments { limit, .. } => keywords.set_item("value", limit)?,
            }
            return LIMIT_EXCEEDED.get(py)?.call((error.to_string(),), Some(&keywords));
        }
        Kind::OutOfMemory => {
            return OUT_OF_MEMORY.get(py)?.call((error.to_string(),), Some(&keywords));
        }
        Kind::InvalidUtf8 | Kind::InvalidCloseReason => &INVALID_UTF8,
        Kind::InvalidDeflateData | Kind::TruncatedDeflateData | Kind::TooManyDeflateMembers(_) => {
            &INFLATE_FAILED
        }
        _ => &PROTOCOL_ERROR,
    };
    keywords.set_item("kind", error.kind.name())?;
    keywords.set_item("rfc_section", error.kind.rfc_section())?;
    class.get(py)?.call((error.to_string(),), Some(&keywords))
}

/// [`violation`], ready to be raised.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    match violation(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}

/// The `IncompleteMessage` for what `receive_eof` found, ready to be raised.
pub(crate) fn raise_incomplete(py: Python<'_>, cut: &Cut) -> PyErr {
    let make = || {
        let text = format!("stream ended inside a {} at byte {}", cut.opcode, cut.offset);
        let keywords = [
            ("type", opcode_member(py, cut.opcode)?.clone()),
            ("content", cut.content.bind(py).clone().into_any()),
            ("offset", cut.offset.into_pyobject(py)?.into_any()),
        ];
        INCOMPLETE.get(py)?.call((text,), Some(&keywords.into_py_dict(py)?))
    };
    match make() {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}
