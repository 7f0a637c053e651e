"""``Budget``: a limit for the bytes that many relays buffer together.

``Limits`` apply to one message, but many peers may send one at the same time. A ``Budget`` is
shared by any number of relays. Each byte that a relay buffers for a peer is charged to the budget
first. It is released when it has been sent or dropped, or when the relay is deleted. If the budget
is used up, the direction that needs more ends with ``LimitExceeded`` (kind ``"budget"``, close code
1013, try again later); the other directions continue.

Bytes that the caller adds by editing and injecting are charged too, but never refused. So
``bytes_held`` may be larger than ``max_bytes``; until they are sent, peers get no more bytes.

A budget counts contents, and received headers and compressed payloads. It does not count Python
objects, which need more memory than the content of a very small message.

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
    r"""A limit for the bytes that many relays buffer together (RFC 6455 section 10.4).

    Args:
        max_bytes: The most payload and header bytes that the relays may buffer for peers at once.

    Raises:
        TypeError: If ``max_bytes`` is not an int.
        ValueError: If ``max_bytes`` is below 1.

    Relays in several threads may share a budget.

    Attributes:
        max_bytes: The limit, in bytes.
        bytes_held: Bytes that the relays buffer now.

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
        """Make a budget with no bytes in use."""
        if require_int("max_bytes", max_bytes) < 1:
            raise ValueError(f"max_bytes must be at least 1, not {max_bytes}")
        return super().__new__(cls, min(max_bytes, sys.maxsize))

    def __repr__(self) -> str:
        """Show the bytes in use and the limit."""
        return f"<{type(self).__name__} bytes_held={self.bytes_held} max_bytes={self.max_bytes}>"
