"""Peers of websockets, and of `picows.websockets`, which has the same API over another engine.

Both end a fragmented message with a final frame that adds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import picows.websockets
import websockets

from .endpoint import (
    FRAGMENT_PAUSE,
    HOST,
    Accept,
    Client,
    Content,
    Endpoint,
    Fragments,
    Ping,
    Server,
    installed,
)


class WebsocketsEndpoint(Endpoint):
    """A connection of either package."""

    def __init__(self, connection: Any, peer: str) -> None:
        super().__init__(peer)
        self._connection = connection

    async def close(self, code: int | None, reason: str) -> None:
        await self._connection.close(code, reason)

    async def _send(self, message: Content) -> None:
        await self._connection.send(message)

    async def _receive(self) -> Content | None:
        try:
            message: Content = await self._connection.recv()
        except (websockets.ConnectionClosed, picows.websockets.ConnectionClosed):
            return None
        return message

    async def _ping(self, payload: bytes) -> None:
        await self._connection.ping(payload)

    async def _send_fragments(self, fragments: Fragments) -> None:
        if fragments.drop:
            raise NotImplementedError("leaving a message unfinished")

        async def parts() -> AsyncIterator[bytes]:
            for part in fragments.parts:
                if isinstance(part, Ping):
                    await self._ping(part.payload)
                else:
                    yield part
                await asyncio.sleep(FRAGMENT_PAUSE)

        await self._connection.send(parts(), text=fragments.text)


def websockets_client(module: Any = websockets, **options: Any) -> Client:
    """Make a client; `options` are those of `module.connect`."""

    @asynccontextmanager
    async def connect(url: str) -> AsyncIterator[Endpoint]:
        settings = {"ping_interval": None, "max_size": None, "proxy": None} | options
        async with module.connect(url, **settings) as connection:
            yield WebsocketsEndpoint(connection, _peer(module))

    return connect


def websockets_server(module: Any = websockets, **options: Any) -> Server:
    """Make a server; `options` are those of `module.serve`."""

    @asynccontextmanager
    async def listen(accept: Accept) -> AsyncIterator[int]:
        async def handler(connection: Any) -> None:
            endpoint = WebsocketsEndpoint(connection, _peer(module))
            accept(endpoint)
            await endpoint.closed.wait()

        settings = {"ping_interval": None, "max_size": None} | options
        async with module.serve(handler, HOST, 0, **settings) as server:
            yield server.sockets[0].getsockname()[1]

    return listen


def _peer(module: Any) -> str:
    if module is websockets:
        return installed("websockets")
    return f"{installed('picows')} (its picows.websockets)"
