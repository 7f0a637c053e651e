"""How connections through the proxy end, and what a side that misbehaves does to others: nothing.

Follows RFC 6455 sections 5.5.1, 7.1 and 7.4.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

import pytest
import websockets

from proxy_loops import WAYS, runner
from proxy_peers import REQUEST, RESPONSE, Raw, connect, echo, ended, raw_server, serving
from wire_writer import BINARY, KEY, PING, TEXT, close_frame, deflated_zeros, frame
from wsdefrag import Limits
from wsdefrag.message import WebSocketMessage
from wsdefrag.proxy import Proxy, ProxyConnection, Timeouts

way = pytest.mark.parametrize("way", WAYS)

DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
DEFLATE_REQUEST = REQUEST[:-2] + DEFLATE + b"\r\n"


def keep(message: WebSocketMessage, connection: ProxyConnection) -> None:
    """A hook that leaves everything as it is."""


hooks = pytest.mark.parametrize("hook", [None, keep])


class Server:
    """Opens every connection, and keeps what it hears."""

    def __init__(self, *, extensions: bytes = b"") -> None:
        self.heard: list[bytes] = []
        self.raws: list[Raw] = []
        self.here = asyncio.Event()
        self._response = RESPONSE[:-2] + extensions + b"\r\n"

    async def __call__(self, raw: Raw) -> None:
        await raw.head()
        raw.send(self._response)
        self.raws.append(raw)
        self.here.set()
        self.heard.append(await raw.rest())


@way
@hooks
@pytest.mark.parametrize(
    ("wire", "code", "kind"),
    [
        (b"\xff" * 20, 1002, "violations"),
        (frame(TEXT, b"unmasked"), 1002, "violations"),
        (frame(TEXT, b"\xff\xfe", key=KEY), 1007, "violations"),
        (frame(TEXT, b"\x07", rsv1=True, key=KEY), 1007, "violations"),
        (frame(BINARY, b"".join(deflated_zeros(3)), rsv1=True, key=KEY), 1009, "limits"),
        (frame(BINARY, bytes(3 << 20), key=KEY), 1009, "limits"),
    ],
)
def test_violation_closes_its_own_connection(
    way: str, hook: Any, wire: bytes, code: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hook is None and kind == "limits":
        pytest.skip("what is only passed on has no limits")

    async def scenario() -> None:
        server = Server(extensions=DEFLATE)
        limits = Limits(max_message_size=2 << 20)
        async with (
            raw_server(server) as port,
            serving(echo) as other_port,
            Proxy(f"127.0.0.1:{port}", on_message=hook, limits=limits) as proxy,
            Proxy(f"127.0.0.1:{other_port}", on_message=hook) as other,
            connect(other.url) as good,
        ):
            client = await Raw.opened(proxy.port, DEFLATE_REQUEST)
            client.send(frame(TEXT, b"good", key=KEY) + wire)
            assert await client.take(4) == close_frame(code)
            await client.close()
            await ended(proxy)
            assert sum(getattr(proxy.stats, kind).values()) == 1
            await good.send("still here")
            assert await good.recv() == "still here"
        (heard,) = server.heard
        assert heard.startswith(frame(TEXT, b"good", key=KEY))
        if hook is not None:
            # 1011, masked with some key. Without a hook the frame may have been sent in part;
            # then nothing can come after it.
            assert heard[-8:-6] == b"\x88\x82"

    runner(way, monkeypatch)(scenario())


@way
@hooks
def test_end_of_a_stream_passes_and_the_other_direction_goes_on(
    way: str, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[bytes] = []

    async def handle(raw: Raw) -> None:
        await raw.head()
        raw.send(RESPONSE)
        got.append(await raw.rest())
        raw.send(frame(TEXT, b"after your end"))

    async def scenario() -> None:
        async with raw_server(handle) as port, Proxy(f"127.0.0.1:{port}", on_message=hook) as proxy:
            client = await Raw.opened(proxy.port)
            client.send(frame(TEXT, b"last", key=KEY))
            client.writer.write_eof()
            assert await client.rest() == frame(TEXT, b"after your end")
            await client.close()
            await ended(proxy)
            assert proxy.stats.closes == {1006: 1}
        assert got == [frame(TEXT, b"last", key=KEY)]

    runner(way, monkeypatch)(scenario())


def reset(raw: Raw) -> None:
    """Close with a RST."""
    linger = struct.pack("ii", 1, 0)
    raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    raw.abort()


@way
@hooks
@pytest.mark.parametrize("by_client", [True, False])
def test_reset_of_a_side_ends_the_other(
    way: str, hook: Any, by_client: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        server = Server()
        async with raw_server(server) as port, Proxy(f"127.0.0.1:{port}", on_message=hook) as proxy:
            client = await Raw.opened(proxy.port)
            half = frame(BINARY, bytes(9000), key=KEY)[:5000]
            client.send(half)
            await server.here.wait()
            reset(client if by_client else server.raws[0])
            if not by_client:
                assert await client.rest() == b""
                await client.close()
            await ended(proxy)
            assert proxy.budget is not None
            assert proxy.budget.bytes_held == 0

    runner(way, monkeypatch)(scenario())


@way
@hooks
@pytest.mark.parametrize("by_client", [True, False])
def test_side_that_does_not_read_stops_the_other_and_is_given_up(
    way: str, hook: Any, by_client: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender gets rid of what the sockets and the proxy hold, and of no more."""

    async def scenario() -> None:
        server = Server()

        async def quiet(raw: Raw) -> None:
            await raw.head()
            raw.stop_reading()
            raw.send(RESPONSE)
            server.raws.append(raw)
            server.here.set()
            await over.wait()

        over = asyncio.Event()
        timeouts = Timeouts(write=0.3)
        async with (
            raw_server(quiet) as port,
            Proxy(
                f"127.0.0.1:{port}", on_message=hook, timeouts=timeouts, high_water=1 << 16
            ) as proxy,
        ):
            client = await Raw.opened(proxy.port)
            await server.here.wait()
            client.stop_reading()
            sender = client if by_client else server.raws[0]
            one = frame(BINARY, bytes(1 << 16), key=KEY if by_client else None)
            sent = 0
            try:
                while sent < 200:
                    sender.send(one)
                    await sender.writer.drain()
                    sent += 1
            except ConnectionError:
                pass
            await ended(proxy)
            assert sent < 200
            assert proxy.stats.timeouts == {"write": 1}
            over.set()
            await client.close()

    runner(way, monkeypatch)(scenario())


