"""hypercorn on the drop-in for wsproto, and a client that talks to it.

    python examples/wsproto_hypercorn.py

A server that is not to be touched is started with
``python -m wsdefrag.compat.wsproto hypercorn APPLICATION``; this one is a part of the program,
which puts the drop-in in wsproto's place itself, before anything imports wsproto.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from wsdefrag.compat.wsproto import install

install()

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from websockets.asyncio.client import connect  # noqa: E402


async def echo(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    """Send back the texts of one connection, or follow the application's life."""
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"]})


async def main() -> None:
    """Start the server, say something to it, stop it."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    # hypercorn closes what it is given.
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    done = asyncio.Event()
    serving = asyncio.create_task(
        serve(echo, config, shutdown_trigger=done.wait)  # type: ignore[arg-type]
    )
    async with connect(f"ws://127.0.0.1:{port}/") as client:
        await client.send("hello, hypercorn")
        print(await client.recv())
    done.set()
    await serving


if __name__ == "__main__":
    asyncio.run(main())
