//! The state of a direction whose messages come in chunks: received bytes in, one event at a time out.
//!
//! - what was read and could not become an event is in `waiting`, and nothing is read before it

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use wsdefrag_core::read::fragment_event::Ends;
use wsdefrag_core::{FragmentEvent, FragmentStream};

use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::raw::buffer::with_bytes;
use crate::raw::bytes::{bytes_of, copied_bytes};
use crate::raw::event::new_event;
use crate::read::buffered::Buffered;
use crate::read::chunk_memory::ChunkMemory;
use crate::read::event::{now, violation};
use crate::read::event_value::{Detail, EventValues};

/// What was read, before it is an event.
enum Found {
    Chunk(Py<PyBytes>, bool),
    Ping,
    Pong,
    /// The code and the reason.
    Close(u16, Py<PyString>),
    Violation,
}

pub(super) struct ChunkState {
    pub(super) engine: FragmentStream,
    pub(super) from_client: bool,
    buffered: Buffered,
    waiting: Option<Found>,
    pub(super) close: Option<Py<PyAny>>,
    pub(super) received: u64,
    /// Bytes from this position on are dropped.
    discarded_from: Option<u64>,
    ended: bool,
    /// The caller's time for the received bytes.
    timestamp: Option<f64>,
}

impl ChunkState {
    pub(super) const fn new(from_client: bool, engine: FragmentStream) -> Self {
        Self {
            engine,
            from_client,
            buffered: Buffered::Nothing,
            waiting: None,
            close: None,
            received: 0,
            discarded_from: None,
            ended: false,
            timestamp: None,
        }
    }

    /// Keeps the next bytes until their events are taken.
    pub(super) fn receive(
        &mut self,
        data: &Bound<'_, PyAny>,
        timestamp: Option<f64>,
    ) -> PyResult<()> {
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
    pub(super) fn next<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
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
    pub(super) fn end<'py>(
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

    pub(super) fn held(&self, py: Python<'_>) -> usize {
        let read = if self.discarded_from.is_some() { 0 } else { self.engine.bytes_held() };
        read + self.buffered.unread(py).len()
    }

    pub(super) fn discarded(&self) -> u64 {
        self.discarded_from.map_or(0, |from| self.received - from)
    }
}

/// A chunk; `None` if there is no memory for it.
fn chunk(py: Python<'_>, content: PyContent, ends: Ends) -> Option<Found> {
    content.into_bytes(py).ok().map(|content| Found::Chunk(content, ends.message))
}
