"""A TCP relay on 127.0.0.1 that notes what passes through it.

It takes one connection, opens one to the server and copies both ways, unchanged. Per direction it
is first inside the HTTP head and copies without noting; after the empty line that ends the head
it notes every read as a chunk: sender, time of arrival and bytes (what follows the two heads are
frames, RFC 6455 section 4). A direction ends with TCP's end of stream, which is passed on.
With `cut` the relay is a line that breaks: once the client's stream holds `cut` bytes, both
connections end and nothing more passes.

Invariants: a chunk is one `recv` (the one that ends a head counts from its end), 1 to
`READ_SIZE` bytes; chunks are in arrival order over both directions, which is the order of
`timestamp` unless somebody sets the clock back.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal, NamedTuple

from .endpoint import HOST

Side = Literal["client", "server"]
READ_SIZE = 16 << 10  # bytes; small enough that long bursts are split inside frames
HEAD_END = b"\r\n\r\n"


class Arrival(NamedTuple):
    """One chunk, as it arrived at `timestamp` (seconds since the epoch)."""

    timestamp: float
    sender: Side
    data: bytes


class Relay:
    """The relay for one connection; `port` is where the client connects."""

    def __init__(self, cut: int | None) -> None:
        self.heads: dict[Side, bytes] = {"client": b"", "server": b""}
        self.chunks: list[Arrival] = []
        self.ends: list[tuple[float, Side]] = []
        self.finished = asyncio.Event()
        self._cut = cut
        self._listener = socket.create_server((HOST, 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]

    @property
    def extensions(self) -> str | None:
        """The `Sec-WebSocket-Extensions` header of the server's answer."""
        for line in self.heads["server"].decode("latin-1").split("\r\n")[1:]:
            name, _, value = line.partition(":")
            if name.strip().lower() == "sec-websocket-extensions":
                return value.strip()
        return None

    def stream(self, sender: Side) -> bytes:
        """Return every byte `sender` sent after its head."""
        return b"".join(chunk.data for chunk in self.chunks if chunk.sender == sender)

    async def run(self, server_port: int) -> None:
        """Relay one connection to its end."""
        loop = asyncio.get_running_loop()
        try:
            with self._listener:
                client, _ = await loop.sock_accept(self._listener)
            await self._relay(client, server_port)
        finally:
            self.finished.set()

    async def _relay(self, client: socket.socket, server_port: int) -> None:
        loop = asyncio.get_running_loop()
        with client, socket.socket() as server:
            for end in (client, server):
                end.setblocking(False)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(server, (HOST, server_port))
            await asyncio.gather(
                self._copy("client", client, server), self._copy("server", server, client)
            )

    async def _copy(self, sender: Side, source: socket.socket, target: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        broken = False
        with suppress(ConnectionError):
            while not broken and (data := await loop.sock_recv(source, READ_SIZE)):
                now = time.time()
                frames, broken = self._until_cut(sender, self._after_head(sender, data))
                if frames:
                    self.chunks.append(Arrival(now, sender, frames))
                await loop.sock_sendall(target, frames if broken else data)
        self.ends.append((time.time(), sender))
        with suppress(OSError):  # if the other copy, or the peer, was faster
            if broken:
                source.shutdown(socket.SHUT_RDWR)
                target.shutdown(socket.SHUT_RDWR)
            else:
                target.shutdown(socket.SHUT_WR)

    def _after_head(self, sender: Side, data: bytes) -> bytes:
        head = self.heads[sender]
        if head.endswith(HEAD_END):
            return data
        head, end, frames = (head + data).partition(HEAD_END)
        self.heads[sender] = head + end
        return frames

    def _until_cut(self, sender: Side, frames: bytes) -> tuple[bytes, bool]:
        if self._cut is None or sender != "client":
            return frames, False
        left = self._cut - len(self.stream("client"))
        return frames[:left], len(frames) >= left


@asynccontextmanager
async def relay_to(server_port: int, cut: int | None = None) -> AsyncIterator[Relay]:
    """Run a relay in front of `server_port` until the context ends."""
    relay = Relay(cut)
    running = asyncio.create_task(relay.run(server_port))
    try:
        yield relay
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
