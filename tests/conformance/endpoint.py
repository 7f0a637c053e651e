"""An echo endpoint, for both sides of a connection.

It reads a chunk, replies to its events in order, and waits until the reply is written before it
reads the next chunk; so it does not read from a peer that does not read. The states of the
connection:

1. *open*: a message is echoed, a Ping gets its Pong.
2. *closing*: a Close was sent, as the reply to the peer's Close or because the peer broke a rule or
   exceeded a limit. The server ends its side of the TCP connection at once; the client waits for
   that. All later bytes are read and dropped: for unread bytes the kernel would reset the
   connection, and a reset can overtake the Close.
3. *closed*: the peer ended its half too, or took too long.

Follows RFC 6455 sections 5.5 (control frames), 7.1 (closing) and 7.4 (close codes).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator

from wsdefrag import (
    Close,
    CloseCode,
    DeflateParams,
    Event,
    FrameEncoder,
    Limits,
    Ping,
    ProtocolViolation,
    WebSocketDirection,
    WebSocketMessage,
)

# Read at once, in bytes.
CHUNK = 64 * 1024

# The suite sends 4 MiB in fragments of 64 bytes, which are four times as many as `Limits` allows by
# itself.
LIMITS = Limits(max_fragments=1 << 17)

# For the peer's half of the closing handshake, in seconds.
CLOSING_SECONDS = 5.0


def answers(events: Iterable[Event], encoder: FrameEncoder) -> Iterator[bytes]:
    """Encode a reply to each event."""
    for event in events:
        match event:
            case WebSocketMessage():
                yield encoder.message(event.type, event.content)
            case Ping():
                yield encoder.pong(event.payload)
            case Close(close_code=CloseCode.NO_STATUS_RCVD):
                yield encoder.close()
            case Close():
                yield encoder.close(event.close_code)
            case ProtocolViolation():
                yield encoder.close(event.error.close_code)


async def echo(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    as_client: bool,
    deflate: DeflateParams | None,
    data: bytes = b"",
) -> WebSocketDirection:
    """Echo until the connection is over.

    Args:
        reader: Where the peer's frames come from.
        writer: Where ours go.
        as_client: Which of the two sides this is.
        deflate: What the handshake agreed on.
        data: What came of the peer's frames with the handshake.

    Returns:
        The direction that was read; it knows how it ended.
    """
    incoming = WebSocketDirection(from_client=not as_client, deflate=deflate, limits=LIMITS)
    outgoing = FrameEncoder(from_client=as_client, deflate=deflate)
    while True:
        writer.write(b"".join(answers(incoming.receive_data(data), outgoing)))
        await writer.drain()
        if outgoing.closed:
            break
        data = await reader.read(CHUNK)
        if not data:
            return incoming
    if not as_client:
        writer.write_eof()
    await asyncio.wait_for(drop_the_rest(reader), CLOSING_SECONDS)
    return incoming


async def drop_the_rest(reader: asyncio.StreamReader) -> None:
    """Wait for the end of the peer's stream; after the Close, a reset is an end too."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(CHUNK):
            pass
