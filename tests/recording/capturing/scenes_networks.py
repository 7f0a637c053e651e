"""Captures on networks of MTU 1500: a clean cable, a line that loses and reorders, IPv6, VLANs."""

from __future__ import annotations

from functools import partial

from recorder import contents

from .line import Behaviour
from .meeting import Close
from .network import cable, line
from .peers import (
    Server,
    aiohttp_client,
    aiohttp_server,
    node,
    uvicorn_server,
    websockets_client,
    websockets_server,
)
from .scene import DONE, Scene, of_sizes, small, told_apart
from .stage import Stage, Talk

KIB = 1 << 10
LOSSY = Behaviour(delay=0.003, loss=0.02, repeat=0.02, reorder=0.03)
TRUNK = Behaviour(vlan=100, ipv6_service_vlan=2000)

CABLE = "veth, MTU 1500, offloading off, between two network namespaces"
LINE = "the client's end (TAP, MTU 1500) of a line between two network namespaces"


async def _many(stage: Stage, version: int = 4) -> list[Talk]:
    """Nine connections to three servers, with messages of 1 byte to 300 KiB."""
    servers: dict[int, Server] = {
        80: websockets_server(),
        8080: aiohttp_server(compress=True),
        8088: uvicorn_server(),
    }
    at = {port: await stage.serve(server, port, version) for port, server in servers.items()}
    plain, deflate = websockets_client(compression=None), websockets_client()
    ours, other = aiohttp_client(), aiohttp_client(compress=15)
    tiny = of_sizes(*range(1, 30))
    steps = of_sizes(1, 125, 126, 127, 1400, 1448, 1460, 2920, 5000)
    bytes_ = of_sizes(1, 50_000, 300, 10_000, 1, binary=True)
    huge = of_sizes(10, 300 * KIB, 10)
    huge_bytes = of_sizes(10, 300 * KIB, 10, binary=True)
    reports = partial(contents.reports, count=30)
    pieces = told_apart(partial(contents.fragmented, count=20))
    feed = small(120)
    away = Close("server", 1001, "going away")
    a, b, c = "a.example", "b.example:8080", "c.example:8088"
    return [
        Talk(plain, at[80], a, "/steps", steps, tiny, DONE),
        Talk(plain, at[80], a, "/huge/bytes", tiny, huge_bytes, DONE),
        Talk(deflate, at[80], a, "/huge/text", huge, reports, away),
        Talk(deflate, at[80], a, "/fragments?of=both", pieces, pieces, DONE),
        Talk(ours, at[8080], b, "/bytes", bytes_, steps, away),
        Talk(other, at[8080], b, "/reports", reports, reports, DONE, glue=True),
        Talk(ours, at[8080], b, "/feed", tiny, feed, DONE, glue=True),
        Talk(deflate, at[8088], c, "/reports/other", reports, reports, away),
        Talk(plain, at[8088], c, "/glued", tiny, tiny, DONE, glue=True),
    ]


async def cable_many(stage: Stage) -> None:
    """All at once, without losses."""
    talks = await _many(stage)
    await stage.capture("-i", "client0", "-f", "tcp port 80 or 8080 or 8088", link=CABLE)
    await stage.at_once(*talks)


async def lossy_many(stage: Stage) -> None:
    """The same over the line."""
    if stage.network.line is None:
        raise RuntimeError("this scene needs a line")
    stage.network.line.start()
    talks = await _many(stage)
    about = f"{LINE} that delays by 3 ms, loses 2%, repeats 2%, reorders 3%"
    await stage.capture("-i", "client0", "-f", "tcp port 80 or 8080 or 8088", link=about)
    await stage.at_once(*talks)


async def _few(stage: Stage, version: int) -> list[Talk]:
    server = await stage.serve(websockets_server(), 80, version)
    other = await stage.serve(aiohttp_server(), 8080, version)
    host = f"ipv{version}.example"
    feed = small(80)
    pieces = told_apart(partial(contents.fragmented, count=12))
    deflate, plain = websockets_client(), aiohttp_client()
    large = of_sizes(1, 40_000, 5, binary=True)
    return [
        Talk(deflate, server, host, f"/{version}/fragments", pieces, pieces, DONE),
        Talk(plain, other, f"{host}:8080", f"/{version}/feed", large, feed, DONE, glue=True),
    ]


async def ipv6(stage: Stage) -> None:
    """Also Node.js, whose Host header is the address in brackets."""
    talks = await _few(stage, 6)
    host = f"[{stage.network.server_address[6]}]:8080"
    listener = talks[1].server
    says = of_sizes(1, 30_000, 3)
    talks.append(Talk(node(), listener, host, "/6/node", says, says, DONE))
    await stage.capture("-i", "client0", "-f", "ip6 and tcp", link=CABLE)
    await stage.at_once(*talks)


async def vlan(stage: Stage) -> None:
    """The mirror port of a switch, where all frames are tagged."""
    if stage.network.line is None:
        raise RuntimeError("this scene needs a line")
    stage.network.line.start()
    talks = [*await _few(stage, 4), *await _few(stage, 6)]
    about = "mirror port (TAP): 802.1Q VLAN 100, for IPv6 inside 802.1ad VLAN 2000"
    await stage.capture("-i", "mirror0", "-f", "vlan", link=about)
    await stage.at_once(*talks)


SCENES = (
    Scene(
        "cable-many",
        "nine connections at once, messages of 1 byte to 300 KiB, segments of up to 1448 bytes",
        cable,
        cable_many,
    ),
    Scene(
        "lossy-many",
        "the same nine connections with retransmitted, reordered and repeated segments",
        partial(line, LOSSY),
        lossy_many,
    ),
    Scene("ipv6", "three connections at once over IPv6", cable, ipv6),
    Scene(
        "vlan",
        "four connections at once, IPv4 with one VLAN tag and IPv6 with two; also what is no TCP",
        partial(line, TRUNK),
        vlan,
    ),
)
