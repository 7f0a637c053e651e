//! Reads one direction as events of wsproto, one event per request.
//!
//! The event classes come from Python; this module does not import wsproto. Fed chunks are buffered
//! until an event is requested, usually one chunk at a time and without a copy. If unread bytes are
//! left, the next chunk is appended to a copy of them. An event for a part of a frame therefore
//! contains all bytes that were fed before the request.

#![expect(clippy::disallowed_methods, reason = "a short text")]

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyString, PyType};
use wsdefrag_core::error::{Error, Kind};
use wsdefrag_core::read::fragment_event::Ends;
use wsdefrag_core::{FragmentEvent, FragmentStream};

use crate::content::PyMemory;
use crate::errors;
use crate::exclusive::Exclusive;
use crate::params::{self, PyDeflateParams, PyLimits, PyStrictness};
use crate::raw::buffer::with_bytes;
use crate::raw::bytes::{copied_bytes, joined_bytes};
use crate::raw::instance::{PlainClass, new_instance};
use crate::read::buffered::Buffered;

/// The Close or the violation that ended a direction.
enum End {
    Close(u16, Box<str>),
    Violation(Error),
}

/// The classes of texts, binaries, pings and pongs.
#[derive(FromPyObject)]
struct EventClasses<'py>(
    Bound<'py, PyType>,
    Bound<'py, PyType>,
    Bound<'py, PyType>,
    Bound<'py, PyType>,
);

/// The engine of ``receive_data`` and ``events`` in ``wsdefrag.compat.wsproto``.
///
/// It iterates over the events. The iteration stops if more bytes are needed. It also stops at the
/// Close or the violation that ends the direction: then ``ended`` is true, and ``peer_close`` or
/// ``error`` says which.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct EventReader(Exclusive<State>);

/// The state of a reader.
struct State {
    engine: FragmentStream,
    buffered: Buffered,
    /// What was read and could not become an event because memory was refused. Until it is one, the
    /// engine reads no further.
    waiting: Option<Fragment>,
    end: Option<End>,
    /// Whether the end was reported, so that further chunks are dropped.
    concluded: bool,
    text: PlainClass,
    binary: PlainClass,
    ping: PlainClass,
    pong: PlainClass,
}

impl State {
    /// The event object for a fragment or a control frame.
    #[inline]
    fn event<'py>(&self, py: Python<'py>, fragment: &Fragment) -> PyResult<Bound<'py, PyAny>> {
        match fragment {
            Fragment::Text(text, ends) => {
                message(py, &self.text, text.bind(py).clone().into_any(), *ends)
            }
            Fragment::Binary(content, ends) => {
                message(py, &self.binary, content.bind(py).clone().into_any(), *ends)
            }
            Fragment::Ping => control(py, &self.ping, self.engine.control_payload()),
            Fragment::Pong => control(py, &self.pong, self.engine.control_payload()),
        }
    }

    /// The event object for a fragment or a control frame, which waits if there is no memory.
    #[inline]
    fn deliver<'py>(
        &mut self,
        py: Python<'py>,
        fragment: Fragment,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let event = self.event(py, &fragment);
        if event.is_err() {
            self.waiting = Some(fragment);
        }
        event.map(Some)
    }

    /// Buffers the next bytes.
    fn receive(&mut self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = data.py();
        if self.concluded {
            return Ok(());
        }
        if let (Buffered::Nothing, Ok(chunk)) = (&self.buffered, data.cast_exact::<PyBytes>()) {
            if !chunk.as_bytes().is_empty() {
                self.buffered = Buffered::Chunk(chunk.clone().unbind(), 0);
            }
            return Ok(());
        }
        with_bytes(data, |input| {
            if input.bytes.is_empty() { Ok(()) } else { self.buffered.join(py, input.bytes) }
        })?
        .map_err(|refused| errors::raise_refusal(refused.into()))
    }

    /// The next event; `None` if more bytes are needed, and at the end.
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(fragment) = self.waiting.take() {
            return self.deliver(py, fragment);
        }
        if self.end.is_some() || matches!(self.buffered, Buffered::Nothing) {
            return Ok(None);
        }
        // The buffered bytes cannot change while the GIL is released.
        let mut memory = PyMemory { immutable_input: true, ..PyMemory::new(py) };
        let mut unread = self.buffered.unread(py);
        let fragment = match self.engine.next(&mut unread, &mut memory) {
            Ok(Some(FragmentEvent::Text(text, ends))) => Fragment::Text(text, ends),
            Ok(Some(FragmentEvent::Binary(content, ends))) => {
                let Ok(content) = content.into_bytes(py) else {
                    let left = unread.len();
                    self.buffered.leave(py, left);
                    let offset = self.engine.frame_start();
                    self.end = Some(End::Violation(Error { kind: Kind::OutOfMemory, offset }));
                    return Ok(None);
                };
                Fragment::Binary(content, ends)
            }
            Ok(Some(FragmentEvent::Ping(_))) => Fragment::Ping,
            Ok(Some(FragmentEvent::Pong(_))) => Fragment::Pong,
            Ok(Some(FragmentEvent::Close(close))) => {
                self.end = Some(End::Close(close.code, close.reason.into()));
                return Ok(None);
            }
            Ok(None) => {
                self.buffered = Buffered::Nothing;
                return Ok(None);
            }
            Err(error) => {
                let left = unread.len();
                self.buffered.leave(py, left);
                self.end = Some(End::Violation(error));
                return Ok(None);
            }
        };
        let left = unread.len();
        self.buffered.leave(py, left);
        self.deliver(py, fragment)
    }
}

