//! Sends to a socket without its transport, as long as the socket takes everything at once.
//!
//! What the socket does not take goes to the transport, and everything after it until the transport
//! holds nothing. So the bytes stay in order, and the transport's marks, timeouts and errors are as
//! without a writer.
//!
//! - `is_clear` is only set if the transport holds nothing and the writer is not stopped

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::panics;
use crate::raw::bytes::copied_bytes;
use crate::raw::python;
use crate::raw::socket::Socket;

/// Sends to the socket of a transport, and to the transport what the socket does not take.
///
/// The socket remains the transport's. All that is sent has to go through the writer; ``stop`` comes
/// before the transport is closed or its output is ended.
///
/// Args:
///     socket: The number of a socket that does not block.
///     write: The transport's ``write``.
///     waiting: The transport's ``get_write_buffer_size``.
///
/// Raises:
///     ValueError: If the number is negative, as that of a closed socket is.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct SocketWriter {
    socket: Socket,
    write: Py<PyAny>,
    waiting: Py<PyAny>,
    is_clear: AtomicBool,
    is_stopped: AtomicBool,
}

#[pymethods]
impl SocketWriter {
    #[new]
    #[pyo3(signature = (socket, *, write, waiting))]
    fn new(socket: i64, write: Py<PyAny>, waiting: Py<PyAny>) -> PyResult<Self> {
        let socket = Socket::of(socket)?;
        // The transport may hold something.
        let (is_clear, is_stopped) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Self { socket, write, waiting, is_clear, is_stopped })
    }

    /// Send bytes.
    ///
    /// Args:
    ///     data: What to send.
    #[pyo3(name = "write", signature = (data, /))]
    pub(crate) fn send(&self, data: &Bound<'_, PyBytes>) -> PyResult<()> {
        let py = data.py();
        if !self.is_clear.load(Ordering::Relaxed) {
            return self.send_by_transport(data);
        }
        let bytes = data.as_bytes();
        match self.socket.send(bytes) {
            Ok(sent) if sent == bytes.len() => Ok(()),
            Ok(sent) => self.send_by_transport(&copied_bytes(py, &bytes[sent..])?),
            // The socket is full, or its error is for the transport.
            Err(_) => self.send_by_transport(data),
        }
    }

    /// Leave everything to the transport from now on.
    fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.is_clear.store(false, Ordering::Relaxed);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.write)?;
        visit.call(&self.waiting)
    }
}

impl SocketWriter {
    #[cold]
    fn send_by_transport(&self, data: &Bound<'_, PyBytes>) -> PyResult<()> {
        let py = data.py();
        self.is_clear.store(false, Ordering::Relaxed);
        let waiting: usize = panics::caught(py, || {
            python::call_with(self.write.bind(py), data.as_any())?;
            python::call(self.waiting.bind(py), &PyTuple::empty(py), None)?.extract()
        })?;
        // The call may have stopped it.
        let is_clear = waiting == 0 && !self.is_stopped.load(Ordering::Relaxed);
        self.is_clear.store(is_clear, Ordering::Relaxed);
        Ok(())
    }
}
