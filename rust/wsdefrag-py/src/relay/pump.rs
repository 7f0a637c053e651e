//! The reads of one side of a relayed connection, for an asyncio protocol.
//!
//! A transport reads into a buffer and says how many bytes there are. They go through the relay, and
//! what it has for the other side is written there. That is one call for each read; only events are
//! given to Python.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes};

use crate::panics;
use crate::raw::buffer::Front;
use crate::raw::python;
use crate::relay::pair::Relay;
use crate::relay::socket_writer::SocketWriter;

/// Reads of one side go through a relay to the other side.
///
/// Its methods are those of an ``asyncio.BufferedProtocol``. Other pumps may share the buffer, if
/// none is asked for it while another one's bytes are in it.
///
/// Args:
///     relay: A ``WebSocketRelay`` or ``PassThroughRelay``.
///     buffer: Where a transport puts the bytes that it reads.
///     from_client: Whether they are the client's.
///     handle: Called with the list of events, where there are some, before anything is written.
///     write: Called with the bytes for the other side, where there are some; or a ``SocketWriter``, which
///         sends them; None drops them.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct RelayPump {
    relay: Py<Relay>,
    array: Py<PyByteArray>,
    /// A `memoryview` of the array.
    view: Py<PyAny>,
    from_client: bool,
    handle: Py<PyAny>,
    write: Option<Writing>,
}

/// What takes the output.
enum Writing {
    Socket(Py<SocketWriter>),
    Other(Py<PyAny>),
}

impl Writing {
    fn of(write: Bound<'_, PyAny>) -> Self {
        match write.cast_into::<SocketWriter>() {
            Ok(writer) => Self::Socket(writer.unbind()),
            Err(other) => Self::Other(other.into_inner().unbind()),
        }
    }

    fn write(&self, output: &Bound<'_, PyBytes>) -> PyResult<()> {
        match self {
            Self::Socket(writer) => writer.get().send(output),
            Self::Other(write) => {
                let py = output.py();
                panics::caught(py, || python::call_with(write.bind(py), output.as_any()))?;
                Ok(())
            }
        }
    }
}

#[pymethods]
impl RelayPump {
    #[new]
    #[pyo3(signature = (relay, buffer, *, from_client, handle, write))]
    fn new(
        relay: Py<Relay>,
        buffer: Bound<'_, PyByteArray>,
        from_client: bool,
        handle: Py<PyAny>,
        write: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let view = python::view(buffer.as_any())?.unbind();
        let write = write.map(Writing::of);
        Ok(Self { relay, array: buffer.unbind(), view, from_client, handle, write })
    }

    /// The buffer to read into.
    ///
    /// Args:
    ///     sizehint: It does not count.
    #[pyo3(signature = (sizehint, /))]
    fn get_buffer(&self, py: Python<'_>, sizehint: &Bound<'_, PyAny>) -> Py<PyAny> {
        let _ = sizehint;
        self.view.clone_ref(py)
    }

    /// Pass the first bytes of the buffer on; drop them if ``receive_eof`` has ended this direction.
    ///
    /// Args:
    ///     nbytes: How many were read.
    #[pyo3(signature = (nbytes, /))]
    fn buffer_updated(&self, py: Python<'_>, nbytes: usize) -> PyResult<()> {
        self.take(py, nbytes)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.relay)?;
        visit.call(&self.handle)?;
        match &self.write {
            Some(Writing::Socket(writer)) => visit.call(writer),
            Some(Writing::Other(write)) => visit.call(write),
            None => Ok(()),
        }
    }
}

impl RelayPump {
    /// The buffer.
    pub(crate) fn array<'py>(&self, py: Python<'py>) -> &Bound<'py, PyByteArray> {
        self.array.bind(py)
    }

    /// Passes the first `count` bytes of the buffer on; drops them if the direction has ended.
    #[inline]
    pub(crate) fn take(&self, py: Python<'_>, count: usize) -> PyResult<()> {
        let (relay, array) = (self.relay.get(), self.array.bind(py));
        let direction = &relay.direction(self.from_client).0;
        let (events, mut output) = direction.with(py, |state| {
            if state.reading.has_ended() {
                return Ok((None, None));
            }
            let events = state.receive(&Front { array, count }, None)?;
            if events.is_empty() {
                return Ok((None, state.take_ready(py)?));
            }
            Ok((Some(events), None))
        })?;
        if let Some(events) = events {
            let events = relay.noted(self.from_client, events)?;
            panics::caught(py, || python::call_with(self.handle.bind(py), events.as_any()))?;
            output = direction.with(py, |state| state.take_ready(py))?;
        }
        if let (Some(write), Some(output)) = (&self.write, output) {
            write.write(output.bind(py))?;
        }
        Ok(())
    }
}
