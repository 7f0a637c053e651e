//! Encodes messages as wsproto's `send` takes them: each call may continue a message.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};
use wsdefrag_core::write::settings::{Choice, Settings};
use wsdefrag_core::{Encoder, Opcode, Refusal};

use crate::errors;
use crate::exclusive::Exclusive;
use crate::params::PyDeflateParams;
use crate::raw::buffer::with_bytes;
use crate::write::output::{PyOutput, with_text};

/// zlib's default compression level.
const DEFAULT_LEVEL: u8 = 6;

/// The engine of ``send`` in ``wsdefrag.compat.wsproto``.
#[pyclass(frozen, module = "wsdefrag._native")]
pub(crate) struct EventWriter(Exclusive<State>);

struct State {
    engine: Encoder,
    /// The opcode of the open message.
    open: Option<Opcode>,
}

impl State {
    /// Writes data as a message, or as the next fragment of the open message.
    #[inline]
    fn write(
        &mut self,
        opcode: Opcode,
        data: &[u8],
        fin: bool,
        mut output: PyOutput<'_>,
    ) -> PyResult<Py<PyBytes>> {
        let choice = Choice::default();
        let written = match self.open {
            None if fin => self.engine.message(opcode, data, None, choice, &mut output),
            None => self.engine.fragment(opcode, data, fin, choice, &mut output),
            Some(_) => self.engine.fragment(Opcode::Continuation, data, fin, choice, &mut output),
        };
        let written = written.map_err(errors::raise_refusal)?;
        self.open = (!fin).then_some(opcode);
        Ok(written)
    }

    #[inline]
    fn require_same(&self, opcode: Opcode) -> PyResult<()> {
        match self.open {
            Some(open) if open != opcode => {
                Err(PyTypeError::new_err("Data type mismatch inside message"))
            }
            _ => Ok(()),
        }
    }
}

#[pymethods]
impl EventWriter {
    #[new]
    #[pyo3(signature = (*, from_client, deflate))]
    fn new(from_client: bool, deflate: Option<PyDeflateParams>) -> Self {
        let settings = Settings {
            from_client,
            deflate: deflate.map(Into::into),
            compress_from: 0,
            level: DEFAULT_LEVEL,
            check_utf8: false,
        };
        let state = State { engine: Encoder::new(settings), open: None };
        Self(Exclusive::new("WSConnection", state))
    }

    /// Encode a message, or the next fragment of one.
    ///
    /// Args:
    ///     data: A ``str`` for a text, ``bytes``, ``bytearray`` or ``memoryview`` for a binary.
    ///     message_finished: Whether the message ends with this data.
    ///
    /// Returns:
    ///     One frame.
    ///
    /// Raises:
    ///     TypeError: If ``data`` is none of these, or not of the open message's type.
    ///     UnicodeEncodeError: If a text contains a surrogate.
    #[pyo3(signature = (data, message_finished, /))]
    fn data(
        &self,
        data: &Bound<'_, PyAny>,
        message_finished: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyBytes>> {
        let py = data.py();
        let fin = message_finished.is_truthy()?;
        if let Ok(text) = data.cast::<PyString>() {
            return with_text(text, |content| {
                self.0.with(py, |state| {
                    state.require_same(Opcode::Text)?;
                    // A `str` and its UTF-8 never change.
                    state.write(Opcode::Text, content, fin, PyOutput { py, immutable: true })
                })
            });
        }
        let is_binary = data.is_instance_of::<PyBytes>()
            || data.is_instance_of::<PyByteArray>()
            || data.is_instance_of::<PyMemoryView>();
        if !is_binary {
            return Err(PyTypeError::new_err("Must provide bytes or text"));
        }
        self.0.with(py, |state| {
            state.require_same(Opcode::Binary)?;
            with_bytes(data, |input| {
                let output = PyOutput { py, immutable: input.immutable };
                state.write(Opcode::Binary, input.bytes, fin, output)
            })?
        })
    }

    /// Encode a control frame without checking its payload.
    ///
    /// Args:
    ///     opcode: 8 for a Close, 9 for a ping, 10 for a pong.
    ///     payload: At most 125 bytes.
    ///
    /// Returns:
    ///     The frame.
    ///
    /// Raises:
    ///     ValueError: If the opcode is none of these, if the payload is too long, or if a Close was
    ///         encoded.
    #[pyo3(signature = (opcode, payload, /))]
    fn control(&self, py: Python<'_>, opcode: u8, payload: &[u8]) -> PyResult<Py<PyBytes>> {
        let opcode = Opcode::from_bits(opcode)
            .filter(|opcode| opcode.is_control())
            .ok_or_else(|| PyValueError::new_err("a control frame has opcode 8, 9 or 10"))?;
        self.0.with(py, |state| {
            let mut output = PyOutput { py, immutable: false };
            match state.engine.control(opcode, payload, None, &mut output) {
                Err(Refusal::ControlTooLong(..)) => {
                    Err(PyValueError::new_err("payload too long for control frame"))
                }
                written => written.map_err(errors::raise_refusal),
            }
        })
    }
}
