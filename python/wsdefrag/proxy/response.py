"""``ResponsePassing``: passes on bytes that are not a WebSocket's.

A server's refusal is passed on whole: its head without the fields of the connection, then its body
as it comes, until it is complete by ``Content-Length``, the server ends, or it says nothing for the
handshake timeout. The client's bytes are dropped.

A tunnel passes on everything both ways, and the ends of both streams.

Follows RFC 9112 section 6 (the length of a body) and RFC 9110 section 9.3.6 (tunnels).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from wsdefrag.proxy.handshake import Tunnel
from wsdefrag.proxy.leg import HANDSHAKE, Leg, drop

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsdefrag.proxy.handshake import Opened

_NO_CONTENT = (204, 304)


class ResponsePassing:
    """Passes a response or a tunnel on.

    Args:
        client: The leg to the client.
        server: The leg to the server.
        timeout: Seconds in which the server says something of a response; None for ever.
        give_up: Called after it has not.
    """

    def __init__(
        self, client: Leg, server: Leg, *, timeout: float | None, give_up: Callable[[], None]
    ) -> None:
        self._client, self._server = client, server
        self._timeout, self._give_up = timeout, give_up
        self._timer: asyncio.TimerHandle | None = None
        self._left: int | None = None
        self._is_tunnel = False

    def start(self, opened: Opened | Tunnel) -> None:
        """Begin."""
        client, server = self._client, self._server
        if isinstance(opened, Tunnel):
            self._is_tunnel = True
            client.handle, server.handle = server.write_copy, client.write_copy
            server.write(opened.from_client)
        else:
            length = opened.response.fields.get("Content-Length")
            if opened.response.status in _NO_CONTENT:
                self._left = 0
            elif length is not None and length.isdecimal():
                self._left = int(length)
            client.handle, server.handle = drop, self._pass_body
            client.write(opened.head)
            self._pass_body(memoryview(opened.from_server))
        for leg in (client, server):
            leg.resume(HANDSHAKE)
            if leg.has_ended or leg.is_lost:
                self.ended(leg)

    def stop(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def ended(self, leg: Leg) -> None:
        """End the other side, too."""
        other = self._server if leg.is_client else self._client
        if self._is_tunnel and not leg.is_lost and not other.has_ended:
            other.write_eof()
        elif self._is_tunnel and not leg.is_lost:
            leg.close()
            other.close()
        elif self._is_tunnel or not leg.is_client or leg.is_lost:
            other.close()

    def _pass_body(self, data: memoryview) -> None:
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self._client.write(bytes(data))
        self.stop()
        if self._left == 0:
            self._client.close()
            self._server.close()
        elif self._timeout is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._timeout, self._give_up)
