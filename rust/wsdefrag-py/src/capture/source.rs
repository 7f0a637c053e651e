//! The files, or the Python file object, of a capture.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "it copies the caller's paths"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::Options;

use crate::capture::input::Input;
use crate::capture::run::Run;
use crate::raw::interpreter;

/// Files by path, or one file object.
pub(crate) enum Source {
    Paths(Vec<PathBuf>),
    /// A Python file object, its name, and whether it was read.
    Object(Py<PyAny>, String, Arc<AtomicBool>),
}

impl Source {
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Paths(paths) => Self::Paths(paths.clone()),
            Self::Object(object, name, used) => {
                Self::Object(object.clone_ref(py), name.clone(), Arc::clone(used))
            }
        }
    }

    /// The name of the first file.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Paths(paths) => {
                paths.first().map(|path| path.display().to_string()).unwrap_or_default()
            }
            Self::Object(_, name, _) => name.clone(),
        }
    }

    /// The names of the files.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Paths(paths) => paths.iter().map(|path| path.display().to_string()).collect(),
            Self::Object(_, name, _) => vec![name.clone()],
        }
    }

    /// A run over the source; raises `ValueError` for a file object that was already read.
    pub(crate) fn run(&self, py: Python<'_>, options: Options) -> PyResult<Run> {
        let inputs = match self {
            Self::Paths(paths) => paths.iter().cloned().map(Input::Path).collect(),
            Self::Object(object, name, used) => {
                if used.swap(true, Ordering::AcqRel) {
                    return Err(PyValueError::new_err(
                        "the file object has been read; open the capture by its path to read it \
                         twice",
                    ));
                }
                vec![Input::Object(Arc::new(object.clone_ref(py)), name.clone())]
            }
        };
        Ok(Run::new(inputs, options))
    }

    /// Whether reading must not leave the interpreter. A detached thread can only come back to the
    /// main interpreter, where the methods of another one's file object do not belong.
    pub(crate) fn stays_attached(&self, py: Python<'_>) -> bool {
        matches!(self, Self::Object(..)) && !interpreter::is_main(py)
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Paths(_) => Ok(()),
            Self::Object(object, ..) => visit.call(object),
        }
    }
}
