//! The two directions of a relay, for Python: what is called for each chunk.
//!
//! It finds the direction that is meant and has the record note what happened. It
//! stands here and not in Python because finding the direction there takes as
//! long as all the rest of a small message. Both directions are reached through
//! shared references, so an object that is in use by another thread is a
//! `RuntimeError` there.

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use wsdefrag_core::relay::Control;

use crate::raw::buffer::with_bytes;
use crate::raw::fields::already_sent;
use crate::raw::message::message_state;
use crate::read::event::now;
use crate::relay::direction::RelayDirection;
use crate::relay::options::{Options, parse_mode, require_fit};
use crate::write::encoder::parse_code;

/// What both relays are; alone, it is the engine of ``wsdefrag.PassThroughRelay``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct Relay {
    client: Py<RelayDirection>,
    server: Py<RelayDirection>,
    /// What notes the events; a `wsdefrag.record.Record`.
    record: Py<PyAny>,
    /// Whether it keeps messages.
    keeps: bool,
}

impl Relay {
    pub(crate) fn of(
        py: Python<'_>,
        directions: [RelayDirection; 2],
        record: Py<PyAny>,
        keeps: bool,
    ) -> PyResult<Self> {
        let [client, server] = directions;
        Ok(Self { client: Py::new(py, client)?, server: Py::new(py, server)?, record, keeps })
    }

    #[inline]
    pub(crate) fn direction<'py>(
        &self,
        py: Python<'py>,
        from_client: bool,
    ) -> PyResult<PyRefMut<'py, RelayDirection>> {
        let direction = if from_client { &self.client } else { &self.server };
        Ok(direction.bind(py).try_borrow_mut()?)
    }
}

#[pymethods]
impl Relay {
    #[new]
    #[pyo3(signature = (options, *, mode, record, keeps))]
    fn new(
        py: Python<'_>,
        options: Options<'_>,
        mode: &str,
        record: Py<PyAny>,
        keeps: bool,
    ) -> PyResult<Self> {
        let pace = parse_mode(mode)?;
        let budget = options.budget.clone();
        let legs = options.legs();
        require_fit(mode, &legs)?;
        let directions = legs.map(|leg| RelayDirection::passing(leg, pace, budget.as_ref()));
        Self::of(py, directions, record, keeps)
    }

