//! One message of a capture, for Python.

#![expect(clippy::disallowed_macros, reason = "a text has at most 200 characters")]

mod values;

use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple, PyType};
use pyo3::{IntoPyObjectExt, PyTraverseError, PyVisit};
use wsdefrag_capture::Status;
use wsdefrag_core::Opcode;

use crate::capture::connection::is_connection;
use crate::classes::message_class;
use crate::opcodes::parse_opcode;
use crate::raw::message::{mark_dropped, mark_injected, new_message};
use crate::shown::shown_start;

/// A message of a capture, with its connection and its packets.
///
/// It can be copied and pickled, together with its connection; messages that are pickled together
/// share the connection. Two messages are equal only if they are the same object.
/// ``(uid, from_client, seq)`` identifies a message across passes over a capture.
///
/// Attributes:
///     connection: The ``CapturedConnection`` of the message.
///     seq: Number of the message in its direction, from 0.
///     from_client: Whether the client sent it.
///     type: Its opcode as an integer: 1 for text, 2 for binary.
///     content: Its payload as ``bytes``, unmasked and inflated; see ``status`` for a message that
///         is not ``ok``.
///     timestamp_ns: When the packet that completed it was captured, in nanoseconds since the
///         epoch.
///     first_timestamp_ns: When the packet with its first byte was captured, in nanoseconds since
///         the epoch.
///     dropped: Whether a relay dropped it. Only flow files and HTTP archives say so; in a capture
///         of packets it is False.
///     injected: Whether a relay injected it, likewise.
///     frames: Number of its frames.
///     wire_length: Size of its frames, headers included, in bytes.
///     payload_length: Size of its payloads on the wire, before inflating, in bytes.
///     compressed: Whether it was compressed.
///     status: ``ok``: complete. ``incomplete``: bytes are missing, and content ends before the
///         first missing byte. ``undecodable``: complete, but earlier bytes that are needed to
///         inflate it were not captured, and content is the compressed payload. ``too_big``: it
///         exceeds a limit, and content is its beginning or empty. ``invalid_utf8``: a complete
///         text that is not UTF-8. ``protocol_error``: ended by a violation of the protocol.
///     missing_bytes: Number of payload bytes that were not captured.
///     resynced: Whether its first frame was found by a search, because frame boundaries were
///         unknown.
///     unauthenticated: Whether it may have bytes of TLS records that were captured in part. Such
///         bytes are decrypted, and no tag confirms them.
///     first_packet: Number of the packet with its first byte, counted from 1 over all packets.
///     last_packet: Number of the packet that completed it.
///     file: Name of the file that this packet is in, or None if it is unknown.
///
/// Example:
///     >>> from wsdefrag.capture import Capture
///     >>> next(iter(Capture("vectors/captures/demo.pcapng", types=("text",)))).is_text
///     True
#[expect(clippy::struct_excessive_bools, reason = "columns of a row")]
#[pyclass(frozen, module = "wsdefrag.capture")]
pub(crate) struct CapturedMessage {
    #[pyo3(get)]
    connection: Py<PyAny>,
    #[pyo3(get)]
    seq: u64,
    #[pyo3(get)]
    from_client: bool,
    opcode: Opcode,
    #[pyo3(get)]
    content: Py<PyBytes>,
    #[pyo3(get)]
    timestamp_ns: i64,
    #[pyo3(get)]
    first_timestamp_ns: i64,
    #[pyo3(get)]
    dropped: bool,
    #[pyo3(get)]
    injected: bool,
    #[pyo3(get)]
    frames: u32,
    #[pyo3(get)]
    wire_length: u64,
    #[pyo3(get)]
    payload_length: u64,
    #[pyo3(get)]
    compressed: bool,
    status: Status,
    #[pyo3(get)]
    missing_bytes: u64,
    #[pyo3(get)]
    resynced: bool,
    #[pyo3(get)]
    unauthenticated: bool,
    #[pyo3(get)]
    first_packet: u64,
    #[pyo3(get)]
    last_packet: u64,
    #[pyo3(get)]
    file: Option<Py<PyString>>,
}

