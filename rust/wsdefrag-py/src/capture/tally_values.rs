//! What was counted of the rows of a pass, for Python.

#![expect(clippy::disallowed_methods, reason = "at most eight violations")]

use pyo3::prelude::*;
use pyo3::types::PyDict;
use wsdefrag_capture::Status;
use wsdefrag_capture::tally::Tally;

/// The counters of a tally by name.
pub(crate) fn counted<'py>(py: Python<'py>, tally: &Tally) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    for (name, value) in [
        ("messages", tally.messages),
        ("content", tally.content),
        ("connections", tally.connections),
        ("midstream", tally.midstream),
        ("ends", tally.ends),
        ("missing", tally.missing),
        ("late", tally.late),
        ("lost", tally.lost),
        ("violated", tally.violated),
    ] {
        values.set_item(name, value)?;
    }
    let statuses = PyDict::new(py);
    for status in Status::ALL {
        statuses.set_item(status.name(), tally.statuses[status as usize])?;
    }
    values.set_item("statuses", statuses)?;
    let tolerated = PyDict::new(py);
    for (name, count) in tally.tolerated.counters() {
        tolerated.set_item(name, count)?;
    }
    values.set_item("tolerated", tolerated)?;
    let violations = tally.violations.iter();
    let violations = violations.map(|one| (one.connection, one.from_client, &one.text));
    values.set_item("violations", violations.collect::<Vec<_>>())?;
    let not_found = tally.not_found.iter().map(|range| (*range.start(), *range.end()));
    values.set_item("not_found", not_found.collect::<Vec<_>>())?;
    Ok(values)
}
