//! One direction as events of wsproto's kind, one at a time, when they are asked for.
//!
//! The classes of the events come from Python; nothing here imports wsproto.
//! Chunks wait as they were given, most often one at a time and not copied;
//! what is fed while bytes wait is joined with them, so that a piece of a frame
//! is what had been fed of it when it was asked for.

use std::mem;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyString, PyType};
use wsdefrag_core::error::{Error, Kind};
use wsdefrag_core::read::fragment_stream::Ends;
use wsdefrag_core::{FragmentEvent, FragmentStream};

use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::params::{PyDeflateParams, PyLimits};
use crate::raw::buffer::with_bytes;
use crate::raw::instance::{PlainClass, new_instance};

/// Bytes that were fed and not read, those before the number not counted.
enum Waiting {
    Nothing,
    Chunk(Py<PyBytes>, usize),
    Joined(Vec<u8>, usize),
}

impl Waiting {
    fn unread<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match self {
            Self::Nothing => &[],
            Self::Chunk(chunk, read) => &chunk.as_bytes(py)[*read..],
            Self::Joined(bytes, read) => &bytes[*read..],
        }
    }

    /// Leaves so many bytes unread.
    fn leave(&mut self, py: Python<'_>, unread: usize) {
        match self {
            _ if unread == 0 => *self = Self::Nothing,
            Self::Nothing => {}
            Self::Chunk(chunk, read) => *read = chunk.as_bytes(py).len() - unread,
            Self::Joined(bytes, read) => *read = bytes.len() - unread,
        }
    }

    /// Puts `more` behind what waits.
    fn join(&mut self, py: Python<'_>, more: &[u8]) {
        if let Self::Joined(bytes, read) = self {
            // Moving what is unread costs no more than what was read did.
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

/// What ended a direction.
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

/// The engine below ``receive_data`` and ``events`` of ``wsdefrag.compat.wsproto``.
///
/// It is its own iterator, which stops where more bytes are needed, and before the Close or the
/// violation that ends the direction: that is for ``ended`` and what goes with it.
#[pyclass(module = "wsdefrag._native")]
pub(crate) struct EventReader {
    engine: FragmentStream,
    waiting: Waiting,
    end: Option<End>,
    /// Whether the end was told of, and what is fed now is dropped.
    told: bool,
    text: PlainClass,
    binary: PlainClass,
    ping: PlainClass,
    pong: PlainClass,
}

impl EventReader {
    /// The event that a piece makes.
    #[inline]
    fn event<'py>(&self, py: Python<'py>, made: Made) -> PyResult<Bound<'py, PyAny>> {
        match made {
            Made::Text(text, ends) => message(py, &self.text, text.into_bound(py).into_any(), ends),
            Made::Binary(content, ends) => {
                message(py, &self.binary, content.into_bytes(py)?.into_bound(py).into_any(), ends)
            }
            Made::Ping(payload) => control(py, &self.ping, payload),
            Made::Pong(payload) => control(py, &self.pong, payload),
        }
    }
}

/// A piece as Python objects.
enum Made {
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
    new_instance(py, class, attributes)
}

fn control<'py>(
    py: Python<'py>,
    class: &PlainClass,
    payload: Py<PyBytes>,
) -> PyResult<Bound<'py, PyAny>> {
    let attributes = [(pyo3::intern!(py, "payload"), payload.into_bound(py).into_any())];
    new_instance(py, class, attributes)
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
            waiting: Waiting::Nothing,
            end: None,
            told: false,
            text: PlainClass::new(classes.0)?,
            binary: PlainClass::new(classes.1)?,
            ping: PlainClass::new(classes.2)?,
            pong: PlainClass::new(classes.3)?,
        })
    }

    /// Take the next bytes; nothing is read before an event is asked for.
    ///
    /// Args:
    ///     data: Any number of bytes. A ``bytes`` is kept until it was read, anything else is
    ///         copied.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    fn receive_data(&mut self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = data.py();
        if self.told {
            return Ok(());
        }
        if let (Waiting::Nothing, Ok(chunk)) = (&self.waiting, data.cast_exact::<PyBytes>()) {
            if !chunk.as_bytes().is_empty() {
                self.waiting = Waiting::Chunk(chunk.clone().unbind(), 0);
            }
            return Ok(());
        }
        with_bytes(data, |input| {
            if !input.bytes.is_empty() {
                self.waiting.join(py, input.bytes);
            }
        })
    }

    const fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.end.is_some() || matches!(self.waiting, Waiting::Nothing) {
            return Ok(None);
        }
        // Nobody can change what waits, also while the GIL is released.
        let mut memory = PyMemory { immutable_input: true, ..PyMemory::new(py) };
        let mut unread = self.waiting.unread(py);
        let made = match self.engine.next(&mut unread, &mut memory) {
            Ok(Some(FragmentEvent::Text(text, ends))) => Made::Text(text, ends),
            Ok(Some(FragmentEvent::Binary(content, ends))) => Made::Binary(content, ends),
            Ok(Some(FragmentEvent::Ping(payload))) => {
                Made::Ping(PyBytes::new(py, payload).unbind())
            }
            Ok(Some(FragmentEvent::Pong(payload))) => {
                Made::Pong(PyBytes::new(py, payload).unbind())
            }
            Ok(Some(FragmentEvent::Close(close))) => {
                self.end = Some(End::Close(close.code, close.reason.into()));
                return Ok(None);
            }
            Ok(None) => {
                self.waiting = Waiting::Nothing;
                return Ok(None);
            }
            Err(error) => {
                let left = unread.len();
                self.waiting.leave(py, left);
                self.end = Some(End::Violation(error));
                return Ok(None);
            }
        };
        let left = unread.len();
        self.waiting.leave(py, left);
        self.event(py, made).map(Some)
    }

    /// Whether a Close or a violation has been met that ``conclude`` was not called for.
    #[getter]
    const fn ended(&self) -> bool {
        self.end.is_some() && !self.told
    }

    /// Say that the end was told of: what is fed from now on is dropped.
    fn conclude(&mut self) {
        self.told = true;
        self.waiting = Waiting::Nothing;
    }

    /// The code and the reason of the Close that ended this direction; None if none did.
    #[getter]
    fn peer_close(&self) -> Option<(u16, &str)> {
        match &self.end {
            Some(End::Close(code, reason)) => Some((*code, reason)),
            _ => None,
        }
    }

    /// The violation that ended this direction, a new object each time; None if none did.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match &self.end {
            Some(End::Violation(error)) => errors::violation(py, error).map(Some),
            _ => Ok(None),
        }
    }

    /// The bytes that broke a rule.
    ///
    /// Of a header all that has been fed from its first byte on, of a Close its payload, of a text
    /// what was not given of it; nothing for other rules.
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
                PyBytes::new(py, &[taken, self.waiting.unread(py)].concat())
            }
        }
    }

    /// Whether a message is open.
    #[getter]
    const fn inside_message(&self) -> bool {
        self.engine.is_inside_message()
    }

    /// Whether the frame at hand has come to the end of its message.
    #[getter]
    fn at_message_end(&self) -> bool {
        self.engine.is_at_message_end()
    }
}
