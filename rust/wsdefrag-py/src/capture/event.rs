//! A control frame, a gap or a violation of a capture, for Python.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a text has at most 200 characters"
)]

use std::sync::OnceLock;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyType};
use pyo3::{PyTraverseError, PyVisit};
use wsdefrag_capture::CaptureEvent;
use wsdefrag_capture::event::{Detail, GapEffect};
use wsdefrag_capture::lines::event_row::EventRow;

use crate::capture::attributes::Attributes;
use crate::capture::connection::is_connection;
use crate::capture::connection_row::connection_facts;
use crate::raw::bytes::{bytes_of, copied_bytes};

/// A control frame, a gap, or the broken rule that ended a direction of a capture.
///
/// It can be copied and pickled, together with its connection. Two events are equal only if they are
/// the same object. ``(uid, from_client, event)`` identifies an event across passes over a capture.
///
/// Attributes that only some kinds have are None for the others.
///
/// Attributes:
///     connection: The ``CapturedConnection`` of the event.
///     from_client: Whether the client sent it, or sent what is missing.
///     event: Number of the event in its direction, from 0.
///     seq: Its place: the number of the message of its direction before whose end it comes.
///     kind: ``ping``, ``pong``, ``close``, ``gap`` or ``violation``.
///     offset: Position in the stream of its first byte, counted from the end of the handshake: of the
///         frame, of the gap, or of the frame that broke a rule.
///     length: Payload bytes of a control frame (RFC 6455 section 5.5), captured or not; bytes of a
///         gap; 0 for a violation.
///     missing_bytes: Bytes of ``length`` that were not captured, or too late to be read.
///     timestamp_ns: When the packet that completed it was captured, in nanoseconds since the epoch;
///         for a gap, the packet with the first byte after it, None if nothing follows.
///     first_timestamp_ns: When the packet with its first byte was captured, in nanoseconds since the
///         epoch; for a gap, the packet with the last byte before it, None if there is none.
///     resynced: Whether the frames were found by a search.
///     first_packet: Number of the packet of ``first_timestamp_ns``, counted from 1 over all packets.
///     last_packet: Number of the packet of ``timestamp_ns``.
///     file: Name of the file that this packet is in, or None if there is none.
///     payload: The captured part of a control frame's payload.
///     close_code: The close code; 1005 if the frame has none (RFC 6455 section 7.1.5), None if part
///         of the frame was not captured.
///     close_reason: The close reason.
///     effect: What a gap did to its direction. ``nothing``: it lies in a part that is not read.
///         ``frame``: it lies inside a frame, and reading goes on after that frame. ``window``:
///         likewise, and later compressed messages cannot be inflated. ``search``: it hides where the
///         next frame begins, which is searched for. ``end``: likewise, and the rest of the direction
///         is not read, because ``resync`` is False.
///     incomplete: Messages that are incomplete because of a gap: 0 or 1.
///     undecodable: Messages that cannot be inflated because of a gap; None until that is certain.
///     lost: Bytes that could not be assigned to frames because of a gap; None until that is certain.
///     rule: The broken rule, as in ``WebSocketError.kind``.
///     error: The broken rule as a sentence.
///
/// Example:
///     >>> from wsdefrag.capture import Capture
///     >>> event = next(Capture("vectors/captures/demo.pcapng").events())
///     >>> event.kind in ("ping", "pong", "close")
///     True
#[pyclass(frozen, module = "wsdefrag.capture")]
pub(crate) struct CapturedEvent {
    #[pyo3(get)]
    connection: Py<PyAny>,
    #[pyo3(get)]
    from_client: bool,
    #[pyo3(get)]
    event: u64,
    #[pyo3(get)]
    seq: u64,
    kind: &'static str,
    #[pyo3(get)]
    offset: u64,
    #[pyo3(get)]
    length: u64,
    #[pyo3(get)]
    missing_bytes: u64,
    #[pyo3(get)]
    timestamp_ns: Option<i64>,
    #[pyo3(get)]
    first_timestamp_ns: Option<i64>,
    #[pyo3(get)]
    resynced: bool,
    #[pyo3(get)]
    first_packet: Option<u64>,
    #[pyo3(get)]
    last_packet: Option<u64>,
    #[pyo3(get)]
    file: Option<Py<PyString>>,
    #[pyo3(get)]
    payload: Option<Py<PyBytes>>,
    #[pyo3(get)]
    close_code: Option<u16>,
    #[pyo3(get)]
    close_reason: Option<String>,
    effect: Option<&'static str>,
    #[pyo3(get)]
    incomplete: Option<u64>,
    /// `undecodable` and `lost`, once they are certain.
    cost: OnceLock<(u64, u64)>,
    #[pyo3(get)]
    rule: Option<String>,
    #[pyo3(get)]
    error: Option<String>,
}

