"""Captures of wss by unmodified programs: Node.js, and Chromium with HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from random import Random

from recorder.browser_peer import Browser, BrowserEndpoint, Ending
from recorder.endpoint import Content

from .meeting import Close, Meeting
from .network import cable
from .peers import Met, hypercorn_server, node, websockets_server
from .scene import DONE, Scene, of_sizes, small
from .scenes_networks import CABLE
from .scenes_openssl import EC, certificate
from .stage import Stage, Talk

HOST = "feed.example"
WS = "/usr/share/nodejs/ws"  # where Debian's node-ws is
ENDING = Ending(1000, "done")


async def node_tls(stage: Stage) -> None:
    """Clients of Node.js, the built-in one and `ws`."""
    identity = certificate(stage.directory, "ec", *EC)
    key_log = stage.keep("node.keys.log")
    stage.key_log = key_log.name
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*identity)
    one = await stage.serve(hypercorn_server(identity=identity), 44_301)
    other = await stage.serve(websockets_server(tls), 44_302)
    await stage.capture("-i", "client0", "-f", "tcp", link=CABLE)
    log, new = f"--tls-keylog={key_log}", ssl.create_default_context()
    old = ("--tls-max-v1.2",)
    says, large = small(30, pings=False), of_sizes(3, 9_000, 70)
    for path, address, client, server_says in (
        ("/undici", one, node(log), says),
        ("/ws", other, node(log, module=WS), says),
        ("/undici/1.2", one, node(log, *old), large),
        ("/ws/1.2", other, node(log, *old, module=WS), large),
    ):
        host = f"{address[0]}:{address[1]}"
        await stage.talk(Talk(client, address, host, path, says, server_says, DONE, tls=new))


def _messages(path: str, side: str) -> list[Content]:
    """What one side of a connection of the browser sends."""
    random = Random(f"{path} {side}")
    found = [act for act in small(24, pings=False)(random) if isinstance(act, str | bytes)]
    if path == "/large":
        found[5:5] = [act for act in of_sizes(3_000, 20_000)(random) if isinstance(act, str)]
    return found


async def chromium(stage: Stage, *, protocols: tuple[str, ...]) -> None:
    """Four sockets of one page at once."""
    paths = ("/feed", "/chat", "/large", "/feed?again=1")
    talks = {path: (_messages(path, "client"), _messages(path, "server")) for path in paths}
    browser = Browser(
        [BrowserEndpoint(path, client, len(server)) for path, (client, server) in talks.items()],
        ENDING,
    )
    identity = certificate(stage.directory, "ec", *EC)
    serving = hypercorn_server(identity=identity, protocols=protocols, page=browser.page)
    address = await stage.serve(serving, 443)
    await stage.capture("-i", "client0", "-f", "tcp port 443", link=CABLE)
    key_log = stage.keep(f"{stage.name.partition('.')[0]}.keys.log")
    stage.key_log = key_log.name
    stage.secrets_inside = "h2" in protocols

    async def serve(path: str) -> Meeting:
        met: Met = await stage.accepted(path)
        client = browser.endpoints[path]
        meeting = Meeting(met, client, None, None, 0, False, Close("client", **vars(ENDING)))
        reading = asyncio.create_task(met.endpoint.read_until_closed())
        for index, message in enumerate(talks[path][1]):
            await met.endpoint.perform(message)
            if index % 4 == 3:
                await asyncio.sleep(0.003)
        await reading
        return meeting

    async with browser.opened(f"https://{HOST}/", address[0], key_log):
        meetings = await asyncio.gather(*map(serve, paths))
        await browser.reported.wait()
    for meeting in meetings:
        client = browser.endpoints[meeting.met.path]
        meeting.extensions = client.extensions
        stage.meetings.append(meeting)
        stage.note(client.peer, meeting.server.peer)
        if "h2" in protocols:
            stage.not_by_tshark[client.path] = "it looks for no WebSockets in HTTP/2"


SCENES = (
    Scene("node", "wss by Node.js: its own client and `ws`", cable, node_tls, folder="tls"),
    Scene(
        "chromium-http1",
        "four sockets of a page in Chromium, each on a connection of its own",
        cable,
        partial(chromium, protocols=("http/1.1",)),
        folder="tls",
    ),
    Scene(
        "chromium-http2",
        "four sockets of a page in Chromium, all on one connection of HTTP/2",
        cable,
        partial(chromium, protocols=("h2", "http/1.1")),
        folder="tls",
    ),
)
