"""Captures of WebSocket among other HTTP: refusals, requests with bodies, and no handshake."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from functools import partial
from random import Random

import aiohttp
import websockets
from aiohttp import web
from recorder import contents
from recorder.endpoint import installed

from .meeting import Close
from .network import cable, loopback
from .peers import FORBIDDEN, aiohttp_client, aiohttp_server, websockets_client, websockets_server
from .scene import DONE, Scene, of_sizes, small
from .scenes_libraries import LOOPBACK
from .scenes_networks import CABLE
from .stage import Stage, Talk

# A request for an upgrade as scripts and probes write it (the key is RFC 6455's example).
UPGRADE_BY_HAND = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
TRAP = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


async def _page(request: web.Request) -> web.StreamResponse:
    """Answer in chunks."""
    answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    for line in contents.SCRIPTS:
        await answer.write(line.encode() + b"\n")
    await answer.write_eof()
    return answer


async def _upload(request: web.Request) -> web.Response:
    """Answer with the length of the body."""
    return web.json_response({"length": len(await request.read())})


async def _packed(_: web.Request) -> web.Response:
    """Answer with a compressed body."""
    body = gzip.compress(contents.report(Random("packed"), 5000).encode(), mtime=0)
    return web.Response(body=body, headers={"Content-Encoding": "gzip"})


ROUTES = (
    web.get("/page", _page),
    web.get("/packed", _packed),
    web.post("/upload", _upload),
)


async def refused(stage: Stage) -> None:
    """One connection is refused, used for requests, and upgraded; another one is only refused."""
    server = await stage.serve(aiohttp_server(routes=ROUTES))
    strict = await stage.serve(websockets_server(), 8080)
    await stage.capture("-i", "lo", "-f", "tcp port 80 or 8080", link=LOOPBACK)
    base = f"http://{server[0]}:{server[1]}"
    one = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=one, headers={"Host": "mixed.example"}) as session:
        forbidden = f"{base}{FORBIDDEN}/feed"
        async with session.get(forbidden, headers=UPGRADE_BY_HAND) as answer:
            await answer.read()
        for path in ("/page", "/packed"):
            async with session.get(base + path) as answer:
                await answer.read()
        client = aiohttp_client(session=session)
        both = small(20, pings=False)
        await stage.talk(Talk(client, server, "mixed.example", "/allowed", both, both, DONE))
    client = websockets_client()
    try:
        uri = f"ws://mixed.example:8080{FORBIDDEN}"
        async with websockets.connect(uri, host=strict[0], port=strict[1], proxy=None):
            raise ConnectionError("the server did not refuse")
    except websockets.InvalidStatus:
        stage.note(installed("websockets"), installed("websockets"))
    looking = f"http://{strict[0]}:{strict[1]}/just-looking"  # no upgrade: answered with 426
    async with aiohttp.request("GET", looking) as answer:
        await answer.read()


async def http_besides(stage: Stage) -> None:
    """Requests before, beside and on the connections of the WebSockets."""
    server = await stage.serve(aiohttp_server(compress=True, routes=ROUTES))
    await stage.capture("-i", "client0", "-f", "tcp port 80", link=CABLE)
    base = f"http://{server[0]}:{server[1]}"
    host = "besides.example"
    reports = partial(contents.reports, count=10)

    async def requests(session: aiohttp.ClientSession) -> None:
        random = Random("bodies")
        for body in (TRAP, random.randbytes(30_000), b"", TRAP * 3):
            async with session.post(f"{base}/upload", data=body) as answer:
                await answer.read()
        async with session.post(f"{base}/upload", data=_parts(), expect100=True) as answer:
            await answer.read()  # after an interim answer: 100 Continue
        async with session.head(f"{base}/packed") as answer:
            await answer.read()
        async with session.get(f"{base}/packed") as answer:
            await answer.read()

    async def requests_then_websocket() -> None:
        one = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(connector=one, headers={"Host": host}) as session:
            await requests(session)
            client = aiohttp_client(compress=15, session=session)
            await stage.talk(Talk(client, server, host, "/late", reports, reports, DONE))

    async def only_requests() -> None:
        async with aiohttp.ClientSession(headers={"Host": host}) as session:
            await requests(session)

    feed = small(30)
    beside = Talk(websockets_client(), server, host, "/beside", feed, feed, DONE)
    await asyncio.gather(requests_then_websocket(), only_requests(), stage.talk(beside))


async def _parts() -> AsyncIterator[bytes]:
    yield TRAP
    yield b"more"


async def midstream(stage: Stage) -> None:
    """Two connections are open when the capture starts, a third begins afterwards."""
    server = await stage.serve(websockets_server())
    plain, deflate = websockets_client(compression=None), websockets_client()
    stage.lacks = "the handshake and the first messages (before_capture) of two connections"
    host = "long.example"
    feed, reports = small(15), partial(contents.reports, count=15)
    away = Close("server", 1001, "going away")
    first = Talk(plain, server, host, "/open/plain", feed, feed, DONE)
    second = Talk(deflate, server, host, "/open/deflate", reports, reports, away)
    async with stage.open(first) as one, stage.open(second) as two:
        for meeting, talk in ((one, first), (two, second)):
            say = talk.client_says(Random("before")), talk.server_says(Random("also before"))
            await meeting.converse(*say)
            meeting.capture_starts()
        await stage.capture("-i", "client0", "-f", "tcp port 80", link=CABLE)
        for meeting, talk in ((one, first), (two, second)):
            say = talk.client_says(Random("after")), talk.server_says(Random("also after"))
            await meeting.converse(*say)
            await meeting.close(talk.close)
    sizes = of_sizes(1, 5000, 3)
    await stage.talk(Talk(deflate, server, host, "/new", sizes, sizes, DONE))


SCENES = (
    Scene(
        "refused",
        "an upgrade refused with 403, ordinary requests and an upgrade that is granted, all on one "
        "TCP connection; another refusal, and a request answered with 426",
        loopback,
        refused,
    ),
    Scene(
        "http-besides",
        "requests with bodies before an upgrade and on other connections: chunks, gzip, HEAD, "
        "100 Continue, bodies that look like a 101 answer",
        cable,
        http_besides,
    ),
    Scene(
        "midstream",
        "two connections whose handshake was before the capture, and one that is whole",
        cable,
        midstream,
    ),
)
