//! How a direction ended, kept so that a repeated call raises the same exception.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::{Error, Incomplete, Opcode};

use crate::content::PyContent;
use crate::errors;

/// The incomplete message or frame at the end of a direction.
pub(crate) struct Truncated {
    pub(crate) opcode: Opcode,
    pub(crate) content: Py<PyBytes>,
    pub(crate) offset: u64,
}

/// Whether and how a direction ended.
pub(crate) enum Ending {
    /// More bytes may arrive.
    Open,
    /// The direction ended between messages, or after an error.
    Clean,
    /// The direction ended inside a header, a frame or a message.
    Truncated(Truncated),
}

impl Ending {
    /// The ending for the engine's result.
    pub(crate) fn new(
        py: Python<'_>,
        reported: Result<Option<Incomplete<PyContent>>, Error>,
    ) -> PyResult<Self> {
        let Ok(Some(Incomplete { opcode, content, offset })) = reported else {
            return Ok(Self::Clean);
        };
        Ok(Self::Truncated(Truncated { opcode, content: content.into_bytes(py)?, offset }))
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Raises if the direction has ended.
    pub(crate) fn require_open(&self) -> PyResult<()> {
        if self.is_open() {
            return Ok(());
        }
        Err(PyValueError::new_err("the direction has ended: receive_eof was called"))
    }

    /// Raises the violation, or `IncompleteMessage` if the direction ended inside a message.
    pub(crate) fn raise(&self, py: Python<'_>, error: Option<&Error>) -> PyResult<()> {
        match (error, self) {
            (Some(error), _) => Err(errors::raise(py, error)),
            (None, Self::Truncated(Truncated { opcode, content, offset })) => {
                Err(errors::raise_incomplete(py, *opcode, content, *offset))
            }
            (None, _) => Ok(()),
        }
    }
}