impl CapturedEvent {
    pub(crate) fn new(
        py: Python<'_>,
        connection: Py<PyAny>,
        event: &CaptureEvent,
        file: Option<Py<PyString>>,
    ) -> PyResult<Self> {
        let payload = event.detail.payload().map(|payload| copied_bytes(py, payload));
        let mut this = Self {
            connection,
            from_client: event.from_client,
            event: event.event,
            seq: event.seq,
            kind: event.detail.name(),
            offset: event.offset,
            length: event.length,
            missing_bytes: event.missing_bytes,
            timestamp_ns: event.last.map(|packet| packet.time),
            first_timestamp_ns: event.first.map(|packet| packet.time),
            resynced: event.resynced,
            first_packet: event.first.map(|packet| packet.packet),
            last_packet: event.last.map(|packet| packet.packet),
            file,
            payload: payload.transpose()?.map(Bound::unbind),
            close_code: None,
            close_reason: None,
            effect: None,
            incomplete: None,
            cost: OnceLock::new(),
            rule: None,
            error: None,
        };
        match &event.detail {
            Detail::Ping(_) | Detail::Pong(_) => {}
            Detail::Close { code, reason, .. } => {
                this.close_code = *code;
                this.close_reason = Some(reason.clone());
            }
            Detail::Gap(cost) => {
                this.effect = Some(cost.effect.name());
                this.incomplete = Some(cost.incomplete);
                this.become_certain(event);
            }
            Detail::Violation(error) => {
                this.rule = Some(error.kind.name().to_owned());
                this.error = Some(error.to_string());
            }
        }
        Ok(this)
    }

    /// Calls `work` with the values of the event's line.
    pub(crate) fn with_row<R>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&EventRow<'_>) -> R,
    ) -> PyResult<R> {
        let connection = self.connection.bind(py);
        let facts = connection_facts(connection)?;
        let file = self.file.as_ref().map(|file| file.bind(py).extract::<String>()).transpose()?;
        Ok(work(&EventRow {
            kind: self.kind,
            number: connection.getattr("connection")?.extract()?,
            connection: &facts,
            from_client: self.from_client,
            event: self.event,
            seq: self.seq,
            offset: self.offset,
            length: self.length,
            missing_bytes: self.missing_bytes,
            timestamp: self.timestamp_ns,
            first_timestamp: self.first_timestamp_ns,
            resynced: self.resynced,
            first_packet: self.first_packet,
            last_packet: self.last_packet,
            file: file.as_deref(),
            payload: self.payload.as_ref().map(bytes_of),
            close_code: self.close_code,
            close_reason: self.close_reason.as_deref(),
            effect: self.effect,
            incomplete: self.incomplete,
            cost: self.cost.get().copied(),
            rule: self.rule.as_deref().map(Into::into),
            error: self.error.as_deref().map(Into::into),
        }))
    }

    /// Takes the cost of a gap, if it is certain.
    pub(crate) fn become_certain(&self, event: &CaptureEvent) {
        if let Detail::Gap(cost) = &event.detail
            && cost.is_final
        {
            let _ = self.cost.set((cost.undecodable, cost.lost));
        }
    }
}

