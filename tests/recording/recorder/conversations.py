"""The table of `record_streams.py`: which peers are recorded together, and what they send.

`client_says` and `server_says` run at the same time. When both have finished and everything has
arrived, the side named in `close` starts the closing handshake. A conversation without one ends
with a dropped connection: the server drops it itself, or the line breaks at byte `cut` of the
client's stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

import picows.websockets
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from . import contents
from .aiohttp_peer import aiohttp_client, aiohttp_server
from .asgi_peer import hypercorn_server, uvicorn_server
from .endpoint import Act, Client, Server
from .node_peer import node_client
from .picows_peer import picows_client, picows_server
from .relay import Side
from .websockets_peer import websockets_client, websockets_server

Says = Callable[[Random], Iterator[Act]]


@dataclass(frozen=True)
class Close:
    """The Close frame that begins the closing handshake."""

    by: Side
    code: int | None
    reason: str


@dataclass(frozen=True)
class Conversation:
    """A recording to be made; `pause` is the mean time between bursts, in seconds."""

    name: str
    shows: str
    client: Client
    server: Server
    client_says: Says
    server_says: Says
    close: Close | None
    cut: int | None = None
    pause: float = 0.004


def _offer(
    *,
    server_no_context_takeover: bool = False,
    client_no_context_takeover: bool = False,
    server_bits: int | None = None,
    client_bits: int | None = None,
) -> Client:
    """A websockets client that offers deflate with these parameters."""
    factory = ClientPerMessageDeflateFactory(
        server_no_context_takeover=server_no_context_takeover,
        client_no_context_takeover=client_no_context_takeover,
        server_max_window_bits=server_bits,
        client_max_window_bits=True if client_bits is None else client_bits,
    )
    return websockets_client(extensions=[factory])


CONVERSATIONS = (
    Conversation(
        "prices-plain",
        "a few thousand small JSON texts, many in one chunk",
        websockets_client(compression=None),
        aiohttp_server(),
        contents.orders,
        contents.prices,
        Close("server", 1001, "the feed ends for today"),
    ),
    Conversation(
        "telemetry-binary",
        "small binary messages, also of the lengths where the header grows",
        picows_client(),
        uvicorn_server(),
        contents.telemetry,
        contents.telemetry,
        Close("client", 1000, "all readings sent"),
    ),
    Conversation(
        "fragments-pings",
        "fragmented messages from both sides, pings between fragments and between messages, "
        "empty fragments",
        websockets_client(compression=None),
        picows_server(),
        contents.fragmented,
        contents.fragmented,
        Close("client", 4000, "enough"),
    ),
    Conversation(
        "utf8-scripts",
        "texts in many scripts, code points cut by fragments, pings inside code points",
        picows_client(),
        websockets_server(compression=None),
        contents.scripts,
        contents.scripts,
        Close("server", 3001, "прощавай · さようなら · 👋"),
    ),
    Conversation(
        "deflate-takeover",
        "permessage-deflate with context takeover both ways",
        websockets_client(),
        uvicorn_server(),
        contents.reports,
        contents.reports,
        Close("server", 1000, "done"),
    ),
    Conversation(
        "deflate-no-takeover",
        "permessage-deflate, both sides start every message with an empty window",
        _offer(server_no_context_takeover=True, client_no_context_takeover=True),
        hypercorn_server(),
        contents.reports,
        contents.reports,
        Close("client", 1000, ""),
    ),
    Conversation(
        "deflate-server-no-takeover",
        "only the server starts every message with an empty window",
        _offer(server_no_context_takeover=True),
        aiohttp_server(compress=True),
        contents.reports,
        contents.reports,
        Close("server", 1012, "restart"),
    ),
    Conversation(
        "deflate-client-no-takeover",
        "only the client starts every message with an empty window",
        aiohttp_client(compress=15),
        websockets_server(
            extensions=[ServerPerMessageDeflateFactory(client_no_context_takeover=True)]
        ),
        contents.reports,
        contents.reports,
        Close("client", 1000, "done"),
    ),
    Conversation(
        "deflate-small-windows",
        "deflate windows of 512 bytes (server) and 1 KiB (client)",
        _offer(server_bits=9, client_bits=10),
        uvicorn_server(),
        contents.reports,
        contents.reports,
        Close("client", 1000, "done"),
    ),
    Conversation(
        "deflate-window-12",
        "deflate windows of 4 KiB both ways",
        aiohttp_client(compress=15),
        websockets_server(),
        contents.reports,
        contents.reports,
        Close("server", 1000, "done"),
    ),
    Conversation(
        "deflate-fragments-pings",
        "compressed messages in fragments, pings between the fragments",
        websockets_client(picows.websockets),
        websockets_server(),
        contents.fragmented,
        contents.fragmented,
        Close("client", 1000, "done"),
    ),
    Conversation(
        "large-binary",
        "a binary message of 1.2 MiB from the client, in one frame over many chunks",
        aiohttp_client(),
        hypercorn_server(),
        contents.large_binary,
        partial(contents.prices, count=5),
        Close("server", 1000, "received"),
    ),
    Conversation(
        "large-deflate",
        "a text of 1.25 MiB from the server, compressed; the client does not compress its answers",
        node_client(),
        websockets_server(),
        partial(contents.reports, count=5),
        contents.large_text,
        Close("client", 3000, "read it all"),
    ),
    Conversation(
        "empty-plain",
        "empty messages, empty fragments, empty and longest pings",
        websockets_client(compression=None),
        picows_server(),
        contents.empties_and_pings,
        contents.empties_and_pings,
        Close("server", 1000, ""),
    ),
    Conversation(
        "empty-deflate",
        "empty messages where deflate was agreed, compressed by the server only; an empty Close",
        node_client(),
        uvicorn_server(),
        contents.empties,
        contents.empties,
        Close("client", None, ""),
    ),
    Conversation(
        "dropped-between-fragments",
        "the server drops TCP between two fragments of a text, inside a code point, no Close",
        aiohttp_client(),
        picows_server(),
        contents.empties,
        contents.unfinished_text,
        None,
    ),
    Conversation(
        "dropped-inside-frame",
        "the line breaks in the middle of a large frame of the client, no Close",
        aiohttp_client(),
        websockets_server(compression=None),
        contents.large_frame,
        partial(contents.prices, count=5),
        None,
        cut=60_000,
    ),
)
