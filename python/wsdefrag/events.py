"""The events of a direction, in the order in which they happen.

A ``WebSocketMessage`` is itself an event. All other events are objects of the frozen classes here,
equal by value, hashable and picklable; each has its direction, a time, and an offset in the stream:

- ``OpaqueMessage`` replaces a message that uses an extension that this package does not implement.
- ``UncollectedMessage`` replaces a message that a ``PassThroughRelay`` forwarded without collecting
  its content, and ``MessageChunk`` is a part of a message.
- ``Ping`` and ``Pong`` can occur anywhere, also between the fragments of a message.
- ``Close`` occurs at most once in a direction; all bytes after it are discarded.
- ``ProtocolViolation`` occurs at most once in a direction, as its last event. It is not a
  ``Close``, because the peer sent no Close frame.
- ``Incomplete`` occurs at most once in a direction, at its end, and never after a violation. A
  message is also incomplete if its sender sent a Close before the last fragment.

Follows RFC 6455 sections 5.5 (control frames) and 7.1.5 to 7.1.7 (closing and failing).

``TimedOut`` is not an event of a direction: ``tick`` of a relay returns it.

All but ``ProtocolViolation`` and ``TimedOut`` are native, so Rust makes them without running Python
code, and the garbage collector does not track them.

``timestamp`` is the time of the chunk that completed the event, in seconds since the epoch.
``offset`` counts bytes from the start of the direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from wsdefrag._native import (
    Close,
    Incomplete,
    MessageChunk,
    OpaqueMessage,
    Ping,
    Pong,
    UncollectedMessage,
)
from wsdefrag._shown import shown_fields
from wsdefrag.errors import LimitExceeded, OutOfMemory, ProtocolError
from wsdefrag.message import WebSocketMessage

__all__ = [
    "Close",
    "Event",
    "Incomplete",
    "MessageChunk",
    "OpaqueMessage",
    "Ping",
    "Pong",
    "ProtocolViolation",
    "TimedOut",
    "UncollectedMessage",
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


@dataclass(frozen=True, slots=True)
class TimedOut:
    """A timeout of a relay that has passed.

    Attributes:
        timeout: Which one: ``"idle"``, ``"ping"``, ``"write"`` or ``"close"``.
        from_client: Whether the client is the side that is late; None for ``"idle"``, which is
            about both sides.
        deadline: When it passed, in seconds of the clock that ``tick`` is called with.

    Example:
        >>> import wsdefrag
        >>> relay = wsdefrag.WebSocketRelay(idle_timeout=60)
        >>> relay.next_deadline(now=100.0)
        160.0
        >>> relay.tick(now=160.0)
        [TimedOut(timeout='idle', from_client=None, deadline=160.0)]
    """

    timeout: Literal["idle", "ping", "write", "close"]
    from_client: bool | None
    deadline: float


Event: TypeAlias = (
    WebSocketMessage
    | OpaqueMessage
    | UncollectedMessage
    | Ping
    | Pong
    | Close
    | ProtocolViolation
    | Incomplete
)
