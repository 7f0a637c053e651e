r"""Bytes of one direction in, events out, also for what is wrong.

It is the machine of ``MessageReassembler`` with the same four states (*reading*, *closed*,
*failed*, *ended*), for callers that want everything that happened in its order: messages, pings
and pongs, the Close, and a violation as the last event. It never raises for what is on the wire.

How the input is cut into chunks never shows in the events or their offsets. The input is neither
changed nor kept.

Follows RFC 6455 sections 5 (framing), 7.1 (closing), 8.1 (UTF-8) and 10.4 (limits), and
RFC 7692 section 7 (permessage-deflate).

Invariants: at most one of ``error`` and ``close_received`` is not None; nothing comes after a
``ProtocolViolation``, and nothing but an ``Incomplete`` after a ``Close``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_optional
from wsdefrag.deflate import DeflateParams
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from typing_extensions import Self


class WebSocketDirection(_native.WebSocketDirection):
    r"""Parses, unmasks, inflates, checks and defragments one direction, and tells all events.

    Args:
        from_client: True for the bytes a client sends, which are masked, False for those a
            server sends, which are not (RFC 6455 section 5.1).
        deflate: The agreed permessage-deflate parameters, None if it was not agreed on.
        limits: How much the bytes may ask for; None for the defaults of ``Limits``.
        strictness: Which rules to insist on; None for the defaults of ``Strictness``.

    Raises:
        TypeError: If an argument has the wrong type.

    An object belongs to one thread at a time. A subclass that takes other arguments overrides
    ``__new__``.

    Feed it with ``receive_data`` and end it with ``receive_eof``. Both give events. They raise only
    for mistakes of the caller: ValueError for bytes after ``receive_eof``, TypeError for what is
    not a buffer.

    Attributes:
        error: The violation that ended this direction, or None.
        close_received: The ``Close`` event of this direction, or None.
        bytes_received: All bytes taken so far.
        bytes_buffered: Bytes held of an unfinished header, frame or message.
        bytes_discarded: Bytes after a Close, or from the offending frame's first byte on.
        tolerated: How often each rule that ``strictness`` switches off was broken, by the
            name of its field.

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
        """Start at the beginning of a direction; the arguments are those of the class."""
        require_bool("from_client", from_client)
        require_optional("deflate", deflate, DeflateParams)
        require_optional("limits", limits, Limits)
        require_optional("strictness", strictness, Strictness)
        return super().__new__(
            cls,
            from_client=from_client,
            deflate=deflate,
            limits=limits or Limits(),
            strictness=strictness or Strictness(),
        )
