"""Converts an error of the engine to the ``ParseFailed`` that wsproto would raise.

A program sends the text of a ``ParseFailed`` to its peer as the reason of a Close, so the text is
part of wsproto's behaviour. It is made by running wsproto's own code on the bytes that broke the
rule:

- the available bytes of a header go to a new ``FrameProtocol``. wsproto checks only complete
  headers, and the order of frames only at the first byte of a payload, so there may be no error
  yet;
- the payload of a Close goes to ``FrameProtocol._process_close``;
- a text is decoded as ``MessageDecoder`` decodes it.

All errors in compressed data have the same text. wsproto has no limits, so errors about limits have
the texts of this package.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed

from wsdefrag.errors import InflateFailed, InvalidUtf8, LimitExceeded, OutOfMemory, ProtocolError

if TYPE_CHECKING:
    from wsproto.extensions import Extension

    from wsdefrag.errors import WebSocketError

# Bytes of the longest header and one byte of payload.
_HEADER_AND_BYTE = 15


def parse_failed(
    error: WebSocketError,
    evidence: bytes,
    *,
    client: bool,
    deflate: bool,
    inside_message: bool,
    at_message_end: bool,
) -> ParseFailed | None:
    """Convert an error of the engine to wsproto's.

    Args:
        error: The error of the engine.
        evidence: The bytes that broke the rule, from the engine.
        client: Whether this side is the client.
        deflate: Whether permessage-deflate was agreed on.
        inside_message: Whether a message was open before the frame with the error.
        at_message_end: Whether the message has been received completely.

    Returns:
        The exception that wsproto would have raised; None if it would have waited for more bytes.
    """
    match error:
        case LimitExceeded() | OutOfMemory():
            return ParseFailed(str(error), CloseReason(error.close_code))
        case InflateFailed():
            return ParseFailed("error in extension", CloseReason.INVALID_FRAME_PAYLOAD_DATA)
        case InvalidUtf8(kind="invalid_utf8"):
            return _of_text(evidence, final=at_message_end)
        case ProtocolError(
            kind="close_payload_one_byte" | "invalid_close_code" | "invalid_close_reason"
        ):
            return _of_close(evidence)
        case _:
            return _of_header(evidence[:_HEADER_AND_BYTE], client, deflate, inside_message)


def _of_text(text: bytes, *, final: bool) -> ParseFailed:
    # In a surrogate (RFC 3629 section 4), the engine reports the second byte, but Python waits for
    # the third, so the second attempt decodes the text as complete.
    reason = _decode_error(text, final) or _decode_error(text, True)
    assert reason is not None
    return ParseFailed(reason, CloseReason.INVALID_FRAME_PAYLOAD_DATA)


def _decode_error(text: bytes, final: bool) -> str | None:
    try:
        codecs.utf_8_decode(text, "strict", final)
    except UnicodeDecodeError as error:
        return str(error)
    return None


def _of_close(payload: bytes) -> ParseFailed:
    protocol = FrameProtocol(client=True, extensions=[])
    try:
        protocol._process_close(Frame(Opcode.CLOSE, payload, True, True))
    except ParseFailed as failure:
        return failure
    raise AssertionError("the engine refused a Close that wsproto accepts")


def _of_header(
    wire: bytes, client: bool, deflate: bool, inside_message: bool
) -> ParseFailed | None:
    extensions: list[Extension] = []
    if deflate:
        extension = PerMessageDeflate()
        extension.finalize(extension.name)
        # Keeps wsproto from inflating the payload.
        extension._inbound_compressed = False
        extensions.append(extension)
    protocol = FrameProtocol(client, extensions)
    if inside_message:
        protocol._message_decoder.opcode = Opcode.BINARY
    protocol.receive_bytes(wire)
    try:
        for _ in protocol.received_frames():
            pass
    except ParseFailed as failure:
        return failure
    return None


__all__ = ["parse_failed"]
