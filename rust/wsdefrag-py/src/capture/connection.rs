//! Makes the objects of the classes in `wsdefrag.capture.connection` without running Python code.
//!
//! Their constructors, which are Python code, are not called. So each object is given all
//! attributes that its class has, and a field that is new in a class needs a line here.

#![expect(
    clippy::disallowed_methods,
    reason = "a few values for each connection, and a pointer for each field of two heads, for which a step has room"
)]

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use pyo3::{IntoPyObjectExt, intern};
use wsdefrag_capture::connection::{Ended, Field};
use wsdefrag_capture::message::type_name;
use wsdefrag_capture::tls_facts::{TlsAccount, TlsFacts};
use wsdefrag_capture::{Account, Connection};

use crate::classes::DataclassRef;
use crate::raw::bytes::copied_bytes;

const MODULE: &str = "wsdefrag.capture.connection";

static CONNECTION: DataclassRef = DataclassRef::new(MODULE, "CapturedConnection");
static REQUEST: DataclassRef = DataclassRef::new(MODULE, "CapturedRequest");
static RESPONSE: DataclassRef = DataclassRef::new(MODULE, "CapturedResponse");
static CLOSE: DataclassRef = DataclassRef::new(MODULE, "CapturedClose");
static ACCOUNT: DataclassRef = DataclassRef::new(MODULE, "Account");
static TLS: DataclassRef = DataclassRef::new("wsdefrag.capture.tls", "CapturedTls");
static TLS_ACCOUNT: DataclassRef = DataclassRef::new("wsdefrag.capture.tls", "TlsAccount");
static DEFLATE: DataclassRef = DataclassRef::new("wsdefrag.deflate", "DeflateParams");
static DATA: DataclassRef = DataclassRef::new("wsdefrag.data", "WebSocketData");

/// The name and the value of an attribute.
type Attribute<'py> = (&'py Bound<'py, PyString>, Bound<'py, PyAny>);

/// Attributes with these names.
macro_rules! attributes {
    ($py:expr, $($name:literal: $value:expr),* $(,)?) => {
        [$((intern!($py, $name), ($value).into_bound_py_any($py)?)),*]
    };
}

/// Whether an object is a connection.
pub(crate) fn is_connection(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    CONNECTION.is_class_of(object)
}

/// A new object for a connection; `file` is the name of the file with its last packet.
pub(crate) fn new_connection(
    py: Python<'_>,
    connection: &Connection,
    file: Option<Py<PyString>>,
) -> PyResult<Py<PyAny>> {
    let end = |end: std::net::SocketAddr| (end.ip().to_string(), end.port());
    let mut values = attributes! {
        py,
        "connection": connection.connection,
        "uid": copied_bytes(py, &connection.uid)?,
        "stream_id": connection.stream_id,
        "http_version": connection.http_version(),
        "client_address": end(connection.client_address),
        "server_address": end(connection.server_address),
        "original_client_address": connection.original_client_address.map(end),
        "original_server_address": connection.original_server_address.map(end),
        "request": request(py, connection)?,
        "response": response(py, connection)?,
        "deflate": deflate(py, connection)?,
        "accept_key_ok": connection.accept_key_ok,
        "midstream": connection.midstream,
        "opened_ns": connection.first.time,
        "first_packet": connection.first.packet,
        "started_ns": connection.started(),
        "websocket": websocket(py)?,
        "events": PyList::empty(py),
    }
    .to_vec();
    values.extend(changing(py, connection, file)?);
    Ok(CONNECTION.make(py, &values)?.unbind())
}

/// Updates an object when its connection has ended.
pub(crate) fn end_connection(
    object: &Bound<'_, PyAny>,
    connection: &Connection,
    file: Option<Py<PyString>>,
) -> PyResult<()> {
    for (name, value) in changing(object.py(), connection, file)? {
        object.setattr(name, value)?;
    }
    Ok(())
}

/// The attributes that are only known when a connection has ended.
fn changing<'py>(
    py: Python<'py>,
    connection: &Connection,
    file: Option<Py<PyString>>,
) -> PyResult<[Attribute<'py>; 10]> {
    let close = connection.close.as_ref().map(|close| {
        let values = attributes! {
            py,
            "from_client": close.from_client,
            "close_code": close.code,
            "close_reason": &close.reason,
            "timestamp_ns": close.time,
        };
        CLOSE.make(py, &values)
    });
    Ok(attributes! {
        py,
        "close": close.transpose()?,
        "last_ns": connection.last.time,
        "last_packet": connection.last.packet,
        "file": file,
        "from_client": account(py, &connection.from_client)?,
        "from_server": account(py, &connection.from_server)?,
        "ended": connection.ended.map(Ended::name),
        "problems": PyTuple::new(py, &connection.problems)?,
        "encapsulation": PyTuple::new(py, &connection.encapsulation)?,
        "tls": connection.tls.as_ref().map(|facts| tls(py, facts)).transpose()?,
    })
}

