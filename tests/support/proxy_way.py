"""Proxies on the way to a server, for tests: HTTP with CONNECT, and SOCKS5."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from proxy_peers import Raw, raw_server


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def _splice(raw: Raw, port: int) -> None:
    """Pass everything on to a server, both ways."""
    server = await Raw.to(port)
    await asyncio.gather(_pump(raw.reader, server.writer), _pump(server.reader, raw.writer))
    await server.close()


@asynccontextmanager
async def http_proxy(
    server_port: int, asked: list[bytes], *, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n"
) -> AsyncIterator[int]:
    """A proxy that answers a CONNECT (RFC 9110 section 9.3.6), and leads to one server."""

    async def handle(raw: Raw) -> None:
        asked.append(await raw.head())
        raw.send(answer)
        if answer.split()[1] == b"200":
            await _splice(raw, server_port)

    async with raw_server(handle) as port:
        yield port


@asynccontextmanager
async def socks_proxy(
    server_port: int,
    asked: list[bytes],
    *,
    reply: int = 0,
    credentials: tuple[bytes, bytes] | None = None,
) -> AsyncIterator[int]:
    """A SOCKS5 proxy (RFC 1928, RFC 1929) that leads to one server."""

    async def handle(raw: Raw) -> None:
        version, count = await raw.take(2)
        assert version == 5
        methods = await raw.take(count)
        method = 2 if credentials is not None else 0
        raw.send(bytes([5, method if method in methods else 0xFF]))
        if method not in methods:
            return
        if credentials is not None:
            assert (await raw.take(1)) == b"\x01"
            given = [await raw.take((await raw.take(1))[0]) for _ in range(2)]
            raw.send(bytes([1, given != list(credentials)]))
            if given != list(credentials):
                return
        head = await raw.take(4)
        assert head == b"\x05\x01\x00\x03"
        name = await raw.take((await raw.take(1))[0])
        asked.append(name + b":%d" % int.from_bytes(await raw.take(2), "big"))
        raw.send(bytes([5, reply, 0, 1]) + bytes(6))
        if reply == 0:
            await _splice(raw, server_port)

    async with raw_server(handle) as port:
        yield port
