//! What no reader of WebSocket messages can beat: the payloads handed over as new `bytes`, copied
//! or inflated, with no frame parsed, no mask removed, nothing checked and no message object made.
//!
//! Both functions take a list and return a list, one crossing per chunk, as a reader does.

use flate2::{Decompress, FlushDecompress};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

/// Copies each payload into a new `bytes`: one read and one write per payload byte.
#[pyfunction]
fn copy<'py>(py: Python<'py>, payloads: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
    let copies = payloads
        .iter()
        .map(|payload| Ok(PyBytes::new(py, payload.cast::<PyBytes>()?.as_bytes())))
        .collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, copies)
}

/// One raw deflate stream with a window of 32 KiB that lives as long as the object: context
/// takeover (RFC 7692 section 7.1.1).
#[pyclass]
struct Inflater {
    stream: Decompress,
}

#[pymethods]
impl Inflater {
    #[new]
    fn new() -> Self {
        Self {
            stream: Decompress::new_with_window_bits(false, 15),
        }
    }

    /// Inflates each payload, its `00 00 ff ff` already in place, into a `bytes` of the size given
    /// with it.
    fn inflate<'py>(
        &mut self,
        py: Python<'py>,
        payloads: &Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyList>> {
        let contents = payloads
            .iter()
            .map(|item| {
                let (payload, size) = item.extract::<(Bound<'py, PyBytes>, usize)>()?;
                self.inflate_one(py, payload.as_bytes(), size)
            })
            .collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, contents)
    }
}

impl Inflater {
    fn inflate_one<'py>(
        &mut self,
        py: Python<'py>,
        payload: &[u8],
        size: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        PyBytes::new_with(py, size, |content| {
            let (consumed, produced) = (self.stream.total_in(), self.stream.total_out());
            self.stream
                .decompress(payload, content, FlushDecompress::Sync)
                .map_err(|error| PyValueError::new_err(error.to_string()))?;
            let whole = self.stream.total_in() - consumed == payload.len() as u64
                && self.stream.total_out() - produced == size as u64;
            if whole {
                Ok(())
            } else {
                Err(PyValueError::new_err(
                    "the payload does not inflate to the size given",
                ))
            }
        })
    }
}

#[pymodule]
fn wsdefrag_floor(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(copy, module)?)?;
    module.add_class::<Inflater>()
}