/// A fragment, or a control frame whose payload the engine has.
enum Fragment {
    Text(Py<PyString>, Ends),
    Binary(Py<PyBytes>, Ends),
    Ping,
    Pong,
}

#[inline]
fn message<'py>(
    py: Python<'py>,
    class: &PlainClass,
    data: Bound<'py, PyAny>,
    ends: Ends,
) -> PyResult<Bound<'py, PyAny>> {
    let flag = |value| PyBool::new(py, value).to_owned().into_any();
    let attributes = [
        (pyo3::intern!(py, "data"), data),
        (pyo3::intern!(py, "frame_finished"), flag(ends.frame)),
        (pyo3::intern!(py, "message_finished"), flag(ends.message)),
    ];
    new_instance(py, class, &attributes)
}

fn control<'py>(
    py: Python<'py>,
    class: &PlainClass,
    payload: &[u8],
) -> PyResult<Bound<'py, PyAny>> {
    let attributes = [(pyo3::intern!(py, "payload"), copied_bytes(py, payload)?.into_any())];
    new_instance(py, class, &attributes)
}

#[pymethods]
impl EventReader {
    #[new]
    #[pyo3(signature = (*, from_client, deflate, limits, strictness, classes))]
    fn new(
        from_client: bool,
        deflate: Option<PyDeflateParams>,
        limits: PyLimits,
        strictness: PyStrictness,
        classes: EventClasses<'_>,
    ) -> PyResult<Self> {
        let engine = FragmentStream::new(from_client, deflate.map(Into::into), limits.into());
        let state = State {
            engine: engine.with_strictness(strictness.into()),
            buffered: Buffered::Nothing,
            waiting: None,
            end: None,
            concluded: false,
            text: PlainClass::new(classes.0)?,
            binary: PlainClass::new(classes.1)?,
            ping: PlainClass::new(classes.2)?,
            pong: PlainClass::new(classes.3)?,
        };
        Ok(Self(Exclusive::new("WSConnection", state)))
    }

    /// Buffer the next bytes; they are read when an event is requested.
    ///
    /// Args:
    ///     data: Any number of bytes. A ``bytes`` is kept until it is read; anything else is
    ///         copied.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    fn receive_data(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        self.0.with(data.py(), |state| state.receive(data))
    }

    const fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.with(py, |state| state.next(py))
    }

    /// Whether a Close or a violation was read and ``conclude`` was not called yet.
    #[getter]
    fn ended(&self, py: Python<'_>) -> PyResult<bool> {
        self.0.with(py, |state| Ok(state.end.is_some() && !state.concluded))
    }

    /// Note that the end was reported: further bytes are dropped.
    fn conclude(&self, py: Python<'_>) -> PyResult<()> {
        self.0.with(py, |state| {
            state.concluded = true;
            state.buffered = Buffered::Nothing;
            Ok(())
        })
    }

    /// The code and the reason of the Close that ended this direction, or None.
    #[getter]
    fn peer_close(&self, py: Python<'_>) -> PyResult<Option<(u16, String)>> {
        self.0.with(py, |state| match &state.end {
            Some(End::Close(code, reason)) => Ok(Some((*code, reason.to_string()))),
            _ => Ok(None),
        })
    }

    /// The violation that ended this direction, a new object each time; None if there is none.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.with(py, |state| match &state.end {
            Some(End::Violation(error)) => errors::violation(py, error).map(Some),
            _ => Ok(None),
        })
    }

    /// The bytes that broke a rule.
    ///
    /// For a header, all bytes fed from its first byte on; for a Close, its payload; for a text,
    /// the bytes that were not returned in an event; empty for other rules.
    #[getter]
    fn evidence<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.0.with(py, |State { end, engine, buffered, .. }| {
            let Some(End::Violation(error)) = end else { return copied_bytes(py, b"") };
            match error.kind {
                Kind::ClosePayloadOneByte
                | Kind::InvalidCloseCode(_)
                | Kind::InvalidCloseReason => copied_bytes(py, engine.control_payload()),
                Kind::InvalidUtf8 => copied_bytes(py, engine.waiting_text()),
                kind if kind.is_of_content() => copied_bytes(py, b""),
                _ => joined_bytes(py, engine.cut_header(), buffered.unread(py)),
            }
        })
    }

    /// How often each switched-off rule was broken, by the name of its field in ``Strictness``.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.0.with(py, |State { engine, .. }| {
            params::tolerated(py, engine.strictness(), engine.tolerated())
        })
    }

    /// Whether a message is open.
    #[getter]
    fn inside_message(&self, py: Python<'_>) -> PyResult<bool> {
        self.0.with(py, |state| Ok(state.engine.is_inside_message()))
    }

    /// Whether the current frame has reached the end of its message.
    #[getter]
    fn at_message_end(&self, py: Python<'_>) -> PyResult<bool> {
        self.0.with(py, |state| Ok(state.engine.is_at_message_end()))
    }
}
