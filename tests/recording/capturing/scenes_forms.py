"""Captures whose file is of another form: other link types, formats, lengths, interfaces."""

from __future__ import annotations

from functools import partial

from recorder import contents

from .network import cable, loopback
from .peers import aiohttp_client, aiohttp_server, websockets_client, websockets_server
from .scene import DONE, Scene, of_sizes, small
from .scenes_libraries import LOOPBACK
from .scenes_networks import CABLE
from .stage import Stage, Talk

FILTER = ("-f", "tcp port 80 or 8080")
HEADS_WHOLE = 320  # bytes; the heads of the handshake are just shorter
HEADS_CUT = 200  # bytes


async def _near_and_far(stage: Stage) -> list[Talk]:
    """One connection on the loopback, one over the cable."""
    near = await stage.serve_loopback(websockets_server(compression=None), 8080)
    far = await stage.serve(aiohttp_server(compress=True), 80)
    feed, reports = small(40), partial(contents.reports, count=20)
    plain, deflate = websockets_client(compression=None), aiohttp_client(compress=15)
    return [
        Talk(plain, near, "near.example:8080", "/near", feed, feed, DONE, glue=True),
        Talk(deflate, far, "far.example", "/far", reports, reports, DONE),
    ]


async def _any(stage: Stage, link_type: str) -> None:
    talks = await _near_and_far(stage)
    about = f"{link_type}, all interfaces: a loopback and a veth of MTU 1500"
    await stage.capture("-i", "any", *FILTER, "-y", link_type, link=about)
    await stage.at_once(*talks)


async def two_interfaces(stage: Stage) -> None:
    """Two interfaces, each with its own description in the file."""
    talks = await _near_and_far(stage)
    about = "interface 0 a loopback, interface 1 a veth of MTU 1500"
    await stage.capture("-i", "lo", *FILTER, "-i", "client0", *FILTER, link=about)
    await stage.at_once(*talks)


async def legacy(stage: Stage) -> None:
    """The format of libpcap, with times in microseconds."""
    server = await stage.serve(websockets_server(), 8080)
    await stage.capture("-P", "-i", "lo", *FILTER, link=LOOPBACK)
    feed, large = small(40), of_sizes(2000, 70_000, 5)
    client = websockets_client()
    await stage.talk(Talk(client, server, "old.example:8080", "/legacy", feed, large, DONE))


async def _snap_length(stage: Stage, length: int) -> None:
    """Captures only the first bytes of each packet."""
    server = await stage.serve(websockets_server(compression=None))
    stage.lacks = f"all bytes of a packet after the first {length}"
    about = f"{CABLE}, packets cut at {length} bytes"
    await stage.capture("-i", "client0", *FILTER, "-s", str(length), link=about)
    sizes = of_sizes(20, 120, 300, 5, 1000, 20, 1300, 3, 20_000, 30, 40)
    client = websockets_client(compression=None)
    await stage.talk(Talk(client, server, "short.example", "/", sizes, sizes, DONE, pause=0.01))


SCENES = (
    Scene(
        "any-sll",
        "the cooked headers of Linux, version 1: two connections on two interfaces at once",
        cable,
        partial(_any, link_type="LINUX_SLL"),
    ),
    Scene(
        "any-sll2",
        "the cooked headers of Linux, version 2: two connections on two interfaces at once",
        cable,
        partial(_any, link_type="LINUX_SLL2"),
    ),
    Scene("two-interfaces", "one file with packets of two interfaces", cable, two_interfaces),
    Scene(
        "legacy",
        "libpcap's format with microseconds; a message of 70,000 bytes, compressed",
        loopback,
        legacy,
        suffix=".pcap",
    ),
    Scene(
        "snap-length",
        "packets cut at 320 bytes: the handshake is whole, gaps of known length inside frames",
        cable,
        partial(_snap_length, length=HEADS_WHOLE),
    ),
    Scene(
        "snap-length-heads",
        "packets cut at 200 bytes: the heads of the handshake are cut too",
        cable,
        partial(_snap_length, length=HEADS_CUT),
    ),
)
