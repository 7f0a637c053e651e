"""``Limits``: limits for the frames and messages of one direction.

Limits are inclusive: a value equal to the limit is accepted, a larger one is a ``LimitExceeded``
error. The length in a frame header is checked before memory is allocated; the output is checked
again during inflation. ``None`` means no limit.

RFC 6455 section 10.4 asks implementations to have such limits.

Invariants: ``1 <= max_frame_size, max_message_size, max_fragments < 2**63``;
``0 < max_inflate_ratio < inf``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from wsdefrag._arguments import require_int, require_number

_MIB = 1 << 20

# A frame cannot announce more: the top bit of its 64-bit length is zero (RFC 6455 section 5.2).
_LARGEST_LENGTH = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds for frames and messages of one direction (RFC 6455 section 10.4).

    Args:
        max_frame_size: Payload bytes of one data frame, before inflation. Control frames have at
            most 125 bytes anyway. Default: 64 MiB.
        max_message_size: Content bytes of one message, after inflation. Default: 64 MiB.
        max_fragments: Frames of one message, empty ones included. Default: 16,384.
        max_inflate_ratio: Inflated bytes of a message divided by the compressed payload bytes in
            the headers of its frames so far. Default: None.

    Raises:
        TypeError: If a value is not a number, or a count is not an integer.
        ValueError: If a value is out of range.

    Example:
        >>> from wsdefrag import Limits
        >>> Limits(max_message_size=1 << 20).max_message_size
        1048576
        >>> Limits(max_fragments=0)
        Traceback (most recent call last):
            ...
        ValueError: max_fragments must be from 1 to 2**63 - 1, or None, not 0
    """

    max_frame_size: int | None = 64 * _MIB
    max_message_size: int | None = 64 * _MIB
    max_fragments: int | None = 16_384
    max_inflate_ratio: float | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("max_frame_size", "max_message_size", "max_fragments"):
            value = getattr(self, name)
            if value is not None and not 1 <= require_int(name, value) <= _LARGEST_LENGTH:
                raise ValueError(f"{name} must be from 1 to 2**63 - 1, or None, not {value}")
        ratio = self.max_inflate_ratio
        if ratio is not None and not (
            0 < require_number("max_inflate_ratio", ratio) <= sys.float_info.max
        ):
            raise ValueError(f"max_inflate_ratio must be finite and above 0, or None, not {ratio}")
