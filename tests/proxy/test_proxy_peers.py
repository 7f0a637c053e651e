"""`wsdefrag.proxy` between real clients and servers: everything arrives as it was sent."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from proxy_loops import WAYS, runner
from proxy_peers import (
    aiohttp_server,
    connect,
    echo,
    ended,
    serving,
    talk_aiohttp,
    talk_websockets,
)
from wsdefrag.message import WebSocketMessage
from wsdefrag.proxy import Proxy, ProxyConnection

MIB = 1 << 20


def messages() -> list[str | bytes]:
    chance = random.Random(6455)
    return [
        "größe €\N{GRINNING FACE}" * 9,
        b"\x00\xff" * 40,
        "",
        b"",
        "a" * 125,
        "b" * 126,
        b"c" * 65_535,
        b"d" * 65_536,
        chance.randbytes(300_000),
        "€" * 200_000,
    ]


def keep(message: WebSocketMessage, connection: ProxyConnection) -> None:
    """A hook that leaves everything as it is."""


async def keep_later(message: WebSocketMessage, connection: ProxyConnection) -> None:
    """The same, by a coroutine that lets others run."""
    await asyncio.sleep(0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("hook", [None, keep, keep_later])
def test_every_message_arrives_between_websockets_and_aiohttp(
    way: str, compression: Any, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        sent = messages()
        async with (
            serving(echo, compression=compression) as websockets_port,
            aiohttp_server(compression=compression) as aiohttp_port,
        ):
            for port in (websockets_port, aiohttp_port):
                async with Proxy(f"ws://127.0.0.1:{port}", on_message=hook) as proxy:
                    assert (
                        await talk_websockets(f"{proxy.url}/a", sent, compression=compression)
                        == sent
                    )
                    assert (
                        await talk_aiohttp(f"{proxy.url}/b", sent, compression=compression) == sent
                    )
                    await ended(proxy)
                    stats = proxy.stats
                    assert stats.messages == {"client": 2 * len(sent), "server": 2 * len(sent)}
                    assert (stats.opened, stats.open, stats.closes) == (2, 0, {1000: 2})
                    assert proxy.budget is not None
                    assert proxy.budget.bytes_held == 0

    runner(way, monkeypatch)(scenario())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hook", [None, keep])
def test_large_message_arrives(way: str, hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        sent: list[str | bytes] = [random.Random(7).randbytes(16 * MIB), "x" * (16 * MIB)]
        async with (
            serving(echo) as port,
            Proxy(f"ws://127.0.0.1:{port}", on_message=hook) as proxy,
        ):
            assert await talk_websockets(proxy.url, sent) == sent

    runner(way, monkeypatch)(scenario())


@pytest.mark.parametrize("way", WAYS)
def test_many_connections_at_once(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def one(url: str, number: int) -> None:
        async with connect(f"{url}/{number}") as connection:
            for count in range(20):
                await connection.send(f"{number} {count}")
            assert [await connection.recv() for _ in range(20)] == [
                f"{number} {count}" for count in range(20)
            ]

    async def scenario() -> None:
        async with serving(echo) as port, Proxy(f"127.0.0.1:{port}", on_message=keep) as proxy:
            await asyncio.gather(*(one(proxy.url, number) for number in range(50)))
            await ended(proxy)
            assert proxy.stats.closes == {1000: 50}

    runner(way, monkeypatch)(scenario())
