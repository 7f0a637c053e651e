r"""``WebSocketDirection``: reads the bytes of one direction into events.

The events are messages, pings, pongs, the Close, and a violation, in the order in which they
happened. The states are those of ``MessageReassembler``: *reading*, *closed*, *failed*, *ended*.
Invalid bytes never raise an exception; a violation is the last event.

Events and offsets do not depend on how the stream is divided into chunks. The input is not changed,
and no reference to it is kept.

Follows RFC 6455 sections 5 (framing), 7.1 (closing), 8.1 (UTF-8) and 10.4 (limits), and
RFC 7692 section 7 (permessage-deflate).

Invariants: ``error`` or ``close_received`` is None; no event comes after a ``ProtocolViolation``;
only an ``Incomplete`` can come after a ``Close``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._reading_arguments import reading_rules
from wsdefrag.deflate import DeflateParams
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from typing_extensions import Self


class WebSocketDirection(_native.WebSocketDirection):
    r"""Parses, unmasks, inflates, checks and defragments one direction; returns all events.

    Args:
        from_client: True for the bytes that a client sends, which are masked; False for those that
            a server sends, which are not (RFC 6455 section 5.1).
        deflate: The agreed permessage-deflate parameters; None if it was not agreed on.
        limits: Limits for frames and messages; None for the defaults of ``Limits``.
        strictness: Which rules are enforced; None for the defaults of ``Strictness``.

    Raises:
        TypeError: If an argument has the wrong type.

    Only one thread may use an object at a time. A subclass with other arguments overrides
    ``__new__``.

    Call ``receive_data`` for each chunk and ``receive_eof`` at the end. Both return events. They
    raise only for errors of the caller: ValueError for bytes after ``receive_eof``, TypeError for
    an argument that is not a buffer.

    Attributes:
        error: The violation that ended this direction, or None.
        close_received: The ``Close`` event of this direction, or None.
        bytes_received: Bytes received so far.
        bytes_buffered: Bytes stored of an incomplete header, frame or message.
        bytes_discarded: Bytes after a Close, or from the first byte of the invalid frame on.
        tolerated: For each rule that ``strictness`` switches off: how often it was broken.

    Example:
        >>> import wsdefrag
        >>> direction = wsdefrag.WebSocketDirection(from_client=False)
        >>> direction.receive_data(b"\x89\x00\x81\x02hi\x83\x00", timestamp=1.5)[:2]
        [Ping(payload=b'', from_client=False, timestamp=1.5, offset=0), 'hi']
        >>> direction.error.kind
        'reserved_opcode'
        >>> direction.receive_eof()
        []
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        from_client: bool,
        deflate: DeflateParams | None = None,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
    ) -> Self:
        """Start a direction; the class documents the arguments."""
        enforced_limits, rules = reading_rules(
            from_client=from_client, deflate=deflate, limits=limits, strictness=strictness
        )
        return super().__new__(
            cls,
            from_client=from_client,
            deflate=deflate,
            limits=enforced_limits,
            strictness=rules,
        )
