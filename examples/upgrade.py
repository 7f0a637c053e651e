"""The HTTP upgrade in a proxy: forwards request and response unchanged and reads them.

    python examples/upgrade.py

`HandshakeTap` reads both heads as they pass by; the bytes after a head belong to the WebSocket (RFC
6455 section 4). `wsdefrag.proxy` is a whole proxy.
"""

from __future__ import annotations

import asyncio
import io
import time
from dataclasses import dataclass
from typing import Protocol

import wsdefrag
from wsdefrag.capture import CapturedRequest, CapturedResponse
from wsdefrag.handshake import Fields, HandshakeTap

READ = 1 << 16  # bytes

REQUEST = b"""\
GET /chat HTTP/1.1\r
Host: example.com\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r
\r
"""
RESPONSE = b"""\
HTTP/1.1 101 Switching Protocols\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12\r
\r
"""


class Writer(Protocol):
    """The method of a `StreamWriter` that this module needs."""

    def write(self, data: bytes, /) -> object:
        """Send bytes."""


@dataclass
class Upgrade:
    """The handshake, and the first bytes of both directions after it."""

    request: CapturedRequest
    response: CapturedResponse
    deflate: wsdefrag.DeflateParams | None
    from_client: bytes
    from_server: bytes


async def pass_head(
    reader: asyncio.StreamReader, writer: Writer, tap: HandshakeTap, *, from_client: bool
) -> bytes:
    """Forward the bytes of one side up to the end of its head; return those after it."""
    receive = tap.receive_from_client if from_client else tap.receive_from_server
    while True:
        data = await reader.read(READ)
        if not data:
            tap.receive_eof(from_client=from_client)
        after = receive(data)
        writer.write(data[: len(data) - len(after)])
        if tap.request if from_client else tap.response:
            return after


def values(fields: Fields) -> tuple[tuple[str, bytes], ...]:
    """The fields as a capture has them."""
    return tuple((name, value.encode("latin-1")) for name, value in fields)


async def pass_on(
    client: tuple[asyncio.StreamReader, Writer], server: tuple[asyncio.StreamReader, Writer]
) -> Upgrade:
    """Forward a request to the server and its response to the client.

    Raises `ConnectionRefusedError` if the server does not accept, and `HandshakeFailed` if a head
    is missing or cannot be read.
    """
    tap = HandshakeTap()
    from_client = await pass_head(client[0], server[1], tap, from_client=True)
    asked = time.time_ns()
    from_server = await pass_head(server[0], client[1], tap, from_client=False)
    request, response = tap.request, tap.response
    assert request is not None
    assert response is not None
    if not tap.is_websocket:
        client[1].write(from_server)
        while body := await server[0].read(READ):
            client[1].write(body)
        raise ConnectionRefusedError(f"the server responded {response.status}")
    return Upgrade(
        CapturedRequest(request.target, values(request.fields), asked),
        CapturedResponse(101, response.reason, values(response.fields), time.time_ns()),
        tap.deflate,
        from_client,
        from_server,
    )


async def main() -> None:
    """Forward an upgrade in which both sides send a frame at once, and print what was read."""
    sides = []
    for data in (REQUEST + b"\x81\x82\0\0\0\0hi", RESPONSE + b"\x81\x05hello"):
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        sides.append((reader, io.BytesIO()))
    client, server = sides
    agreed = await pass_on(client, server)
    assert server[1].getvalue() == REQUEST
    assert client[1].getvalue() == RESPONSE
    print(f"GET {agreed.request.target} of {agreed.request.value('host')}")
    print(f"agreed on {agreed.deflate}")
    print(f"first bytes: {agreed.from_client!r} and {agreed.from_server!r}")


if __name__ == "__main__":
    asyncio.run(main())
