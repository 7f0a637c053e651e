"""An echo server of each peer, on asyncio's own event loop and as its documentation writes one; and
two of ours that do without streams.

    python benches/proxies/echo_servers.py NAME     serves on loopback until it is ended

It prints its port first. Ours with streams is `examples/echo_server.py`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import cast

from wsproto import ConnectionType
from wsproto.events import AcceptConnection, Request
from wsproto.handshake import H11Handshake

HOST = "127.0.0.1"
BUFFERED = "wsdefrag, BufferedProtocol"

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

    # Its pings would come between the answers.
    server = await serve(echo, HOST, 0, compression=None, max_size=MAX_SIZE, ping_interval=None)
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


async def serve_buffered() -> int:
    """Ours as the legs of `wsdefrag.proxy` are: a buffered protocol, one buffer for everybody, and
    aiofastnet's transports, which picows uses as well."""
    import aiofastnet

    import wsdefrag
    from wsdefrag.handshake import ServerHandshake
    from wsdefrag.proxy.read_buffer import ReadBuffer

    buffer = ReadBuffer()

    class Echo(asyncio.BufferedProtocol):
        get_buffer = staticmethod(buffer.get_buffer)  # type: ignore[assignment]

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.Transport", transport)
            self.handshake: ServerHandshake | None = ServerHandshake()
            self.incoming = wsdefrag.WebSocketDirection(from_client=True)
            self.outgoing = wsdefrag.FrameEncoder(from_client=False)

        def buffer_updated(self, nbytes: int) -> None:
            data = buffer.view[:nbytes]
            if self.handshake is not None:
                if self.handshake.receive_data(data) is not None:
                    self.transport.write(self.handshake.accept())
                    self.handshake = None
                return
            for event in self.incoming.receive_data(data):
                if isinstance(event, wsdefrag.WebSocketMessage):
                    buffers = self.outgoing.message_buffers(event.type, event.content)
                    self.transport.writelines(buffers)
                elif isinstance(event, wsdefrag.Close):
                    self.transport.write(self.outgoing.close(event.close_code))
                    self.transport.close()

        def pause_writing(self) -> None:
            self.transport.pause_reading()

        def resume_writing(self) -> None:
            self.transport.resume_reading()

    loop = asyncio.get_running_loop()
    return port_of(await aiofastnet.create_server(loop, Echo, HOST, 0))


async def serve_ours() -> int:
    """Ours on asyncio's protocols: no streams between the socket and the frames."""
    import wsdefrag

    class Echo(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport
            self.handshake: H11Handshake | None = H11Handshake(ConnectionType.SERVER)
            self.incoming = wsdefrag.WebSocketDirection(from_client=True)
            self.outgoing = wsdefrag.FrameEncoder(from_client=False)

        def data_received(self, data: bytes) -> None:
            if self.handshake is not None:
                self.upgrade(self.handshake, data)
                return
            for event in self.incoming.receive_data(data):
                if isinstance(event, wsdefrag.WebSocketMessage):
                    self.transport.write(self.outgoing.message(event.type, event.content))
                elif isinstance(event, wsdefrag.Close):
                    self.transport.write(self.outgoing.close(event.close_code))
                    self.transport.close()

        def upgrade(self, handshake: H11Handshake, data: bytes) -> None:
            handshake.receive_data(data)
            if any(isinstance(event, Request) for event in handshake.events()):
                self.transport.write(handshake.send(AcceptConnection()))
                self.handshake = None

        def pause_writing(self) -> None:
            self.transport.pause_reading()

        def resume_writing(self) -> None:
            self.transport.resume_reading()

    return port_of(await asyncio.get_running_loop().create_server(Echo, HOST, 0))


SERVERS: dict[str, Callable[[], Awaitable[int]]] = {
    "wsdefrag, Protocol": serve_ours,
    BUFFERED: serve_buffered,
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
