"""``MessageReassembler``: reads the bytes of one direction into complete messages.

A direction is in one of four states and only moves down this list:

1. *reading*: chunks are read into messages and control frames. An incomplete frame is not an error;
   its bytes are stored until the rest arrives.
2. *closed*: a Close frame was read. All bytes after it are discarded and counted
   (RFC 6455 sections 1.4 and 5.5.1).
3. *failed*: a rule was broken or a limit exceeded. ``error`` is set at once, and each later
   ``receive_data`` and ``receive_eof`` raises it. All bytes from the first byte of the invalid
   frame on are discarded and counted.
4. *ended*: ``receive_eof`` was called; no more bytes are accepted.

Messages, the error and its offset do not depend on how the stream is divided into chunks. If a
chunk has messages before a violation, they are returned, and the next call raises. The input is not
changed, and no reference to it is kept. ``WebSocketDirection`` is the same machine; it returns all
events and does not raise.

Follows RFC 6455 sections 5 (framing), 7.1 (closing), 8.1 (UTF-8) and 10.4 (limits), and
RFC 7692 section 7 (permessage-deflate).

Invariants: ``bytes_discarded <= bytes_received``; ``bytes_buffered <= bytes_received`` unless
buffered bytes were inflated; ``error`` or ``close_received`` is None.
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


class MessageReassembler(_native.MessageReassembler):
    r"""Parses, unmasks, inflates, checks and defragments one direction of a connection.

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

    Call ``receive_data`` for each chunk; it returns messages. Call ``receive_eof`` at the end. Both
    raise errors in the received bytes. Control frames are checked but not returned.

    Attributes:
        error: The violation that ended this direction, or None.
        close_received: The ``Close`` event of this direction, or None.
        bytes_received: Bytes received so far.
        bytes_buffered: Bytes stored of an incomplete header, frame or message.
        bytes_discarded: Bytes after a Close, or from the first byte of the invalid frame on.
        tolerated: For each rule that ``strictness`` switches off: how often it was broken.

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
