//! Frames without reassembly, for Python.

#![expect(clippy::disallowed_macros, reason = "a text has at most 200 characters")]

use std::collections::VecDeque;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;
use wsdefrag_core::frame::header::Rules;
use wsdefrag_core::read::frame_decoder;

use crate::content::{PyContent, PyMemory};
use crate::errors;
use crate::exclusive::Exclusive;
use crate::params::{self, PyLimits, PyStrictness};
use crate::raw::buffer::with_bytes;
use crate::raw::list::empty_list;
use crate::read::ending::Ending;
use crate::read::frame::Frame;
use crate::shown::{shown_bool, shown_error};

/// The engine of ``wsdefrag.FrameDecoder``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct FrameDecoder(Exclusive<State>);

struct State {
    engine: frame_decoder::FrameDecoder<PyContent>,
    from_client: bool,
    ending: Ending,
    /// Frames that could not be returned because memory was refused; the next call returns them.
    waiting: VecDeque<frame_decoder::Frame<Py<PyBytes>>>,
    /// As `waiting`, and already objects.
    undelivered: Option<Py<PyList>>,
}

impl State {
    fn receive<'py>(&mut self, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let py = data.py();
        self.ending.require_open()?;
        let failed_before = self.engine.error().copied();
        let Self { engine, waiting, undelivered, .. } = self;
        // Frame objects are created later, because the garbage collector may then run Python code.
        with_bytes(data, |input| {
            let mut memory = PyMemory { immutable_input: input.immutable, ..PyMemory::new(py) };
            engine.receive_data(input.bytes, &mut memory, |frame| {
                let frame_decoder::Frame { header, payload, offset } = frame;
                // The engine reports the error itself.
                let payload = payload.into_bytes(py).map_err(|_| OutOfMemory)?;
                waiting.try_push(frame_decoder::Frame { header, payload, offset })
            });
        })?;
        let frames = match undelivered.take() {
            Some(frames) => frames.into_bound(py),
            None => empty_list(py)?,
        };
        while let Some(frame) = waiting.front() {
            let made = Py::new(py, Frame::new(py, frame)).and_then(|frame| frames.append(frame));
            if let Err(failure) = made {
                *undelivered = Some(frames.unbind());
                return Err(failure);
            }
            waiting.pop_front();
        }
        match failed_before {
            Some(error) if frames.is_empty() => Err(errors::raise(py, &error)),
            _ => Ok(frames),
        }
    }
}

#[pymethods]
impl FrameDecoder {
    #[new]
    #[pyo3(signature = (*, from_client, rsv1, limits, strictness))]
    fn new(from_client: bool, rsv1: bool, limits: PyLimits, strictness: PyStrictness) -> Self {
        let rules = Rules {
            from_client,
            deflate: rsv1,
            foreign_extension: false,
            strictness: strictness.into(),
        };
        let engine = frame_decoder::FrameDecoder::new(rules, limits.into());
        let (ending, waiting, undelivered) = (Ending::Open, VecDeque::new(), None);
        let state = State { engine, from_client, ending, waiting, undelivered };
        Self(Exclusive::new("FrameDecoder", state))
    }

    /// Receive the next bytes and return the frames that they complete.
    ///
    /// Args:
    ///     data: Any number of bytes; they are neither changed nor kept.
    ///
    /// Returns:
    ///     The completed frames, in order. A violation in these bytes ends the list and sets
    ///     ``error``; the next call raises it.
    ///
    /// Raises:
    ///     ProtocolError: If an earlier frame broke a rule.
    ///     LimitExceeded: If an earlier frame exceeded ``max_frame_size``.
    ///     TypeError: If ``data`` does not offer the buffer protocol.
    ///     ValueError: If the direction has ended.
    fn receive_data<'py>(&self, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        self.0.with(data.py(), |state| state.receive(data))
    }

    /// End the direction; may be called again.
    ///
    /// Raises:
    ///     ProtocolError: If an earlier frame broke a rule.
    ///     LimitExceeded: If an earlier frame exceeded ``max_frame_size``.
    ///     IncompleteMessage: If the bytes stopped inside a frame.
    fn receive_eof(&self, py: Python<'_>) -> PyResult<()> {
        self.0.with(py, |State { engine, ending, .. }| {
            if ending.is_open() {
                let ended = engine.receive_eof(&mut PyMemory::new(py));
                *ending = Ending::new(ended, engine.error())?;
            }
            ending.raise(py, engine.error())
        })
    }

    /// The violation that ended this direction, a new object each time; None if there is none.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.with(py, |state| {
            state.engine.error().map(|error| errors::violation(py, error)).transpose()
        })
    }

    /// Number of bytes received.
    #[getter]
    fn bytes_received(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |state| Ok(state.engine.bytes_received()))
    }

    /// Bytes held of an incomplete frame.
    #[getter]
    fn bytes_buffered(&self, py: Python<'_>) -> PyResult<usize> {
        self.0.with(py, |state| Ok(state.engine.bytes_buffered()))
    }

    /// Bytes from the first byte of the offending frame on.
    #[getter]
    fn bytes_discarded(&self, py: Python<'_>) -> PyResult<u64> {
        self.0.with(py, |state| Ok(state.engine.bytes_discarded()))
    }

    /// How often each switched-off rule was broken, by the name of its field in ``Strictness``.
    #[getter]
    fn tolerated<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.0.with(py, |State { engine, .. }| {
            params::tolerated(py, engine.strictness(), engine.tolerated())
        })
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        let class = this.get_type().name()?;
        this.get().0.with(this.py(), |State { engine, from_client, .. }| {
            Ok(format!(
                "<{class} from_client={} bytes_received={} bytes_buffered={} bytes_discarded={}{}>",
                shown_bool(*from_client),
                engine.bytes_received(),
                engine.bytes_buffered(),
                engine.bytes_discarded(),
                shown_error(engine.error()),
            ))
        })
    }
}
