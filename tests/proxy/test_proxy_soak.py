"""Many connections at once through `wsdefrag proxy`; many of them misbehave.

Some clients stop in the middle of a frame, send garbage, send a decompression bomb, vanish, or
never ask for a WebSocket. The others talk meanwhile, and must not notice: each gets every answer
and the close that it asked for. Afterwards the proxy has no file descriptor, task or session left,
and nothing in the budget. After a second round it has no more memory than after the first.

`WSDEFRAG_SOAK` is the number of connections (200); `make soak` runs with 1,000.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import websockets

from proxy_process import (
    IDLE,
    LOOKS_INSIDE,
    MIB,
    REQUEST,
    WATCHED,
    ProxyProcess,
    connect,
    proxy_to,
    run,
    serving,
    settled,
)
from wire_writer import BINARY, KEY, close_frame, deflated_zeros, frame

CONNECTIONS = int(os.environ.get("WSDEFRAG_SOAK", "200"))
MESSAGES = 20

# More would not fit into the listeners' queues.
AT_ONCE = 20

# In each round; a leaked relay or session is some 20 KB.
MARGIN = 2 * MIB + CONNECTIONS * 4096

HALF = frame(BINARY, bytes(20_000), key=KEY)[:10_000]
BOMB = frame(BINARY, b"".join(deflated_zeros(20)), rsv1=True, key=KEY)


class Round:
    """One round: everybody connects, then everybody acts, then everybody is gone."""

    def __init__(self, proxy: ProxyProcess) -> None:
        self.proxy = proxy
        self.connecting = asyncio.Semaphore(AT_ONCE)
        self.waiting = CONNECTIONS
        self.everybody_is_here = asyncio.Event()
        self.the_others_are_done = asyncio.Event()

    def here(self) -> None:
        """One more is connected."""
        self.waiting -= 1
        if self.waiting == 0:
            self.everybody_is_here.set()

    async def raw(self, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client without manners, when everybody is there."""
        async with self.connecting:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
            writer.write(REQUEST.format(name).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ")
        self.here()
        await self.everybody_is_here.wait()
        return reader, writer

    async def good(self, number: int) -> None:
        """Talk, get every answer, and close."""
        compression: Any = "deflate" if number % 4 else None
        async with self.connecting:
            connection = await connect(self.proxy.url("/good"), compression=compression)
        self.here()
        await self.everybody_is_here.wait()
        chance = random.Random(number)
        for _ in range(MESSAGES):
            message = chance.choice(["größe ", "x", "€" * 50]) * chance.randint(1, 200)
            await connection.send(message)
            assert await connection.recv() == message
        await connection.close(1000, str(number))
        assert (connection.close_code, connection.close_reason) == (1000, str(number))

    async def stops(self, number: int) -> None:
        """Send half a frame and no more, until the others are done."""
        _, writer = await self.raw("stops")
        writer.write(HALF)
        await self.the_others_are_done.wait()
        writer.close()

    async def babbles(self, number: int) -> None:
        """Send what breaks a rule at once, or random bytes, which do sooner or later."""
        reader, writer = await self.raw("babbles")
        writer.write(b"\xff" * 14 + random.Random(number).randbytes(5000))
        answer = await reader.read()
        assert answer == close_frame(1002)
        writer.close()

    async def bombs(self, number: int) -> None:
        """Send a few KB that would become 20 MiB."""
        reader, writer = await self.raw("bombs")
        writer.write(BOMB)
        answer = await reader.read()
        assert answer == close_frame(1009)
        writer.close()

    async def vanishes(self, number: int) -> None:
        """Reset the connection in the middle of a frame."""
        _, writer = await self.raw("vanishes")
        writer.write(HALF)
        await writer.drain()
        writer.transport.abort()

    async def never_asks(self, number: int) -> None:
        """Connect, send half a request, and go when the others are done."""
        async with self.connecting:
            _, writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        writer.write(REQUEST.encode()[: number % 100])
        self.here()
        await self.the_others_are_done.wait()
        writer.close()

    async def play(self) -> None:
        """Play the round to its end."""
        bad = [self.stops, self.babbles, self.bombs, self.vanishes, self.never_asks]
        parts: list[Callable[[int], Awaitable[None]]] = [
            bad[number // 2 % len(bad)] if number % 2 else self.good
            for number in range(CONNECTIONS)
        ]
        tasks = [asyncio.ensure_future(part(number)) for number, part in enumerate(parts)]
        patient = (self.stops, self.never_asks)
        busy = [task for task, part in zip(tasks, parts, strict=True) if part not in patient]
        await asyncio.gather(*busy)
        # Those who stopped in the middle of a frame are still there, and it is still held.
        stopped = sum(part == self.stops for part in parts)
        assert (await self.proxy.report())["held"] >= stopped * len(HALF)
        self.the_others_are_done.set()
        await asyncio.gather(*tasks)


class Server:
    """Answers with what it hears, and counts how connections end, by path and code."""

    def __init__(self) -> None:
        self.ends: Counter[tuple[str, int | None]] = Counter()
        self.going_on = 0

    async def __call__(self, connection: Any) -> None:
        self.going_on += 1
        try:
            async for message in connection:
                await connection.send(message)
        except websockets.ConnectionClosedError:
            pass
        await connection.wait_closed()
        self.ends[connection.request.path, connection.close_code] += 1
        self.going_on -= 1


@LOOKS_INSIDE
def test_nothing_leaks_and_nobody_else_notices() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Both ends of both legs, of which this process has two and the proxy the other two.
    wanted = max(soft, min(hard, 4 * CONNECTIONS + 200))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    async def scenario() -> None:
        server = Server()
        async with (
            serving(server, compression="deflate") as port,
            proxy_to(port, program=WATCHED) as proxy,
        ):
            files = proxy.open_files()
            resident = []
            for number in range(1, 4):
                await Round(proxy).play()
                left = await settled(proxy, files)
                assert left == IDLE
                resident.append(proxy.resident())
                good = {key: count for key, count in server.ends.items() if key[0] == "/good"}
                assert good == {("/good", 1000): number * ((CONNECTIONS + 1) // 2)}
            assert server.going_on == 0
            assert not [code for path, code in server.ends if path != "/good" and code == 1000]
            assert resident[2] - resident[1] < MARGIN, resident
            print(f"{CONNECTIONS} connections: {[one // 1024 for one in resident]} KiB resident")

    try:
        run(scenario())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
