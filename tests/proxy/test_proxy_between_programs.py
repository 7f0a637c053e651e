"""What programs see through `wsdefrag.proxy` of a side that fragments, breaks off, or breaks rules.

The other side is written by hand (`proxy_scenes`). What a proxy passes on has to look as it does
without one. Of what breaks a rule, the program learns by a Close with 1011, or by the end of the
connection if it has got half of a frame. Follows RFC 6455 sections 5.4 and 7.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from browser import Page, browser
from proxy_loops import runner
from proxy_peers import Raw, ended, raw_server
from proxy_programs import chromium, node
from proxy_scenes import BREACHES, FIRST, PASSED, SILENT, Scene
from proxy_visitors import (
    Listening,
    Stop,
    Visit,
    aiohttp_listening,
    by_aiohttp,
    by_node,
    by_page,
    by_websockets,
    node_listening,
    stop_aiohttp,
    stop_node,
    stop_page,
    stop_websockets,
    websockets_listening,
)
from wire_writer import BINARY, frame
from wsdefrag import Limits
from wsdefrag.message import WebSocketMessage
from wsdefrag.proxy import Proxy, ProxyConnection, Timeouts


def keep(message: WebSocketMessage, connection: ProxyConnection) -> None:
    """A hook that leaves everything as it is."""


hooks = pytest.mark.parametrize("hook", [None, keep])

MESSAGES: dict[str, list[str | bytes]] = {
    "sends fragments": [
        "größe €\N{GRINNING FACE}",
        b"\x00" * 70_000 + b"\xff" * 70_000,
        "compressed in two parts",
    ],
    "ends its half": ["last"],
    "resets": [],
}

CLIENTS = (
    "websockets",
    "aiohttp",
    pytest.param("node", marks=node),
    pytest.param("chromium", marks=chromium),
)

Serve = Callable[[], AbstractAsyncContextManager[Listening]]

servers = pytest.mark.parametrize(
    "serve",
    [websockets_listening, aiohttp_listening, pytest.param(node_listening, marks=node)],
)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page that may connect to this machine alone."""
    with browser("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1") as opened:
        yield opened


@pytest.fixture(scope="module", params=CLIENTS)
def visit(request: pytest.FixtureRequest) -> Visit:
    """A program that visits; of a module, as a page is, which is no leak of one test."""
    if request.param == "chromium":
        return by_page(request.getfixturevalue("page"))
    return {"websockets": by_websockets, "aiohttp": by_aiohttp, "node": by_node}[request.param]


@pytest.fixture(scope="module", params=CLIENTS)
def stop(request: pytest.FixtureRequest) -> Stop:
    """A program that reads one message, and no more."""
    if request.param == "chromium":
        return stop_page(request.getfixturevalue("page"))
    stops = {"websockets": stop_websockets, "aiohttp": stop_aiohttp, "node": stop_node}
    return stops[request.param]


