"""Many connections through `wsdefrag proxy`, a few at a time, for a while: nothing of them stays.

Clients end in different ways: with a Close, by a reset, with the end of their stream, or in the
middle of a frame. After each third the proxy has no file descriptor, task or session left, and
nothing in the budget; after the last one it has no more memory than after the second.

`WSDEFRAG_CONNECTIONS` is how many there are (600); `make soak` runs with 10,000.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import websockets

from proxy_process import (
    IDLE,
    LOOKS_INSIDE,
    MIB,
    REQUEST,
    WATCHED,
    ProxyProcess,
    proxy_to,
    run,
    serving,
    settled,
)
from wire_writer import KEY, TEXT, close_frame, frame

CONNECTIONS = int(os.environ.get("WSDEFRAG_CONNECTIONS", "600"))
AT_ONCE = 20

# A leaked relay is some 3 KB, a leaked connection 27 KB.
MARGIN = MIB + CONNECTIONS // 3 * 1024

MESSAGE = frame(TEXT, b"hello", key=KEY)
HALF = frame(TEXT, bytes(2000), key=KEY)[:1000]


async def echo(connection: Any) -> None:
    """Answer until the client is gone."""
    try:
        async for message in connection:
            await connection.send(message)
    except websockets.ConnectionClosedError:
        pass


async def visit(proxy: ProxyProcess, number: int) -> None:
    """Connect, get an echo, and leave in one of the ways."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(REQUEST.format(number).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    writer.write(MESSAGE)
    answer = await reader.readexactly(2)
    await reader.readexactly(answer[1])
    how = number % 4
    if how == 0:
        writer.write(close_frame(1000, key=KEY))
        assert await reader.read() == close_frame(1000)
    elif how == 1:
        writer.transport.abort()
    elif how == 2:
        writer.write_eof()
        await reader.read()
    else:
        writer.write(HALF)
        await writer.drain()
    writer.close()


@LOOKS_INSIDE
def test_nothing_stays_of_connections_that_came_and_went() -> None:
    async def scenario() -> None:
        async with (
            serving(echo, compression="deflate") as port,
            proxy_to(port, program=WATCHED) as proxy,
        ):
            files = proxy.open_files()
            resident = []
            for third in range(3):
                numbers = iter(range(third * CONNECTIONS // 3, (third + 1) * CONNECTIONS // 3))

                async def visitor(numbers: Any = numbers) -> None:
                    for number in numbers:
                        await visit(proxy, number)

                await asyncio.gather(*(visitor() for _ in range(AT_ONCE)))
                assert await settled(proxy, files) == IDLE
                resident.append(proxy.resident())
            assert resident[2] - resident[1] < MARGIN, resident
            print(f"{CONNECTIONS} connections: {[one // 1024 for one in resident]} KiB resident")

    run(scenario())
