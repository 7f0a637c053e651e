//! The chunks of messages as they arrive, for Python.
//!
//! Received bytes are kept until the caller has taken their events. Each event is made when the caller
//! asks for it, so that what a small payload inflates to is never held at once.
//!
//! - what was read and could not become an event is in `waiting`, and nothing is read before it

#![expect(clippy::disallowed_macros, reason = "a text has at most 200 characters")]

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use wsdefrag_core::deflate::inflater::{Progress, Stream};
use wsdefrag_core::read::fragment_event::Ends;
use wsdefrag_core::{
    FragmentEvent, FragmentStream, Mask, Memory, OutOfMemory, Strictness, TextMemory,
};

use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::exclusive::Exclusive;
use crate::params::{self, PyDeflateParams, PyLimits, PyStrictness};
use crate::raw::buffer::with_bytes;
use crate::raw::bytes::{bytes_of, copied_bytes};
use crate::raw::event::new_event;
use crate::read::buffered::Buffered;
use crate::read::event::{now, violation};
use crate::read::event_value::{Detail, EventValues};
use crate::shown::{shown_bool, shown_error};

/// The engine of ``wsdefrag.ChunkDecoder``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct ChunkDecoder(Exclusive<State>);

/// The events of the bytes that a ``ChunkDecoder`` has received, made one by one.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct ChunkEvents(Py<ChunkDecoder>);

/// Python memory in which texts are `bytes` too.
struct ChunkMemory<'py>(PyMemory<'py>);

impl Memory for ChunkMemory<'_> {
    type Content = PyContent;

    #[inline]
    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(PyContent, u8), OutOfMemory> {
        self.0.whole(wire, mask)
    }

    fn allocate(&mut self, capacity: usize) -> Result<PyContent, OutOfMemory> {
        self.0.allocate(capacity)
    }

    fn grow(&mut self, content: &mut PyContent, capacity: usize) -> Result<(), OutOfMemory> {
        self.0.grow(content, capacity)
    }

    fn unmask(&mut self, content: &mut PyContent, wire: &[u8], mask: Mask) -> u8 {
        self.0.unmask(content, wire, mask)
    }

    fn inflate(
        &mut self,
        content: &mut PyContent,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
    ) -> Progress {
        self.0.inflate(content, room, stream, input)
    }
}

impl TextMemory for ChunkMemory<'_> {
    type Text = PyContent;

    #[inline]
    fn ascii(&mut self, wire: &[u8], mask: Mask) -> Result<Option<PyContent>, OutOfMemory> {
        let (content, any) = self.0.whole(wire, mask)?;
        Ok((any < 0x80).then_some(content))
    }

    fn text(&mut self, text: &str) -> Result<PyContent, OutOfMemory> {
        Ok(self.0.whole(text.as_bytes(), Mask::NONE)?.0)
    }
}

/// What was read, before it is an event.
enum Found {
    Chunk(Py<PyBytes>, bool),
    Ping,
    Pong,
    /// The code and the reason.
    Close(u16, Py<PyString>),
    Violation,
}

struct State {
    engine: FragmentStream,
    from_client: bool,
    buffered: Buffered,
    waiting: Option<Found>,
    close: Option<Py<PyAny>>,
    received: u64,
    /// Bytes from this position on are dropped.
    discarded_from: Option<u64>,
    ended: bool,
    /// The caller's time for the received bytes.
    timestamp: Option<f64>,
}

impl State {
    /// Keeps the next bytes until their events are taken.
    fn receive(&mut self, data: &Bound<'_, PyAny>, timestamp: Option<f64>) -> PyResult<()> {
        if self.ended {
            return Err(PyValueError::new_err("the direction has ended: receive_eof was called"));
        }
        let py = data.py();
        let before = self.received;
        if let (Buffered::Nothing, Ok(chunk)) = (&self.buffered, data.cast_exact::<PyBytes>()) {
            self.received += chunk.as_bytes().len() as u64;
            if !chunk.as_bytes().is_empty() && self.discarded_from.is_none() {
                self.buffered = Buffered::Chunk(chunk.clone().unbind(), 0);
            }
        } else {
            with_bytes(data, |input| {
                self.received += input.bytes.len() as u64;
                if input.bytes.is_empty() || self.discarded_from.is_some() {
                    return Ok(());
                }
                self.buffered.join(py, input.bytes)
            })?
            .map_err(|refused| {
                self.received = before;
                errors::raise_refusal(refused.into())
            })?;
        }
        self.timestamp = timestamp;
        Ok(())
    }

