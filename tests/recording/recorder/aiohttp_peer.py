"""Peers of aiohttp, which sends every message in one frame."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from .endpoint import HOST, Accept, Client, Content, Endpoint, Server, installed

ANY_SIZE = 0  # aiohttp's value for a message size without limit
AnySocket = aiohttp.ClientWebSocketResponse[Any] | web.WebSocketResponse[Any]


class AiohttpEndpoint(Endpoint):
    """A connection of aiohttp's client or server."""

    def __init__(self, socket: AnySocket) -> None:
        super().__init__(installed("aiohttp"))
        self._socket = socket

    async def close(self, code: int | None, reason: str) -> None:
        if code is None:
            raise NotImplementedError("aiohttp sends no empty Close")
        await self._socket.close(code=code, message=reason.encode())

    async def _send(self, message: Content) -> None:
        if isinstance(message, str):
            await self._socket.send_str(message)
        else:
            await self._socket.send_bytes(message)

    async def _receive(self) -> Content | None:
        message = await self._socket.receive()
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return None
        content: Content = message.data
        return content

    async def _ping(self, payload: bytes) -> None:
        await self._socket.ping(payload)


def aiohttp_client(compress: int = 0) -> Client:
    """Make a client; `compress` is the deflate window that it offers, in bits, 0 for no offer."""

    @asynccontextmanager
    async def connect(url: str) -> AsyncIterator[Endpoint]:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, compress=compress, max_msg_size=ANY_SIZE) as socket,
        ):
            yield AiohttpEndpoint(socket)

    return connect


def aiohttp_server(compress: bool = False) -> Server:
    """Make a server; `compress` lets it accept an offer of deflate."""

    async def serve_one(request: web.Request, accept: Accept) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=compress, max_msg_size=ANY_SIZE)
        await socket.prepare(request)
        endpoint = AiohttpEndpoint(socket)
        accept(endpoint)
        await endpoint.closed.wait()
        return socket

    @asynccontextmanager
    async def listen(accept: Accept) -> AsyncIterator[int]:
        async def handler(request: web.Request) -> web.WebSocketResponse:
            return await serve_one(request, accept)

        app = web.Application()
        app.router.add_get("/", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, 0)
            await site.start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    return listen
