//! Frames written for Python, into `bytes` of exactly their size.

use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use wsdefrag_core::deflate::deflater::Work;
use wsdefrag_core::write::encoder::{Choice, Head, Settings};
use wsdefrag_core::{Encoder, Layout, Opcode, OutOfMemory, Output, Refusal, Strictness};

use crate::content::{deflating, gil_over};
use crate::errors;
use crate::opcodes::parse_opcode;
use crate::params::{PyDeflateParams, PyStrictness};
use crate::random;
use crate::raw::buffer::with_bytes;
use crate::raw::bytes::framed_bytes;
use crate::shown::shown_bool;
use crate::write::fragmenter::parse_sizes;

/// Characters from which on a text's UTF-8 is not left with its `str`.
const LONG_TEXT: usize = 1 << 12;

/// Lets `encode` read a text's UTF-8.
#[inline]
pub(crate) fn with_text<R>(
    text: &Bound<'_, PyString>,
    encode: impl FnOnce(&[u8]) -> PyResult<R>,
) -> PyResult<R> {
    // That of a text beyond ASCII would stay with it as long as it lives.
    if text.len()? >= LONG_TEXT && !text.call_method0("isascii")?.extract()? {
        return encode(text.encode_utf8()?.as_bytes());
    }
    encode(text.to_str()?.as_bytes())
}

/// The output of one call.
pub(crate) struct PyOutput<'py> {
    pub(crate) py: Python<'py>,
    /// Whether the call's content stays as it is while the GIL is released.
    pub(crate) immutable: bool,
}

impl Output for PyOutput<'_> {
    type Bytes = Py<PyBytes>;

    #[inline]
    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        random::masking_key()
    }

    #[inline]
    fn write(&mut self, layout: &Layout<'_>) -> Result<Py<PyBytes>, OutOfMemory> {
        let written =
            framed_bytes(self.py, layout, gil_over(self.py, layout.size(), self.immutable));
        if written.is_err() {
            // The exception is the encoder's to choose.
            drop(PyErr::take(self.py));
        }
        written
    }

    fn compress(&mut self, work: Work<'_>) -> Result<Vec<usize>, OutOfMemory> {
        deflating(self.py, work, self.immutable)
    }
}

/// A masking key that a caller gave.
fn parse_key(key: Option<&[u8]>) -> PyResult<Option<[u8; 4]>> {
    key.map(<[u8; 4]>::try_from)
        .transpose()
        .map_err(|_| PyValueError::new_err("masking_key must be four bytes or None"))
}

/// A close code that a caller gave.
pub(crate) fn parse_code(code: &Bound<'_, PyAny>) -> PyResult<u16> {
    code.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(code.py()) {
            PyValueError::new_err(format!("{code} is not a close code"))
        } else {
            error
        }
    })
}

/// The engine behind ``wsdefrag.FrameEncoder``.
#[pyclass(subclass, module = "wsdefrag._native")]
pub(crate) struct FrameEncoder {
    engine: Encoder,
    from_client: bool,
}

impl FrameEncoder {
    /// Lets `encode` read what `content` holds.
    #[inline]
    fn with<'py>(
        &mut self,
        content: &Bound<'py, PyAny>,
        encode: impl FnOnce(&mut Encoder, &[u8], &mut PyOutput<'py>) -> Result<Py<PyBytes>, Refusal>,
    ) -> PyResult<Py<PyBytes>> {
        let py = content.py();
        with_bytes(content, |input| {
            let mut output = PyOutput { py, immutable: input.immutable };
            encode(&mut self.engine, input.bytes, &mut output)
        })?
        .map_err(errors::raise_refusal)
    }

    fn control(
        &mut self,
        py: Python<'_>,
        opcode: Opcode,
        payload: Option<&Bound<'_, PyAny>>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        let key = parse_key(masking_key)?;
        let empty = PyBytes::new(py, b"").into_any();
        self.with(payload.unwrap_or(&empty), |engine, bytes, output| {
            engine.control(opcode, bytes, key, output)
        })
    }

    #[inline]
    fn whole(
        &mut self,
        opcode: Opcode,
        content: &Bound<'_, PyAny>,
        fragments: Option<&Bound<'_, PyAny>>,
        compress: Option<bool>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        let choice = Choice { compress, masking_key: parse_key(masking_key)? };
        let fragments = fragments.map(parse_sizes).transpose()?;
        self.with(content, |engine, bytes, output| {
            engine.message(opcode, bytes, fragments.as_deref(), choice, output)
        })
    }
}

