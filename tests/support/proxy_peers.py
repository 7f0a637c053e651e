"""Servers and clients for tests of `wsdefrag.proxy`: real ones, and raw sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import aiohttp
from aiohttp import web

from hang_guard import HANG_SECONDS
from proxy_process import connect, serving
from wsdefrag.proxy import Proxy

__all__ = ["Raw", "connect", "echo", "ended", "raw_server", "serving"]

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The key of RFC 6455 section 1.3, and what a server makes of it."""

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


async def echo(connection: Any) -> None:
    """A handler of websockets' server that answers with what it hears."""
    async for message in connection:
        await connection.send(message)


class Raw:
    """A connection whose bytes a test writes and reads by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> Raw:
        """Connect to a port of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    @classmethod
    async def opened(cls, port: int, request: bytes = REQUEST) -> Raw:
        """Connect, and open a WebSocket."""
        raw = await cls.to(port)
        raw.send(request)
        head = await raw.head()
        assert head.startswith(b"HTTP/1.1 101 "), head
        return raw

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    async def head(self) -> bytes:
        """Read a head."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def take(self, count: int) -> bytes:
        """Read exactly so many bytes."""
        return await self.reader.readexactly(count)

    async def some(self) -> bytes:
        """Read what comes next; nothing at the end, and a reset is an end as well."""
        try:
            return await self.reader.read(1 << 16)
        except ConnectionError:
            return b""

    async def rest(self) -> bytes:
        """Read to the end."""
        found = b""
        while data := await self.some():
            found += data
        return found

    def stop_reading(self) -> None:
        """Take nothing more off the socket."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    def abort(self) -> None:
        """Close the connection at once."""
        self.writer.transport.abort()

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


Handler = Callable[[Raw], Awaitable[None]]


@asynccontextmanager
async def raw_server(handler: Handler, *, tls: Any = None) -> AsyncIterator[int]:
    """A TCP server whose connections a handler writes by hand; gives its port.

    A failure of the handler is raised at the end.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def serve(raw: Raw) -> None:
        try:
            await handler(raw)
        finally:
            await raw.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.get_running_loop().create_task(serve(Raw(reader, writer))))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*tasks)
    finally:
        server.close()
        await server.wait_closed()


async def ended(proxy: Proxy) -> None:
    """Wait until a proxy has no connection left."""
    while proxy.connections:
        await asyncio.sleep(0.001)


async def talk_websockets(
    url: str, messages: list[str | bytes], *, compression: Any = None, **options: Any
) -> list[str | bytes]:
    """Send messages with websockets, some in fragments, and return the answers."""
    got: list[str | bytes] = []
    options = {"compression": compression, "max_size": None, **options}
    async with connect(url, **options) as connection:
        for number, message in enumerate(messages):
            half = len(message) // 2
            whole = number % 2 == 0 or not message
            await connection.send(message if whole else [message[:half], message[half:]])
            got.append(await connection.recv())
    return got


async def talk_aiohttp(
    url: str, messages: list[str | bytes], *, compression: Any = None, ssl: Any = True
) -> list[str | bytes]:
    """Send messages with aiohttp, and return the answers."""
    got: list[str | bytes] = []
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session,
        session.ws_connect(
            url,
            ssl=ssl,
            compress=15 if compression else 0,
            max_msg_size=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=HANG_SECONDS),
        ) as connection,
    ):
        for message in messages:
            if isinstance(message, str):
                await connection.send_str(message)
            else:
                await connection.send_bytes(message)
            got.append((await connection.receive()).data)
    return got


@asynccontextmanager
async def aiohttp_server(*, compression: Any = None) -> AsyncIterator[int]:
    """An echo server of aiohttp; gives its port."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse(compress=bool(compression), max_msg_size=0)
        await answer.prepare(request)
        async for message in answer:
            if message.type == aiohttp.WSMsgType.TEXT:
                await answer.send_str(message.data)
            else:
                await answer.send_bytes(message.data)
        return answer

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
