"""Where a capture takes place: a network, servers on it, one dumpcap, and the connections.

A scene asks the stage for servers, for the capture to start, and for meetings. Connections are told
apart by their paths, or by the order in which they were opened where they have the same path.
Everything that a scene started ends with the stage: first the clients, then the capture, then the
servers.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from .meeting import Close, Meeting, Says
from .network import Network
from .peers import Address, Client, Met, Refusal, Server, Target
from .tools import Dumpcap


@dataclass(frozen=True)
class Talk:
    """One connection to be made: which client, which server, and what they send."""

    client: Client
    server: Address
    host: str
    path: str
    client_says: Says
    server_says: Says
    close: Close
    pause: float = 0.003
    glue: bool = False
    tls: ssl.SSLContext | None = None


class Stage:
    """One capture being made; `kept` lists files to be kept beside it.

    `secrets_inside` puts the key log into the capture; then no file is kept beside it.
    `not_by_tshark` says, by paths of connections, why tshark does not find their messages.
    """

    def __init__(self, name: str, network: Network, directory: Path) -> None:
        self.name = name
        self.network = network
        self.directory = directory
        self.meetings: list[Meeting] = []
        self.refusals: list[Refusal] = []
        self.peers: dict[str, list[str]] = {"client": [], "server": []}
        self.link = ""
        self.lacks: str | None = None
        self.not_by_tshark: dict[str, str] = {}
        self.kept: list[Path] = []
        self.key_log: str | None = None
        self.secrets_inside = False
        self.dumpcap: Dumpcap | None = None
        self._accepted: dict[str, asyncio.Queue[Met]] = {}
        self._greetings: dict[int, Says] = {}
        self._greeters: list[asyncio.Task[None]] = []
        self._servers = AsyncExitStack()

    @property
    def file(self) -> Path:
        """The file that dumpcap writes."""
        return self.directory / self.name

    def keep(self, name: str) -> Path:
        """Return the path for a file that is kept beside the capture."""
        self.kept.append(self.directory / name)
        return self.kept[-1]

    async def serve(
        self, server: Server, port: int = 80, version: int = 4, greeting: Says | None = None
    ) -> Address:
        """Start a server in the namespace of the servers.

        With a `greeting` it sends first, in the segment of its 101 answer: what it accepts is
        corked (it inherits that from the listener) until the greeting was sent.
        """
        listener = self.network.listener(port, version)
        if greeting:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            self._greetings[port] = greeting
        await self._servers.enter_async_context(server(listener, self._accept))
        return (self.network.server_address[version], port)

    async def serve_loopback(self, server: Server, port: int = 80) -> Address:
        """Start a server on the loopback of the clients' namespace."""
        listener = self.network.loopback_listener(port)
        await self._servers.enter_async_context(server(listener, self._accept))
        return ("127.0.0.1", port)

    async def capture(self, *options: str, link: str) -> None:
        """Start dumpcap with these options; `link` describes what it listens to."""
        self.link = link
        self.dumpcap = await Dumpcap.start(self.file, *options)

    @asynccontextmanager
    async def open(self, talk: Talk) -> AsyncIterator[Meeting]:
        """Connect as `talk` says; sends no messages yet."""
        target = Target(talk.server, talk.host, talk.path, talk.tls)
        async with talk.client(target) as (client, extensions, kernel_socket):
            met = await self.accepted(talk.path)
            meeting = Meeting(
                met, client, kernel_socket, extensions or met.extensions, talk.pause, talk.glue
            )
            self.meetings.append(meeting)
            meeting.start_reading()
            self.note(client.peer, met.endpoint.peer)
            yield meeting

    async def talk(self, talk: Talk) -> None:
        """Make a connection, from its start to its end."""
        async with self.open(talk) as meeting:
            await asyncio.gather(*self._greeters)
            await meeting.converse(
                talk.client_says(Random(f"{talk.path} client")),
                talk.server_says(Random(f"{talk.path} server")),
            )
            await meeting.close(talk.close)

    async def at_once(self, *talks: Talk) -> None:
        """Make these connections at the same time."""
        await asyncio.gather(*map(self.talk, talks))

    async def end(self) -> None:
        """End the capture, then the servers."""
        if self.dumpcap:
            await self.dumpcap.stop()
            self.dumpcap = None
        await self._servers.aclose()

    def _accept(self, met: Met | Refusal) -> None:
        if isinstance(met, Refusal):
            self.refusals.append(met)
            return
        if met.server[1] in self._greetings:
            self._greeters.append(asyncio.create_task(self._greet(met)))
        self._queue(met.path).put_nowait(met)

    async def _greet(self, met: Met) -> None:
        for act in self._greetings[met.server[1]](Random(f"{met.path} greeting")):
            await met.endpoint.perform(act)
        met.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def _queue(self, path: str) -> asyncio.Queue[Met]:
        return self._accepted.setdefault(path, asyncio.Queue())

    async def accepted(self, path: str) -> Met:
        """Wait for a connection with this path, and return the server's side of it."""
        return await self._queue(path).get()

    def note(self, client: str, server: str) -> None:
        """Record the names of the two programs of a connection."""
        for side, peer in (("client", client), ("server", server)):
            if peer not in self.peers[side]:
                self.peers[side].append(peer)
