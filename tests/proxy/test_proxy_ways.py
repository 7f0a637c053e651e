"""TLS on both sides, proxies on the way to the server, and clients that name the server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import websockets

from proxy_loops import WAYS, runner
from proxy_peers import (
    REQUEST,
    Raw,
    connect,
    echo,
    ended,
    serving,
    talk_aiohttp,
    talk_websockets,
)
from proxy_tls import authority
from proxy_way import http_proxy, socks_proxy
from wire_writer import KEY, TEXT, frame
from wsdefrag.message import WebSocketMessage
from wsdefrag.proxy import Peer, Proxy, ProxyConnection, Timeouts

way = pytest.mark.parametrize("way", WAYS)

SENT: list[str | bytes] = ["größe", b"x" * 300_000, "", "y" * 70_000]


def keep(message: WebSocketMessage, connection: ProxyConnection) -> None:
    """A hook that leaves everything as it is."""


@way
@pytest.mark.parametrize("hook", [None, keep])
def test_tls_on_both_sides_with_certificates_of_both(
    way: str, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers: list[tuple[Peer, Peer | None]] = []

    async def scenario() -> None:
        ca = authority()
        server_tls = ca.server("localhost", wants_certificate=True)
        async with (
            serving(echo, ssl=server_tls) as port,
            Proxy(
                f"wss://localhost:{port}",
                on_message=hook,
                on_close=lambda connection: peers.append((connection.client, connection.server)),
                tls=ca.server("127.0.0.1", wants_certificate=True),
                upstream_tls=ca.client("proxy"),
            ) as proxy,
        ):
            assert proxy.url.startswith("wss://")
            mine = ca.client("ann")
            assert await talk_websockets(proxy.url, SENT, ssl=mine) == SENT
            assert await talk_aiohttp(proxy.url, SENT, ssl=mine) == SENT
            await ended(proxy)
            assert proxy.stats.closes == {1000: 2}
        for client, server in peers:
            assert client.tls_version == "TLSv1.3"
            assert client.certificate is not None
            assert client.certificate["subject"] == ((("commonName", "ann"),),)
            assert server is not None
            assert server.tls_version == "TLSv1.3"

    runner(way, monkeypatch)(scenario())


@way
def test_peers_that_are_not_trusted_are_refused(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        ca = authority()
        async with serving(echo, ssl=ca.server("other.example")) as port:
            async with Proxy(f"wss://localhost:{port}", upstream_tls=ca.client()) as proxy:
                client = await Raw.to(proxy.port)
                client.send(REQUEST)
                assert (await client.rest()).startswith(b"HTTP/1.1 502 ")
                await client.close()
            # The client is not known to the server, or does not speak TLS at all.
            own = ca.server("127.0.0.1", wants_certificate=True)
            async with Proxy(f"wss://localhost:{port}", tls=own) as proxy:
                with pytest.raises((OSError, websockets.WebSocketException)):
                    async with connect(proxy.url, ssl=ca.client()) as connection:
                        await connection.recv()
                client = await Raw.to(proxy.port)
                client.send(REQUEST)
                await client.rest()
                await client.close()
                await ended(proxy)

    runner(way, monkeypatch)(scenario())


@way
@pytest.mark.parametrize(
    ("sent", "reason"), [(b"", "the client ended the connection"), (REQUEST, "HTTP")]
)
def test_failed_handshake_is_one_line_of_the_log(
    way: str,
    sent: bytes,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A check of the port's health, and a client that takes it for a clear one."""

    async def scenario() -> None:
        tls = authority().server("localhost")
        async with Proxy("127.0.0.1:9", tls=tls) as proxy:
            client = await Raw.to(proxy.port)
            name = client.writer.get_extra_info("sockname")
            client.send(sent)
            client.writer.write_eof()
            await client.rest()
            await client.close()
            while not caplog.records:
                await asyncio.sleep(0.001)
            (record,) = caplog.records
            assert record.levelname == "WARNING"
            assert record.exc_info is None
            assert record.getMessage().startswith(f"{name[0]}:{name[1]}: TLS handshake failed: ")
            assert reason in record.getMessage()

    with caplog.at_level("WARNING"):
        runner(way, monkeypatch)(scenario())