    /// Take the next bytes of one side.
    ///
    /// Args:
    ///     data: Any number of bytes; neither changed nor kept.
    ///     from_client: Whether the client sent them.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     What happened, in order. What is wrong on the wire is a ``ProtocolViolation`` and is
    ///     not raised.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If this direction has ended by ``receive_eof``.
    #[pyo3(signature = (data, *, from_client, timestamp = None))]
    fn receive_data<'py>(
        &self,
        data: &Bound<'py, PyAny>,
        from_client: bool,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = data.py();
        let events = self.direction(py, from_client)?.receive(data, timestamp)?;
        let Some(last) = events.len().checked_sub(1) else { return Ok(events) };
        // A Close is a last event, or next to last.
        if self.keeps || message_state(&events.get_item(last)?)?.is_none() {
            self.record.bind(py).call_method1("note", (&events,))?;
        }
        Ok(events)
    }

    /// Say that one side sends no more. The other side is sent nothing for it.
    ///
    /// Args:
    ///     from_client: Whether it is the client.
    ///     timestamp: When it ended, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     An ``Incomplete`` if it ended inside a header, a frame or a message, else nothing;
    ///     nothing either if it was ended before.
    #[pyo3(signature = (*, from_client, timestamp = None))]
    fn receive_eof<'py>(
        &self,
        py: Python<'py>,
        from_client: bool,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let timestamp = timestamp.unwrap_or_else(now);
        let events = self.direction(py, from_client)?.end(py, timestamp)?;
        self.record.bind(py).call_method1("note_eof", (&events, from_client, timestamp))?;
        Ok(events)
    }

    /// Send a message of the caller's the way of its ``from_client``, between two messages.
    ///
    /// It is kept among ``websocket.messages``, and its ``injected`` is set. If its place never
    /// comes, because a Close was sent or the message before it was broken off, it is dropped.
    ///
    /// Args:
    ///     message: The message.
    ///     compress: Whether to compress it; None for what ``compress_from`` says, but not at all
    ///         in a direction whose compressed messages go on as they come and refer to earlier
    ///         ones. True there has all further ones compressed again.
    ///
    /// Raises:
    ///     AttributeError: If it is a message of a ``PassThroughRelay``, which cannot be changed.
    ///     TypeError: If it is not a ``WebSocketMessage``.
    ///     ValueError: If it cannot be sent here; the error says why.
    #[pyo3(signature = (message, *, compress = None))]
    fn inject(&self, message: &Bound<'_, PyAny>, compress: Option<bool>) -> PyResult<()> {
        let py = message.py();
        let Some(state) = message_state(message)? else {
            let class = message.get_type().name()?;
            let text = format!("message must be WebSocketMessage, not {class}");
            return Err(PyTypeError::new_err(text));
        };
        if state.sent {
            return Err(already_sent());
        }
        self.direction(py, state.from_client)?.inject(message, state, compress)?;
        self.record.bind(py).call_method1("note", ([message],))?;
        Ok(())
    }

    /// Send a ping of the caller's, between two frames (RFC 6455 section 5.5.2).
    ///
    /// Args:
    ///     payload: At most 125 bytes; nothing unless given.
    ///     to_client: Whether the client gets it.
    ///
    /// Raises:
    ///     TypeError: If ``payload`` does not offer the buffer protocol.
    ///     ValueError: If it is too long, after a Close, or inside a frame that will never be
    ///         whole.
    #[pyo3(
        signature = (payload = None, *, to_client),
        text_signature = "(self, payload=b'', *, to_client)",
    )]
    fn send_ping(
        &self,
        py: Python<'_>,
        payload: Option<&Bound<'_, PyAny>>,
        to_client: bool,
    ) -> PyResult<()> {
        let Some(payload) = payload else {
            return self.direction(py, !to_client)?.control(py, Control::Ping(b""));
        };
        let mut direction = self.direction(py, !to_client)?;
        with_bytes(payload, |input| direction.control(py, Control::Ping(input.bytes)))?
    }

    /// Send a pong of the caller's, between two frames (RFC 6455 section 5.5.3).
    ///
    /// Args:
    ///     payload: At most 125 bytes; nothing unless given.
    ///     to_client: Whether the client gets it.
    ///
    /// Raises:
    ///     TypeError: If ``payload`` does not offer the buffer protocol.
    ///     ValueError: If it is too long, after a Close, or inside a frame that will never be
    ///         whole.
    #[pyo3(
        signature = (payload = None, *, to_client),
        text_signature = "(self, payload=b'', *, to_client)",
    )]
    fn send_pong(
        &self,
        py: Python<'_>,
        payload: Option<&Bound<'_, PyAny>>,
        to_client: bool,
    ) -> PyResult<()> {
        let Some(payload) = payload else {
            return self.direction(py, !to_client)?.control(py, Control::Pong(b""));
        };
        let mut direction = self.direction(py, !to_client)?;
        with_bytes(payload, |input| direction.control(py, Control::Pong(input.bytes)))?
    }

    /// Send a Close of the caller's, between two frames (RFC 6455 section 5.5.1).
    ///
    /// Nothing is sent that way after it; injected messages that wait for their place are dropped.
    /// What that side answers is an event like any other.
    ///
    /// Args:
    ///     code: The close code; None for a frame without one, which is read as 1005.
    ///     reason: Why, for people; at most 123 bytes of UTF-8, and only with a code.
    ///     to_client: Whether the client gets it.
    ///
    /// Returns:
    ///     Whether it is, or will be, sent. False where a Close was sent before, and where what was
    ///     sent ends inside a frame that will never be whole, after which only the end of the
    ///     connection can follow. One that waits for the end of a frame is not sent if that never
    ///     comes.
    ///
    /// Raises:
    ///     ValueError: If the code may not be sent (RFC 6455 section 7.4), or the reason is too
    ///         long or stands alone.
    #[pyo3(signature = (code = None, reason = "", *, to_client))]
    fn send_close(
        &self,
        py: Python<'_>,
        code: Option<&Bound<'_, PyAny>>,
        reason: &str,
        to_client: bool,
    ) -> PyResult<bool> {
        let code = code.map(parse_code).transpose()?;
        self.direction(py, !to_client)?.close(py, code, reason)
    }

    /// Take all that waits to be sent to one side.
    ///
    /// Args:
    ///     to_client: Whether to the client.
    ///
    /// Returns:
    ///     The bytes for its connection; empty if there are none.
    #[pyo3(signature = (*, to_client))]
    fn data_to_send(&self, py: Python<'_>, to_client: bool) -> PyResult<Py<PyBytes>> {
        self.direction(py, !to_client)?.take(py)
    }

    /// Bytes held of both directions: not complete, not decided on, or not taken to be sent.
    #[getter]
    fn bytes_buffered(&self, py: Python<'_>) -> PyResult<usize> {
        let client = self.client.bind(py).try_borrow()?.bytes_buffered();
        Ok(client + self.server.bind(py).try_borrow()?.bytes_buffered())
    }

    /// The direction of what the client sends.
    #[getter(from_client)]
    fn client(&self, py: Python<'_>) -> Py<RelayDirection> {
        self.client.clone_ref(py)
    }

    /// The direction of what the server sends.
    #[getter(from_server)]
    fn server(&self, py: Python<'_>) -> Py<RelayDirection> {
        self.server.clone_ref(py)
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        let (py, relay) = (this.py(), this.get());
        let client = relay.client.bind(py).try_borrow()?;
        let server = relay.server.bind(py).try_borrow()?;
        let websocket = relay.record.bind(py).getattr("websocket")?;
        let mut shown = vec![this.get_type().name()?.to_string()];
        shown.extend(client.mode().map(|mode| format!("mode={mode}")));
        shown.push(format!("messages={}", websocket.getattr("messages")?.len()?));
        shown.push(format!("bytes_buffered={}", relay.bytes_buffered(py)?));
        shown.extend(client.error_name().map(|kind| format!("client_error={kind}")));
        shown.extend(server.error_name().map(|kind| format!("server_error={kind}")));
        let close_code = websocket.getattr("close_code")?;
        if !close_code.is_none() {
            shown.push(format!("close_code={close_code}"));
        }
        Ok(format!("<{}>", shown.join(" ")))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.record)
    }
}
