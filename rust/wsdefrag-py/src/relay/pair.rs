//! The two directions of a relay, for Python.
//!
//! Selecting the direction in Python would take as long as the rest of a small message. Both
//! directions are borrowed through shared references: using one that another thread is using raises
//! `RuntimeError`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a text has at most 200 characters"
)]

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use wsdefrag_core::relay::{Control, Deadlines, Due, Side, Timeouts};

use crate::exclusive::Exclusive;
use crate::panics;
use crate::raw::buffer::with_bytes;
use crate::raw::fields::already_sent;
use crate::raw::list::empty_list;
use crate::raw::message::message_state;
use crate::read::pair::Pair;
use crate::read::record::Record;
use crate::relay::direction::RelayDirection;
use crate::relay::options::{Options, parse_mode, require_fit};
use crate::relay::state::RelayState;
use crate::relay::timed_out::timed_out;
use crate::write::arguments::parse_code;

/// The base of both relays, and the engine of ``wsdefrag.PassThroughRelay``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct Relay(Pair<RelayDirection>, Exclusive<Deadlines>);

impl Relay {
    pub(crate) fn of(
        py: Python<'_>,
        directions: [RelayDirection; 2],
        timeouts: Timeouts,
        record: Record,
    ) -> PyResult<Self> {
        let [client, server] = directions;
        let pair = Pair::new(Py::new(py, client)?, Py::new(py, server)?, record);
        Ok(Self(pair, Exclusive::new("relay", Deadlines::new(timeouts))))
    }

    /// Calls `work` with the deadlines, which know the state of both sides at the time `now`.
    fn watching<R>(
        &self,
        py: Python<'_>,
        now: f64,
        work: impl FnOnce(&mut Deadlines) -> PyResult<R>,
    ) -> PyResult<R> {
        if !now.is_finite() {
            return Err(PyValueError::new_err(format!("now must be a finite number, not {now}")));
        }
        let [mut client, mut server] = [Side::default(); 2];
        let directions = [self.direction(true), self.direction(false)];
        directions[0].0.with(py, |state| {
            state.add_to_sides(&mut client, &mut server);
            Ok(())
        })?;
        directions[1].0.with(py, |state| {
            state.add_to_sides(&mut server, &mut client);
            Ok(())
        })?;
        self.1.with(py, |deadlines| {
            deadlines.observe(now, [client, server]);
            work(deadlines)
        })
    }

    #[inline]
    pub(crate) fn direction(&self, from_client: bool) -> &RelayDirection {
        self.0.direction(from_client)
    }

    /// Notes the events of a call for a direction and returns them.
    #[inline]
    pub(crate) fn noted<'py>(
        &self,
        from_client: bool,
        events: Bound<'py, PyList>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.0.noted(from_client, events)
    }

    /// Calls `work` with the state of the direction that sends to the client or to the server.
    #[inline]
    fn sending<R>(
        &self,
        py: Python<'_>,
        to_client: bool,
        work: impl FnOnce(&mut RelayState) -> PyResult<R>,
    ) -> PyResult<R> {
        self.direction(!to_client).0.with(py, work)
    }
}

#[pymethods]
impl Relay {
    #[new]
    #[pyo3(signature = (options, *, mode, collect_up_to, report_messages, websocket, retain))]
    fn new(
        py: Python<'_>,
        options: Options<'_>,
        mode: &str,
        collect_up_to: Option<u64>,
        report_messages: bool,
        websocket: Py<PyAny>,
        retain: Option<usize>,
    ) -> PyResult<Self> {
        let pace = parse_mode(mode)?;
        let (budget, timeouts) = (options.budget.clone(), options.timeouts);
        let directions = options.directions(py);
        require_fit(mode, &directions)?;
        let directions = directions
            .map(|direction| {
                let budget = budget.as_ref();
                RelayState::passing(direction, pace, collect_up_to, report_messages, budget)
            })
            .map(|state| RelayDirection::new("PassThroughRelay", state));
        Self::of(py, directions, timeouts.into(), Record::new(websocket, retain))
    }

