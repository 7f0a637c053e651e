"""The events of a direction, in the order in which they happen.

A ``WebSocketMessage`` is itself an event. All other events are objects of the frozen classes here;
each has its direction, a time, and an offset in the stream:

- ``OpaqueMessage`` replaces a message that uses an extension that this package does not implement.
- ``Ping`` and ``Pong`` can occur anywhere, also between the fragments of a message.
- ``Close`` occurs at most once in a direction; all bytes after it are discarded.
- ``ProtocolViolation`` occurs at most once in a direction, as its last event. It is not a
  ``Close``, because the peer sent no Close frame.
- ``Incomplete`` occurs at most once in a direction, at its end, and never after a violation. A
  message is also incomplete if its sender sent a Close before the last fragment.

Follows RFC 6455 sections 5.5 (control frames) and 7.1.5 to 7.1.7 (closing and failing).

``timestamp`` is the time of the chunk that completed the event, in seconds since the epoch.
``offset`` counts bytes from the start of the direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from wsdefrag._shown import shown_fields
from wsdefrag.errors import LimitExceeded, OutOfMemory, ProtocolError
from wsdefrag.message import WebSocketMessage
from wsdefrag.opcode import Opcode


@dataclass(frozen=True, slots=True)
class Ping:
    r"""A Ping frame (RFC 6455 section 5.5.2).

    Attributes:
        payload: Its application data, 0 to 125 bytes.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of the frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> server = wsdefrag.WebSocketDirection(from_client=False)
        >>> server.receive_data(b"\x89\x02ok", timestamp=1.5)
        [Ping(payload=b'ok', from_client=False, timestamp=1.5, offset=0)]
    """

    payload: bytes
    from_client: bool
    timestamp: float
    offset: int

    def __repr__(self) -> str:
        """Show all fields; shortens a long payload."""
        return shown_fields(self)


@dataclass(frozen=True, slots=True)
class Pong:
    r"""A Pong frame, solicited or unsolicited (RFC 6455 section 5.5.3).

    Attributes:
        payload: Its application data, 0 to 125 bytes.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of the frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> server = wsdefrag.WebSocketDirection(from_client=False)
        >>> server.receive_data(b"\x8a\x00", timestamp=1.5)
        [Pong(payload=b'', from_client=False, timestamp=1.5, offset=0)]
    """

    payload: bytes
    from_client: bool
    timestamp: float
    offset: int

    def __repr__(self) -> str:
        """Show all fields; shortens a long payload."""
        return shown_fields(self)


@dataclass(frozen=True, slots=True)
class Close:
    r"""A Close frame (RFC 6455 section 5.5.1).

    Attributes:
        close_code: The close code; 1005 if the frame has none (RFC 6455 section 7.1.5).
        close_reason: The close reason; ``""`` if the frame has none (RFC 6455 section 7.1.6).
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of the frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> server = wsdefrag.WebSocketDirection(from_client=False)
        >>> (close,) = server.receive_data(b"\x88\x05\x03\xe8bye")
        >>> close.close_code, close.close_reason
        (1000, 'bye')
    """

    close_code: int
    close_reason: str
    from_client: bool
    timestamp: float
    offset: int

    def __repr__(self) -> str:
        """Show all fields; shortens a long reason."""
        return shown_fields(self)


@dataclass(frozen=True, slots=True)
class ProtocolViolation:
    r"""A broken rule, an exceeded limit or refused memory; the last event of a direction.

    Attributes:
        error: The exception that ``MessageReassembler`` raises.
        from_client: Whether the client sent the bytes.
        timestamp: Seconds since the epoch.
        offset: First byte of the invalid frame, in bytes; the same as ``error.offset``.

    Example:
        >>> import wsdefrag
        >>> server = wsdefrag.WebSocketDirection(from_client=False)
        >>> (violation,) = server.receive_data(b"\x83\x00")
        >>> violation.error.kind
        'reserved_opcode'
    """

    error: ProtocolError | LimitExceeded | OutOfMemory
    from_client: bool
    timestamp: float
    offset: int

    def __repr__(self) -> str:
        """Show all fields, with the text of the error."""
        return shown_fields(self)


@dataclass(frozen=True, slots=True)
class Incomplete:
    r"""A header, frame or message that was incomplete when its direction ended.

    Attributes:
        type: The opcode of the open message, or of the incomplete frame if no message was open.
        content: The payload received so far, unmasked and inflated.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of the message's first frame, or of the incomplete frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> server = wsdefrag.WebSocketDirection(from_client=False)
        >>> server.receive_data(b"\x01\x03Hel")
        []
        >>> (incomplete,) = server.receive_eof()
        >>> incomplete.type, incomplete.content
        (<Opcode.TEXT: 1>, b'Hel')
    """

    type: Opcode
    content: bytes
    from_client: bool
    timestamp: float
    offset: int

    def __repr__(self) -> str:
        """Show all fields; shortens a long content."""
        return shown_fields(self)


@dataclass(frozen=True, slots=True)
class OpaqueMessage:
    r"""A complete message of an agreed extension that this package does not implement.

    It occurs only if the argument ``extension`` was given, in two cases: the message has reserved
    bits that permessage-deflate does not use; or the message is compressed and may refer to such a
    message.

    Attributes:
        type: ``Opcode.TEXT`` or ``Opcode.BINARY``, from its first frame.
        content: The payload, unmasked, but neither inflated nor checked for UTF-8. Empty if
            inflation of the message had started before a frame with the extension's bits.
        rsv: The reserved bits of all its frames: the sum of 4 for RSV1, 2 for RSV2, 1 for RSV3.
        extension: The name of the extension.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of its first frame, in bytes.

    Example:
        >>> import wsdefrag
        >>> connection = wsdefrag.WebSocketConnection(extension="x-shorthand")
        >>> (message,) = connection.receive_data(b"\xa1\x02\xfe\xff", from_client=False)
        >>> message.content, message.rsv, message.extension
        (b'\xfe\xff', 2, 'x-shorthand')
    """

    type: Opcode
    content: bytes
    rsv: int
    extension: str
    from_client: bool
    timestamp: float
    offset: int

    def __repr__(self) -> str:
        """Show all fields; shortens a long content."""
        return shown_fields(self)


Event: TypeAlias = (
    WebSocketMessage | OpaqueMessage | Ping | Pong | Close | ProtocolViolation | Incomplete
)
