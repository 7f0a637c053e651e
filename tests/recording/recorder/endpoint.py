"""One side of an open connection, as its application sees it.

An `Endpoint` sends, pings, receives and closes through the public API of an unmodified library, and
records what it was told to send. A `Client` connects one. A `Server` listens on 127.0.0.1 and gives
one for each connection. Keepalive pings are switched off in every peer, so the only pings are those
that an endpoint was told to send. Pongs are the libraries' own.

An `Act` is what to send: a str or bytes is a message, `Ping` a ping, `Fragments` a message in
several frames, `Pause` a silence. A library that does not offer an act raises NotImplementedError,
so that a conversation with it fails instead of recording less.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

Content = str | bytes
HOST = "127.0.0.1"
FRAGMENT_PAUSE = 0.002  # seconds, so that not all fragments share a TCP segment


@dataclass(frozen=True)
class Ping:
    """A ping to send, on its own or between two fragments."""

    payload: bytes


@dataclass(frozen=True)
class Fragments:
    """A message to send in fragments, with pings in between.

    `drop` leaves the message without its final frame and drops the TCP connection instead.
    """

    text: bool
    parts: tuple[bytes | Ping, ...]
    drop: bool = False

    @property
    def payload(self) -> bytes:
        """The bytes of all fragments together."""
        return b"".join(part for part in self.parts if isinstance(part, bytes))

    @property
    def content(self) -> Content:
        """The message these fragments make up."""
        return self.payload.decode() if self.text else self.payload

    @property
    def pings(self) -> int:
        """Number of pings between the fragments."""
        return sum(isinstance(part, Ping) for part in self.parts)


@dataclass(frozen=True)
class Pause:
    """Seconds without sending."""

    seconds: float


Act = Content | Ping | Fragments | Pause


class Endpoint(ABC):
    """One side of a connection; `sent` and `received` hold whole messages, in order.

    `peer` names the library and its version; `pings` counts the pings sent, `key_updates` the
    changes of this side's TLS keys, `key_updates_asked_for` those requested of the other side;
    `dropped` is the message that was left unfinished on purpose; `closed` is set once the
    connection has ended and everything that arrived has been read.
    """

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.sent: list[Content] = []
        self.received: list[Content] = []
        self.pings = 0
        self.key_updates = self.key_updates_asked_for = 0
        self.dropped: Fragments | None = None
        self.closed = asyncio.Event()
        self._changed = asyncio.Event()

    async def perform(self, act: Act) -> None:
        """Do one act, and record it."""
        if isinstance(act, Ping):
            self.pings += 1
            await self._ping(act.payload)
        elif isinstance(act, Fragments):
            self.pings += act.pings
            if act.drop:
                self.dropped = act
            else:
                self.sent.append(act.content)
            await self._send_fragments(act)
        elif isinstance(act, Pause):
            await asyncio.sleep(act.seconds)
        else:
            self.sent.append(act)
            await self._send(act)

    async def read_until_closed(self) -> None:
        """Collect messages until the connection has ended, however it ends."""
        try:
            while (message := await self._receive()) is not None:
                self.received.append(message)
                self._changed.set()
        finally:
            self.closed.set()
            self._changed.set()

    async def until_received(self, count: int) -> None:
        """Wait until `count` messages have been received.

        Raises:
            ConnectionError: the connection ended before.
        """
        while len(self.received) < count:
            if self.closed.is_set():
                raise ConnectionError(f"{self.peer} was closed before everything had arrived")
            self._changed.clear()
            await self._changed.wait()

    def tls(self) -> dict[str, Any] | None:
        """Return the version, the cipher suite, whether resumed, whether early data was accepted.

        None without TLS, or where this side cannot tell.
        """
        return None

    @abstractmethod
    async def close(self, code: int | None, reason: str) -> None:
        """Start the closing handshake; a code of None asks for an empty Close frame."""

    @abstractmethod
    async def _send(self, message: Content) -> None: ...

    @abstractmethod
    async def _receive(self) -> Content | None:
        """Return the next message, or None once the connection has ended."""

    async def _ping(self, payload: bytes) -> None:
        raise NotImplementedError(f"{type(self).__name__} offers no ping")

    async def _send_fragments(self, fragments: Fragments) -> None:
        raise NotImplementedError(f"{type(self).__name__} sends no fragments")


Accept = Callable[[Endpoint], None]

# A client connects to a URL; a server listens on a free port, which it yields.
Client = Callable[[str], AbstractAsyncContextManager[Endpoint]]
Server = Callable[[Accept], AbstractAsyncContextManager[int]]


def installed(*packages: str) -> str:
    """Name packages with their installed versions."""
    return " with ".join(f"{package} {version(package)}" for package in packages)
