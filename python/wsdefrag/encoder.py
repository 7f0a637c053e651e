r"""``FrameEncoder``: encodes messages and control frames as the bytes of one direction.

A direction is in one of three states:

1. *between messages*: any frame may follow.
2. *inside a message*: ``fragment`` or ``frame`` started a message that is not complete. Its next
   fragment or a control frame may follow (RFC 6455 section 5.4).
3. *closed*: a Close was encoded. Nothing may follow (RFC 6455 section 5.5.1).

Anything else raises ``ValueError`` and changes nothing. So ``MessageReassembler`` can always read
the encoded bytes, except for payloads that ``frame`` sends unchecked.

Each frame of a client is masked with new random bytes of the operating system; frames of a server
are not masked (RFC 6455 section 5.3). A payload is read once and written once, into a ``bytes`` of
exactly the right size.

The compressor uses the agreed parameters of its direction (RFC 7692 section 7.1). Its window is
never larger than agreed, also with 8 bits. With no context takeover, each message starts with an
empty window. Each fragment of a compressed message is flushed, so a receiver that inflates fragment
by fragment gets contents of the requested sizes.

Follows RFC 6455 sections 5 (framing), 7.4 (close codes) and 8.1 (UTF-8), and RFC 7692 sections 6
and 7.2.1 (permessage-deflate).

Invariant: ``inside_message`` and ``closed`` are not both True.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_compression, require_optional
from wsdefrag.deflate import DeflateParams
from wsdefrag.events import Close
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from typing_extensions import Self

# Close codes that may be sent (RFC 6455 section 7.4).
_SENT = frozenset((*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)))


class FrameEncoder(_native.FrameEncoder):
    r"""Compresses, masks and frames the messages of one direction.

    Args:
        from_client: True for a client, whose frames are masked; False for a server, whose frames
            are not (RFC 6455 section 5.1).
        deflate: The agreed permessage-deflate parameters; None if it was not agreed on.
        compress_from: Messages of at least this many bytes are compressed, if permessage-deflate
            was agreed on and the call does not say whether to compress; 0 compresses all.
        compression_level: From 0 (stored without compression) to 9 (smallest).
        strictness: Only ``utf8`` matters: if False, a text may be invalid UTF-8 (RFC 6455 section
            8.1). None for the defaults of ``Strictness``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``compress_from`` is negative, or ``compression_level`` is not from 0 to 9.

    Only one thread may use an object at a time. A subclass with other arguments overrides
    ``__new__``.

    Attributes:
        inside_message: Whether a message was started and is not complete.
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
        """Start a direction; the class documents the arguments."""
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

    def close_reply(self, event: Close, *, masking_key: bytes | None = None) -> bytes:
        r"""Encode the answer to a peer's Close: a Close with its code (RFC 6455 section 5.5.1).

        A Close without a code, which is read as 1005, is answered with one without a code: 1005 may
        not be sent (RFC 6455 section 7.4.1). So is one with another code that may not be sent,
        which is only read if the rule ``close_codes`` is off.

        Args:
            event: The peer's Close.
            masking_key: Four bytes for a client's frame; None for a new random key.

        Returns:
            The frame, or ``b""`` if a Close was encoded before: then the peer has answered it.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the masking key is not one.

        Example:
            >>> from wsdefrag import FrameEncoder, WebSocketDirection
            >>> (close,) = WebSocketDirection(from_client=True).receive_data(b"\x88\x80abcd")
            >>> close.close_code, FrameEncoder(from_client=False).close_reply(close)
            (1005, b'\x88\x00')
        """
        if not isinstance(event, Close):
            raise TypeError(f"event must be a Close, not {type(event).__name__}")
        if self.closed:
            return b""
        code = event.close_code if event.close_code in _SENT else None
        return self.close(code, masking_key=masking_key)
