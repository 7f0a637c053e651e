"""An ASGI echo application that does not import wsdefrag.

To the text "which" it replies with the modules of its WebSocket classes and its process id.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import wsproto.connection

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one connection, or the application's life."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        text, content = event.get("text"), event.get("bytes")
        if text == "which":
            classes = wsproto.WSConnection, wsproto.connection.Connection
            text = " ".join([*(one.__module__ for one in classes), str(os.getpid())])
        if text is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": content})
