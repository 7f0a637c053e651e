"""hypercorn with this package instead of wsproto, and a client.

    python examples/wsproto_hypercorn.py

To run hypercorn without changing a program, use
``python -m wsdefrag.compat.wsproto hypercorn APPLICATION``. This program starts the server itself;
it calls ``install()`` before any import of wsproto.
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
    """Send back the texts of one connection, or confirm startup and shutdown."""
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
    """Start the server, send it a message, stop it."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    # hypercorn closes the socket that it is given, so the listener must not close it too.
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
