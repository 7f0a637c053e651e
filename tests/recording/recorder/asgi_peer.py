"""Servers that speak ASGI and have wsproto underneath: uvicorn and hypercorn.

ASGI knows messages and a close, no pings and no fragments: an application's message leaves in one
frame. Both servers accept deflate by themselves where a client offers it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import hypercorn.asyncio
import hypercorn.config
import uvicorn

from .endpoint import HOST, Accept, Content, Endpoint, Server, installed

Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]


class AsgiEndpoint(Endpoint):
    """A connection of an ASGI application."""

    def __init__(self, receive: Receive, send: Send, peer: str) -> None:
        super().__init__(peer)
        self._asgi_receive = receive
        self._asgi_send = send

    async def close(self, code: int | None, reason: str) -> None:
        if code is None:
            raise NotImplementedError("ASGI knows no empty Close")
        await self._asgi_send({"type": "websocket.close", "code": code, "reason": reason})

    async def _send(self, message: Content) -> None:
        key = "text" if isinstance(message, str) else "bytes"
        await self._asgi_send({"type": "websocket.send", key: message})

    async def _receive(self) -> Content | None:
        event = await self._asgi_receive()
        if event["type"] == "websocket.disconnect":
            return None
        text: str | None = event.get("text")
        content: Content = text if text is not None else event["bytes"]
        return content


def _application(accept: Accept, peer: str) -> Application:
    async def application(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            raise RuntimeError(f"nothing but WebSocket is served here, not {scope['type']}")
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        endpoint = AsgiEndpoint(receive, send, peer)
        accept(endpoint)
        await endpoint.closed.wait()

    return application


def uvicorn_server() -> Server:
    """Make a uvicorn server that uses its wsproto implementation."""

    @asynccontextmanager
    async def listen(accept: Accept) -> AsyncIterator[int]:
        config = uvicorn.Config(
            _application(accept, installed("uvicorn", "wsproto")),
            ws="wsproto",
            ws_ping_interval=None,
            lifespan="off",
            log_level="warning",
        )
        server = uvicorn.Server(config)
        with socket.create_server((HOST, 0)) as listener:
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield listener.getsockname()[1]
            finally:
                server.should_exit = True
                await serving

    return listen


def hypercorn_server() -> Server:
    """Make a hypercorn server."""

    @asynccontextmanager
    async def listen(accept: Accept) -> AsyncIterator[int]:
        listener = socket.create_server((HOST, 0))
        port: int = listener.getsockname()[1]
        config = hypercorn.config.Config()
        config.bind = [f"fd://{listener.detach()}"]  # hypercorn owns and closes it from here on
        config.loglevel = "ERROR"  # it warns of an application without lifespan
        config.websocket_ping_interval = None
        stop = asyncio.Event()
        app: Any = _application(accept, installed("hypercorn", "wsproto"))
        serving = asyncio.create_task(
            hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait, mode="asgi")
        )
        try:
            yield port
        finally:
            stop.set()
            await serving

    return listen
