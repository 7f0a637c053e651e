"""What the proxy does with handshakes: what it passes on, what it changes, and what it refuses.

Follows RFC 6455 section 4 and RFC 9110 section 7.6.1.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from proxy_loops import WAYS, runner
from proxy_peers import REQUEST, RESPONSE, Raw, connect, echo, ended, raw_server, serving
from wire_writer import KEY, TEXT, frame
from wsdefrag.proxy import Proxy, ProxyRequest, Refusal, Timeouts

way = pytest.mark.parametrize("way", WAYS)


@way
def test_request_and_response_pass_with_their_fields(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    async def handle(raw: Raw) -> None:
        seen.append(await raw.head())
        fields = b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nSec-WebSocket-Protocol: chat\r\n"
        raw.send(RESPONSE[:-2] + fields + b"Keep-Alive: timeout=5\r\n\r\n")
        await raw.rest()

    async def scenario() -> None:
        async with (
            raw_server(handle) as port,
            Proxy(f"ws://127.0.0.1:{port}/base/") as proxy,
        ):
            client = await Raw.to(proxy.port)
            own = (
                b"Cookie: c=3\r\nOrigin: http://example.com\r\nX-Hop: drop\r\n"
                b"Sec-WebSocket-Protocol: chat, superchat\r\nTE: trailers\r\n"
            )
            request = REQUEST.replace(b"Connection: Upgrade", b"Connection: X-Hop, Upgrade")
            client.send(request[:-2] + own + b"\r\n")
            head = await client.head()
            await client.close()
        assert seen == [
            f"GET /base/chat HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
            + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Cookie: c=3\r\nOrigin: http://example.com\r\n"
            b"Sec-WebSocket-Protocol: chat, superchat\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        ]
        assert head == (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSet-Cookie: a=1\r\n"
            b"Set-Cookie: b=2\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
        )

    runner(way, monkeypatch)(scenario())


@way
def test_frames_that_come_with_the_heads_are_kept(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hello, answer = frame(TEXT, b"hello", key=KEY), frame(TEXT, b"welcome")

    async def handle(raw: Raw) -> None:
        await raw.head()
        raw.send(RESPONSE + answer[:3])
        assert await raw.take(len(hello)) == hello
        raw.send(answer[3:])
        await raw.rest()

    async def scenario() -> None:
        async with raw_server(handle) as port, Proxy(f"127.0.0.1:{port}") as proxy:
            client = await Raw.opened(proxy.port, REQUEST + hello[:2])
            client.send(hello[2:])
            assert await client.take(len(answer)) == answer
            await client.close()

    runner(way, monkeypatch)(scenario())


@way
def test_refusal_of_the_server_passes_whole(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = {
        b"by length": b"Content-Length: 9\r\n\r\nforbidden",
        b"to the end": b"\r\nforbidden",
        b"in chunks": b"Transfer-Encoding: chunked\r\n\r\n9\r\nforbidden\r\n0\r\n\r\n",
    }
    waiting = iter(bodies.values())

    async def handle(raw: Raw) -> None:
        await raw.head()
        raw.send(b"HTTP/1.1 403 Forbidden\r\nX-Why: rules\r\nConnection: keep-alive\r\n")
        raw.send(next(waiting))

    async def scenario() -> None:
        async with raw_server(handle) as port, Proxy(f"127.0.0.1:{port}") as proxy:
            for body in bodies.values():
                client = await Raw.to(proxy.port)
                client.send(REQUEST)
                expected = b"HTTP/1.1 403 Forbidden\r\nX-Why: rules\r\n"
                fields, _, rest = (
                    body.rpartition(b"\r\n\r\n")
                    if b"9\r\n" not in body
                    else (*body.partition(b"\r\n\r\n"),)
                )
                separator = b"\r\n" if fields else b""
                assert await client.rest() == (
                    expected + fields + separator + b"Connection: close\r\n\r\n" + rest
                    if fields
                    else expected + b"Connection: close\r\n" + body
                )
                await client.close()
            await ended(proxy)
            assert proxy.stats.refused == {403: 3}

    runner(way, monkeypatch)(scenario())


@way
@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /chat HTTP/1.1\r\nHost: a\r\n\r\n", (400, 426)),
        (REQUEST.replace(b"GET", b"POST"), (400, 405)),
        (REQUEST.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b""), (400,)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(90) + b"\r\n\r\n", (400,)),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", (400, 431)),
    ],
)
def test_bad_request_is_refused_with_a_reason(
    way: str, request_bytes: bytes, status: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with Proxy("127.0.0.1:9") as proxy:
            client = await Raw.to(proxy.port)
            client.send(request_bytes)
            response = await client.rest()
            head, _, body = response.partition(b"\r\n\r\n")
            assert int(head.split()[1]) in status
            assert b"Connection: close" in head
            assert len(body) > 5
            await client.close()
            await ended(proxy)
            assert sum(proxy.stats.refused.values()) == 1

    runner(way, monkeypatch)(scenario())


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def refused(proxy: Proxy, request: bytes = REQUEST) -> tuple[int, bytes]:
    client = await Raw.to(proxy.port)
    client.send(request)
    head, _, body = (await client.rest()).partition(b"\r\n\r\n")
    await client.close()
    return int(head.split()[1]), body


@way
def test_server_that_is_down_is_502_and_one_that_is_silent_504(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = asyncio.Event()

    async def silent(raw: Raw) -> None:
        await raw.head()
        await over.wait()

    async def rude(raw: Raw) -> None:
        await raw.head()

    async def strange(raw: Raw) -> None:
        await raw.head()
        raw.send(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")

    async def wrong_key(raw: Raw) -> None:
        await raw.head()
        raw.send(RESPONSE.replace(b"s3pPLM", b"AAAAAA"))

    async def scenario() -> None:
        async with Proxy(f"127.0.0.1:{free_port()}") as proxy:
            status, body = await refused(proxy)
            assert (status, b"cannot be reached" in body) == (502, True)
        for handler, expected in ((rude, b"without"), (strange, b""), (wrong_key, b"Accept")):
            async with raw_server(handler) as port, Proxy(f"127.0.0.1:{port}") as proxy:
                status, body = await refused(proxy)
                assert (status, expected in body) == (502, True)
        async with (
            raw_server(silent) as port,
            Proxy(f"127.0.0.1:{port}", timeouts=Timeouts(handshake=0.05)) as proxy,
        ):
            assert (await refused(proxy))[0] == 504
            assert proxy.stats.timeouts == {"handshake": 1}
            over.set()

    runner(way, monkeypatch)(scenario())


@way
def test_client_that_says_nothing_is_408(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with Proxy("127.0.0.1:9", timeouts=Timeouts(handshake=0.05)) as proxy:
            assert (await refused(proxy, b"GET / HT"))[0] == 408

    runner(way, monkeypatch)(scenario())


@way
def test_hook_edits_refuses_and_chooses_the_server(
    way: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    paths: list[str] = []

    async def handle(connection: Any) -> None:
        paths.append(connection.request.path)
        await connection.send(connection.request.headers.get("X-User", "nobody"))

    async def hook(request: ProxyRequest) -> Refusal | None:
        await asyncio.sleep(0)
        if request.target == "/private":
            return Refusal(401, "who are you?", (("WWW-Authenticate", "Basic"),))
        if request.target == "/broken":
            raise ZeroDivisionError
        request.set("X-User", "ann")
        request.target = "/edited" + request.target
        return None

    async def scenario() -> None:
        async with serving(handle) as port, Proxy(f"127.0.0.1:{port}", on_connect=hook) as proxy:
            async with connect(f"{proxy.url}/x") as connection:
                assert await connection.recv() == "ann"
            assert await refused(proxy, REQUEST.replace(b"/chat", b"/private")) == (
                401,
                b"who are you?\n",
            )
            assert (await refused(proxy, REQUEST.replace(b"/chat", b"/broken")))[0] == 500
            await ended(proxy)
            assert proxy.stats.hook_errors == 1
        assert paths == ["/edited/x"]
        assert "ZeroDivisionError" in caplog.text

    runner(way, monkeypatch)(scenario())


@way
def test_fields_and_host_follow_the_rules(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    async def handle(connection: Any) -> None:
        seen.append(connection.request.headers)

    async def scenario() -> None:
        rules = [("X-Set", "1"), ("User-Agent", None), ("origin", "http://other")]
        async with (
            serving(handle) as port,
            Proxy(f"127.0.0.1:{port}", host="keep", fields=rules) as proxy,
        ):
            async with connect(proxy.url, origin="http://a", user_agent_header="me") as connection:
                await connection.wait_closed()
            assert seen[0]["Host"] == f"127.0.0.1:{proxy.port}"
        assert (seen[0]["X-Set"], seen[0]["Origin"]) == ("1", "http://other")
        assert "User-Agent" not in seen[0]

    runner(way, monkeypatch)(scenario())


def test_wrong_arguments_raise_at_once() -> None:
    wrong: list[dict[str, Any]] = [
        {},
        {"upstream": "ftp://a"},
        {"upstream": "ws://a", "listen": "a:b"},
        {"upstream": "ws://a", "host": "other"},
        {"upstream": "ws://a", "fields": [("a b", "c")]},
        {"upstream": "ws://a", "fields": [("a", "c\r\nd")]},
        {"upstream": "ws://a", "via": "ws://b"},
        {"upstream": "ws://a:0x"},
        {"upstream": "ws://a", "high_water": 1, "low_water": 2},
    ]
    for arguments in wrong:
        with pytest.raises(ValueError, match=r"."):
            Proxy(**arguments)
    with pytest.raises(ValueError, match="more than 0"):
        Timeouts(write=0)


@way
def test_echo_over_a_unix_socket_on_both_sides(
    way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    async def scenario() -> None:
        async with serving(echo) as port:
            first, second = tmp_path / "first", tmp_path / "second"
            async with (
                Proxy(f"127.0.0.1:{port}", listen=f"unix:{first}"),
                Proxy(f"ws+unix:{first}", listen=[f"unix:{second}", 0]) as outer,
            ):
                async with connect(f"ws://127.0.0.1:{outer.port}") as connection:
                    await connection.send("over two sockets")
                    assert await connection.recv() == "over two sockets"
                client = Raw(*await asyncio.open_unix_connection(str(second)))
                client.send(REQUEST)
                assert (await client.head()).startswith(b"HTTP/1.1 101")
                await client.close()

    runner(way, monkeypatch)(scenario())
