"""``FrameDecoder``: reads the bytes of one direction into single frames.

It enforces the rules about a single frame: reserved bits and opcodes, whether the frame is masked,
size and FIN of control frames, the form of the length, and ``max_frame_size``. It does not check
the order of frames, the payload of Close frames or UTF-8; it does not inflate; it continues after a
Close frame. After a violation it returns no more frames: ``error`` is set, and each later call
raises it.

Follows RFC 6455 section 5.2.

Invariant: ``bytes_buffered + bytes_discarded <= bytes_received``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._native import Frame
from wsdefrag._reading_arguments import reading_rules
from wsdefrag.deflate import DeflateParams
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Frame", "FrameDecoder"]


class FrameDecoder(_native.FrameDecoder):
    r"""Decodes the frames of one direction (RFC 6455 section 5.2).

    Args:
        from_client: True for the bytes that a client sends, False for those that a server sends.
        deflate: The agreed permessage-deflate parameters, which allow RSV1; None if it was not
            agreed on. Payloads stay compressed.
        limits: Only ``max_frame_size`` matters; None for the defaults of ``Limits``.
        strictness: Which rules are enforced; None for the defaults of ``Strictness``.

    Raises:
        TypeError: If an argument has the wrong type.

    Attributes:
        error: The violation that ended this direction, or None.
        bytes_received: Bytes received so far.
        bytes_buffered: Bytes stored of an incomplete frame.
        bytes_discarded: Bytes from the first byte of the invalid frame on.
        tolerated: For each rule that ``strictness`` switches off: how often it was broken.

    Example:
        >>> from wsdefrag import FrameDecoder
        >>> decoder = FrameDecoder(from_client=False)
        >>> frame, close = decoder.receive_data(b"\x82\x03abc\x88\x00")
        >>> frame.opcode, frame.fin, frame.payload, frame.offset
        (<Opcode.BINARY: 2>, True, b'abc', 0)
        >>> close.offset, close.wire_length
        (5, 2)
        >>> decoder.receive_eof()
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
            rsv1=deflate is not None,
            limits=enforced_limits,
            strictness=rules,
        )
