//! The chunks of messages as they arrive, for Python.
//!
//! Received bytes are kept until the caller has taken their events. Each event is made when the caller
//! asks for it, so that what a small payload inflates to is never held at once.

#![expect(clippy::disallowed_macros, reason = "a text has at most 200 characters")]

use pyo3::prelude::*;
use pyo3::types::PyDict;
use wsdefrag_core::{FragmentStream, Strictness};

use crate::errors;
use crate::exclusive::Exclusive;
use crate::params::{self, PyDeflateParams, PyLimits, PyStrictness};
use crate::read::chunk_state::ChunkState;
use crate::shown::{shown_bool, shown_error};

/// The engine of ``wsdefrag.ChunkDecoder``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct ChunkDecoder(Exclusive<ChunkState>);

/// The events of the bytes that a ``ChunkDecoder`` has received, made one by one.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct ChunkEvents(Py<ChunkDecoder>);

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
        let state = ChunkState::new(from_client, engine);
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

#[pymethods]
impl ChunkEvents {
    const fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.get().0.with(py, |state| state.next(py))
    }
}
