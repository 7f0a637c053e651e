//! Local time as Python has it, for the times of day in lines of text.

use pyo3::intern;
use pyo3::prelude::*;
use wsdefrag_capture::lines::clock::TimeZone;

use crate::raw::python;

/// Asks Python's `time.localtime`, which knows `TZ` and the system's time zone.
pub(crate) struct LocalTime(Py<PyAny>);

impl LocalTime {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        Ok(Self(py.import("time")?.getattr("localtime")?.unbind()))
    }
}

impl TimeZone for LocalTime {
    fn offset(&mut self, seconds: i64) -> i64 {
        Python::attach(|py| {
            let ask = || {
                let local = python::call(self.0.bind(py), &(seconds,).into_pyobject(py)?, None)?;
                local.getattr(intern!(py, "tm_gmtoff"))?.extract()
            };
            // Some systems know no years before 1970.
            ask().unwrap_or(0)
        })
    }
}
