"""How much one direction may ask for before it is refused.

Every limit is inclusive: exactly the limit passes, one more raises ``LimitExceeded``. Limits are
checked against announced lengths before memory is taken, and again on every piece of output
while inflating. ``None`` switches a limit off.

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
        max_frame_size: Payload of one data frame as it stands on the wire, in bytes. Control
            frames are bounded by 125 bytes anyway. Default: 64 MiB.
        max_message_size: Content of one message, in bytes after inflating. Default: 64 MiB.
        max_fragments: Frames of one message; empty ones count. Default: 16,384.
        max_inflate_ratio: Inflated bytes of a message for each compressed payload byte that its
            frames have announced so far. Default: None.

    Raises:
        TypeError: If a value is not a number, or a count not an integer.
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
        """Refuse values that cannot be a limit."""
        for name in ("max_frame_size", "max_message_size", "max_fragments"):
            value = getattr(self, name)
            if value is not None and not 1 <= require_int(name, value) <= _LARGEST_LENGTH:
                raise ValueError(f"{name} must be from 1 to 2**63 - 1, or None, not {value}")
        ratio = self.max_inflate_ratio
        if ratio is not None and not (
            0 < require_number("max_inflate_ratio", ratio) <= sys.float_info.max
        ):
            raise ValueError(f"max_inflate_ratio must be finite and above 0, or None, not {ratio}")
