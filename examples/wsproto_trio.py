"""trio-websocket with this package instead of wsproto, as server and client.

    python examples/wsproto_trio.py

To run a program without changing it, use ``python -m wsdefrag.compat.wsproto PROGRAM``. This
program calls ``install()`` itself, before any import of wsproto.
"""

from __future__ import annotations

import trio

from wsdefrag.compat.wsproto import install

install()

from trio_websocket import (  # noqa: E402
    ConnectionClosed,
    WebSocketRequest,
    open_websocket,
    serve_websocket,
)


async def echo(request: WebSocketRequest) -> None:
    """Send back the messages of one connection."""
    connection = await request.accept()
    try:
        while True:
            await connection.send_message(await connection.get_message())
    except ConnectionClosed as closed:
        if closed.reason is not None:
            print(f"closed with {int(closed.reason.code)} {closed.reason.name}")


async def main() -> None:
    """Start the server, send it a message, stop it."""
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, echo, "127.0.0.1", 0, None)
        async with open_websocket("127.0.0.1", server.port, "/", use_ssl=False) as client:
            await client.send_message("hello, trio")
            print(await client.get_message())
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
