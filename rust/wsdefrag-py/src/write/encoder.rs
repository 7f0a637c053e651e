//! Encodes one direction, for Python.

#![expect(clippy::disallowed_macros, reason = "a text has at most 200 characters")]

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};
use wsdefrag_core::write::settings::{Choice, Head, Settings};
use wsdefrag_core::{Encoder, Opcode, Output, Refusal, Strictness};

use crate::errors;
use crate::exclusive::Exclusive;
use crate::opcodes::parse_opcode;
use crate::params::{PyDeflateParams, PyStrictness};
use crate::raw::buffer::with_bytes;
use crate::shown::shown_bool;
use crate::write::arguments::{parse_code, parse_key, parse_sizes};
use crate::write::output::{BufferOutput, PyOutput, with_text};

/// `fragments`, `compress` and `masking_key` of a call.
type Choices<'a, 'py> = (Option<&'a Bound<'py, PyAny>>, Option<bool>, Option<&'a [u8]>);

/// The engine of ``wsdefrag.FrameEncoder``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct FrameEncoder {
    engine: Exclusive<Encoder>,
    from_client: bool,
}

impl FrameEncoder {
    /// Calls `encode` with the bytes of `content`.
    #[inline]
    fn with<'py, T>(
        &self,
        content: &Bound<'py, PyAny>,
        encode: impl FnOnce(&mut Encoder, &[u8], PyOutput<'py>) -> Result<T, Refusal>,
    ) -> PyResult<T> {
        let py = content.py();
        self.engine.with(py, |engine| {
            with_bytes(content, |input| {
                encode(engine, input.bytes, PyOutput { py, immutable: input.immutable })
            })?
            .map_err(errors::raise_refusal)
        })
    }

    fn control(
        &self,
        py: Python<'_>,
        opcode: Opcode,
        payload: Option<&Bound<'_, PyAny>>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        let key = parse_key(masking_key)?;
        match payload {
            Some(payload) => self.with(payload, |engine, bytes, mut output| {
                engine.control(opcode, bytes, key, &mut output)
            }),
            None => self.engine.with(py, |engine| {
                let mut output = PyOutput { py, immutable: true };
                engine.control(opcode, b"", key, &mut output).map_err(errors::raise_refusal)
            }),
        }
    }

    /// Encodes a whole message into what `output` makes of a new `bytes`.
    #[inline]
    fn whole<'py, O: Output>(
        &self,
        opcode: Opcode,
        content: &Bound<'py, PyAny>,
        (fragments, compress, masking_key): Choices<'_, 'py>,
        output: impl FnOnce(PyOutput<'py>) -> O,
    ) -> PyResult<O::Bytes> {
        let choice = Choice { compress, masking_key: parse_key(masking_key)? };
        let fragments = fragments.map(parse_sizes).transpose()?;
        self.with(content, |engine, bytes, frames| {
            engine.message(opcode, bytes, fragments.as_deref(), choice, &mut output(frames))
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
        Self { engine: Exclusive::new("FrameEncoder", Encoder::new(settings)), from_client }
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
        &self,
        r#type: &Bound<'_, PyAny>,
        content: &Bound<'_, PyAny>,
        fragments: Option<&Bound<'_, PyAny>>,
        compress: Option<bool>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        let choices = (fragments, compress, masking_key);
        self.whole(parse_opcode(r#type)?, content, choices, |frames| frames)
    }

    /// Encode a whole message as buffers, which are sent one after the other.
    ///
    /// A long content that goes out as it is (of a server, not compressed, in one frame) is not copied:
    /// it is one of the buffers. ``transport.writelines`` and ``socket.sendmsg`` take them.
    ///
    /// Args:
    ///     type: As in ``message``.
    ///     content: As in ``message``. It is only kept if it is a ``bytes``.
    ///     fragments: As in ``message``.
    ///     compress: As in ``message``.
    ///     masking_key: As in ``message``.
    ///
    /// Returns:
    ///     What ``message`` returns, in one or two parts.
    ///
    /// Raises:
    ///     TypeError: If an argument has the wrong type.
    ///     ValueError: If the message cannot be sent now; the text says why.
    #[pyo3(signature = (r#type, content, *, fragments = None, compress = None, masking_key = None))]
    fn message_buffers(
        &self,
        r#type: &Bound<'_, PyAny>,
        content: &Bound<'_, PyAny>,
        fragments: Option<&Bound<'_, PyAny>>,
        compress: Option<bool>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyList>> {
        let choices = (fragments, compress, masking_key);
        self.whole(parse_opcode(r#type)?, content, choices, |frames| BufferOutput {
            content,
            frames,
        })
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
        &self,
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
            self.engine.with(py, |engine| {
                let written = engine.text(text, fragments.as_deref(), choice, &mut output);
                written.map_err(errors::raise_refusal)
            })
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
        &self,
        content: &Bound<'_, PyAny>,
        fragments: Option<&Bound<'_, PyAny>>,
        compress: Option<bool>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        self.whole(Opcode::Binary, content, (fragments, compress, masking_key), |frames| frames)
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
        &self,
        r#type: &Bound<'_, PyAny>,
        content: &Bound<'_, PyAny>,
        fin: bool,
        compress: Option<bool>,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        let opcode = parse_opcode(r#type)?;
        let choice = Choice { compress, masking_key: parse_key(masking_key)? };
        self.with(content, |engine, bytes, mut output| {
            engine.fragment(opcode, bytes, fin, choice, &mut output)
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
        &self,
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
        self.with(payload, |engine, bytes, mut output| engine.frame(head, bytes, key, &mut output))
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
        &self,
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
        &self,
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
        &self,
        py: Python<'_>,
        code: Option<&Bound<'_, PyAny>>,
        reason: &str,
        masking_key: Option<&[u8]>,
    ) -> PyResult<Py<PyBytes>> {
        let code = code.map(parse_code).transpose()?;
        let key = parse_key(masking_key)?;
        self.engine.with(py, |engine| {
            let mut output = PyOutput { py, immutable: false };
            engine.close(code, reason, key, &mut output).map_err(errors::raise_refusal)
        })
    }

    /// Whether a message is open.
    #[getter]
    fn inside_message(&self, py: Python<'_>) -> PyResult<bool> {
        self.engine.with(py, |engine| Ok(engine.is_inside_message()))
    }

    /// Whether a Close was encoded.
    #[getter]
    fn closed(&self, py: Python<'_>) -> PyResult<bool> {
        self.engine.with(py, |engine| Ok(engine.is_closed()))
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        let (class, encoder) = (this.get_type().name()?, this.get());
        encoder.engine.with(this.py(), |engine| {
            Ok(format!(
                "<{class} from_client={} inside_message={} closed={}>",
                shown_bool(encoder.from_client),
                shown_bool(engine.is_inside_message()),
                shown_bool(engine.is_closed()),
            ))
        })
    }
}
