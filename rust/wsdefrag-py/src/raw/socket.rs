//! Receives from and sends to a socket that somebody else owns.

use std::io::{self, Read, Write};
use std::mem::ManuallyDrop;
use std::net::TcpStream;
#[cfg(unix)]
use std::os::fd::{FromRawFd, RawFd as Number};
#[cfg(windows)]
use std::os::windows::io::{FromRawSocket, RawSocket as Number};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::PyByteArray;

/// A socket of a stream, of TCP or a Unix socket; it is never closed from here.
pub(crate) struct Socket(ManuallyDrop<TcpStream>);

impl Socket {
    /// The socket with the number that its `fileno()` gives; raises `ValueError` for a closed one.
    pub(crate) fn of(number: i64) -> PyResult<Self> {
        let Some(number) = Some(number).filter(|number| *number >= 0) else {
            return Err(PyValueError::new_err("the socket is closed"));
        };
        let number = Number::try_from(number)?;
        #[cfg(unix)]
        // SAFETY: it is not -1, and the stream is never dropped, so the number stays its owner's.
        // With the number of another file, `recv` fails and changes nothing.
        let stream = unsafe { TcpStream::from_raw_fd(number) };
        #[cfg(windows)]
        // SAFETY: as above.
        let stream = unsafe { TcpStream::from_raw_socket(number) };
        Ok(Self(ManuallyDrop::new(stream)))
    }

    /// Receives into the front of an array once; 0 is the end of the stream.
    pub(crate) fn receive(&self, array: &Bound<'_, PyByteArray>) -> io::Result<usize> {
        with_critical_section(array, || {
            // SAFETY: attached, and no Python code runs before the call returns, so nobody resizes
            // the array: the GIL or the critical section keeps others out.
            let room = unsafe { array.as_bytes_mut() };
            (&*self.0).read(room)
        })
    }

    /// Sends the front of these bytes; returns how many.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }
}
