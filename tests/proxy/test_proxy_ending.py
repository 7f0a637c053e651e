"""Who closed a WebSocket, with which codes and why: in `ending`, counters, log and files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import websockets

from cli_captures import invoke_capture
from flow_reader import flows
from proxy_loops import WAYS, runner
from proxy_peers import connect, echo, ended, serving
from wsdefrag import Limits
from wsdefrag.capture import Capture
from wsdefrag.message import WebSocketMessage
from wsdefrag.proxy import Ending, Proxy, ProxyConnection, Records, Timeouts

Act = Callable[[Any, Proxy], Awaitable[None]]

LIMIT = 100


def hook(message: WebSocketMessage, connection: ProxyConnection) -> None:
    """Do what the client asks for."""
    match message.content if message.from_client else b"":
        case b"fail":
            raise ZeroDivisionError("in the hook")
        case b"close":
            connection.close(4000, "enough")
        case b"abort":
            connection.abort()


async def server(connection: Any) -> None:
    async for message in connection:
        if message == "server: close":
            await connection.close(4001, "over")
        elif message == "server: too much":
            await connection.send("x" * (LIMIT + 1))
        elif message == "server: vanish":
            connection.transport.abort()
        else:
            await connection.send(message)


def says(text: str) -> Act:
    async def act(client: Any, proxy: Proxy) -> None:
        await client.send(text)

    return act


async def close(client: Any, proxy: Proxy) -> None:
    await client.close(4002, "bye")


async def vanish(client: Any, proxy: Proxy) -> None:
    client.transport.abort()


async def shut_down(client: Any, proxy: Proxy) -> None:
    await client.send("x")
    await client.recv()
    await proxy.close()


async def nothing(client: Any, proxy: Proxy) -> None:
    pass


CASES: dict[str, tuple[Act, Ending]] = {
    "client closes": (close, Ending("client", 4002, 4002, 4002, "bye")),
    "server closes": (says("server: close"), Ending("server", 4001, 4001, 4001, "over")),
    "client vanishes": (vanish, Ending("client", 1006, None, None)),
    "server vanishes": (says("server: vanish"), Ending("server", 1006, None, None)),
    "client breaks a limit": (
        says("x" * (LIMIT + 1)),
        Ending("proxy", 1009, 1009, 1011, "the client: "),
    ),
    "server breaks a limit": (
        says("server: too much"),
        Ending("proxy", 1009, 1011, 1009, "the server: "),
    ),
    "hook fails": (says("fail"), Ending("proxy", 1011, 1011, 1011, "on_message failed")),
    "hook closes": (says("close"), Ending("proxy", 4000, 4000, 4000, "enough")),
    "hook aborts": (says("abort"), Ending("proxy", 1006, None, None, "aborted")),
    "nobody speaks": (nothing, Ending("proxy", 1001, 1001, 1001, "idle for 0.3 seconds")),
    "proxy shuts down": (
        shut_down,
        Ending("proxy", 1001, 1001, 1001, "the proxy is shutting down"),
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES)
def test_ending_is_told_alike_everywhere(
    way: str,
    case: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    act, expected = CASES[case]
    path = tmp_path / "all.mitm"
    endings: list[Ending | None] = []
    caplog.set_level(logging.INFO, "wsdefrag.proxy")

    async def scenario() -> None:
        timeouts = Timeouts(idle=0.3 if case == "nobody speaks" else None)
        async with (
            serving(server) as port,
            Proxy(
                f"127.0.0.1:{port}",
                on_message=hook,
                on_close=lambda connection: endings.append(connection.ending),
                limits=Limits(max_message_size=LIMIT),
                timeouts=timeouts,
                records=Records(path),
            ) as proxy,
            connect(proxy.url) as client,
        ):
            await act(client, proxy)
            with suppress(websockets.ConnectionClosed):
                while True:
                    await client.recv()
            await ended(proxy)
            assert proxy.stats.closes == {expected.close_code: 1}

    runner(way, monkeypatch)(scenario())
    (ending,) = endings
    assert ending is not None
    # What a broken rule says stands after the side that broke it.
    is_rule = expected.reason.endswith(": ")
    reason = ending.reason.partition(": ")[0] + ": " if is_rule else ending.reason
    assert replace(ending, reason=reason) == expected
    assert f": {ending}; " in caplog.text

    (flow,) = flows(path.read_bytes())
    websocket = flow["websocket"]
    by_client = {"client": True, "server": False, "proxy": None}[expected.closed_by]
    assert (websocket["closed_by_client"], websocket["close_code"]) == (
        by_client,
        expected.close_code,
    )
    assert websocket["timestamp_end"] >= flow["request"]["timestamp_start"]
    (connection,) = Capture(path).connections()
    shown = invoke_capture("connections", path).stdout
    if expected.closed_by == "proxy":
        assert flow["comment"] == str(ending)
        assert connection.problems == (str(ending),)
        assert (connection.close, connection.ended) == (None, "fin")
        assert str(ending) in shown
    else:
        assert (flow["comment"], connection.problems) == ("", ())
        if expected.close_code == 1006:
            assert (connection.close, connection.ended) == (None, "fin")
        else:
            assert websocket["close_reason"] == expected.reason
            assert connection.close is not None
            assert connection.close.from_client == by_client
            assert connection.close.close_code == expected.close_code


def test_connection_that_is_open_has_no_ending() -> None:
    async def scenario() -> None:
        async with (
            serving(echo) as port,
            Proxy(f"127.0.0.1:{port}") as proxy,
            connect(proxy.url) as client,
        ):
            await client.send("x")
            await client.recv()
            (connection,) = proxy.connections
            assert connection.ending is None

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        (Ending("client", 1000, 1000, 1000, "bye"), "closed by the client with 1000: bye"),
        (Ending("server", 1006, None, None), "closed by the server with 1006"),
        (
            Ending("proxy", 1009, 1009, None, "the client: x"),
            "closed by the proxy, 1009 to the client: the client: x",
        ),
        (
            Ending("proxy", 1006, None, None, "aborted"),
            "closed by the proxy without a Close: aborted",
        ),
    ],
)
def test_ending_is_a_sentence(ending: Ending, sentence: str) -> None:
    assert str(ending) == sentence
