//! The events of timeouts that have passed.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};
use wsdefrag_core::relay::Due;

use crate::classes::DataclassRef;
use crate::raw::number::float;

static TIMED_OUT: DataclassRef = DataclassRef::new("wsdefrag.events", "TimedOut");

/// The name of a timeout and the index of the side that is late; `None` for a ping to be sent.
fn timeout(py: Python<'_>, due: Due) -> Option<(&Bound<'_, PyString>, Option<usize>)> {
    match due {
        Due::SendPing(_) => None,
        Due::Idle => Some((intern!(py, "idle"), None)),
        Due::Ping(side) => Some((intern!(py, "ping"), Some(side))),
        Due::Write(side) => Some((intern!(py, "write"), Some(side))),
        Due::Close(side) => Some((intern!(py, "close"), Some(side))),
    }
}

/// The event of a timeout; `None` for a ping to be sent. Side 0 is the client.
pub(crate) fn timed_out(
    py: Python<'_>,
    deadline: f64,
    due: Due,
) -> PyResult<Option<Bound<'_, PyAny>>> {
    let Some((name, side)) = timeout(py, due) else { return Ok(None) };
    let from_client = match side {
        Some(side) => PyBool::new(py, side == 0).to_owned().into_any(),
        None => py.None().into_bound(py),
    };
    let attributes = [
        (intern!(py, "timeout"), name.clone().into_any()),
        (intern!(py, "from_client"), from_client),
        (intern!(py, "deadline"), float(py, deadline)?),
    ];
    TIMED_OUT.make(py, &attributes).map(Some)
}