    /// The next event; `None` if more bytes are needed, and at the end.
    fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            let Some(found) = self.waiting.take().map_or_else(|| self.read(py), Some) else {
                return Ok(None);
            };
            if matches!(&found, Found::Chunk(content, false) if bytes_of(content).is_empty()) {
                continue;
            }
            let event = self.event(py, &found);
            if event.is_err() {
                self.waiting = Some(found);
            }
            return event.map(Some);
        }
    }

    /// Reads on until something is found.
    fn read(&mut self, py: Python<'_>) -> Option<Found> {
        if self.discarded_from.is_some() || matches!(self.buffered, Buffered::Nothing) {
            return None;
        }
        // The buffered bytes cannot change while the GIL is released.
        let mut memory = ChunkMemory(PyMemory { immutable_input: true, ..PyMemory::new(py) });
        let mut unread = self.buffered.unread(py);
        let found = match self.engine.next(&mut unread, &mut memory) {
            Ok(Some(FragmentEvent::Text(content, ends) | FragmentEvent::Binary(content, ends))) => {
                chunk(py, content, ends)
            }
            Ok(Some(FragmentEvent::Ping(_))) => Some(Found::Ping),
            Ok(Some(FragmentEvent::Pong(_))) => Some(Found::Pong),
            Ok(Some(FragmentEvent::Close(close))) => {
                let reason = PyString::from_bytes(py, close.reason.as_bytes());
                reason.ok().map(|reason| Found::Close(close.code, reason.unbind()))
            }
            Ok(None) => {
                self.buffered = Buffered::Nothing;
                return None;
            }
            Err(error) => {
                self.discarded_from = Some(error.offset);
                self.buffered = Buffered::Nothing;
                return Some(Found::Violation);
            }
        };
        let left = unread.len();
        self.buffered.leave(py, left);
        if matches!(found, Some(Found::Close(..))) {
            self.discarded_from = Some(self.received - left as u64);
            self.buffered = Buffered::Nothing;
        }
        if found.is_none() {
            self.engine.refuse_memory();
            self.discarded_from = Some(self.engine.frame_start());
            self.buffered = Buffered::Nothing;
            return Some(Found::Violation);
        }
        found
    }

    fn event<'py>(&mut self, py: Python<'py>, found: &Found) -> PyResult<Bound<'py, PyAny>> {
        let (from_client, timestamp) = (self.from_client, *self.timestamp.get_or_insert_with(now));
        let payload = || copied_bytes(py, self.engine.control_payload());
        let mut offset = self.engine.frame_start();
        let detail = match found {
            Found::Violation => {
                let Some(error) = self.engine.error() else { unreachable!("it was kept") };
                return violation(py, error, from_client, timestamp);
            }
            Found::Chunk(content, finished) => {
                let (opcode, start) = self.engine.last_message();
                offset = start;
                Detail::Chunk(opcode, content.bind(py).clone(), *finished)
            }
            Found::Ping => Detail::Ping(payload()?),
            Found::Pong => Detail::Pong(payload()?),
            Found::Close(code, reason) => Detail::Close(*code, reason.bind(py).clone()),
        };
        let event = new_event(py, EventValues { detail, from_client, timestamp, offset })?;
        if let Found::Close(..) = found {
            self.close = Some(event.clone().unbind());
        }
        Ok(event)
    }

    /// Ends the direction; the event for an incomplete message or frame.
    fn end<'py>(
        &mut self,
        py: Python<'py>,
        timestamp: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let waits = self.waiting.is_some() || !matches!(self.buffered, Buffered::Nothing);
        if waits && self.discarded_from.is_none() {
            return Err(PyValueError::new_err("take all events before receive_eof"));
        }
        let incomplete = self.engine.incomplete().filter(|_| !self.ended);
        self.ended = true;
        let Some((opcode, offset)) = incomplete else { return Ok(None) };
        let content = copied_bytes(py, self.engine.waiting_text())?;
        let timestamp = timestamp.unwrap_or_else(now);
        let (detail, from_client) = (Detail::Incomplete(opcode, content), self.from_client);
        new_event(py, EventValues { detail, from_client, timestamp, offset }).map(Some)
    }
}

