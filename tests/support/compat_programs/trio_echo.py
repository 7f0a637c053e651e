"""A trio-websocket echo server that does not import wsdefrag.

It prints its port, the module of its connections' class, and how each connection ended. It stops
when its standard input ends.
"""

from __future__ import annotations

import sys
from functools import partial

import trio
import wsproto
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket


async def echo(request: WebSocketRequest) -> None:
    connection = await request.accept()
    try:
        while True:
            await connection.send_message(await connection.get_message())
    except ConnectionClosed as closed:
        if closed.reason is not None:
            print(int(closed.reason.code), closed.reason.reason, flush=True)


async def main() -> None:
    async with trio.open_nursery() as nursery:
        serve = partial(serve_websocket, connect_timeout=600, disconnect_timeout=600)
        server = await nursery.start(serve, echo, "127.0.0.1", 0, None)
        print(server.port, wsproto.WSConnection.__module__, flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()


trio.run(main)
