//! The items of a pass, one by one.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use crate::exclusive::Exclusive;
use crate::raw::python;

/// The iterator of ``wsdefrag.capture.CaptureReader``.
///
/// It takes the items of the reader's batch, and asks the reader for the next batch after that. A
/// generator would tell a second thread in words of its own that it is in use.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct CaptureItems {
    reader: Py<PyAny>,
    /// The iterator of the current batch, which is also the reader's ``_batch``.
    batch: Exclusive<Py<PyIterator>>,
}

#[pymethods]
impl CaptureItems {
    #[new]
    fn new(reader: Py<PyAny>, batch: Py<PyIterator>) -> Self {
        Self { reader, batch: Exclusive::new("CaptureReader", batch) }
    }

    const fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.batch.with(py, |batch| {
            loop {
                if let Some(item) = batch.bind(py).clone().next() {
                    return item.map(Some);
                }
                let reader = self.reader.bind(py);
                let nothing = PyTuple::empty(py);
                let next = python::call_method(reader, intern!(py, "next_batch"), &nothing)?;
                if next.is_none() {
                    return Ok(None);
                }
                let next = next.try_iter()?;
                reader.setattr(intern!(py, "_batch"), &next)?;
                *batch = next.unbind();
            }
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reader)
    }
}
