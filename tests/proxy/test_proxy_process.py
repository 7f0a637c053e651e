"""`wsdefrag proxy` between real clients and servers: what they get through it, and its flows.

websockets serves; websockets and aiohttp are clients. Both sides send at once, and compare what
they got with what the other one sent. How the proxy ends is in `test_proxy_process_ends.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio import server

from flow_reader import flows
from hang_guard import HANG_SECONDS
from proxy_process import LOOKS_INSIDE, MIB, ProxyProcess, connect, proxy_to, run, serving

COUNT = 1500
Content = str | bytes
Talk = Callable[[str, list[Content], str | None], Coroutine[Any, Any, list[Content]]]


def contents(seed: str) -> list[Content]:
    """What one side says: text and binary, short and long, some of it to be edited."""
    chance = random.Random(seed)
    found: list[Content] = []
    for number in range(COUNT):
        words = " ".join(chance.choices(["price", "größe", "€", "OLD", "\N{GRINNING FACE}"], k=8))
        text = f"{seed} {number} {words}" * chance.choice([1, 1, 1, 40])
        found.append(text if chance.random() < 0.7 else text.encode())
    found.append(chance.randbytes(300_000))
    return found


def as_edited(messages: list[Content]) -> list[Content]:
    """The content after the proxy's edits."""
    return [one.replace("OLD", "new one") if isinstance(one, str) else one for one in messages]


async def sent(connection: Any, messages: list[Content]) -> None:
    """Send over websockets, every seventh message in fragments."""
    for number, message in enumerate(messages):
        if number % 7:
            await connection.send(message)
        else:
            await connection.send([message[:9], message[9:10], message[10:]])


async def by_websockets(url: str, messages: list[Content], compression: Any) -> list[Content]:
    async with connect(url, compression=compression, max_size=None) as connection:
        sending = asyncio.create_task(sent(connection, messages))
        got = [await connection.recv() for _ in messages]
        await sending
    return got


async def by_aiohttp(url: str, messages: list[Content], compression: Any) -> list[Content]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session,
        session.ws_connect(
            url,
            compress=15 if compression else 0,
            max_msg_size=0,
            timeout=aiohttp.ClientWSTimeout(ws_close=HANG_SECONDS),
        ) as connection,
    ):

        async def sending() -> None:
            for message in messages:
                if isinstance(message, str):
                    await connection.send_str(message)
                else:
                    await connection.send_bytes(message)

        task = asyncio.create_task(sending())
        got = [(await connection.receive()).data for _ in messages]
        await task
    return got


class Speaker:
    """A server that says its own messages and keeps what it hears, by path."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Content]] = {}
        self.closes: list[tuple[int | None, str | None]] = []

    async def __call__(self, connection: server.ServerConnection) -> None:
        assert connection.request is not None
        path = connection.request.path
        sending = asyncio.create_task(sent(connection, contents("server" + path)))
        self.heard[path] = [message async for message in connection]
        await sending
        self.closes.append((connection.close_code, connection.close_reason))


@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("talk", [by_websockets, by_aiohttp])
def test_thousands_of_messages_both_ways_at_once(
    talk: Talk, compression: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "flows.mitm"
    speaker = Speaker()
    paths = ["/1", "/2"]

    async def scenario() -> None:
        async with (
            serving(speaker, compression=compression) as port,
            proxy_to(port, "--write", file) as proxy,
        ):
            said = [contents("client" + path) for path in paths]
            got = await asyncio.gather(
                *(
                    talk(proxy.url(path), one, compression)
                    for path, one in zip(paths, said, strict=True)
                )
            )
            assert got == [as_edited(contents("server" + path)) for path in paths]
        assert [speaker.heard[path] for path in paths] == [as_edited(one) for one in said]
        assert speaker.closes == [(1000, "")] * 2

    run(scenario())
    found: dict[str, dict[str, Any]] = {}
    for part in flows(file.read_bytes()):
        # A connection of more than 1 MiB has several flows; the last one has its end.
        first = found.setdefault(part["request"]["path"].decode(), part)
        if part is not first:
            assert first["websocket"]["close_code"] is None
            assert part["request"] == first["request"]
            assert part["client_conn"]["peername"] == first["client_conn"]["peername"]
            part["websocket"]["messages"][:0] = first["websocket"]["messages"]
            found[part["request"]["path"].decode()] = part
    assert sorted(found) == paths
    for path, flow in found.items():
        check_flow(flow, path, compression)


def check_flow(flow: dict[str, Any], path: str, compression: str | None) -> None:
    """A connection as it was written down."""
    websocket = flow["websocket"]
    for from_client, side in ((True, "client"), (False, "server")):
        expected = as_edited(contents(side + path))
        states = [state for state in websocket["messages"] if state[1] is from_client]
        assert [state[0] for state in states] == [1 if isinstance(m, str) else 2 for m in expected]
        assert [state[2] for state in states] == [
            m.encode() if isinstance(m, str) else m for m in expected
        ]
        assert all(state[4:] == [False, False] for state in states)
    assert (websocket["closed_by_client"], websocket["close_code"]) == (True, 1000)
    assert flow["response"]["status_code"] == 101
    fields = {name.lower(): value for name, value in flow["response"]["headers"]}
    agreed = fields.get(b"Sec-WebSocket-Extensions".lower())
    assert (agreed is not None) == (compression is not None)
    assert flow["client_conn"]["peername"][0] == flow["server_conn"]["address"][0] == "127.0.0.1"


@LOOKS_INSIDE
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_side_that_reads_slowly_stops_the_other_from_sending(compression: Any) -> None:
    """64 MiB for a client that does not read them: all but some buffers stay where they are."""
    piece = random.Random(5).randbytes(64 << 10)
    total = 1024
    progress = {"sent": 0}

    async def flood(connection: Any) -> None:
        for _ in range(total):
            await connection.send(piece)
            progress["sent"] += 1
        await connection.wait_closed()

    async def stalled(proxy: ProxyProcess) -> None:
        """Wait until the server has not got anything off for a while."""
        before = -1
        while before != progress["sent"] or before == 0:
            before = progress["sent"]
            await asyncio.sleep(1)
        assert proxy.process.returncode is None

    async def scenario() -> None:
        async with (
            serving(flood, compression=compression) as port,
            proxy_to(port) as proxy,
        ):
            base = proxy.resident()
            # Nothing is taken off the socket while the queue is full.
            async with connect(
                proxy.url(), compression=compression, max_size=None, max_queue=1
            ) as connection:
                await stalled(proxy)
                assert progress["sent"] < total * 3 // 4
                assert proxy.resident() < base + 16 * MIB
                for _ in range(total):
                    assert await connection.recv() == piece
            assert proxy.peak() < base + 32 * MIB

    run(scenario())
