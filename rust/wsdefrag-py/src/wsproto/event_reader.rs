//! Reads one direction as events of wsproto, one event per request.
//!
//! The event classes come from Python; this module does not import wsproto. Fed
//! chunks are buffered until an event is requested, usually one chunk at a time
//! and
//! without a copy. If unread bytes are left, the next chunk is appended to a
//! copy of
//! them. An event for a part of a frame therefore contains all bytes that were
//! fed
//! before the request.

use std::mem;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyString, PyType};
use wsdefrag_core::error::{Error, Kind};
use wsdefrag_core::read::fragment_event::Ends;
use wsdefrag_core::{FragmentEvent, FragmentStream};

use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::params::{PyDeflateParams, PyLimits};
use crate::raw::buffer::with_bytes;
use crate::raw::instance::{PlainClass, new_instance};

/// Fed bytes; the number is how many of them were read.
enum Buffered {
    Nothing,
    Chunk(Py<PyBytes>, usize),
    Joined(Vec<u8>, usize),
}

impl Buffered {
    fn unread<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match self {
            Self::Nothing => &[],
            Self::Chunk(chunk, read) => &chunk.as_bytes(py)[*read..],
            Self::Joined(bytes, read) => &bytes[*read..],
        }
    }

    /// Marks all but the last `unread` bytes as read.
    fn leave(&mut self, py: Python<'_>, unread: usize) {
        match self {
            _ if unread == 0 => *self = Self::Nothing,
            Self::Nothing => {}
            Self::Chunk(chunk, read) => *read = chunk.as_bytes(py).len() - unread,
            Self::Joined(bytes, read) => *read = bytes.len() - unread,
        }
    }

    /// Appends `more` to the unread bytes.
    fn join(&mut self, py: Python<'_>, more: &[u8]) {
        if let Self::Joined(bytes, read) = self {
            // Moving the unread bytes costs no more than reading the others did.
            if *read > bytes.len() / 2 {
                bytes.drain(..mem::take(read));
            }
            bytes.extend_from_slice(more);
            return;
        }
        let mut bytes = self.unread(py).to_vec();
        bytes.extend_from_slice(more);
        *self = Self::Joined(bytes, 0);
    }
}

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
#[pyclass(module = "wsdefrag._native")]
pub(crate) struct EventReader {
    engine: FragmentStream,
    buffered: Buffered,
    end: Option<End>,
    /// Whether the end was reported, so that further chunks are dropped.
    concluded: bool,
    text: PlainClass,
    binary: PlainClass,
    ping: PlainClass,
    pong: PlainClass,
}

impl EventReader {
    /// The event object for a fragment or a control frame.
    #[inline]
    fn event<'py>(&self, py: Python<'py>, fragment: Fragment) -> PyResult<Bound<'py, PyAny>> {
        match fragment {
            Fragment::Text(text, ends) => {
                message(py, &self.text, text.into_bound(py).into_any(), ends)
            }
            Fragment::Binary(content, ends) => {
                message(py, &self.binary, content.into_bytes(py)?.into_bound(py).into_any(), ends)
            }
            Fragment::Ping(payload) => control(py, &self.ping, payload),
            Fragment::Pong(payload) => control(py, &self.pong, payload),
        }
    }
}

/// The Python objects for a fragment or a control frame.
enum Fragment {
    Text(Py<PyString>, Ends),
    Binary(PyContent, Ends),
    Ping(Py<PyBytes>),
    Pong(Py<PyBytes>),
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
    payload: Py<PyBytes>,
) -> PyResult<Bound<'py, PyAny>> {
    let attributes = [(pyo3::intern!(py, "payload"), payload.into_bound(py).into_any())];
    new_instance(py, class, &attributes)
}

