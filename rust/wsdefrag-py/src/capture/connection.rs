//! Converts connections to the classes in `wsdefrag.capture.connection`.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use wsdefrag_capture::connection::{Ended, Field};
use wsdefrag_capture::{Account, Connection};

use crate::classes::PyClassRef;

const MODULE: &str = "wsdefrag.capture.connection";

static CONNECTION: PyClassRef = PyClassRef::new(MODULE, "CapturedConnection");
static REQUEST: PyClassRef = PyClassRef::new(MODULE, "CapturedRequest");
static RESPONSE: PyClassRef = PyClassRef::new(MODULE, "CapturedResponse");
static CLOSE: PyClassRef = PyClassRef::new(MODULE, "CapturedClose");
static ACCOUNT: PyClassRef = PyClassRef::new(MODULE, "Account");
static DEFLATE: PyClassRef = PyClassRef::new("wsdefrag.deflate", "DeflateParams");

/// Whether an object is a connection.
pub(crate) fn is_connection(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    object.is_instance(CONNECTION.get(object.py())?)
}

/// A new object for a connection.
pub(crate) fn new_connection(py: Python<'_>, connection: &Connection) -> PyResult<Py<PyAny>> {
    let values = changing(py, connection)?;
    values.set_item("connection", connection.connection)?;
    let end = |end: std::net::SocketAddr| (end.ip().to_string(), end.port());
    values.set_item("client_address", end(connection.client_address))?;
    values.set_item("server_address", end(connection.server_address))?;
    values.set_item("original_client_address", connection.original_client_address.map(end))?;
    values.set_item("original_server_address", connection.original_server_address.map(end))?;
    values.set_item("request", request(py, connection)?)?;
    values.set_item("response", response(py, connection)?)?;
    values.set_item("deflate", deflate(py, connection)?)?;
    values.set_item("accept_key_ok", connection.accept_key_ok)?;
    values.set_item("midstream", connection.midstream)?;
    values.set_item("opened_ns", connection.opened)?;
    Ok(CONNECTION.get(py)?.call((), Some(&values))?.unbind())
}

/// Updates an object when its connection has ended.
pub(crate) fn end_connection(object: &Bound<'_, PyAny>, connection: &Connection) -> PyResult<()> {
    for (name, value) in changing(object.py(), connection)? {
        object.setattr(name.cast::<pyo3::types::PyString>()?, value)?;
    }
    Ok(())
}

/// The attributes that are only known when a connection has ended.
fn changing<'py>(py: Python<'py>, connection: &Connection) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    let close = connection.close.as_ref().map(|close| {
        CLOSE.get(py)?.call1((close.from_client, close.code, &close.reason, close.time))
    });
    values.set_item("close", close.transpose()?)?;
    values.set_item("last_ns", connection.last)?;
    values.set_item("from_client", account(py, &connection.from_client)?)?;
    values.set_item("from_server", account(py, &connection.from_server)?)?;
    values.set_item("ended", connection.ended.map(Ended::name))?;
    values.set_item("problems", PyTuple::new(py, &connection.problems)?)?;
    values.set_item("encapsulation", PyTuple::new(py, &connection.encapsulation)?)?;
    Ok(values)
}

fn account<'py>(py: Python<'py>, account: &Account) -> PyResult<Bound<'py, PyAny>> {
    let values = PyDict::new(py);
    for (name, value) in account.counters() {
        values.set_item(name, value)?;
    }
    let tolerated = PyDict::new(py);
    for (name, count) in account.tolerated.counters().filter(|(_, count)| *count > 0) {
        tolerated.set_item(name, count)?;
    }
    values.set_item("tolerated", tolerated)?;
    values.set_item("violation", account.violation.map(|error| error.to_string()))?;
    ACCOUNT.get(py)?.call((), Some(&values))
}

fn fields<'py>(py: Python<'py>, fields: &[Field]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, fields.iter().map(|(name, value)| (name, PyBytes::new(py, value))))
}

fn request<'py>(py: Python<'py>, of: &Connection) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(request) = &of.request else { return Ok(None) };
    let values = (&request.target, fields(py, &request.fields)?, request.time);
    REQUEST.get(py)?.call1(values).map(Some)
}

fn response<'py>(py: Python<'py>, of: &Connection) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(response) = &of.response else { return Ok(None) };
    let fields = fields(py, &response.fields)?;
    let values = (response.status, &response.reason, fields, response.time);
    RESPONSE.get(py)?.call1(values).map(Some)
}

fn deflate<'py>(py: Python<'py>, of: &Connection) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(params) = &of.deflate else { return Ok(None) };
    let values = PyDict::new(py);
    values.set_item("server_no_context_takeover", params.server_no_context_takeover)?;
    values.set_item("client_no_context_takeover", params.client_no_context_takeover)?;
    values.set_item("server_max_window_bits", params.server_max_window_bits)?;
    values.set_item("client_max_window_bits", params.client_max_window_bits)?;
    DEFLATE.get(py)?.call((), Some(&values)).map(Some)
}
