"""Peers of OpenSSL by ctypes with wsproto inside: an application that controls TLS itself.

A `Tls` among the acts does something to the TLS connection, such as changing its keys. If
`together` is more than 1, that many frames are written at once, so that they share a record.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Request,
    TextMessage,
)

from .endpoint import Act, Content, Endpoint, installed
from .libssl import Session, version

READ_SIZE = 1 << 16  # bytes


@dataclass(frozen=True)
class Tls:
    """An action on the TLS connection, after all frames were written."""

    what: Callable[[Session], None]


WRITTEN = Tls(lambda _: None)
"""Only that all frames are written."""


class Channel:
    """A TLS connection on a socket that does not block."""

    def __init__(self, session: Session, raw: socket.socket) -> None:
        self.session = session
        self.socket = raw
        self._loop = asyncio.get_running_loop()
        self._sending = asyncio.Lock()
        self._arrived = asyncio.Event()

    async def flush(self) -> None:
        """Send what TLS has to send."""
        async with self._sending:
            while data := self.session.to_send():
                await self._loop.sock_sendall(self.socket, data)

    async def _receive(self) -> bool:
        try:
            data = await self._loop.sock_recv(self.socket, READ_SIZE)
        except ConnectionError:
            return False
        self.session.received(data)
        return bool(data)

    async def handshake(self, early: bytes = b"") -> bytes:
        """Do the handshake; a client sends `early` with its hello, a server returns early data."""
        found = b""
        if early:
            self.session.write_early(early)
        if self.session.is_server:
            more = True
            while more:
                data, more = self.session.read_early()
                found += data
                await self.flush()
                if more and not data and not await self._receive():
                    raise ConnectionError("the client left during the handshake")
        while not self.session.handshake():
            await self.flush()
            if not await self._receive():
                raise ConnectionError("the other side left during the handshake")
        await self.flush()
        return found

    async def read(self) -> bytes | None:
        """Return received bytes, None at the end."""
        while True:
            data = self.session.read()
            await self.flush()
            if data is not None:
                return data
            if self.session.ended or not await self._receive():
                return None
            self._arrived.set()

    async def write(self, data: bytes) -> None:
        """Send bytes; during a handshake, wait for its end first."""
        while True:
            self._arrived.clear()
            try:
                self.session.write(data)
            except OSError:
                if not self.session.is_renegotiating:
                    raise
                await self.flush()
                await self._arrived.wait()
                continue
            await self.flush()
            return

    async def end(self) -> None:
        """End this direction."""
        self.session.shut_down()
        await self.flush()


class OpensslEndpoint(Endpoint):
    """A connection of wsproto in one of OpenSSL."""

    def __init__(self, channel: Channel, kind: ConnectionType, together: int = 1) -> None:
        super().__init__(f"{installed('wsproto')} in {version()}")
        self.channel = channel
        self.websocket = WSConnection(kind)
        self._together = together
        self._kept: list[bytes] = []
        self._events: Any = iter(())
        self._parts: list[str | bytes] = []
        self._agreed: dict[str, Any] = {}

    def tls(self) -> dict[str, Any]:
        """Return what was agreed on."""
        return self._agreed

    async def perform(self, act: Act | Tls) -> None:
        """Do one act, and record it."""
        if not isinstance(act, Tls):
            await super().perform(act)
            return
        await self._write_kept()
        session = self.channel.session
        act.what(session)
        self.key_updates = session.key_updates
        self.key_updates_asked_for = session.key_updates_asked_for
        await self.channel.flush()

    async def request(self, host: str, path: str, early: bool) -> None:
        """Do the handshakes of a client: TLS, then WebSocket, perhaps with early data."""
        asked = self.websocket.send(Request(host=host, target=path))
        await self.channel.handshake(asked if early else b"")
        if not self.channel.session.early_data_accepted:
            await self.channel.write(asked)
        await self._event()
        self._agreed = self.channel.session.facts()

    async def answer(self) -> Request:
        """Do the handshakes of a server, and return the request."""
        if early := await self.channel.handshake():
            self.websocket.receive_data(early)
            self._events = self.websocket.events()
        request = await self._event()
        await self.channel.write(self.websocket.send(AcceptConnection()))
        if not isinstance(request, Request):
            raise ConnectionError(f"{request} is no request")
        self._agreed = self.channel.session.facts()
        return request

    async def _event(self) -> Any:
        """Return the next event, None at the end."""
        while True:
            for event in self._events:
                return event
            data = await self.channel.read()
            if data is None:
                return None
            self.websocket.receive_data(data)
            self._events = self.websocket.events()

    async def _send(self, message: Content) -> None:
        kind = TextMessage if isinstance(message, str) else BytesMessage
        self._kept.append(self.websocket.send(kind(data=message)))
        if len(self._kept) >= self._together:
            await self._write_kept()

    async def _write_kept(self) -> None:
        data, self._kept = b"".join(self._kept), []
        if data:
            await self.channel.write(data)

    async def _ping(self, payload: bytes) -> None:
        await self._write_kept()
        await self.channel.write(self.websocket.send(Ping(payload=payload)))

    async def _receive(self) -> Content | None:
        while (event := await self._event()) is not None:
            if isinstance(event, Message):
                self._parts.append(event.data)
                if event.message_finished:
                    parts, self._parts = self._parts, []
                    return type(parts[0])().join(parts)  # type: ignore[arg-type]
            elif isinstance(event, Ping) and self.websocket.state is ConnectionState.OPEN:
                await self.channel.write(self.websocket.send(event.response()))
            elif isinstance(event, CloseConnection):
                if self.websocket.state is ConnectionState.REMOTE_CLOSING:
                    await self.channel.write(self.websocket.send(event.response()))
                await self.channel.end()
                return None
        return None

    async def close(self, code: int | None, reason: str) -> None:
        await self._write_kept()
        event = CloseConnection(code=1000 if code is None else code, reason=reason)
        await self.channel.write(self.websocket.send(event))
