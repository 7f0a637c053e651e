//! The items of a pass, one by one.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use pyo3::{PyTraverseError, PyVisit};

use crate::capture::reader::CaptureReader;
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
                // Not by the reader's method, which is Python code: the handler of a signal could raise
                // between the return of a batch there and here, and the batch would be lost.
                let native = python::attribute(reader, intern!(py, "_native"))?;
                if native.is_none() {
                    return Ok(None); // the reader is closed
                }
                let Some(next) = native.cast::<CaptureReader>()?.get().next_batch(py)? else {
                    return Ok(None);
                };
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
