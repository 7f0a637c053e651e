r"""Messages and control frames in, the bytes of one direction out.

A direction is in one of three states:

1. *between messages*: anything may follow.
2. *inside a message*: a message was begun with ``fragment`` or ``frame`` and not ended. Its next
   fragment may follow, and control frames (RFC 6455 section 5.4).
3. *closed*: a Close was encoded. Nothing may follow (RFC 6455 section 5.5.1).

What may not be sent raises ``ValueError`` and changes nothing, so what was encoded is always a
direction that ``MessageReassembler`` can read, but for what ``frame`` was given to send as it is.

Frames of a client are masked, with fresh random bytes of the operating system for each, those of
a server are not (RFC 6455 section 5.3). A payload is read once and written once, into a ``bytes``
of exactly its size.

The compressor keeps to what was agreed on for its direction (RFC 7692 section 7.1): its window is
never larger, also one of 8 bits, and starts empty with each message where no context is taken
over. Each fragment of a compressed message is flushed, so that a receiver that inflates fragment
by fragment gets the content in the sizes that were asked for.

Follows RFC 6455 sections 5 (framing), 7.4 (close codes) and 8.1 (UTF-8), and RFC 7692 sections 6
and 7.2.1 (permessage-deflate).

Invariant: ``inside_message`` and ``closed`` are not both True.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_compression, require_optional
from wsdefrag.deflate import DeflateParams
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from typing_extensions import Self


class FrameEncoder(_native.FrameEncoder):
    r"""Masks, compresses and frames what is sent in one direction of a connection.

    Args:
        from_client: True for what a client sends, which is masked, False for what a server sends,
            which is not (RFC 6455 section 5.1).
        deflate: The agreed permessage-deflate parameters, None if it was not agreed on.
        compress_from: Messages of at least so many bytes are compressed, where it was agreed on
            and the call does not choose; 0 compresses all.
        compression_level: How hard to try, from 0 (not at all: what is compressed is stored) to 9.
        strictness: Of these, ``utf8`` counts: False sends text that is not UTF-8
            (RFC 6455 section 8.1). None for the defaults of ``Strictness``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``compress_from`` is negative, or ``compression_level`` is not from 0 to 9.

    An object belongs to one thread at a time. A subclass that takes other arguments overrides
    ``__new__``.

    Attributes:
        inside_message: Whether a message was begun and not ended.
        closed: Whether a Close was encoded.

    Example:
        >>> from wsdefrag import FrameEncoder, Opcode
        >>> server = FrameEncoder(from_client=False)
        >>> server.text("Hello")
        b'\x81\x05Hello'
        >>> server.message(Opcode.TEXT, b"Hello", fragments=[3, 2])
        b'\x01\x03Hel\x80\x02lo'
        >>> client = FrameEncoder(from_client=True)
        >>> client.ping(b"Hello", masking_key=bytes.fromhex("37fa213d")).hex()
        '898537fa213d7f9f4d5158'
        >>> server.close(1000, "bye")
        b'\x88\x05\x03\xe8bye'
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        from_client: bool,
        deflate: DeflateParams | None = None,
        compress_from: int = 0,
        compression_level: int = 6,
        strictness: Strictness | None = None,
    ) -> Self:
        """Start at the beginning of a direction; the arguments are those of the class."""
        require_bool("from_client", from_client)
        require_optional("deflate", deflate, DeflateParams)
        least = require_compression(compress_from, compression_level)
        require_optional("strictness", strictness, Strictness)
        return super().__new__(
            cls,
            from_client=from_client,
            deflate=deflate,
            compress_from=least,
            compression_level=compression_level,
            strictness=strictness or Strictness(),
        )
