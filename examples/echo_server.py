"""An echo server with asyncio: it sends each message back to the client that sent it.

    python examples/echo_server.py [PORT]

Serves on 127.0.0.1:PORT until it is interrupted; 0 means any free port. Without PORT, it starts its
own client, which sends a few messages, and ends. h11 handles the HTTP part (`pip install h11`);
wsdefrag reads and writes all bytes after the 101 response.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import sys
from collections.abc import Iterable, Iterator

import h11

import wsdefrag

HOST = "127.0.0.1"
CHUNK = 64 * 1024  # bytes
TIMEOUT = 10  # seconds for a client's request, and for the end of its connection

Agreed = tuple[wsdefrag.DeflateParams | None, bytes]
"""The result of a handshake: the compression, and bytes that arrived after the request."""


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Agreed:
    """Respond to a client's request; raise ValueError if it does not ask for a WebSocket."""
    http = h11.Connection(h11.SERVER)
    while (request := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await reader.read(CHUNK))
    headers: dict[bytes, bytes] = {}
    if isinstance(request, h11.Request) and isinstance(http.next_event(), h11.EndOfMessage):
        for name, value in request.headers:
            headers[name] = headers[name] + b"," + value if name in headers else value
    key = headers.get(b"sec-websocket-key")
    if key is None or headers.get(b"sec-websocket-version") != b"13":
        raise ValueError("not a request for a WebSocket")

    proof = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    answer = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", base64.b64encode(proof).decode()),
    ]
    deflate = None
    accepted = wsdefrag.DeflateParams.choose(headers.get(b"sec-websocket-extensions", b""))
    if accepted is not None:
        deflate, extensions = accepted
        answer.append(("Sec-WebSocket-Extensions", extensions))
    writer.write(http.send(h11.InformationalResponse(status_code=101, headers=answer)) or b"")
    return deflate, http.trailing_data[0]


def answers(events: Iterable[wsdefrag.Event], encoder: wsdefrag.FrameEncoder) -> Iterator[bytes]:
    """Encode a reply to each event."""
    for event in events:
        match event:
            case wsdefrag.WebSocketMessage():
                yield encoder.message(event.type, event.content)
            case wsdefrag.Ping():
                yield encoder.pong(event.payload)
            case wsdefrag.Close(close_code=1005):  # the Close frame had no code
                yield encoder.close()
            case wsdefrag.Close():
                yield encoder.close(event.close_code)
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
    except (ValueError, ConnectionError, h11.ProtocolError, asyncio.TimeoutError) as error:
        print(f"dropped a client: {error!r}", file=sys.stderr)
        writer.transport.abort()
    except asyncio.CancelledError:  # the server is stopping
        writer.transport.abort()
    finally:
        writer.close()


async def talk(port: int) -> None:
    """Run a client: send a few messages, print the replies, and close."""
    reader, writer = await asyncio.open_connection(HOST, port)
    http = h11.Connection(h11.CLIENT)
    headers = [
        ("Host", f"{HOST}:{port}"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
    ]
    for part in (h11.Request(method="GET", target="/", headers=headers), h11.EndOfMessage()):
        writer.write(http.send(part) or b"")
    while (answer := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await reader.read(CHUNK))
    assert isinstance(answer, h11.InformationalResponse), answer
    agreed = dict(answer.headers).get(b"sec-websocket-extensions", b"")
    print(f"{answer.status_code}, {agreed.decode()}")

    deflate = wsdefrag.DeflateParams.from_header(agreed)
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
    data = http.trailing_data[0]
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