#[pymethods]
impl EventReader {
    #[new]
    #[pyo3(signature = (*, from_client, deflate, limits, classes))]
    fn new(
        from_client: bool,
        deflate: Option<PyDeflateParams>,
        limits: PyLimits,
        classes: EventClasses<'_>,
    ) -> PyResult<Self> {
        Ok(Self {
            engine: FragmentStream::new(from_client, deflate.map(Into::into), limits.into()),
            buffered: Buffered::Nothing,
            end: None,
            concluded: false,
            text: PlainClass::new(classes.0)?,
            binary: PlainClass::new(classes.1)?,
            ping: PlainClass::new(classes.2)?,
            pong: PlainClass::new(classes.3)?,
        })
    }

    /// Buffer the next bytes; they are read when an event is requested.
    ///
    /// Args:
    ///     data: Any number of bytes. A ``bytes`` is kept until it is read; anything else is
    ///         copied.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    fn receive_data(&mut self, data: &Bound<'_, PyAny>) -> PyResult<()> {
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
            if !input.bytes.is_empty() {
                self.buffered.join(py, input.bytes);
            }
        })
    }

    const fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.end.is_some() || matches!(self.buffered, Buffered::Nothing) {
            return Ok(None);
        }
        // The buffered bytes cannot change while the GIL is released.
        let mut memory = PyMemory { immutable_input: true, ..PyMemory::new(py) };
        let mut unread = self.buffered.unread(py);
        let fragment = match self.engine.next(&mut unread, &mut memory) {
            Ok(Some(FragmentEvent::Text(text, ends))) => Fragment::Text(text, ends),
            Ok(Some(FragmentEvent::Binary(content, ends))) => Fragment::Binary(content, ends),
            Ok(Some(FragmentEvent::Ping(payload))) => {
                Fragment::Ping(PyBytes::new(py, payload).unbind())
            }
            Ok(Some(FragmentEvent::Pong(payload))) => {
                Fragment::Pong(PyBytes::new(py, payload).unbind())
            }
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
        self.event(py, fragment).map(Some)
    }

    /// Whether a Close or a violation was read and ``conclude`` was not called yet.
    #[getter]
    const fn ended(&self) -> bool {
        self.end.is_some() && !self.concluded
    }

    /// Note that the end was reported: further bytes are dropped.
    fn conclude(&mut self) {
        self.concluded = true;
        self.buffered = Buffered::Nothing;
    }

    /// The code and the reason of the Close that ended this direction, or None.
    #[getter]
    fn peer_close(&self) -> Option<(u16, &str)> {
        match &self.end {
            Some(End::Close(code, reason)) => Some((*code, reason)),
            _ => None,
        }
    }

    /// The violation that ended this direction, a new object each time; None if there is none.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match &self.end {
            Some(End::Violation(error)) => errors::violation(py, error).map(Some),
            _ => Ok(None),
        }
    }

    /// The bytes that broke a rule.
    ///
    /// For a header, all bytes fed from its first byte on; for a Close, its payload; for a text,
    /// the bytes that were not returned in an event; empty for other rules.
    #[getter]
    fn evidence<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let Some(End::Violation(error)) = &self.end else { return PyBytes::new(py, b"") };
        match error.kind {
            Kind::ClosePayloadOneByte | Kind::InvalidCloseCode(_) | Kind::InvalidCloseReason => {
                PyBytes::new(py, self.engine.control_payload())
            }
            Kind::InvalidUtf8 => PyBytes::new(py, self.engine.waiting_text()),
            kind if kind.is_of_content() => PyBytes::new(py, b""),
            _ => {
                let taken = self.engine.cut_header();
                PyBytes::new(py, &[taken, self.buffered.unread(py)].concat())
            }
        }
    }

    /// Whether a message is open.
    #[getter]
    const fn inside_message(&self) -> bool {
        self.engine.is_inside_message()
    }

    /// Whether the current frame has reached the end of its message.
    #[getter]
    fn at_message_end(&self) -> bool {
        self.engine.is_at_message_end()
    }
}
