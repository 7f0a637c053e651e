"""A proxy between the Autobahn TestSuite and an endpoint, in each of the modes of its relays.

- *messages*: with a hook, whole messages are checked and forwarded (`WebSocketRelay`).
- *frames*, *bytes*: without one, frames, or bytes as they arrive (`PassThroughRelay`). The proxy
  chooses bytes; here it is made to choose frames.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

from echo_server import HOST
from endpoint import LIMITS
from wsdefrag import PassThroughRelay, WebSocketMessage
from wsdefrag.proxy import Proxy, ProxyConnection, Timeouts, session

# A busy machine may take long; the endpoints watch the time themselves.
TIMEOUTS = Timeouts(handshake=None, connect=None)

WAYS = ("directly", "messages", "frames", "bytes")


def keep(message: WebSocketMessage, connection: ProxyConnection) -> None:
    """A hook that changes nothing."""


def of_frames(**options: Any) -> PassThroughRelay:
    """Make a relay of frames instead of bytes."""
    return PassThroughRelay(**{**options, "mode": "frames"})


@contextlib.asynccontextmanager
async def standing_before(port: int, way: str) -> AsyncIterator[int]:
    """Give the port that leads to a server in one of these ways."""
    if way == "directly":
        yield port
        return
    hook = keep if way == "messages" else None
    patched = mock.patch.object(session, "PassThroughRelay", of_frames)
    with patched if way == "frames" else contextlib.nullcontext():
        async with Proxy(
            f"{HOST}:{port}", on_message=hook, limits=LIMITS, timeouts=TIMEOUTS
        ) as proxy:
            yield proxy.port
