//! Encodes frames into Python `bytes` of exactly their size.

use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use wsdefrag_core::deflate::deflater::Compression;
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

/// Shortest text, in characters, whose UTF-8 is not cached in its `str`.
const LONG_TEXT: usize = 1 << 12;

/// Calls `encode` with a text's UTF-8.
#[inline]
pub(crate) fn with_text<R>(
    text: &Bound<'_, PyString>,
    encode: impl FnOnce(&[u8]) -> PyResult<R>,
) -> PyResult<R> {
    // A non-ASCII `str` would keep its cached UTF-8 for its lifetime.
    if text.len()? >= LONG_TEXT && !text.call_method0("isascii")?.extract()? {
        return encode(text.encode_utf8()?.as_bytes());
    }
    encode(text.to_str()?.as_bytes())
}

/// The output of one call: a new `bytes`.
pub(crate) struct PyOutput<'py> {
    pub(crate) py: Python<'py>,
    /// Whether the call's content cannot change while the GIL is released.
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
            // The encoder reports the error by its own exception.
            drop(PyErr::take(self.py));
        }
        written
    }

    fn compress(&mut self, work: Compression<'_>) -> Result<Vec<usize>, OutOfMemory> {
        deflating(self.py, work, self.immutable)
    }
}

/// Parses a caller's masking key.
fn parse_key(key: Option<&[u8]>) -> PyResult<Option<[u8; 4]>> {
    key.map(<[u8; 4]>::try_from)
        .transpose()
        .map_err(|_| PyValueError::new_err("masking_key must be four bytes or None"))
}

/// Parses a caller's close code.
pub(crate) fn parse_code(code: &Bound<'_, PyAny>) -> PyResult<u16> {
    code.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(code.py()) {
            PyValueError::new_err(format!("{code} is not a close code"))
        } else {
            error
        }
    })
}

/// The engine of ``wsdefrag.FrameEncoder``.
#[pyclass(subclass, module = "wsdefrag._native")]
pub(crate) struct FrameEncoder {
    engine: Encoder,
    from_client: bool,
}

impl FrameEncoder {
    /// Calls `encode` with the bytes of `content`.
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
    ///     content: The content to send; for a text, its UTF-8. It is neither changed nor kept.
    ///     fragments: The size of each frame in bytes of content (RFC 6455 section 5.4); the sum is
    ///         the length of the content. None for one frame. A size may split a character;
    ///         ``Fragmenter`` chooses sizes that do not.
    ///     compress: Whether to compress the message; None compresses by ``compress_from``
    ///         (RFC 7692 section 6).
    ///     masking_key: Four bytes for all frames of a client; None for a new random key for each
    ///         frame (RFC 6455 section 5.3).
    ///
    /// Returns:
    ///     The frames, in order.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the message cannot be sent now; the text says why.
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
    ///     fragments: As in ``message``, in bytes of UTF-8.
    ///     compress: As in ``message``.
    ///     masking_key: As in ``message``.
    ///
    /// Returns:
    ///     The frames, in order.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the message cannot be sent now; the text says why.
    ///     UnicodeEncodeError: If the text contains a surrogate.
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
            // A `str` and its UTF-8 never change.
            let mut output = PyOutput { py, immutable: true };
            let written = self.engine.text(text, fragments.as_deref(), choice, &mut output);
            written.map_err(errors::raise_refusal)
        })
    }

    /// Encode a whole binary message (RFC 6455 section 5.6).
    ///
    /// Args:
    ///     content: Any number of bytes; they are neither changed nor kept.
    ///     fragments: As in ``message``.
    ///     compress: As in ``message``.
    ///     masking_key: As in ``message``.
    ///
    /// Returns:
    ///     The frames, in order.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the message cannot be sent now; the text says why.
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

    /// Encode the next fragment of a message.
    ///
    /// Args:
    ///     type: ``Opcode.TEXT`` or ``Opcode.BINARY`` for the first fragment,
    ///         ``Opcode.CONTINUATION`` for the others (RFC 6455 section 5.4).
    ///     content: The content of the fragment. The fragment of a text may end inside a character.
    ///     fin: Whether it is the last fragment.
    ///     compress: Only for the first fragment: whether to compress the message; None compares
    ///         the size of the first fragment with ``compress_from``.
    ///     masking_key: Four bytes for a client's frame; None for a new random key.
    ///
    /// Returns:
    ///     The frame. Its receiver can inflate its whole content without later frames.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the fragment cannot be sent now; the text says why.
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

    /// Encode a frame without compressing or checking its payload.
    ///
    /// Only the order of frames and the rules for control frames are enforced (RFC 6455 sections
    /// 5.4 and 5.5). The later frames of the same message must be encoded by this method too.
    ///
    /// Args:
    ///     opcode: The opcode of the frame.
    ///     payload: Any number of bytes; they are neither changed nor kept.
    ///     fin: Whether the frame is the last of its message.
    ///     rsv1: The first reserved bit; with permessage-deflate, the payload is compressed. The
    ///         encoder then resets its compression window, so that the receiver can inflate the
    ///         next message that the encoder compresses.
    ///     rsv2: The second reserved bit.
    ///     rsv3: The third reserved bit.
    ///     masking_key: Four bytes for a client's frame; None for a new random key.
    ///
    /// Returns:
    ///     The frame.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the frame cannot be sent now; the text says why.
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
    ///     payload: At most 125 bytes; None for an empty payload.
    ///     masking_key: Four bytes for a client's frame; None for a new random key.
    ///
    /// Returns:
    ///     The frame.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the payload is too long, or a Close was encoded.
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
    ///     payload: At most 125 bytes: the payload of the ping that it answers; None for an empty
    ///         payload.
    ///     masking_key: Four bytes for a client's frame; None for a new random key.
    ///
    /// Returns:
    ///     The frame.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the payload is too long, or a Close was encoded.
    #[pyo3(signature = (payload = None, *, masking_key = None))]
    fn pong(
        &mut self,
        py: Python<'_>,
        payload: Option<&Bound<'_, PyAny>>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        self.control(py, Opcode::Pong, payload, masking_key)
    }

    /// Encode a Close, after which nothing can be sent (RFC 6455 section 5.5.1).
    ///
    /// Args:
    ///     code: The close code; None for a Close without a code, which is read as 1005.
    ///     reason: A text for people; at most 123 bytes of UTF-8, and only with a code.
    ///     masking_key: Four bytes for a client's frame; None for a new random key.
    ///
    /// Returns:
    ///     The frame.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the code must not be sent (RFC 6455 section 7.4), if the reason is too
    ///         long or has no code, or if a Close was encoded.
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

    /// Whether a message is open.
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
