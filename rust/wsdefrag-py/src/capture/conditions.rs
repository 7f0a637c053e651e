//! The conditions of ``Capture`` that are about contents, from Python.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "the caller's arguments")]

use std::fmt::Display;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use wsdefrag_capture::Status;
use wsdefrag_capture::selection::JsonCondition;
use wsdefrag_capture::selection::conditions::Conditions;
use wsdefrag_capture::selection::pattern::Pattern;

/// Arguments of ``Capture``, by their names.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct PyConditions {
    grep: Vec<String>,
    grep_not: Vec<String>,
    ignore_case: bool,
    json: Vec<String>,
    statuses: Vec<String>,
    min_size: Option<u64>,
    max_size: Option<u64>,
    around: usize,
}

impl TryFrom<PyConditions> for Conditions {
    type Error = PyErr;

    fn try_from(given: PyConditions) -> PyResult<Self> {
        let pattern = |text: &String| Pattern::new(text, given.ignore_case).map_err(value_error);
        Ok(Self {
            patterns: given.grep.iter().map(pattern).collect::<PyResult<_>>()?,
            without: given.grep_not.iter().map(pattern).collect::<PyResult<_>>()?,
            json: given
                .json
                .iter()
                .map(|text| JsonCondition::new(text).map_err(value_error))
                .collect::<PyResult<_>>()?,
            statuses: given.statuses.iter().map(|name| status(name)).collect::<PyResult<_>>()?,
            min_size: given.min_size,
            max_size: given.max_size,
            around: given.around,
        })
    }
}

fn value_error(error: impl Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The status with this name; raises `ValueError` if there is none.
fn status(name: &str) -> PyResult<Status> {
    let known = Status::ALL.into_iter().find(|status| status.name() == name);
    known.ok_or_else(|| {
        let names = Status::ALL.map(Status::name).join(", ");
        value_error(format!("{name:?} is no status; there are {names}"))
    })
}
