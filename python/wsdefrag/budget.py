"""A bound on what many connections hold together.

``Limits`` bound one message, but not how many peers send one at the same time. A ``Budget`` is
shared by any number of relays: each byte that a peer makes one of them hold is charged before it
is held, and given back when it was sent on, dropped, or the relay is gone. Where the budget does
not allow a byte, that direction ends with ``LimitExceeded``, of limit ``"budget"`` and close
code 1013 (try again later), and the others go on.

What the caller puts in itself, by editing and injecting, is charged and not refused, so
``bytes_held`` can be above ``max_bytes`` by that much; peers are then refused until it is sent.

What is counted are contents, and headers and compressed payloads as they came; not the objects that
Python makes of them, which for the smallest messages take more.

RFC 6455 section 10.4 asks implementations to have such limits.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._arguments import require_int

if TYPE_CHECKING:
    from typing_extensions import Self


class Budget(_native.Budget):
    r"""Bytes that many relays may hold together (RFC 6455 section 10.4).

    Args:
        max_bytes: Payload and header bytes that peers may make them hold at once.

    Raises:
        TypeError: If ``max_bytes`` is not an int.
        ValueError: If it is below 1.

    It may be used by relays in several threads.

    Attributes:
        max_bytes: That number.
        bytes_held: Bytes that are held now.

    Example:
        >>> from wsdefrag import Budget, WebSocketRelay
        >>> budget = Budget(1 << 20)
        >>> relay = WebSocketRelay(budget=budget)
        >>> events = relay.receive_data(b"\x81\x05hello", from_client=False)
        >>> budget.bytes_held
        7
        >>> del relay
        >>> budget.bytes_held
        0
    """

    __slots__ = ()

    def __new__(cls, max_bytes: int) -> Self:
        """Start with nothing held."""
        if require_int("max_bytes", max_bytes) < 1:
            raise ValueError(f"max_bytes must be at least 1, not {max_bytes}")
        return super().__new__(cls, min(max_bytes, sys.maxsize))

    def __repr__(self) -> str:
        """Show how much is held, and the bound."""
        return f"<{type(self).__name__} bytes_held={self.bytes_held} max_bytes={self.max_bytes}>"