@way
def test_connection_that_is_idle_is_closed_and_a_busy_one_is_not(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with (
            serving(echo) as port,
            Proxy(f"127.0.0.1:{port}", timeouts=Timeouts(idle=0.2)) as proxy,
            connect(proxy.url) as connection,
        ):
            with pytest.raises(websockets.ConnectionClosed):
                await connection.recv()
            assert (connection.close_code, connection.close_reason) == (1001, "idle")
            await ended(proxy)
            assert proxy.stats.timeouts == {"idle": 1}

    runner(way, monkeypatch)(scenario())


@way
@hooks
def test_side_that_does_not_answer_pings_is_closed_and_one_that_does_is_not(
    way: str, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts = Timeouts(ping_interval=0.1, ping=0.2)

    async def scenario() -> None:
        async with (
            serving(echo) as port,
            Proxy(f"127.0.0.1:{port}", on_message=hook, timeouts=timeouts) as proxy,
        ):
            client = await Raw.opened(proxy.port)
            # A ping of the proxy.
            assert await client.take(2) == frame(PING, b"")
            # The server answers its own pings; the client does not.
            wire = await client.rest()
            assert b"\x88\x09\x03\xe9no pong" in wire
            await client.close()
            await ended(proxy)
            assert proxy.stats.timeouts == {"ping": 1}

    runner(way, monkeypatch)(scenario())


@way
@hooks
def test_peer_that_does_not_answer_a_close_is_given_up(
    way: str, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        server = Server()
        async with (
            raw_server(server) as port,
            Proxy(f"127.0.0.1:{port}", on_message=hook, timeouts=Timeouts(close=0.1)) as proxy,
        ):
            client = await Raw.opened(proxy.port)
            client.send(close_frame(1000, key=KEY))
            assert await client.rest() == b""
            await ended(proxy)
            assert proxy.stats.timeouts == {"close": 1}
            await client.close()
        assert server.heard == [close_frame(1000, key=KEY)]

    runner(way, monkeypatch)(scenario())


@way
@hooks
def test_shutdown_closes_everything_with_1001(
    way: str, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int | None] = []

    async def handle(connection: Any) -> None:
        await connection.wait_closed()
        codes.append(connection.close_code)

    async def scenario() -> None:
        async with serving(handle) as port:
            proxy = Proxy(f"127.0.0.1:{port}", on_message=hook)
            await proxy.start()
            clients = [await connect(proxy.url) for _ in range(5)]
            asking = await Raw.to(proxy.port)
            asking.send(REQUEST[:50])
            while len(proxy.connections) < 6:
                await asyncio.sleep(0.001)
            await proxy.close()
            await proxy.wait_closed()
            assert (await asking.rest()).startswith(b"HTTP/1.1 503 ")
            await asking.close()
            for client in clients:
                await client.wait_closed()
                assert client.close_code == 1001
            assert not proxy.connections
            assert proxy.stats.closes == {1001: 5}
        assert codes == [1001] * 5

    runner(way, monkeypatch)(scenario())


@pytest.mark.skipif(sys.platform == "win32", reason="its transports read by themselves")
@way
def test_client_whose_bytes_were_not_read_gets_the_refusal(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with Proxy("127.0.0.1:9") as proxy:
            asking = await Raw.to(proxy.port)
            while not proxy.connections:
                await asyncio.sleep(0.001)
            (connection,) = proxy.connections
            connection.client_leg.transport.pause_reading()
            asking.send(REQUEST[:50])
            while unread(connection.client_leg.transport) < 50:
                await asyncio.sleep(0.001)
        # This raises if the connection was reset.
        assert (await asking.reader.read()).startswith(b"HTTP/1.1 503 ")
        await asking.close()

    runner(way, monkeypatch)(scenario())


def unread(transport: asyncio.Transport) -> int:
    """How many bytes have arrived at a socket that nobody has read."""
    import fcntl
    import termios

    found = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.FIONREAD, bytes(4))
    return int.from_bytes(found, sys.byteorder)


@way
def test_shutdown_does_not_wait_for_ever(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forever(message: WebSocketMessage, connection: ProxyConnection) -> None:
        asked.set()
        await asyncio.Event().wait()

    asked = asyncio.Event()

    async def scenario() -> None:
        server = Server()
        async with raw_server(server) as port:
            proxy = Proxy(f"127.0.0.1:{port}", on_message=forever, timeouts=Timeouts(close=0.1))
            await proxy.start()
            client = await Raw.opened(proxy.port)
            client.send(frame(TEXT, b"x", key=KEY))
            await asked.wait()
            await proxy.close()
            assert not proxy.connections
            await client.close()

    runner(way, monkeypatch)(scenario())


Hook = Callable[[WebSocketMessage, ProxyConnection], Any]


async def fail_later(message: WebSocketMessage, connection: ProxyConnection) -> None:
    await asyncio.sleep(0)
    raise ZeroDivisionError("in the hook")


def fail(message: WebSocketMessage, connection: ProxyConnection) -> None:
    raise ZeroDivisionError("in the hook")


def spoil(message: WebSocketMessage, connection: ProxyConnection) -> None:
    message.content = b"\xff\xff"


@way
@pytest.mark.parametrize("hook", [fail, fail_later, spoil])
def test_hook_that_raises_fails_its_connection_alone(
    way: str, hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def for_some(message: WebSocketMessage, connection: ProxyConnection) -> Any:
        return hook(message, connection) if message.content == b"bad" else None

    async def scenario() -> None:
        async with (
            serving(echo) as port,
            Proxy(f"127.0.0.1:{port}", on_message=for_some) as proxy,
            connect(proxy.url) as good,
            connect(proxy.url) as bad,
        ):
            await bad.send("bad")
            await bad.send("more")
            with pytest.raises(websockets.ConnectionClosed):
                await bad.recv()
            assert bad.close_code == 1011
            await good.send("good")
            assert await good.recv() == "good"
            assert proxy.stats.hook_errors == 1

    runner(way, monkeypatch)(scenario())
    assert "Traceback" in caplog.text


@way
@pytest.mark.parametrize("later", [False, True])
def test_hooks_edit_drop_inject_and_close(
    way: str, later: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[tuple[int | None, int, str]] = []

    def decide(message: WebSocketMessage, connection: ProxyConnection) -> None:
        if message.from_client and message.is_text:
            match message.text:
                case "drop":
                    message.drop()
                case "edit":
                    message.text = "edited"
                case "inject":
                    connection.inject("for the server", to_client=False)
                    connection.inject(b"for the client", to_client=True)
                case "close":
                    connection.close(4000, "enough")

    async def decide_later(message: WebSocketMessage, connection: ProxyConnection) -> None:
        await asyncio.sleep(0)
        decide(message, connection)

    async def on_close(connection: ProxyConnection) -> None:
        await asyncio.sleep(0)
        websocket = connection.websocket
        contents = [message.content.decode() for message in websocket.messages]
        closed.append((websocket.close_code, len(contents), connection.state))

    async def scenario() -> None:
        async with (
            serving(echo) as port,
            Proxy(
                f"127.0.0.1:{port}",
                on_message=decide_later if later else decide,
                on_close=on_close,
                retain=None,
            ) as proxy,
            connect(proxy.url) as connection,
        ):
            for text in ("drop", "edit", "inject"):
                await connection.send(text)
            got = [await connection.recv() for _ in range(4)]
            assert sorted(map(str, got)) == [
                "b'for the client'",
                "edited",
                "for the server",
                "inject",
            ]
            await connection.send("close")
            await connection.wait_closed()
            assert (connection.close_code, connection.close_reason) == (4000, "enough")
            await ended(proxy)
            stats = proxy.stats
            assert (stats.dropped, stats.injected) == ({"client": 1}, {"server": 1, "client": 1})

    runner(way, monkeypatch)(scenario())
    ((code, count, state),) = closed
    # Four from the client, three echoes, and two that were injected.
    assert (code, state) == (4000, "closed")
    assert count == 9


@way
def test_slow_hook_keeps_the_order_and_stops_the_reading(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a hook waits, no more is read than the high water mark and what one read brings."""
    most = 0

    async def hook(message: WebSocketMessage, connection: ProxyConnection) -> None:
        nonlocal most
        for _ in range(3):
            await asyncio.sleep(0)
        most = max(most, connection.relay.from_client.bytes_buffered)

    async def scenario() -> None:
        async with (
            serving(echo) as port,
            Proxy(f"127.0.0.1:{port}", on_message=hook, high_water=20_000) as proxy,
            connect(proxy.url, max_size=None, compression=None) as connection,
        ):
            sending = asyncio.create_task(
                _send_all(connection, [f"{number:05}" * 400 for number in range(2000)])
            )
            for number in range(2000):
                assert await connection.recv() == f"{number:05}" * 400
            await sending
        assert 0 < most < 20_000 + (256 << 10) + 5000

    runner(way, monkeypatch)(scenario())


async def _send_all(connection: Any, messages: list[str]) -> None:
    for message in messages:
        await connection.send(message)


@way
def test_ping_and_pong_pass(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with serving(echo) as port:
            for hook in (None, keep):
                async with (
                    Proxy(f"127.0.0.1:{port}", on_message=hook) as proxy,
                    connect(proxy.url) as connection,
                ):
                    await (await connection.ping(b"are you there?"))

    runner(way, monkeypatch)(scenario())


@way
@hooks
def test_message_is_injected_without_a_hook_being_called(
    way: str, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timer may send, on a connection that is open, and not on one that has closed."""

    async def scenario() -> None:
        async with (
            serving(echo) as port,
            Proxy(f"127.0.0.1:{port}", on_message=hook) as proxy,
        ):
            async with connect(proxy.url) as client:
                await client.send("x")
                assert await client.recv() == "x"
                (connection,) = proxy.connections
                assert connection.state == "open"
                connection.inject("by itself", to_client=True)
                assert await client.recv() == "by itself"
            await ended(proxy)
            with pytest.raises(ValueError, match=r"."):
                connection.inject("too late", to_client=True)

    runner(way, monkeypatch)(scenario())
