"""Captures of different libraries and of what they agree on, over the loopback."""

from __future__ import annotations

from functools import partial

from recorder import contents
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from .meeting import Close
from .network import loopback
from .peers import (
    aiohttp_client,
    aiohttp_server,
    hypercorn_server,
    node,
    uvicorn_server,
    websockets_client,
    websockets_server,
)
from .scene import DONE, Scene, nothing, of_sizes, small
from .stage import Stage, Talk

LOOPBACK = "loopback, Ethernet of zero addresses, segments of up to 64 KiB"


async def plain_small(stage: Stage) -> None:
    """One connection, corked during bursts."""
    server = await stage.serve(websockets_server(compression=None))
    await stage.capture("-i", "lo", "-f", "tcp port 80", link=LOOPBACK)
    client = websockets_client(compression=None)
    close = Close("server", 1001, "going away")
    both = small(250)
    await stage.talk(Talk(client, server, "plain.example", "/small", both, both, close, glue=True))


async def deflate_fragments(stage: Stage) -> None:
    """One connection with context takeover both ways."""
    server = await stage.serve(websockets_server(), 8080)
    await stage.capture("-i", "lo", "-f", "tcp port 8080", link=LOOPBACK)
    both = partial(contents.fragmented, count=40)
    host = "deflate.example:8080"
    close = Close("client", 4000, "enough")
    await stage.talk(Talk(websockets_client(), server, host, "/fragments", both, both, close))


async def deflate_directions(stage: Stage) -> None:
    """Parameters that differ by direction, in one connection after the other."""
    aiohttp = await stage.serve(aiohttp_server(compress=True), 80)
    forgetful = await stage.serve(
        websockets_server(
            extensions=[ServerPerMessageDeflateFactory(client_no_context_takeover=True)]
        ),
        8080,
    )
    narrow = await stage.serve(uvicorn_server(), 8088)
    await stage.capture("-i", "lo", "-f", "tcp port 80 or 8080 or 8088", link=LOOPBACK)
    asks = websockets_client(
        extensions=[ClientPerMessageDeflateFactory(server_no_context_takeover=True)]
    )
    windows = websockets_client(
        extensions=[
            ClientPerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=11)
        ]
    )
    both = partial(contents.reports, count=40)
    offers = aiohttp_client(compress=15)
    host = "aiohttp.example"
    for talk in (
        Talk(asks, aiohttp, host, "/server-starts-anew", both, both, DONE),
        Talk(offers, forgetful, f"{host}:8080", "/client-starts-anew", both, both, DONE),
        Talk(windows, narrow, f"{host}:8088", "/windows-of-9-and-11-bits", both, both, DONE),
        Talk(offers, aiohttp, host, "/default", both, both, DONE),
    ):
        await stage.talk(talk)


async def wsproto_subprotocol(stage: Stage) -> None:
    """A subprotocol is chosen, and the path has a query."""
    uvicorn = await stage.serve(uvicorn_server("readings.v2"), 80)
    hypercorn = await stage.serve(hypercorn_server("readings.v1"), 8080)
    await stage.capture("-i", "lo", "-f", "tcp port 80 or 8080", link=LOOPBACK)
    new = websockets_client(subprotocols=["readings.v2", "readings.v1"])
    old = websockets_client(subprotocols=["readings.v1"], compression=None)
    path = "/stations/ridge?since=2024-01-01T00:00:00Z&fields=wind,rain&q=%E6%B0%B4"
    both = small(60, pings=False)
    restart = Close("server", 1012, "restart")
    await stage.talk(Talk(new, uvicorn, "stations.example", path, both, both, restart))
    other = "/stations/quarry?limit=10"
    await stage.talk(Talk(old, hypercorn, "stations.example:8080", other, both, both, DONE))


async def node_deflate(stage: Stage) -> None:
    """Node.js, which does not compress, and a server, which does."""
    server = await stage.serve(websockets_server(), 8080)
    await stage.capture("-i", "lo", "-f", "tcp port 8080", link=LOOPBACK)
    host = "127.0.0.1:8080"
    client_says = of_sizes(20, 125, 126, 3000, 65535, 65536, 90_000, 7)
    server_says = of_sizes(20, 125, 126, 3000, 65535, 65536, 200_000, 7)
    close = Close("client", 3000, "read it all")
    await stage.talk(Talk(node(), server, host, "/large", client_says, server_says, close))


async def early_frames(stage: Stage) -> None:
    """Servers that send before the client does: whole frames, and one that needs many segments."""
    few = small(5, pings=False)
    deflate = await stage.serve(websockets_server(), 80, greeting=few)
    plain = await stage.serve(aiohttp_server(), 8080, greeting=of_sizes(5, 300, 100_000, 5))
    await stage.capture("-i", "lo", "-f", "tcp port 80 or 8080", link=LOOPBACK)
    a, b = "greets.example", "greets.example:8080"
    await stage.talk(Talk(websockets_client(), deflate, a, "/short", few, nothing, DONE))
    await stage.talk(Talk(aiohttp_client(), plain, b, "/long", few, few, DONE))


SCENES = (
    Scene(
        "plain-small",
        "many small JSON texts and binaries in both directions, several frames in a segment, "
        "pings, no compression",
        loopback,
        plain_small,
    ),
    Scene(
        "deflate-fragments",
        "permessage-deflate with context takeover, fragmented messages, pings between fragments",
        loopback,
        deflate_fragments,
    ),
    Scene(
        "deflate-directions",
        "deflate parameters that differ by direction: only the server starts anew, only the "
        "client does, windows of different size",
        loopback,
        deflate_directions,
    ),
    Scene(
        "early-frames",
        "frames in the same segment as the 101 answer, the last of them not whole",
        loopback,
        early_frames,
    ),
    Scene(
        "wsproto-subprotocol",
        "servers on wsproto that choose a subprotocol, paths with a query",
        loopback,
        wsproto_subprotocol,
    ),
    Scene(
        "node-deflate",
        "messages of more than 64 KiB, deflate agreed and used by the server only, where some "
        "frames take several segments",
        loopback,
        node_deflate,
    ),
)
