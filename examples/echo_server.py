"""An echo server with asyncio: it sends each message back to the client that sent it.

    python examples/echo_server.py [PORT]

Serves on 127.0.0.1:PORT until it is interrupted; 0 means any free port. Without PORT, it starts its
own client, which sends a few messages, and ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterable, Iterator

import wsdefrag
from wsdefrag.deflate import DeflateOffer
from wsdefrag.handshake import ClientHandshake, ServerHandshake

HOST = "127.0.0.1"
CHUNK = 64 * 1024  # bytes
TIMEOUT = 10  # seconds for a client's request, and for the end of its connection

Agreed = tuple[wsdefrag.DeflateParams | None, bytes]
"""The result of a handshake: the compression, and bytes that arrived after the request."""


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Agreed:
    """Answer a client's request; raises HandshakeFailed if it is not one for a WebSocket."""
    handshake = ServerHandshake()
    try:
        while (request := handshake.receive_data(data := await reader.read(CHUNK))) is None:
            if not data:
                handshake.receive_eof()
    except wsdefrag.WebSocketError:
        writer.write(handshake.reject())
        await writer.drain()
        raise
    chosen = wsdefrag.DeflateParams.choose(request.extensions)
    deflate = None if chosen is None else chosen[0]
    writer.write(handshake.accept(deflate=deflate))
    return deflate, handshake.take_leftover()


def answers(events: Iterable[wsdefrag.Event], encoder: wsdefrag.FrameEncoder) -> Iterator[bytes]:
    """Encode a reply to each event."""
    for event in events:
        match event:
            case wsdefrag.WebSocketMessage():
                yield encoder.message(event.type, event.content)
            case wsdefrag.Ping():
                yield encoder.pong(event.payload)
            case wsdefrag.Close():
                yield encoder.close_reply(event)
            case wsdefrag.ProtocolViolation():
                yield encoder.close(event.error.close_code)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one client, from its request to the end of its connection."""
    deflate, data = await asyncio.wait_for(upgrade(reader, writer), TIMEOUT)
    incoming = wsdefrag.WebSocketDirection(from_client=True, deflate=deflate)
    outgoing = wsdefrag.FrameEncoder(from_client=False, deflate=deflate)
    while True:
        writer.write(b"".join(answers(incoming.receive_data(data), outgoing)))
        await writer.drain()  # waits until the client reads, before reading more from it
        if outgoing.closed:
            break
        data = await reader.read(CHUNK)
        if not data:
            return
    # The server ends TCP first (RFC 6455 section 7.1.1). It must read the bytes that the client
    # still sends: for unread bytes the kernel sends a reset, which can overtake the Close.
    writer.write_eof()
    await asyncio.wait_for(drop_the_rest(reader), TIMEOUT)


async def drop_the_rest(reader: asyncio.StreamReader) -> None:
    """Read and drop bytes until the client ends its side of the connection."""
    while await reader.read(CHUNK):
        pass


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one client; an error ends only this connection."""
    try:
        await echo(reader, writer)
    except (wsdefrag.WebSocketError, ConnectionError, asyncio.TimeoutError) as error:
        print(f"dropped a client: {error!r}", file=sys.stderr)
        writer.transport.abort()
    except asyncio.CancelledError:  # the server is stopping
        writer.transport.abort()
    finally:
        writer.close()


async def talk(port: int) -> None:
    """Run a client: send a few messages, print the replies, and close."""
    reader, writer = await asyncio.open_connection(HOST, port)
    handshake = ClientHandshake(f"{HOST}:{port}", deflate=DeflateOffer())
    writer.write(handshake.data_to_send())
    while (response := handshake.receive_data(data := await reader.read(CHUNK))) is None:
        if not data:
            handshake.receive_eof()
    print(f"{response.status}, {', '.join(response.extensions)}")

    deflate = handshake.deflate
    incoming = wsdefrag.WebSocketDirection(from_client=False, deflate=deflate)
    outgoing = wsdefrag.FrameEncoder(from_client=True, deflate=deflate)
    for frames in (
        outgoing.text("hello"),
        outgoing.text("in three fragments", fragments=[3, 6, 9]),
        outgoing.ping(b"are you there?"),
        outgoing.binary(bytes(1_000_000)),
        outgoing.close(1000, "that was all"),
    ):
        writer.write(frames)
    data = handshake.take_leftover()
    while True:
        for event in incoming.receive_data(data):
            print(f"{type(event).__name__:<16} {getattr(event, 'payload', event)!r:.60}")
        data = await reader.read(CHUNK)
        if not data:
            break
    writer.close()


async def main() -> None:
    """Serve until interrupted, or until the example's own client has finished."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    async with await asyncio.start_server(handle, HOST, port) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"ws://{HOST}:{port}/", flush=True)
        if len(sys.argv) > 1:
            await server.serve_forever()
        else:
            await talk(port)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
