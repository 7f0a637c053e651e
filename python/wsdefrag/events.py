"""The events of a direction, in the order in which they happen.

A ``WebSocketMessage`` is itself an event. All other events are objects of the frozen classes here,
equal by value, hashable and picklable; each has its direction, a time, and an offset in the stream:

- ``OpaqueMessage`` replaces a message that uses an extension that this package does not implement.
- ``Ping`` and ``Pong`` can occur anywhere, also between the fragments of a message.
- ``Close`` occurs at most once in a direction; all bytes after it are discarded.
- ``ProtocolViolation`` occurs at most once in a direction, as its last event. It is not a
  ``Close``, because the peer sent no Close frame.
- ``Incomplete`` occurs at most once in a direction, at its end, and never after a violation. A
  message is also incomplete if its sender sent a Close before the last fragment.

Follows RFC 6455 sections 5.5 (control frames) and 7.1.5 to 7.1.7 (closing and failing).

All but ``ProtocolViolation`` are native, so Rust makes them without running Python code, and the
garbage collector does not track them.

``timestamp`` is the time of the chunk that completed the event, in seconds since the epoch.
``offset`` counts bytes from the start of the direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from wsdefrag._native import Close, Incomplete, OpaqueMessage, Ping, Pong
from wsdefrag._shown import shown_fields
from wsdefrag.errors import LimitExceeded, OutOfMemory, ProtocolError
from wsdefrag.message import WebSocketMessage

__all__ = [
    "Close",
    "Event",
    "Incomplete",
    "OpaqueMessage",
    "Ping",
    "Pong",
    "ProtocolViolation",
]


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


Event: TypeAlias = (
    WebSocketMessage | OpaqueMessage | Ping | Pong | Close | ProtocolViolation | Incomplete
)
