"""The HTTP upgrade as a proxy sees it: a request and an answer, passed on as they came.

    python examples/upgrade.py

`examples/proxy.py` uses it; by itself it shows what it reads out of one. h11 reads the heads, and
says where they end: what follows belongs to the WebSocket (RFC 6455 section 4).
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
ANSWER = b"""\
HTTP/1.1 101 Switching Protocols\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12\r
\r
"""


class Writer(Protocol):
    """What a `StreamWriter` is to this module."""

    def write(self, data: bytes, /) -> object:
        """Send bytes, now or later."""


@dataclass
class Head:
    """A head, the bytes it was read from, and those that came behind it."""

    event: Any
    raw: bytes
    behind: bytes
    read_ns: int

    @property
    def fields(self) -> tuple[tuple[str, bytes], ...]:
        """The header fields as they were written."""
        pairs = self.event.headers.raw_items()
        return tuple((name.decode("latin-1"), value) for name, value in pairs)


@dataclass
class Upgrade:
    """What was agreed on, and the first bytes of both directions."""

    request: CapturedRequest
    response: CapturedResponse
    deflate: wsdefrag.DeflateParams | None
    from_client: bytes
    from_server: bytes


async def read_head(reader: asyncio.StreamReader, parser: h11.Connection) -> Head:
    """Read up to the end of a head, or raise what h11 has against it."""
    raw = b""
    while (event := parser.next_event()) is h11.NEED_DATA:
        data = await reader.read(READ)
        raw += data
        parser.receive_data(data)
    if isinstance(event, h11.ConnectionClosed):
        raise EOFError("no head")
    behind, _ = parser.trailing_data
    return Head(event, raw[: len(raw) - len(behind)], behind, time.time_ns())


async def pass_on(
    client: tuple[asyncio.StreamReader, Writer], server: tuple[asyncio.StreamReader, Writer]
) -> Upgrade:
    """Pass a request on to the server and its answer to the client.

    Raises `ConnectionRefusedError` where the answer is no 101, `ValueError` where it agrees on
    what cannot be, `h11.ProtocolError` where a head is none, `EOFError` where there is none.
    """
    asked = await read_head(client[0], h11.Connection(h11.SERVER))
    server[1].write(asked.raw)
    expecting = h11.Connection(h11.CLIENT)
    expecting.send(asked.event)
    expecting.send(h11.EndOfMessage())
    said = await read_head(server[0], expecting)
    client[1].write(said.raw)
    if said.event.status_code != 101:
        client[1].write(said.behind)
        while body := await server[0].read(READ):
            client[1].write(body)
        raise ConnectionRefusedError(f"the server answered {said.event.status_code}")
    extensions = [v for n, v in said.event.headers if n == b"sec-websocket-extensions"]
    return Upgrade(
        CapturedRequest(asked.event.target.decode("latin-1"), asked.fields, asked.read_ns),
        CapturedResponse(101, said.event.reason.decode("latin-1"), said.fields, said.read_ns),
        wsdefrag.DeflateParams.from_header(b", ".join(extensions)),
        asked.behind,
        said.behind,
    )


async def main() -> None:
    """Pass an upgrade on whose both sides go on at once, and show what it says."""
    sides = []
    for heard in (REQUEST + b"\x81\x82\0\0\0\0hi", ANSWER + b"\x81\x05hello"):
        reader = asyncio.StreamReader()
        reader.feed_data(heard)
        sides.append((reader, io.BytesIO()))
    client, server = sides
    agreed = await pass_on(client, server)
    assert server[1].getvalue() == REQUEST
    assert client[1].getvalue() == ANSWER
    print(f"GET {agreed.request.target} of {agreed.request.value('host')}")
    print(f"agreed on {agreed.deflate}")
    print(f"first bytes: {agreed.from_client!r} and {agreed.from_server!r}")


if __name__ == "__main__":
    asyncio.run(main())
