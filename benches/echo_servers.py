"""An echo server of each peer, on asyncio's own event loop and as its documentation writes one.

    python benches/echo_servers.py NAME     serves on loopback until it is ended

It prints its port first. Ours is `examples/echo_server.py`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

HOST = "127.0.0.1"

MAX_SIZE = 1 << 24
"""Bytes of a message that are taken; of no influence below it."""


def port_of(server: asyncio.Server) -> int:
    """The port that a server listens on."""
    port: int = server.sockets[0].getsockname()[1]
    return port


async def serve_websockets() -> int:
    """The asyncio server of websockets, with its C extension."""
    from websockets.asyncio.server import ServerConnection, serve

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    server = await serve(echo, HOST, 0, compression=None, max_size=MAX_SIZE)
    return port_of(server.server)


async def serve_aiohttp() -> int:
    """aiohttp's server and its compiled reader."""
    from aiohttp import WSMsgType, web

    async def echo(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse(compress=False, max_msg_size=MAX_SIZE)
        await connection.prepare(request)
        async for message in connection:
            assert message.type is WSMsgType.BINARY
            await connection.send_bytes(message.data)
        return connection

    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    port: int = runner.addresses[0][1]
    return port


async def serve_picows() -> int:
    """picows, which hands frames to callbacks in the memory they were read into."""
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

    class Echo(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code(), frame.get_close_message())
                transport.disconnect()
            else:
                transport.send(frame.msg_type, frame.get_payload_as_memoryview())

    def listener(_request: object) -> Echo:
        return Echo()

    return port_of(await ws_create_server(listener, HOST, 0, max_frame_size=MAX_SIZE))


SERVERS: dict[str, Callable[[], Awaitable[int]]] = {
    "websockets": serve_websockets,
    "aiohttp": serve_aiohttp,
    "picows": serve_picows,
}


async def main() -> None:
    """Serves in the way that the command line names."""
    print(f"ws://{HOST}:{await SERVERS[sys.argv[1]]()}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