@hooks
@pytest.mark.parametrize("name", PASSED)
def test_client_sees_what_it_sees_without_a_proxy(
    name: str, visit: Visit, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        scene = Scene(PASSED[name])
        async with raw_server(scene.as_server) as port:
            expected = await visit(f"ws://127.0.0.1:{port}/")
        assert expected[0] == [FIRST, *MESSAGES[name]]
        scene = Scene(PASSED[name])
        async with (
            raw_server(scene.as_server) as port,
            Proxy(f"127.0.0.1:{port}", on_message=hook) as proxy,
        ):
            assert await visit(f"ws://127.0.0.1:{proxy.port}/") == expected
            await ended(proxy)

    runner("asyncio", monkeypatch)(scenario())


@hooks
@servers
@pytest.mark.parametrize("name", PASSED)
def test_server_sees_what_it_sees_without_a_proxy(
    name: str, serve: Serve, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with (
            serve() as server,
            Proxy(f"127.0.0.1:{server.port}", on_message=hook) as proxy,
        ):
            await Scene(PASSED[name]).as_client(server.port)
            expected = await server.seen.get()
            assert expected[0] == [FIRST, *MESSAGES[name]]
            await Scene(PASSED[name]).as_client(proxy.port)
            assert await server.seen.get() == expected
            await ended(proxy)

    runner("asyncio", monkeypatch)(scenario())


LIMITS = Limits(max_message_size=1 << 20)


def breaking(name: str, hook: Any) -> tuple[Scene, int, int]:
    """A scene, the code of what it breaks, and the code that the program has."""
    act, code = BREACHES[name]
    if hook is None and name == "bombs":
        pytest.skip("what is only passed on has no limits")
    # What is only passed on was passed on in part, and nothing can come after half of a frame.
    is_cut = hook is None and name == "sends no UTF-8"
    return Scene(act), code, 1006 if is_cut else 1011


@hooks
@pytest.mark.parametrize("name", BREACHES)
def test_client_of_a_server_that_breaks_a_rule_gets_1011_or_no_more(
    name: str, visit: Visit, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, code, told = breaking(name, hook)

    async def scenario() -> None:
        async with (
            raw_server(scene.as_server) as port,
            Proxy(f"127.0.0.1:{port}", on_message=hook, limits=LIMITS) as proxy,
        ):
            assert await visit(f"ws://127.0.0.1:{proxy.port}/") == ([FIRST], told)
            await ended(proxy)
        assert scene.code == code

    runner("asyncio", monkeypatch)(scenario())


@hooks
@servers
@pytest.mark.parametrize("name", BREACHES)
def test_server_of_a_client_that_breaks_a_rule_gets_1011_or_no_more(
    name: str, serve: Serve, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, code, told = breaking(name, hook)

    async def scenario() -> None:
        async with (
            serve() as server,
            Proxy(f"127.0.0.1:{server.port}", on_message=hook, limits=LIMITS) as proxy,
        ):
            await scene.as_client(proxy.port)
            assert await server.seen.get() == ([FIRST], told)
            await ended(proxy)
        assert scene.code == code

    runner("asyncio", monkeypatch)(scenario())


SHORT = Timeouts(idle=0.2)


@hooks
def test_client_of_a_silent_server_gets_1001(
    visit: Visit, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        scene = Scene(SILENT)
        async with (
            raw_server(scene.as_server) as port,
            Proxy(f"127.0.0.1:{port}", on_message=hook, timeouts=SHORT) as proxy,
        ):
            assert (await visit(f"ws://127.0.0.1:{proxy.port}/"))[1] == 1001
            await ended(proxy)
            assert proxy.stats.timeouts == {"idle": 1}
        assert scene.code == 1001

    runner("asyncio", monkeypatch)(scenario())


@hooks
@servers
def test_server_of_a_silent_client_gets_1001(
    serve: Serve, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        scene = Scene(SILENT)
        async with (
            serve() as server,
            Proxy(f"127.0.0.1:{server.port}", on_message=hook, timeouts=SHORT) as proxy,
        ):
            await scene.as_client(proxy.port)
            assert (await server.seen.get())[1] == 1001
            await ended(proxy)
            assert proxy.stats.timeouts == {"idle": 1}
        assert scene.code == 1001

    runner("asyncio", monkeypatch)(scenario())


@hooks
def test_program_that_stops_reading_stops_the_server_and_is_given_up(
    stop: Stop, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server gets rid of what sockets, program and proxy hold, and of no more."""
    one, most = frame(BINARY, bytes(1 << 16)), 4096

    async def scenario() -> None:
        sent, over = 0, asyncio.Event()

        async def flood(raw: Raw, key: bytes | None) -> None:
            nonlocal sent
            try:
                while sent < most:
                    raw.send(one)
                    await raw.writer.drain()
                    sent += 1
            except ConnectionError:
                pass
            over.set()

        async with (
            raw_server(Scene(flood).as_server) as port,
            Proxy(
                f"127.0.0.1:{port}",
                on_message=hook,
                timeouts=Timeouts(write=0.3),
                high_water=1 << 16,
            ) as proxy,
        ):
            stopping = asyncio.create_task(stop(f"ws://127.0.0.1:{proxy.port}/"))
            waiting = asyncio.create_task(over.wait())
            await asyncio.wait({stopping, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                # A page goes on without its program; others have failed.
                stopping.result()
            await waiting
            await ended(proxy)
            assert sent < most
            assert proxy.stats.timeouts == {"write": 1}
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)

    runner("asyncio", monkeypatch)(scenario())
