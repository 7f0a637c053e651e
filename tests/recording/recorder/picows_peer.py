"""Peers of picows, a frame-level library: its application chooses opcode and FIN of every frame.

So it ends a fragmented message with the last fragment itself, and it can leave one unfinished.
Its core has no deflate (`picows.websockets`, which has, is a peer of its own).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import picows
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from .endpoint import (
    FRAGMENT_PAUSE,
    HOST,
    Accept,
    Client,
    Content,
    Endpoint,
    Fragments,
    Ping,
    Server,
    installed,
)

DROP_PAUSE = 0.05  # seconds in which the last fragment leaves before the connection is dropped


class _Listener(WSListener):
    """Joins the frames of a message and queues it; None is queued at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.transport: asyncio.Future[WSTransport] = asyncio.get_running_loop().create_future()
        self.messages: asyncio.Queue[Content | None] = asyncio.Queue()
        self._opcode = WSMsgType.BINARY
        self._parts: list[bytes] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport.set_result(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            if not transport.is_close_frame_sent:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
            return
        if frame.msg_type in (WSMsgType.PING, WSMsgType.PONG):
            return
        if frame.msg_type != WSMsgType.CONTINUATION:
            self._opcode = frame.msg_type
        self._parts.append(frame.get_payload_as_bytes())
        if frame.fin:
            content = b"".join(self._parts)
            self._parts.clear()
            text = self._opcode == WSMsgType.TEXT
            self.messages.put_nowait(content.decode() if text else content)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.messages.put_nowait(None)


class PicowsEndpoint(Endpoint):
    """A connection of picows."""

    def __init__(self, listener: _Listener) -> None:
        super().__init__(installed("picows"))
        self._messages = listener.messages
        self._transport = listener.transport.result()

    async def close(self, code: int | None, reason: str) -> None:
        if code is None:
            raise NotImplementedError("picows sends no empty Close")
        self._transport.send_close(WSCloseCode(code), reason.encode())

    async def _send(self, message: Content) -> None:
        if isinstance(message, str):
            self._transport.send(WSMsgType.TEXT, message.encode())
        else:
            self._transport.send(WSMsgType.BINARY, message)

    async def _receive(self) -> Content | None:
        return await self._messages.get()

    async def _ping(self, payload: bytes) -> None:
        self._transport.send_ping(payload)

    async def _send_fragments(self, fragments: Fragments) -> None:
        opcode = WSMsgType.TEXT if fragments.text else WSMsgType.BINARY
        frames_left = len(fragments.parts) - fragments.pings
        for part in fragments.parts:
            if isinstance(part, Ping):
                await self._ping(part.payload)
            else:
                frames_left -= 1
                final = frames_left == 0 and not fragments.drop
                self._transport.send(opcode, part, fin=final)
                opcode = WSMsgType.CONTINUATION
            await asyncio.sleep(FRAGMENT_PAUSE)
        if fragments.drop:
            await asyncio.sleep(DROP_PAUSE)
            self._transport.underlying_transport.abort()


def picows_client() -> Client:
    """Make a client."""

    @asynccontextmanager
    async def connect(url: str) -> AsyncIterator[Endpoint]:
        listener = _Listener()
        transport, _ = await picows.ws_connect(lambda: listener, url)
        try:
            yield PicowsEndpoint(listener)
        finally:
            transport.disconnect()
            await transport.wait_disconnected()

    return connect


def picows_server() -> Server:
    """Make a server."""

    @asynccontextmanager
    async def listen(accept: Accept) -> AsyncIterator[int]:
        def new_listener(request: picows.WSUpgradeRequest) -> WSListener:
            listener = _Listener()
            listener.transport.add_done_callback(lambda _: accept(PicowsEndpoint(listener)))
            return listener

        server = await picows.ws_create_server(new_listener, HOST, 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    return listen