#[pymethods]
impl FrameEncoder {
    #[new]
    #[pyo3(signature = (*, from_client, deflate, compress_from, compression_level, strictness))]
    fn new(
        from_client: bool,
        deflate: Option<PyDeflateParams>,
        compress_from: u64,
        compression_level: u8,
        strictness: PyStrictness,
    ) -> Self {
        let settings = Settings {
            from_client,
            deflate: deflate.map(Into::into),
            compress_from,
            level: compression_level,
            check_utf8: Strictness::from(strictness).utf8,
        };
        Self { engine: Encoder::new(settings), from_client }
    }

    /// Encode a whole message.
    ///
    /// Args:
    ///     type: ``Opcode.TEXT`` or ``Opcode.BINARY``.
    ///     content: What the receiver is to get; the UTF-8 of a text. Neither changed nor kept.
    ///     fragments: Bytes of content in each frame, which add up to it (RFC 6455 section 5.4);
    ///         None for one frame. They may cut characters; ``Fragmenter`` keeps from it.
    ///     compress: Whether to compress it; None for what ``compress_from`` says
    ///         (RFC 7692 section 6).
    ///     masking_key: Four bytes for a client's frames, all of them; None for a fresh random key
    ///         each (RFC 6455 section 5.3).
    ///
    /// Returns:
    ///     The frames, one after the other.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the message cannot be sent here; the message says why.
    #[pyo3(signature = (r#type, content, *, fragments = None, compress = None, masking_key = None))]
    fn message(
        &mut self,
        r#type: &Bound<'_, PyAny>,
        content: &Bound<'_, PyAny>,
        fragments: Option<&Bound<'_, PyAny>>,
        compress: Option<bool>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        self.whole(parse_opcode(r#type)?, content, fragments, compress, masking_key)
    }

    /// Encode a whole text message (RFC 6455 section 5.6).
    ///
    /// Args:
    ///     content: The text.
    ///     fragments: As in ``message``, in bytes of its UTF-8.
    ///     compress: As in ``message``.
    ///     masking_key: As in ``message``.
    ///
    /// Returns:
    ///     The frames, one after the other.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the message cannot be sent here; the message says why.
    ///     UnicodeEncodeError: If the text holds a surrogate.
    #[pyo3(signature = (content, *, fragments = None, compress = None, masking_key = None))]
    fn text(
        &mut self,
        content: &Bound<'_, PyString>,
        fragments: Option<&Bound<'_, PyAny>>,
        compress: Option<bool>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        let py = content.py();
        let choice = Choice { compress, masking_key: parse_key(masking_key)? };
        let fragments = fragments.map(parse_sizes).transpose()?;
        with_text(content, |text| {
            // A `str` does not change, and neither does its UTF-8.
            let mut output = PyOutput { py, immutable: true };
            let written = self.engine.text(text, fragments.as_deref(), choice, &mut output);
            written.map_err(errors::raise_refusal)
        })
    }

    /// Encode a whole binary message (RFC 6455 section 5.6).
    ///
    /// Args:
    ///     content: Any number of bytes; neither changed nor kept.
    ///     fragments: As in ``message``.
    ///     compress: As in ``message``.
    ///     masking_key: As in ``message``.
    ///
    /// Returns:
    ///     The frames, one after the other.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the message cannot be sent here; the message says why.
    #[pyo3(signature = (content, *, fragments = None, compress = None, masking_key = None))]
    fn binary(
        &mut self,
        content: &Bound<'_, PyAny>,
        fragments: Option<&Bound<'_, PyAny>>,
        compress: Option<bool>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        self.whole(Opcode::Binary, content, fragments, compress, masking_key)
    }

    /// Encode the next fragment of a message that is sent as its content comes.
    ///
    /// Args:
    ///     type: ``Opcode.TEXT`` or ``Opcode.BINARY`` for the first fragment,
    ///         ``Opcode.CONTINUATION`` for the others (RFC 6455 section 5.4).
    ///     content: Its part of the content; a text's may end inside a character.
    ///     fin: Whether it is the last one.
    ///     compress: With the first fragment: whether to compress the message; None for what
    ///         ``compress_from`` says of this fragment.
    ///     masking_key: Four bytes for a client's frame; None for a fresh random key.
    ///
    /// Returns:
    ///     The frame. Its receiver can inflate all of its content without the frames to come.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the fragment cannot be sent here; the message says why.
    #[pyo3(signature = (r#type, content, *, fin, compress = None, masking_key = None))]
    fn fragment(
        &mut self,
        r#type: &Bound<'_, PyAny>,
        content: &Bound<'_, PyAny>,
        fin: bool,
        compress: Option<bool>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        let opcode = parse_opcode(r#type)?;
        let choice = Choice { compress, masking_key: parse_key(masking_key)? };
        self.with(content, |engine, bytes, output| {
            engine.fragment(opcode, bytes, fin, choice, output)
        })
    }

    /// Encode a frame whose payload is sent as it is: not compressed, a text's not checked.
    ///
    /// Of what the frame says, only the order of frames and the rules of control frames are kept
    /// to (RFC 6455 sections 5.4 and 5.5). A message that is begun in this way ends in it.
    ///
    /// Args:
    ///     opcode: What the frame carries.
    ///     payload: Any number of bytes; neither changed nor kept.
    ///     fin: Whether it is the last of its message.
    ///     rsv1: The first reserved bit: the payload is compressed, where permessage-deflate was
    ///         agreed on. The next message that is compressed here then starts with an empty
    ///         window, and every receiver can read it.
    ///     rsv2: The second reserved bit.
    ///     rsv3: The third reserved bit.
    ///     masking_key: Four bytes for a client's frame; None for a fresh random key.
    ///
    /// Returns:
    ///     The frame.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the frame cannot be sent here; the message says why.
    #[pyo3(signature = (
        opcode,
        payload,
        *,
        fin = true,
        rsv1 = false,
        rsv2 = false,
        rsv3 = false,
        masking_key = None,
    ))]
    #[expect(
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        reason = "they are bits of a header"
    )]
    fn frame(
        &mut self,
        opcode: &Bound<'_, PyAny>,
        payload: &Bound<'_, PyAny>,
        fin: bool,
        rsv1: bool,
        rsv2: bool,
        rsv3: bool,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        let rsv = u8::from(rsv1) << 2 | u8::from(rsv2) << 1 | u8::from(rsv3);
        let head = Head { opcode: parse_opcode(opcode)?, fin, rsv };
        let key = parse_key(masking_key)?;
        self.with(payload, |engine, bytes, output| engine.frame(head, bytes, key, output))
    }

    /// Encode a ping (RFC 6455 section 5.5.2).
    ///
    /// Args:
    ///     payload: At most 125 bytes; None for none.
    ///     masking_key: Four bytes for a client's frame; None for a fresh random key.
    ///
    /// Returns:
    ///     The frame.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the payload is too long, or after a Close.
    #[pyo3(signature = (payload = None, *, masking_key = None))]
    fn ping(
        &mut self,
        py: Python<'_>,
        payload: Option<&Bound<'_, PyAny>>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        self.control(py, Opcode::Ping, payload, masking_key)
    }

    /// Encode a pong (RFC 6455 section 5.5.3).
    ///
    /// Args:
    ///     payload: At most 125 bytes: those of the ping it answers; None for none.
    ///     masking_key: Four bytes for a client's frame; None for a fresh random key.
    ///
    /// Returns:
    ///     The frame.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the payload is too long, or after a Close.
    #[pyo3(signature = (payload = None, *, masking_key = None))]
    fn pong(
        &mut self,
        py: Python<'_>,
        payload: Option<&Bound<'_, PyAny>>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        self.control(py, Opcode::Pong, payload, masking_key)
    }

    /// Encode a Close, behind which nothing can be sent (RFC 6455 section 5.5.1).
    ///
    /// Args:
    ///     code: The close code; None for a frame without one, which is read as 1005.
    ///     reason: Why, for people; at most 123 bytes of UTF-8, and only with a code.
    ///     masking_key: Four bytes for a client's frame; None for a fresh random key.
    ///
    /// Returns:
    ///     The frame.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the code may not be sent (RFC 6455 section 7.4), the reason is too long
    ///         or stands alone, or after a Close.
    #[pyo3(signature = (code = None, reason = "", *, masking_key = None))]
    fn close(
        &mut self,
        py: Python<'_>,
        code: Option<&Bound<'_, PyAny>>,
        reason: &str,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        let code = code.map(parse_code).transpose()?;
        let mut output = PyOutput { py, immutable: false };
        self.engine
            .close(code, reason, parse_key(masking_key)?, &mut output)
            .map_err(errors::raise_refusal)
    }

    /// Whether a message was begun and not ended.
    #[getter]
    const fn inside_message(&self) -> bool {
        self.engine.is_inside_message()
    }

    /// Whether a Close was encoded.
    #[getter]
    const fn closed(&self) -> bool {
        self.engine.is_closed()
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        let encoder = this.try_borrow()?;
        Ok(format!(
            "<{} from_client={} inside_message={} closed={}>",
            this.get_type().name()?,
            shown_bool(encoder.from_client),
            shown_bool(encoder.engine.is_inside_message()),
            shown_bool(encoder.engine.is_closed()),
        ))
    }
}
