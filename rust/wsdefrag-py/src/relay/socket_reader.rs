//! Reads a socket into the buffer of a pump, without a transport between.
//!
//! A transport asks its protocol for a buffer and then tells it how much it has read: two calls from
//! compiled code through Python's attributes for each read. An event loop that watches the socket
//! itself needs one.

use std::io::ErrorKind;

use pyo3::exceptions::PyException;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::panics;
use crate::raw::python;
use crate::raw::socket::Socket;
use crate::relay::pump::RelayPump;

/// Reads a socket for a pump whenever an event loop finds it readable.
///
/// The socket remains its owner's, who has the event loop call ``read`` and stops that before the
/// socket is closed.
///
/// Args:
///     pump: What gets the bytes, in its buffer.
///     socket: The number of a socket that does not block.
///     stopped: Called with None at the end of the stream, which can be received once more; or with the
///         exception of the socket or of the pump. Nothing should be read then.
///
/// Raises:
///     ValueError: If the number is negative, as that of a closed socket is.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct SocketReader {
    pump: Py<RelayPump>,
    socket: Socket,
    stopped: Py<PyAny>,
}

#[pymethods]
impl SocketReader {
    #[new]
    #[pyo3(signature = (pump, socket, *, stopped))]
    fn new(pump: Py<RelayPump>, socket: i64, stopped: Py<PyAny>) -> PyResult<Self> {
        Ok(Self { pump, socket: Socket::of(socket)?, stopped })
    }

    /// Read once, and pass on what there is.
    fn read(&self, py: Python<'_>) -> PyResult<()> {
        let pump = self.pump.get();
        let failure = match self.socket.receive(pump.array(py)) {
            Ok(0) => None,
            Ok(count) => match pump.take(py, count) {
                // Such as an interrupt: it is for the event loop.
                Err(failure) if failure.is_instance_of::<PyException>(py) => Some(failure),
                done => return done,
            },
            Err(error) => match error.kind() {
                // The event loop calls again.
                ErrorKind::WouldBlock | ErrorKind::Interrupted => return Ok(()),
                _ => Some(error.into()),
            },
        };
        let reason = failure.map(|failure| failure.into_value(py)).into_pyobject(py)?;
        panics::caught(py, || python::call_with(self.stopped.bind(py), &reason))?;
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.pump)?;
        visit.call(&self.stopped)
    }
}
