"""The proxies that the Autobahn TestSuite also talks through have the right relays."""

from __future__ import annotations

import asyncio

import pytest

import through
from echo_server import HOST, port_of, serve
from upgrade import request
from wire_writer import CLOSE, KEY, PING, PONG, frame
from wsdefrag import PassThroughRelay, WebSocketRelay
from wsdefrag.proxy import Proxy, ProxyConnection


@pytest.mark.parametrize("way", through.WAYS)
def test_way_leads_to_the_server_by_its_relay(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[ProxyConnection] = []

    def proxy(*arguments: object, **options: object) -> object:
        return Proxy(*arguments, on_close=closed.append, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(through, "Proxy", proxy)

    async def scenario() -> None:
        server = await serve()
        async with server, through.standing_before(port_of(server), way) as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            await request(reader, writer, HOST, "/")
            writer.write(frame(PING, b"hello", key=KEY) + frame(CLOSE, key=KEY))
            assert await reader.readexactly(9) == frame(PONG, b"hello") + frame(CLOSE)
            assert await reader.read() == b""
            writer.close()
        relays = [one.relay for one in closed]
        if way == "messages":
            assert [type(relay) for relay in relays] == [WebSocketRelay]
        else:
            modes = [relay.mode for relay in relays if isinstance(relay, PassThroughRelay)]
            assert modes == ([] if way == "directly" else [way])

    asyncio.run(asyncio.wait_for(scenario(), 600))