#[pymethods]
impl CapturedEvent {
    /// The arguments are the attributes that pickling keeps, by name.
    #[new]
    #[pyo3(signature = (connection, **values))]
    fn make(connection: &Bound<'_, PyAny>, values: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        if !is_connection(connection)? {
            let class = connection.get_type().name()?;
            let text = format!("connection must be a CapturedConnection, not {class}");
            return Err(PyTypeError::new_err(text));
        }
        let empty = PyDict::new(connection.py());
        let given = Attributes(values.unwrap_or(&empty));
        given.require_known(&NAMES, "an event")?;
        let kind: String = given.required("kind")?;
        let named = |names: &[&'static str], name: &str| {
            let known = names.iter().copied().find(|known| *known == name);
            known.ok_or_else(|| PyValueError::new_err(format!("{name:?} is not known")))
        };
        let effect: Option<String> = given.optional("effect")?;
        let effects = GapEffect::ALL.map(GapEffect::name);
        let cost = OnceLock::new();
        if let (Some(undecodable), Some(lost)) =
            (given.optional("undecodable")?, given.optional("lost")?)
        {
            let _ = cost.set((undecodable, lost));
        }
        Ok(Self {
            connection: connection.clone().unbind(),
            from_client: given.required("from_client")?,
            event: given.required("event")?,
            seq: given.required("seq")?,
            kind: named(&Detail::NAMES, &kind)?,
            offset: given.required("offset")?,
            length: given.required("length")?,
            missing_bytes: given.required("missing_bytes")?,
            timestamp_ns: given.optional("timestamp_ns")?,
            first_timestamp_ns: given.optional("first_timestamp_ns")?,
            resynced: given.required("resynced")?,
            first_packet: given.optional("first_packet")?,
            last_packet: given.optional("last_packet")?,
            file: given.optional("file")?,
            payload: given.optional("payload")?,
            close_code: given.optional("close_code")?,
            close_reason: given.optional("close_reason")?,
            effect: effect.map(|effect| named(&effects, &effect)).transpose()?,
            incomplete: given.optional("incomplete")?,
            cost,
            rule: given.optional("rule")?,
            error: given.optional("error")?,
        })
    }

    /// Pickle the attributes.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, MadeOf<'py>)> {
        let py = slf.py();
        let values = PyDict::new(py);
        for name in NAMES {
            values.set_item(name, slf.getattr(name)?)?;
        }
        let make = py.import("wsdefrag.capture.connection")?.getattr("_made_event")?;
        Ok((make, (py.get_type::<Self>(), slf.get().connection.bind(py).clone(), values)))
    }

    #[getter]
    fn kind<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::intern(py, self.kind)
    }

    #[getter]
    fn effect<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.effect.map(|effect| PyString::intern(py, effect))
    }

    #[getter]
    fn undecodable(&self) -> Option<u64> {
        self.cost.get().map(|(undecodable, _)| *undecodable)
    }

    #[getter]
    fn lost(&self) -> Option<u64> {
        self.cost.get().map(|(_, lost)| *lost)
    }

    /// The connection's identity: 16 bytes, the same in every pass over the same packets.
    #[getter]
    fn uid<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.connection.bind(py).getattr("uid")
    }

    /// Show the connection, the sender, the kind, and what matters of it.
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let arrow = if self.from_client { "->" } else { "<-" };
        let connection = self.connection.bind(py).getattr("connection")?;
        let detail = match (&self.error, self.effect, self.close_code) {
            (Some(error), ..) => format!(": {error}"),
            (_, Some(effect), _) => format!(" of {} bytes: {effect}", self.length),
            (.., Some(code)) => format!(" {code}"),
            _ => format!(" of {} bytes", self.length),
        };
        Ok(format!("<CapturedEvent {connection} {arrow} {}{detail}>", self.kind))
    }

    /// A connection that keeps its events is a cycle; clearing the connection breaks it.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.connection)
    }
}

/// What an event is made of again: its class, its connection and its attributes.
type MadeOf<'py> = (Bound<'py, PyType>, Bound<'py, PyAny>, Bound<'py, PyDict>);

/// The attributes that pickling keeps.
const NAMES: [&str; 22] = [
    "from_client",
    "event",
    "seq",
    "kind",
    "offset",
    "length",
    "missing_bytes",
    "timestamp_ns",
    "first_timestamp_ns",
    "resynced",
    "first_packet",
    "last_packet",
    "file",
    "payload",
    "close_code",
    "close_reason",
    "effect",
    "incomplete",
    "undecodable",
    "lost",
    "rule",
    "error",
];
