"""What can happen in one direction, in the order it happened.

A message is its own event. Everything else is one of the frozen classes here, each with the
direction it happened in, a time and the place in the byte stream:

- ``Ping`` and ``Pong`` may stand anywhere, also between the fragments of a message.
- ``Close`` comes at most once a direction; what follows it is discarded.
- ``ProtocolViolation`` comes at most once a direction and is then its last event. It is not a
  ``Close``: nobody sent one.
- ``Incomplete`` comes at most once a direction, at its end, and never after a violation. A message
  that its sender broke off by a Close is incomplete too.

Follows RFC 6455 sections 5.5 (control frames) and 7.1.5 to 7.1.7 (closing and failing).

``timestamp`` is in seconds since the epoch and is that of the chunk that completed the event.
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
        """Show all fields, of the payload at most its beginning."""
        return shown_fields(self)


@dataclass(frozen=True, slots=True)
class Pong:
    r"""A Pong frame, asked for or not (RFC 6455 section 5.5.3).

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
        """Show all fields, of the payload at most its beginning."""
        return shown_fields(self)


@dataclass(frozen=True, slots=True)
class Close:
    r"""A Close frame (RFC 6455 section 5.5.1).

    Attributes:
        close_code: The code as the peer sent it, or 1005 where the frame holds none
            (RFC 6455 section 7.1.5).
        close_reason: The reason, or ``""`` where the frame holds none
            (RFC 6455 section 7.1.6).
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
        """Show all fields, of the reason at most its beginning and its end."""
        return shown_fields(self)


@dataclass(frozen=True, slots=True)
class ProtocolViolation:
    r"""Bytes that break a rule, pass a limit or found no memory; nothing more comes after them.

    Attributes:
        error: The exception that ``MessageReassembler`` raises for it.
        from_client: Whether the client sent the bytes.
        timestamp: Seconds since the epoch.
        offset: First byte of the offending frame, in bytes; the same as ``error.offset``.

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
        """Show all fields, the error in its own words."""
        return shown_fields(self)


@dataclass(frozen=True, slots=True)
class Incomplete:
    r"""What had arrived of a header, a frame or a message when its direction ended.

    Attributes:
        type: The opcode of the open message, or of the cut frame where no message was open.
        content: What had arrived of the payload, unmasked and inflated, in bytes.
        from_client: Whether the client sent it.
        timestamp: Seconds since the epoch.
        offset: First byte of the message's first frame, or of the cut frame, in bytes.

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
        """Show all fields, of the content at most its beginning."""
        return shown_fields(self)


Event: TypeAlias = WebSocketMessage | Ping | Pong | Close | ProtocolViolation | Incomplete
