"""Bytes of one direction in, whole messages out.

A direction is in one of four states, and only ever moves down this list:

1. *reading*: bytes are taken, messages and control frames come out. Too few bytes are never an
   error, they wait.
2. *closed*: a Close frame was read. What follows it is discarded and counted
   (RFC 6455 sections 1.4 and 5.5.1).
3. *failed*: a rule was broken or a limit passed. ``error`` is set at once, every later
   ``receive_data`` and ``receive_eof`` raises it; everything from the offending frame's first
   byte on is discarded and counted.
4. *ended*: ``receive_eof`` was called; no more bytes are taken.

How the input is cut into chunks never shows in the messages, the error or its offset. Messages
completed before a violation in the same chunk are returned, and the next call raises. The input
is neither changed nor kept. ``WebSocketDirection`` is the same machine for callers that want all
events and no exceptions.

Follows RFC 6455 sections 5 (framing), 7.1 (closing), 8.1 (UTF-8) and 10.4 (limits), and
RFC 7692 section 7 (permessage-deflate).

Invariants: ``bytes_discarded <= bytes_received``, and so for ``bytes_buffered`` unless what is
buffered was inflated; at most one of ``error`` and ``close_received`` is not None.
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


class MessageReassembler(_native.MessageReassembler):
    r"""Parses, unmasks, inflates, checks and defragments one direction of a connection.

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

    Feed it with ``receive_data``, which gives messages, and end it with ``receive_eof``. Both raise
    what is wrong on the wire. Control frames are checked and give nothing.

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
        >>> reassembler = wsdefrag.MessageReassembler(from_client=False)
        >>> reassembler.receive_data(b"\x01\x03Hel")
        []
        >>> reassembler.receive_data(b"\x80\x02lo", timestamp=1700000000.25)
        ['Hello']
        >>> reassembler.receive_eof()
        >>> reassembler.bytes_received
        9
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
