//! How a direction ended, kept so that a repeated call raises the same exception.

use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use wsdefrag_core::write::refusal::NO_MEMORY;
use wsdefrag_core::{Error, Incomplete};

use crate::content::PyContent;
use crate::errors;

/// Whether and how a direction ended.
pub(crate) enum Ending {
    /// More bytes may arrive.
    Open,
    /// The direction ended between messages, or after an error.
    Clean,
    /// The direction ended inside a header, a frame or a message.
    Truncated(Incomplete<PyContent>),
}

impl Ending {
    /// The ending for the engine's result and the error that it keeps. If memory was refused, the
    /// direction has not ended.
    pub(crate) fn new(
        reported: Result<Option<Incomplete<PyContent>>, Error>,
        error: Option<&Error>,
    ) -> PyResult<Self> {
        match reported {
            Ok(Some(incomplete)) => Ok(Self::Truncated(incomplete)),
            Ok(None) => Ok(Self::Clean),
            Err(_) if error.is_some() => Ok(Self::Clean),
            Err(_) => Err(PyMemoryError::new_err(NO_MEMORY)),
        }
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
    pub(crate) fn raise(&mut self, py: Python<'_>, error: Option<&Error>) -> PyResult<()> {
        match (error, self) {
            (Some(error), _) => Err(errors::raise(py, error)),
            (None, Self::Truncated(Incomplete { opcode, content, offset })) => {
                Err(errors::raise_incomplete(py, *opcode, content.bytes(py)?, *offset))
            }
            (None, _) => Ok(()),
        }
    }
}
