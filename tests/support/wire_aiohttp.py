"""aiohttp's reader, run the way the other peers are (`wire_peers`)."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp.base_protocol import BaseProtocol

from wire_case import Seen
from wire_peers import Direction, Reading

UNLIMITED = 1 << 30

_NAMES = {
    WSMsgType.TEXT: "text",
    WSMsgType.BINARY: "binary",
    WSMsgType.PING: "ping",
    WSMsgType.PONG: "pong",
}


def read_aiohttp(direction: Direction) -> Reading:
    """The results of aiohttp's reader, which takes frames of both sides, masked or not."""
    return asyncio.run(_read(direction))


async def _read(direction: Direction) -> Reading:
    loop = asyncio.get_running_loop()
    queue = WebSocketDataQueue(BaseProtocol(loop), UNLIMITED, loop=loop)
    reader = WebSocketReader(
        queue, UNLIMITED, compress=direction.deflate is not None, decode_text=True
    )
    reader.feed_data(direction.wire)
    error = queue.exception()
    queue.feed_eof()
    events: list[Seen] = []
    while queue._buffer:
        message = await queue.read()
        if message.type is WSMsgType.CLOSE:
            events.append(("close", int(message.data or 1005), message.extra or ""))
        else:
            data = message.data
            payload = data.encode() if isinstance(data, str) else bytes(data)
            events.append((_NAMES[message.type], payload))
    return Reading(tuple(events), getattr(error, "code", None))