@way
def test_handshake_that_never_ends_does_not_hold_up_the_end(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        tls = authority().server("localhost")
        async with Proxy("127.0.0.1:9", tls=tls, timeouts=Timeouts(handshake=None)) as proxy:
            client = await Raw.to(proxy.port)
            await asyncio.sleep(0)
        await client.rest()
        await client.close()

    runner(way, monkeypatch)(scenario())


@way
def test_shutdown_and_violations_over_tls(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        ca = authority()
        async with serving(echo, ssl=ca.server("localhost")) as port:
            proxy = Proxy(
                f"wss://localhost:{port}", tls=ca.server("localhost"), upstream_tls=ca.client()
            )
            await proxy.start()
            url = f"wss://localhost:{proxy.port}"
            good = await connect(url, ssl=ca.client())
            bad = Raw(*await asyncio.open_connection("localhost", proxy.port, ssl=ca.client()))
            bad.send(REQUEST)
            await bad.head()
            bad.send(b"\xff\xff\xff")
            assert await bad.take(4) == b"\x88\x02\x03\xea"
            await bad.close()
            gone = Raw(*await asyncio.open_connection("localhost", proxy.port, ssl=ca.client()))
            gone.send(REQUEST)
            await gone.head()
            gone.abort()
            await proxy.close()
            await good.wait_closed()
            assert good.close_code == 1001
            assert not proxy.connections

    runner(way, monkeypatch)(scenario())


@way
@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_echo_by_way_of_another_proxy(
    way: str, tls: bool, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def scenario() -> None:
        ca = authority()
        made = http_proxy if kind == "http" else socks_proxy
        async with (
            serving(echo, ssl=ca.server("far.example") if tls else None) as port,
            made(port, asked) as between,
            Proxy(
                f"{'wss' if tls else 'ws'}://far.example:4433",
                via=f"{kind}://127.0.0.1:{between}",
                upstream_tls=ca.client(),
            ) as proxy,
        ):
            assert await talk_websockets(proxy.url, SENT) == SENT
            await ended(proxy)

    runner(way, monkeypatch)(scenario())
    expected = b"far.example:4433"
    if kind == "http":
        expected = b"CONNECT far.example:4433 HTTP/1.1\r\nHost: far.example:4433\r\n\r\n"
    assert asked == [expected]


@way
def test_proxy_on_the_way_gets_credentials_and_may_refuse(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def status(via: str) -> bytes:
        async with Proxy("ws://far.example", via=via) as proxy:
            client = await Raw.to(proxy.port)
            client.send(REQUEST)
            response = await client.head()
            await client.close()
            return response.split()[1]

    async def scenario() -> None:
        async with serving(echo) as port:
            async with http_proxy(port, asked) as between:
                assert await status(f"http://a%40b:c@127.0.0.1:{between}") == b"101"
                assert b"\r\nProxy-Authorization: Basic YUBiOmM=\r\n" in asked[0]
            refusal = b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n"
            async with http_proxy(port, asked, answer=refusal) as between:
                assert await status(f"http://127.0.0.1:{between}") == b"502"
            async with socks_proxy(port, asked, credentials=(b"ann", b"x")) as between:
                assert await status(f"socks5://ann:x@127.0.0.1:{between}") == b"101"
                assert await status(f"socks5://ann:y@127.0.0.1:{between}") == b"502"
                assert await status(f"socks5://127.0.0.1:{between}") == b"502"
            async with socks_proxy(port, asked, reply=5) as between:
                assert await status(f"socks5://127.0.0.1:{between}") == b"502"

    runner(way, monkeypatch)(scenario())


async def tunnel(proxy: Proxy, authority_: str) -> Raw:
    client = await Raw.to(proxy.port)
    client.send(f"CONNECT {authority_} HTTP/1.1\r\nHost: {authority_}\r\n\r\n".encode())
    assert (await client.head()).startswith(b"HTTP/1.1 200 ")
    return client


@way
@pytest.mark.parametrize("with_certificate", [False, True])
def test_clear_websocket_after_a_connect_is_relayed(
    way: str, with_certificate: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        tls = authority().server("localhost") if with_certificate else None
        async with (
            serving(echo) as port,
            Proxy(explicit=True, tunnel_tls=tls, on_message=keep) as proxy,
        ):
            client = await tunnel(proxy, f"127.0.0.1:{port}")
            client.send(REQUEST)
            assert (await client.head()).startswith(b"HTTP/1.1 101 ")
            client.send(frame(TEXT, b"hi", key=KEY))
            assert await client.take(4) == frame(TEXT, b"hi")
            await client.close()
            await ended(proxy)
            assert proxy.stats.messages == {"client": 1, "server": 1}

    runner(way, monkeypatch)(scenario())


@way
def test_absolute_target_names_the_server(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with serving(echo) as port, Proxy(explicit=True) as proxy:
            target = f"http://127.0.0.1:{port}/chat?x=1".encode()
            client = await Raw.opened(proxy.port, REQUEST.replace(b"/chat", target))
            client.send(frame(TEXT, b"hi", key=KEY))
            assert await client.take(4) == frame(TEXT, b"hi")
            await client.close()
            for wrong in (b"/chat", b"ftp://a/", b"http:///", b"http://a:b/"):
                client = await Raw.to(proxy.port)
                client.send(REQUEST.replace(b"/chat", wrong))
                assert (await client.head()).startswith(b"HTTP/1.1 400 ")
                await client.close()

    runner(way, monkeypatch)(scenario())


@way
@pytest.mark.parametrize("opened", [False, True])
def test_tls_after_a_connect_is_opened_or_passed_on(
    way: str, opened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        ca = authority()
        async with (
            serving(echo, ssl=ca.server("localhost")) as port,
            Proxy(
                explicit=True,
                tunnel_tls=ca.server("localhost") if opened else None,
                upstream_tls=ca.client(),
                on_message=keep,
                timeouts=Timeouts(close=None),
            ) as proxy,
        ):
            client = await tunnel(proxy, f"localhost:{port}")
            sock = client.writer.get_extra_info("socket")
            # websockets does the TLS on a socket that is connected already.
            copy = sock.dup()
            client.writer.transport.abort()
            del sock
            async with connect(
                f"wss://localhost:{port}", sock=copy, ssl=ca.client(), server_hostname="localhost"
            ) as connection:
                await connection.send("through the tunnel")
                assert await connection.recv() == "through the tunnel"
            await ended(proxy)
            assert sum(proxy.stats.messages.values()) == (2 if opened else 0)

    runner(way, monkeypatch)(scenario())