    /// Receive the next bytes of one side.
    ///
    /// Args:
    ///     data: Any number of bytes; they are neither changed nor kept.
    ///     from_client: Whether the client sent them.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     The events, in order. A violation of the protocol is a ``ProtocolViolation`` event and is
    ///     not raised.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If ``receive_eof`` has ended this direction.
    #[pyo3(signature = (data, *, from_client, timestamp = None))]
    fn receive_data<'py>(
        &self,
        data: &Bound<'py, PyAny>,
        from_client: bool,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let direction = &self.direction(from_client).0;
        let events = direction.with(data.py(), |state| state.receive(data, timestamp))?;
        self.noted(from_client, events)
    }

    /// End one direction: its side sends no more. Nothing is sent to the other side.
    ///
    /// Args:
    ///     from_client: Whether the client has ended.
    ///     timestamp: When it ended, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     An ``Incomplete`` if the direction ended inside a header, a frame or a message. Otherwise,
    ///     and if it had already ended, an empty list.
    #[pyo3(signature = (*, from_client, timestamp = None))]
    fn receive_eof<'py>(
        &self,
        py: Python<'py>,
        from_client: bool,
        timestamp: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.0.end(py, from_client, timestamp, |direction, timestamp| {
            direction.0.with(py, |state| state.end(py, timestamp))
        })
    }

    /// Inject a message between two messages, in the direction of its ``from_client``.
    ///
    /// The message is added to ``websocket.messages``, and its ``injected`` is set. It may have to
    /// wait for the end of the current message. If a Close is sent first, or that message never
    /// ends, the injected message is dropped.
    ///
    /// Args:
    ///     message: The message to send.
    ///     compress: Whether to compress it. None compresses by ``compress_from``, but never in a
    ///         direction whose compressed messages are forwarded unchanged and refer to earlier
    ///         ones. True makes such a direction compress all later messages again.
    ///
    /// Raises:
    ///     AttributeError: If ``message`` comes from a ``PassThroughRelay`` and cannot be changed.
    ///     TypeError: If ``message`` is not a ``WebSocketMessage``.
    ///     ValueError: If it cannot be sent now; the text says why.
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
        let direction = &self.direction(state.from_client).0;
        direction.with(py, |relay| relay.inject(message, state, compress))?;
        panics::caught(py, || self.0.record.note(&PyList::new(py, [message])?))
    }

    /// Inject a ping between two frames (RFC 6455 section 5.5.2).
    ///
    /// Args:
    ///     payload: At most 125 bytes; empty by default.
    ///     to_client: Whether to send it to the client.
    ///
    /// Raises:
    ///     TypeError: If ``payload`` does not offer the buffer protocol.
    ///     ValueError: If the payload is too long, if a Close was sent, or if a partly sent frame
    ///         will never be complete.
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
        self.sending(py, to_client, |state| match payload {
            None => state.control(py, Control::Ping(b"")),
            Some(payload) => {
                with_bytes(payload, |input| state.control(py, Control::Ping(input.bytes)))?
            }
        })
    }

    /// Inject a pong between two frames (RFC 6455 section 5.5.3).
    ///
    /// Args:
    ///     payload: At most 125 bytes; empty by default.
    ///     to_client: Whether to send it to the client.
    ///
    /// Raises:
    ///     TypeError: If ``payload`` does not offer the buffer protocol.
    ///     ValueError: If the payload is too long, if a Close was sent, or if a partly sent frame
    ///         will never be complete.
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
        self.sending(py, to_client, |state| match payload {
            None => state.control(py, Control::Pong(b"")),
            Some(payload) => {
                with_bytes(payload, |input| state.control(py, Control::Pong(input.bytes)))?
            }
        })
    }

    /// Inject a Close between two frames (RFC 6455 section 5.5.1).
    ///
    /// Nothing more is sent in that direction, and injected messages that wait are dropped. The
    /// answer of that side is an event like any other.
    ///
    /// Args:
    ///     code: The close code; None for a Close without a code, which is read as 1005.
    ///     reason: A text for people; at most 123 bytes of UTF-8, and only with a code.
    ///     to_client: Whether to send it to the client.
    ///
    /// Returns:
    ///     Whether the Close is sent, at once or at the end of a partly sent frame. False if a Close
    ///     was already sent, or if a partly sent frame will never be complete. If the frame that it
    ///     waits for never ends, the Close is not sent.
    ///
    /// Raises:
    ///     ValueError: If the code must not be sent (RFC 6455 section 7.4), if the reason is too
    ///         long, or if there is a reason without a code.
    #[pyo3(signature = (code = None, reason = "", *, to_client))]
    fn send_close(
        &self,
        py: Python<'_>,
        code: Option<&Bound<'_, PyAny>>,
        reason: &str,
        to_client: bool,
    ) -> PyResult<bool> {
        let code = code.map(parse_code).transpose()?;
        self.sending(py, to_client, |state| state.close(py, code, reason))
    }

    /// Take all bytes to be sent to one side.
    ///
    /// Args:
    ///     to_client: Whether to take those for the client.
    ///
    /// Returns:
    ///     The bytes to write to that side's connection; empty if there are none.
    #[pyo3(signature = (*, to_client))]
    fn data_to_send(&self, py: Python<'_>, to_client: bool) -> PyResult<Py<PyBytes>> {
        self.sending(py, to_client, |state| state.take(py))
    }

    /// The time of the next deadline.
    ///
    /// What happened since the last call of this method or of ``tick`` counts as of ``now``. So a
    /// caller that wants exact timeouts calls it whenever it has received or taken bytes.
    ///
    /// Args:
    ///     now: The time, in seconds of a clock that does not go backwards, such as
    ///         ``time.monotonic()``. All calls for a relay take the same clock.
    ///
    /// Returns:
    ///     When to call ``tick``, in seconds of the same clock; None if no timeout is running.
    ///
    /// Raises:
    ///     ValueError: If ``now`` is not finite.
    fn next_deadline(&self, py: Python<'_>, now: f64) -> PyResult<Option<f64>> {
        self.watching(py, now, |deadlines| Ok(deadlines.next()))
    }

    /// Let the time pass: send keepalive pings that are due, and report timeouts.
    ///
    /// Each timeout is reported once; it begins anew when what it waits for has happened. The relay
    /// sends nothing for a timeout. What to do, such as ``send_close``, is the caller's decision.
    ///
    /// Args:
    ///     now: The time, as for ``next_deadline``.
    ///
    /// Returns:
    ///     The timeouts that have passed, earliest first.
    ///
    /// Raises:
    ///     ValueError: If ``now`` is not finite.
    fn tick<'py>(&self, py: Python<'py>, now: f64) -> PyResult<Bound<'py, PyList>> {
        let events = empty_list(py)?;
        while let Some((deadline, due)) =
            self.watching(py, now, |deadlines| Ok(deadlines.take_due(now)))?
        {
            if let Due::SendPing(side) = due {
                self.sending(py, side == 0, |state| state.keepalive(py))?;
            } else if let Some(event) = timed_out(py, deadline, due)? {
                events.append(event)?;
            }
        }
        Ok(events)
    }

    /// Bytes held in both directions: incomplete, not yet decided on, or not yet taken to be sent.
    #[getter]
    fn bytes_buffered(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.direction(true).bytes_buffered(py)? + self.direction(false).bytes_buffered(py)?)
    }

    /// The direction from the client.
    #[getter(from_client)]
    fn client(&self, py: Python<'_>) -> Py<RelayDirection> {
        self.0.client.clone_ref(py)
    }

    /// The direction from the server.
    #[getter(from_server)]
    fn server(&self, py: Python<'_>) -> Py<RelayDirection> {
        self.0.server.clone_ref(py)
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        let (py, relay) = (this.py(), this.get());
        let of = |from_client: bool| {
            let state = &relay.direction(from_client).0;
            state.with(py, |state| Ok((state.mode(), state.error_name())))
        };
        let ((mode, client_error), (_, server_error)) = (of(true)?, of(false)?);
        let websocket = relay.0.record.websocket.bind(py);
        let mut shown = vec![this.get_type().name()?.to_string()];
        shown.extend(mode.map(|mode| format!("mode={mode}")));
        shown.push(format!("messages={}", websocket.getattr("messages")?.len()?));
        shown.push(format!("bytes_buffered={}", relay.bytes_buffered(py)?));
        shown.extend(client_error.map(|kind| format!("client_error={kind}")));
        shown.extend(server_error.map(|kind| format!("server_error={kind}")));
        let close_code = websocket.getattr("close_code")?;
        if !close_code.is_none() {
            shown.push(format!("close_code={close_code}"));
        }
        Ok(format!("<{}>", shown.join(" ")))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(&visit)
    }
}
