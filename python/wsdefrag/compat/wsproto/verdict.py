"""What wsproto says of a broken rule.

The text of a ``ParseFailed`` goes out as the reason of a Close, so it is part of wsproto's
behaviour. The engine says which rule was broken and where; the words, and in which order the
faults of one header are looked at, are wsproto's, so its own code is asked:

- a header is given to a new ``FrameProtocol``, as far as it has come. wsproto looks at whole
  headers, and at the order of frames only with the first byte of a payload, so it may have
  nothing to say yet;
- a Close's payload is given to its ``_process_close``;
- a text is decoded as its ``MessageDecoder`` does it.

Faults in compressed data have one text. Limits are unknown to wsproto and have this package's.
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

# The longest header, and a byte of its payload.
_ENOUGH = 15


def parse_failed(
    error: WebSocketError,
    evidence: bytes,
    *,
    client: bool,
    deflate: bool,
    inside_message: bool,
    at_message_end: bool,
) -> ParseFailed | None:
    """Say in wsproto's words what ended a direction.

    Args:
        error: What the engine says.
        evidence: The bytes that broke the rule, as the engine gives them.
        client: Whether this side is the client.
        deflate: Whether permessage-deflate was agreed on.
        inside_message: Whether a message was open before the frame at hand.
        at_message_end: Whether all of the message has come.

    Returns:
        What wsproto would have raised, or None if it would have waited for more bytes.
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
            return _of_header(evidence[:_ENOUGH], client, deflate, inside_message)


def _of_text(text: bytes, *, final: bool) -> ParseFailed:
    # Python waits for the third byte of a surrogate (RFC 3629 section 4), the engine does not.
    reason = _fault_in(text, final) or _fault_in(text, True)
    assert reason is not None
    return ParseFailed(reason, CloseReason.INVALID_FRAME_PAYLOAD_DATA)


def _fault_in(text: bytes, final: bool) -> str | None:
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
        # Whatever its payload is, it is not to be inflated.
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
