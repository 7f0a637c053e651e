r"""``ChunkDecoder``: reads the bytes of one direction into chunks of messages, as they arrive.

It is for those who must not hold a whole message: to write it to a file, to hash it, to pass it on.
The chunks of a message add up to its content. The rules and limits are those of the classes that
return whole messages; a limit that is None lets messages be as long as they like, because none is
held.

Each event is made when it is asked for, so that memory does not grow with what a small payload
inflates to. A chunk has at most 1 MiB of content, and in all at most the bytes of an incomplete
character, three, wait for the next one. Time is linear in the number of bytes.

A text is checked as it arrives (RFC 6455 section 8.1), and its chunks end between characters, so
each can be decoded by itself. Chunks that end anywhere come with ``cut_characters=True``, and where
``Strictness(utf8=False)`` lets a text be invalid.

Follows RFC 6455 sections 5.4 to 5.6 and 8.1, and RFC 7692 section 7.2.2.

Invariant: ``bytes_buffered`` is at most 125 when all events were taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._arguments import require_bool
from wsdefrag._native import MessageChunk
from wsdefrag._reading_arguments import reading_rules

if TYPE_CHECKING:
    from typing_extensions import Self

    from wsdefrag.deflate import DeflateParams
    from wsdefrag.limits import Limits
    from wsdefrag.strictness import Strictness

__all__ = ["ChunkDecoder", "MessageChunk"]


class ChunkDecoder(_native.ChunkDecoder):
    r"""Decodes one direction into chunks of messages, and control frames.

    The events are ``MessageChunk``, ``Ping``, ``Pong``, ``Close`` and ``ProtocolViolation``. A
    violation is not raised; it is the last event.

    Args:
        from_client: True for the bytes that a client sends, False for those that a server sends.
        deflate: The agreed permessage-deflate parameters; None if it was not agreed on.
        limits: Limits for frames and messages; None for the defaults of ``Limits``.
        strictness: Which rules are enforced; None for the defaults of ``Strictness``.
        cut_characters: Whether chunks of a text may end inside a character.

    Raises:
        TypeError: If an argument has the wrong type.

    Attributes:
        error: The violation that ended this direction, or None.
        close_received: The ``Close`` event that was received, or None.
        bytes_received: Bytes received so far.
        bytes_buffered: Bytes held: of events that were not taken, or of an incomplete header,
            control frame or character.
        bytes_discarded: Bytes after a Close, or from the first byte of the invalid frame on.
        tolerated: For each rule that ``strictness`` switches off: how often it was broken.

    Example:
        >>> from wsdefrag import ChunkDecoder
        >>> decoder = ChunkDecoder(from_client=False)
        >>> for data in (b"\x01\x05caf", "é".encode(), b"\x80\x01s"):
        ...     for chunk in decoder.receive_data(data):
        ...         print(chunk.content.decode(), chunk.message_finished)
        caf False
        é False
        s True
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        from_client: bool,
        deflate: DeflateParams | None = None,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
        cut_characters: bool = False,
    ) -> Self:
        """Start a direction; the class documents the arguments."""
        enforced_limits, rules = reading_rules(
            from_client=from_client, deflate=deflate, limits=limits, strictness=strictness
        )
        require_bool("cut_characters", cut_characters)
        return super().__new__(
            cls,
            from_client=from_client,
            deflate=deflate,
            limits=enforced_limits,
            strictness=rules,
            cut_characters=cut_characters,
        )
