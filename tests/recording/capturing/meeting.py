"""Two endpoints of one connection: what they send to each other, and the record of it.

Both sides talk at once and in bursts, as in `record_streams.py`. During a burst a socket may be
corked (TCP_CORK, as `tcp(7)` has it), so that several frames leave in one segment. A meeting is
recorded only if each application received what the other had sent.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from recorder.endpoint import Act, Content, Endpoint

from .peers import Met, Refusal

Side = Literal["client", "server"]
Says = Callable[[Random], Iterator[Act]]
Facts = dict[str, Any]

BURST = 0.8  # probability that the next act follows at once
LONGEST_LISTED = 1000  # bytes; longer messages are listed as length and digest


@dataclass(frozen=True)
class Close:
    """The Close frame that begins the closing handshake."""

    by: Side
    code: int | None
    reason: str


def refusal_facts(refusal: Refusal) -> Facts:
    """Return the entry of the JSON file for an upgrade that was refused."""
    return {
        "client": list(refusal.client),
        "server": list(refusal.server),
        "host": refusal.host,
        "path": refusal.path,
        "subprotocol": None,
        "extensions": None,
        "refused": refusal.status,
        "close": None,
        "pings": {"client": 0, "server": 0},
        "client_messages": [],
        "server_messages": [],
    }


@dataclass
class Meeting:
    """A connection that is open; `pause` is the mean time between bursts, in seconds."""

    met: Met
    client: Endpoint
    client_socket: Any
    extensions: str | None
    pause: float
    glue: bool
    close_frame: Close | None = None
    before_capture: dict[str, int] | None = None
    _readers: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def server(self) -> Endpoint:
        """The server's endpoint."""
        return self.met.endpoint

    def start_reading(self) -> None:
        """Make both sides collect what arrives, until the connection ends."""
        for side in (self.client, self.server):
            self._readers.append(asyncio.create_task(side.read_until_closed()))

    async def converse(self, client_says: Iterable[Act], server_says: Iterable[Act]) -> None:
        """Make both sides send these acts at the same time, and wait until all have arrived."""
        await asyncio.gather(
            self._say(self.client, client_says, self.client_socket),
            self._say(self.server, server_says, self.met.socket),
        )
        await self.client.until_received(len(self.server.sent))
        await self.server.until_received(len(self.client.sent))

    async def close(self, close: Close) -> None:
        """Make one side close, and wait until the connection has ended on both."""
        self.close_frame = close
        closer = self.client if close.by == "client" else self.server
        await closer.close(close.code, close.reason)
        await asyncio.gather(*self._readers)

    def capture_starts(self) -> None:
        """Record that the capture starts now, after the messages so far."""
        counts = {"client": len(self.client.sent), "server": len(self.server.sent)}
        self.before_capture = counts

    async def _say(self, endpoint: Endpoint, acts: Iterable[Act], kernel_socket: Any) -> None:
        pace = Random(f"{self.met.path} pace")
        corked = kernel_socket if self.glue else None
        _cork(corked, True)
        for act in acts:
            await endpoint.perform(act)
            if pace.random() > BURST:
                _cork(corked, False)
                await asyncio.sleep(pace.expovariate(1 / self.pause))
                _cork(corked, True)
        _cork(corked, False)

    def facts(self) -> Facts:
        """Return the entry of the JSON file for this connection.

        Raises:
            ValueError: an application did not receive what the other had sent.
        """
        if self.client.sent != self.server.received or self.server.sent != self.client.received:
            raise ValueError(f"{self.met.path}: what was received is not what was sent")
        close = self.close_frame
        facts: Facts = {
            "client": list(self.met.client),
            "server": list(self.met.server),
            "host": self.met.host,
            "path": self.met.path,
            "subprotocol": self.met.subprotocol,
            "extensions": self.extensions,
            "refused": None,
            "close": vars(close) if close else None,
            "pings": {"client": self.client.pings, "server": self.server.pings},
        }
        if tls := tls_facts(self.client, self.server):
            facts["tls"] = tls
        if self.before_capture:
            facts["before_capture"] = self.before_capture
        facts["client_messages"] = [entry(message) for message in self.client.sent]
        facts["server_messages"] = [entry(message) for message in self.server.sent]
        return facts


def tls_facts(client: Endpoint, server: Endpoint) -> Facts | None:
    """Return what a connection's sides know of its TLS; None if neither does."""
    facts = client.tls() or server.tls()
    if facts and facts["version"] == "TLSv1.3":
        updates = {
            "client": client.key_updates + server.key_updates_asked_for,
            "server": server.key_updates + client.key_updates_asked_for,
        }
        facts |= {"key_updates": updates}
    return facts


def _cork(kernel_socket: Any, on: bool) -> None:
    if kernel_socket is not None and kernel_socket.fileno() != -1:
        kernel_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, int(on))


def entry(message: Content) -> Facts:
    """Return the entry of the JSON file for a message."""
    kind = "text" if isinstance(message, str) else "binary"
    content = message.encode() if isinstance(message, str) else message
    if len(content) > LONGEST_LISTED:
        digest = hashlib.sha256(content).hexdigest()
        return {"type": kind, "length": len(content), "sha256": digest}
    if isinstance(message, str):
        return {"type": kind, "text": message}
    return {"type": kind, "base64": base64.b64encode(content).decode()}
