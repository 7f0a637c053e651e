//! How a direction ended, kept so that saying it again raises the same again.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::{Error, Incomplete, Opcode};

use crate::content::PyContent;
use crate::errors;

/// What was left of a message or a frame.
pub(crate) struct Cut {
    pub(crate) opcode: Opcode,
    pub(crate) content: Py<PyBytes>,
    pub(crate) offset: u64,
}

impl Cut {
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { opcode: self.opcode, content: self.content.clone_ref(py), offset: self.offset }
    }
}

/// Whether and how a direction ended.
pub(crate) enum Ending {
    /// More may come.
    Open,
    /// It ended between messages, or had failed before.
    Clean,
    /// It ended inside something.
    Cut(Cut),
}

impl Ending {
    /// The ending that the engine reports.
    pub(crate) fn new(
        py: Python<'_>,
        reported: Result<Option<Incomplete<PyContent>>, Error>,
    ) -> PyResult<Self> {
        let Ok(Some(Incomplete { opcode, content, offset })) = reported else {
            return Ok(Self::Clean);
        };
        Ok(Self::Cut(Cut { opcode, content: content.into_bytes(py)?, offset }))
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Refuses bytes behind the end.
    pub(crate) fn require_open(&self) -> PyResult<()> {
        if self.is_open() {
            return Ok(());
        }
        Err(PyValueError::new_err("the direction has ended: receive_eof was called"))
    }

    /// Raises the violation, if there was one, or what the end cut.
    pub(crate) fn raise(&self, py: Python<'_>, error: Option<&Error>) -> PyResult<()> {
        match (error, self) {
            (Some(error), _) => Err(errors::raise(py, error)),
            (None, Self::Cut(Cut { opcode, content, offset })) => {
                Err(errors::raise_incomplete(py, *opcode, content, *offset))
            }
            (None, _) => Ok(()),
        }
    }
}
