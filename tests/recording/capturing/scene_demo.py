"""The capture for the documentation: a few programs that talk about different things."""

from __future__ import annotations

from functools import partial

from recorder import contents

from .meeting import Close
from .network import cable
from .peers import (
    aiohttp_client,
    aiohttp_server,
    node,
    uvicorn_server,
    websockets_client,
    websockets_server,
)
from .scene import DONE, Scene, told_apart
from .scenes_networks import CABLE
from .stage import Stage, Talk


async def demo(stage: Stage) -> None:
    """Five connections at once."""
    deflate = await stage.serve(websockets_server(subprotocols=["prices.v1", "chat.v2"]), 80)
    plain = await stage.serve(aiohttp_server(), 8080)
    asgi = await stage.serve(uvicorn_server(), 8088)
    await stage.capture("-i", "client0", "-f", "tcp port 80 or 8080 or 8088", link=CABLE)
    trader = websockets_client(subprotocols=["prices.v1"])
    chatter = websockets_client(subprotocols=["chat.v3", "chat.v2"])
    address = f"{plain[0]}:{plain[1]}"
    prices, orders = partial(contents.prices, count=200), partial(contents.orders, count=40)
    few_orders = partial(contents.orders, count=12)
    readings = partial(contents.telemetry, count=60)
    reports = partial(contents.reports, count=25)
    scripts = told_apart(contents.scripts)
    ends = Close("server", 1001, "the feed ends for today")
    read = Close("client", 3000, "read it all")
    a, b, c = "prices.example", "sensors.example:8080", "reports.example:8088"
    await stage.at_once(
        Talk(trader, deflate, a, "/feed?symbols=all", orders, prices, ends, glue=True),
        Talk(chatter, deflate, a, "/chat", scripts, scripts, DONE),
        Talk(aiohttp_client(), plain, b, "/readings", readings, few_orders, DONE, glue=True),
        Talk(node(), plain, address, "/stations/ridge", few_orders, reports, read),
        Talk(websockets_client(), asgi, c, "/reports?year=1999", few_orders, reports, DONE),
    )


SCENES = (
    Scene(
        "demo",
        "five connections at once: prices, a chat in many scripts, readings, reports; with deflate "
        "and without, texts and binaries",
        cable,
        demo,
    ),
)
