"""uvicorn with this package instead of wsproto, and a client.

    python examples/wsproto_uvicorn.py

To run uvicorn without changing a program, use
``python -m wsdefrag.compat.wsproto uvicorn APPLICATION --ws wsproto``. This program starts the
server itself; it calls ``install()`` before any import of wsproto.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from wsdefrag.compat.wsproto import install

install()

import uvicorn  # noqa: E402
from websockets.asyncio.client import connect  # noqa: E402


async def echo(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Send back the texts of one connection."""
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})


async def main() -> None:
    """Start the server, send it a message, stop it."""
    config = uvicorn.Config(
        echo, host="127.0.0.1", port=0, ws="wsproto", lifespan="off", log_level="warning"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with connect(f"ws://127.0.0.1:{port}/") as client:
        await client.send("hello, uvicorn")
        print(await client.recv())
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