#[pymethods]
impl CapturedMessage {
    #[new]
    #[pyo3(signature = (
        connection, seq, from_client, r#type, content, timestamp_ns, first_timestamp_ns, dropped,
        injected, frames, wire_length, payload_length, compressed, status, missing_bytes, resynced,
        unauthenticated, first_packet, last_packet, file = None
    ))]
    #[expect(
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        reason = "they are the attributes"
    )]
    fn make(
        connection: &Bound<'_, PyAny>,
        seq: u64,
        from_client: bool,
        r#type: &Bound<'_, PyAny>,
        content: Py<PyBytes>,
        timestamp_ns: i64,
        first_timestamp_ns: i64,
        dropped: bool,
        injected: bool,
        frames: u32,
        wire_length: u64,
        payload_length: u64,
        compressed: bool,
        status: &str,
        missing_bytes: u64,
        resynced: bool,
        unauthenticated: bool,
        first_packet: u64,
        last_packet: u64,
        file: Option<Py<PyString>>,
    ) -> PyResult<Self> {
        if !is_connection(connection)? {
            let class = connection.get_type().name()?;
            let text = format!("connection must be a CapturedConnection, not {class}");
            return Err(PyTypeError::new_err(text));
        }
        let opcode = parse_opcode(r#type)?;
        if !matches!(opcode, Opcode::Continuation | Opcode::Text | Opcode::Binary) {
            return Err(PyValueError::new_err(format!("type must be 0, 1 or 2, not {type}")));
        }
        let known = Status::ALL.into_iter().find(|known| known.name() == status);
        let status = known.ok_or_else(|| {
            PyValueError::new_err(format!("{status:?} is not the status of a message"))
        })?;
        Ok(Self {
            connection: connection.clone().unbind(),
            seq,
            from_client,
            opcode,
            content,
            timestamp_ns,
            first_timestamp_ns,
            dropped,
            injected,
            frames,
            wire_length,
            payload_length,
            compressed,
            status,
            missing_bytes,
            resynced,
            unauthenticated,
            first_packet,
            last_packet,
            file,
        })
    }

    /// Pickle the attributes.
    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let values: [Bound<'py, PyAny>; 20] = [
            self.connection.bind(py).clone(),
            self.seq.into_bound_py_any(py)?,
            self.from_client.into_bound_py_any(py)?,
            self.r#type().into_bound_py_any(py)?,
            self.content.bind(py).clone().into_any(),
            self.timestamp_ns.into_bound_py_any(py)?,
            self.first_timestamp_ns.into_bound_py_any(py)?,
            self.dropped.into_bound_py_any(py)?,
            self.injected.into_bound_py_any(py)?,
            self.frames.into_bound_py_any(py)?,
            self.wire_length.into_bound_py_any(py)?,
            self.payload_length.into_bound_py_any(py)?,
            self.compressed.into_bound_py_any(py)?,
            self.status(py).into_any(),
            self.missing_bytes.into_bound_py_any(py)?,
            self.resynced.into_bound_py_any(py)?,
            self.unauthenticated.into_bound_py_any(py)?,
            self.first_packet.into_bound_py_any(py)?,
            self.last_packet.into_bound_py_any(py)?,
            self.file.as_ref().map(|file| file.clone_ref(py)).into_bound_py_any(py)?,
        ];
        Ok((py.get_type::<Self>(), PyTuple::new(py, values)?))
    }

    #[getter]
    const fn r#type(&self) -> u8 {
        self.opcode as u8
    }

    #[getter]
    fn status<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::intern(py, self.status.name())
    }

    /// The connection's identity: 16 bytes, the same in every pass over the same packets.
    #[getter]
    fn uid<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.connection.bind(py).getattr("uid")
    }

    /// Whether the message is a text.
    #[getter]
    fn is_text(&self) -> bool {
        self.opcode == Opcode::Text
    }

    /// The content decoded as UTF-8; errors raise.
    ///
    /// Raises:
    ///     AttributeError: If the message is not a text.
    ///     UnicodeDecodeError: If the content is not UTF-8.
    #[getter]
    fn text<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        if self.opcode != Opcode::Text {
            let kind = if self.opcode == Opcode::Binary { "Binary" } else { "Continuation" };
            let text = format!("{kind} WebSocket frames do not have a 'text' attribute.");
            return Err(PyAttributeError::new_err(text));
        }
        PyString::from_encoded_object(self.content.bind(py), Some(c"utf-8"), Some(c"strict"))
    }

    /// A new ``WebSocketMessage`` with the same content, and the time in seconds since the epoch.
    #[getter]
    fn message<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (class, content) = (message_class(py)?, self.content.clone_ref(py));
        let (opcode, time) = (self.opcode, self.seconds());
        let message = new_message(py, class, opcode, self.from_client, content, time, false)?;
        if self.dropped {
            mark_dropped(&message);
        }
        if self.injected {
            mark_injected(&message);
        }
        Ok(message)
    }

    /// Return the message's state as mitmproxy defines it.
    ///
    /// Returns:
    ///     type, from_client, content, timestamp in seconds since the epoch, dropped, injected.
    fn get_state<'py>(&self, py: Python<'py>) -> (u8, bool, &Bound<'py, PyBytes>, f64, bool, bool) {
        let content = self.content.bind(py);
        (self.r#type(), self.from_client, content, self.seconds(), self.dropped, self.injected)
    }

    /// Show the connection, the sender, the start of the content, and the status unless it is ok.
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let arrow = if self.from_client { "->" } else { "<-" };
        let connection = self.connection.bind(py).getattr("connection")?;
        let is_text = self.opcode == Opcode::Text && self.status != Status::Undecodable;
        let shown = shown_start(py, self.content.bind(py).as_bytes(), is_text)?;
        let status = match self.status {
            Status::Ok => String::new(),
            status => format!(" {}", status.name()),
        };
        Ok(format!("<CapturedMessage {connection} {arrow} {shown}{status}>"))
    }

    /// A connection that keeps its messages is a cycle; clearing the connection breaks it.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.connection)
    }
}
