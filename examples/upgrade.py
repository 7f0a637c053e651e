"""The HTTP upgrade in a proxy: forwards request and response unchanged and reads them.

    python examples/upgrade.py

`examples/proxy.py` uses this module; the command above shows what it reads. h11 parses the heads
of request and response; the bytes after a head belong to the WebSocket (RFC 6455 section 4).
"""

from __future__ import annotations

import asyncio
import io
import time
from dataclasses import dataclass
from typing import Any, Protocol

import h11

import wsdefrag
from wsdefrag.capture import CapturedRequest, CapturedResponse

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
class Head:
    """The head of a request or response, its bytes, the bytes after it, and its time."""

    event: Any
    raw: bytes
    trailing: bytes
    read_ns: int

    @property
    def fields(self) -> tuple[tuple[str, bytes], ...]:
        """The header fields, with the original case of their names."""
        pairs = self.event.headers.raw_items()
        return tuple((name.decode("latin-1"), value) for name, value in pairs)


@dataclass
class Upgrade:
    """The handshake, and the first bytes of both directions after it."""

    request: CapturedRequest
    response: CapturedResponse
    deflate: wsdefrag.DeflateParams | None
    from_client: bytes
    from_server: bytes


async def read_head(reader: asyncio.StreamReader, parser: h11.Connection) -> Head:
    """Read up to the end of a head; raises h11.ProtocolError if it is invalid."""
    raw = b""
    while (event := parser.next_event()) is h11.NEED_DATA:
        data = await reader.read(READ)
        raw += data
        parser.receive_data(data)
    if isinstance(event, h11.ConnectionClosed):
        raise EOFError("no head")
    trailing, _ = parser.trailing_data
    return Head(event, raw[: len(raw) - len(trailing)], trailing, time.time_ns())


async def pass_on(
    client: tuple[asyncio.StreamReader, Writer], server: tuple[asyncio.StreamReader, Writer]
) -> Upgrade:
    """Forward a request to the server and its response to the client.

    Raises `ConnectionRefusedError` if the status is not 101, `ValueError` if the extensions of the
    response are invalid, `h11.ProtocolError` if a head is invalid, `EOFError` if one is missing.
    """
    request = await read_head(client[0], h11.Connection(h11.SERVER))
    server[1].write(request.raw)
    parser = h11.Connection(h11.CLIENT)
    parser.send(request.event)
    parser.send(h11.EndOfMessage())
    response = await read_head(server[0], parser)
    client[1].write(response.raw)
    if response.event.status_code != 101:
        client[1].write(response.trailing)
        while body := await server[0].read(READ):
            client[1].write(body)
        raise ConnectionRefusedError(f"the server responded {response.event.status_code}")
    extensions = [v for n, v in response.event.headers if n == b"sec-websocket-extensions"]
    reason = response.event.reason.decode("latin-1")
    return Upgrade(
        CapturedRequest(request.event.target.decode("latin-1"), request.fields, request.read_ns),
        CapturedResponse(101, reason, response.fields, response.read_ns),
        wsdefrag.DeflateParams.from_header(b", ".join(extensions)),
        request.trailing,
        response.trailing,
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