fn account<'py>(py: Python<'py>, account: &Account) -> PyResult<Bound<'py, PyAny>> {
    let tolerated = PyDict::new(py);
    for (name, count) in account.tolerated.counters().filter(|(_, count)| *count > 0) {
        tolerated.set_item(name, count)?;
    }
    let counters = account.counters().map(|(name, value)| (PyString::intern(py, name), value));
    let mut values = Vec::new();
    for (name, value) in &counters {
        values.push((name, value.into_bound_py_any(py)?));
    }
    let counts = PyDict::new(py);
    for (opcode, status, messages, bytes) in account.counts.iter() {
        counts.set_item((type_name(opcode), status.name()), (messages, bytes))?;
    }
    values.extend(attributes! {
        py,
        "tolerated": tolerated,
        "counts": counts,
        "violation": account.violation.map(|error| error.to_string()),
    });
    ACCOUNT.make(py, &values)
}

fn tls<'py>(py: Python<'py>, facts: &TlsFacts) -> PyResult<Bound<'py, PyAny>> {
    let values = attributes! {
        py,
        "status": facts.status.name(),
        "version": facts.version_name(),
        "cipher": facts.cipher_name(),
        "sni": &facts.server_name,
        "alpn": &facts.alpn,
        "resumed": facts.resumed,
        "early_data": facts.early_data,
        "key_updates": facts.key_updates,
        "key_source": facts.key_source,
        "bad_tags": facts.bad_tags,
        "found_by_trial": facts.found_by_trial,
        "from_client": tls_account(py, facts.account(true))?,
        "from_server": tls_account(py, facts.account(false))?,
    };
    TLS.make(py, &values)
}

fn tls_account<'py>(py: Python<'py>, account: &TlsAccount) -> PyResult<Bound<'py, PyAny>> {
    let counters = account.counters().map(|(name, value)| (PyString::intern(py, name), value));
    let mut values = Vec::new();
    for (name, value) in &counters {
        values.push((name, value.into_bound_py_any(py)?));
    }
    TLS_ACCOUNT.make(py, &values)
}

fn fields<'py>(py: Python<'py>, fields: &[Field]) -> PyResult<Bound<'py, PyTuple>> {
    let pair = |(name, value): &Field| (name, copied_bytes(py, value)?).into_pyobject(py);
    PyTuple::new(py, fields.iter().map(pair).collect::<PyResult<Vec<_>>>()?)
}

fn request<'py>(py: Python<'py>, of: &Connection) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(request) = &of.request else { return Ok(None) };
    let values = attributes! {
        py,
        "target": &request.target,
        "fields": fields(py, &request.fields)?,
        "timestamp_ns": request.time,
        "method": &request.method,
    };
    REQUEST.make(py, &values).map(Some)
}

fn response<'py>(py: Python<'py>, of: &Connection) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(response) = &of.response else { return Ok(None) };
    let values = attributes! {
        py,
        "status": response.status,
        "reason": &response.reason,
        "fields": fields(py, &response.fields)?,
        "timestamp_ns": response.time,
    };
    RESPONSE.make(py, &values).map(Some)
}

fn deflate<'py>(py: Python<'py>, of: &Connection) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(params) = &of.deflate else { return Ok(None) };
    let values = attributes! {
        py,
        "server_no_context_takeover": params.server_no_context_takeover,
        "client_no_context_takeover": params.client_no_context_takeover,
        "server_max_window_bits": params.server_max_window_bits,
        "client_max_window_bits": params.client_max_window_bits,
        "oddities": PyTuple::empty(py),
    };
    DEFLATE.make(py, &values).map(Some)
}

/// The empty record of a connection.
fn websocket(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let nothing = || py.None().into_bound(py);
    let values = attributes! {
        py,
        "messages": PyList::empty(py),
        "closed_by_client": nothing(),
        "close_code": nothing(),
        "close_reason": nothing(),
        "timestamp_end": nothing(),
    };
    DATA.make(py, &values)
}