/// A chunk; `None` if there is no memory for it.
fn chunk(py: Python<'_>, content: PyContent, ends: Ends) -> Option<Found> {
    content.into_bytes(py).ok().map(|content| Found::Chunk(content, ends.message))
}

#[pymethods]
impl ChunkDecoder {
    #[new]
    #[pyo3(signature = (*, from_client, deflate, limits, strictness, cut_characters))]
    fn new(
        from_client: bool,
        deflate: Option<PyDeflateParams>,
        limits: PyLimits,
        strictness: PyStrictness,
        cut_characters: bool,
    ) -> Self {
        let engine = FragmentStream::new(from_client, deflate.map(Into::into), limits.into())
            .with_strictness(Strictness::from(strictness))
            .with_cut_characters(cut_characters)
            .with_bounded_parts();
        let state = State {
            engine,
            from_client,
            buffered: Buffered::Nothing,
            waiting: None,
            close: None,
            received: 0,
            discarded_from: None,
            ended: false,
            timestamp: None,
        };
        Self(Exclusive::new("ChunkDecoder", state))
    }

    /// Receive the next bytes.
    ///
    /// Args:
    ///     data: Any number of bytes. A ``bytes`` is kept until its events are taken; anything else is
    ///         copied.
    ///     timestamp: When they arrived, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     An iterator over the events. Each is made when it is asked for. Those that are not taken
    ///     come with the next call.
    ///
    /// Raises:
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If the direction has ended.
    #[pyo3(signature = (data, *, timestamp = None))]
    fn receive_data(
        this: &Bound<'_, Self>,
        data: &Bound<'_, PyAny>,
        timestamp: Option<f64>,
    ) -> PyResult<ChunkEvents> {
        this.get().0.with(data.py(), |state| state.receive(data, timestamp))?;
        Ok(ChunkEvents(this.clone().unbind()))
    }

    /// End the direction; may be called again.
    ///
    /// Args:
    ///     timestamp: When it ended, in seconds since the epoch; None reads the clock.
    ///
    /// Returns:
    ///     An ``Incomplete`` if the direction ended inside a header, a frame or a message; its content
    ///     is what was in no chunk. Otherwise, and if it had already ended, None.
    ///
    /// Raises:
    ///     ValueError: If events of received bytes were not taken.
    #[pyo3(signature = (*, timestamp = None))]
    fn receive_eof<'py>(
        &self,
        py: Python<'py>,
        timestamp: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.with(py, |state| state.end(py, timestamp))
    }

    /// The violation that ended this direction, a new object each time; None if there is none.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.with(py, |state| {
            state.engine.error().map(|error| errors::violation(py, error)).transpose()
        })
    }

    /// The ``Close`` event that was received, or None.
    #[getter]
    fn close_received(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.with(py, |state| Ok(state.close.as_ref().map(|close| close.clone_ref(py))))
    }

    /// Number of bytes received.
    #[getter]
    fn bytes_received(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |state| Ok(state.received))
    }

    /// Bytes held: received and not read, or of an incomplete header, control frame or character.
    #[getter]
    fn bytes_buffered(&self, py: Python<'_>) -> PyResult<usize> {
        self.0.with(py, |state| Ok(state.held(py)))
    }

    /// Bytes after a Close, or from the first byte of the offending frame on.
    #[getter]
    fn bytes_discarded(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |state| Ok(state.discarded()))
    }

    /// How often each switched-off rule was broken, by the name of its field in ``Strictness``.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.0.with(py, |state| {
            params::tolerated(py, state.engine.strictness(), state.engine.tolerated())
        })
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        let class = this.get_type().name()?;
        let py = this.py();
        this.get().0.with(py, |state| {
            Ok(format!(
                "<{class} from_client={} bytes_received={} bytes_buffered={} bytes_discarded={}{}>",
                shown_bool(state.from_client),
                state.received,
                state.held(py),
                state.discarded(),
                shown_error(state.engine.error()),
            ))
        })
    }
}

impl State {
    fn held(&self, py: Python<'_>) -> usize {
        let read = if self.discarded_from.is_some() { 0 } else { self.engine.bytes_held() };
        read + self.buffered.unread(py).len()
    }

    fn discarded(&self) -> u64 {
        self.discarded_from.map_or(0, |from| self.received - from)
    }
}

#[pymethods]
impl ChunkEvents {
    const fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.get().0.with(py, |state| state.next(py))
    }
}
