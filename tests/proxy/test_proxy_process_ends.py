"""How `wsdefrag proxy` and its connections end, with and without a closing handshake."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import websockets

from flow_reader import flows
from hang_guard import HANG_SECONDS
from proxy_process import LOOKS_INSIDE, connect, proxy_to, run, serving
from wire_writer import BINARY, KEY, TEXT, close_frame, fragments, frame

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Listener:
    """A server that keeps what it hears and how each connection ended."""

    def __init__(self) -> None:
        self.heard: list[str | bytes] = []
        self.hears = asyncio.Condition()
        self.ends: asyncio.Queue[tuple[int | None, str | None]] = asyncio.Queue()

    async def __call__(self, connection: Any) -> None:
        try:
            async for message in connection:
                async with self.hears:
                    self.heard.append(message)
                    self.hears.notify_all()
        except websockets.ConnectionClosedError:
            pass
        await connection.wait_closed()
        await self.ends.put((connection.close_code, connection.close_reason))

    async def has_heard(self, count: int) -> None:
        """Wait until so many messages have arrived."""
        async with self.hears:
            await self.hears.wait_for(lambda: len(self.heard) >= count)

    async def end(self) -> tuple[int | None, str | None]:
        """How the next connection ended."""
        return await asyncio.wait_for(self.ends.get(), HANG_SECONDS)


async def upgraded(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client without manners, just after its upgrade."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HANG_SECONDS)
    assert head.startswith(b"HTTP/1.1 101 ")
    return reader, writer


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """What comes until the end, which comes in time."""
    return await asyncio.wait_for(reader.read(), HANG_SECONDS)


PAGE = Path(__file__).resolve().parents[2] / "docs" / "proxy.md"


def test_service_of_the_page_writes_its_records_on_sigterm(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    (program,) = [block for block in blocks if "async def service" in block]
    imports = "import asyncio\nfrom wsdefrag.proxy import Proxy, Records\n"

    async def scenario() -> None:
        async with serving(Listener()) as port:
            text = imports + program.replace("127.0.0.1:9000", f"127.0.0.1:{port}")
            (tmp_path / "service.py").write_text(text.replace("# asyncio.run", "asyncio.run"))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-u", "service.py"),
                cwd=tmp_path,
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            url = (await process.stdout.readline()).decode().split()[-1]
            connection = await connect(url)
            await connection.send("not written yet")
            await (await connection.ping())
            process.send_signal(signal.SIGTERM)
            await connection.wait_closed()
            assert connection.close_code == 1001
            assert await asyncio.wait_for(process.wait(), HANG_SECONDS) == 0

    run(scenario())
    (flow,) = flows((tmp_path / "day.mitm").read_bytes())
    assert [message[2] for message in flow["websocket"]["messages"]] == [b"not written yet"]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_signal_closes_both_sides_with_1001(by: signal.Signals) -> None:
    async def scenario() -> None:
        listener = Listener()
        async with serving(listener) as port, proxy_to(port) as proxy:
            connections = [await connect(proxy.url()) for _ in range(3)]
            for connection in connections:
                await connection.send("hello")
            await listener.has_heard(3)
            await proxy.stop(by)
            for connection in connections:
                await connection.wait_closed()
                assert connection.close_code == 1001
                assert (await listener.end())[0] == 1001
        assert listener.heard == ["hello"] * 3

    run(scenario())


@LOOKS_INSIDE
def test_signal_does_not_wait_for_a_client_that_neither_reads_nor_answers() -> None:
    async def scenario() -> None:
        async with serving(Listener()) as port, proxy_to(port, grace=0.5) as proxy:
            _, writer = await upgraded(proxy.port)
            before = proxy.open_files()
            idle = await asyncio.open_connection("127.0.0.1", proxy.port)
            while proxy.open_files() < before + 1:
                await asyncio.sleep(0.01)
            await proxy.stop()
            for one in (writer, idle[1]):
                one.close()

    run(scenario())


def test_refusal_reaches_the_client_with_its_body() -> None:
    def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(403, "not you\n")

    async def scenario() -> None:
        async with serving(Listener(), process_request=refuse) as port, proxy_to(port) as proxy:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await connect(proxy.url())
            assert refused.value.response.status_code == 403
            assert refused.value.response.body == b"not you\n"

    run(scenario())


def test_server_that_is_not_there_ends_the_connection_and_not_the_proxy() -> None:
    async def scenario() -> None:
        async with serving(Listener()) as port:
            pass
        async with proxy_to(port) as proxy:
            for _ in range(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
                writer.write(REQUEST)
                assert (await rest_of(reader)).startswith(b"HTTP/1.1 502 ")
                writer.close()

    run(scenario())


@pytest.mark.parametrize("head", [b"GARBAGE\r\n\r\n", b"\x16\x03\x01" * 9000, REQUEST[:40]])
def test_client_without_a_request_is_refused(head: bytes) -> None:
    async def scenario() -> None:
        async with serving(Listener()) as port, proxy_to(port, handshake=0.5) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(head)
            assert (await rest_of(reader)).startswith(b"HTTP/1.1 4")
            writer.close()

    run(scenario())


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"\x83\x80" + KEY, 1002),
        (frame(TEXT, b"\xff", key=KEY), 1007),
        (frame(BINARY, b"", announced=9 << 20, form=64, key=KEY), 1009),
    ],
)
def test_client_that_breaks_a_rule_is_told_which_and_the_server_that_it_is_over(
    wire: bytes, code: int
) -> None:
    async def scenario() -> None:
        listener = Listener()
        async with serving(listener, compression=None) as port, proxy_to(port) as proxy:
            reader, writer = await upgraded(proxy.port)
            writer.write(frame(TEXT, b"good", key=KEY) + wire)
            assert (await rest_of(reader)).startswith(close_frame(code))
            writer.close()
            assert (await listener.end())[0] == 1011
        assert listener.heard == ["good"]

    run(scenario())


Vanishing = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def _closes(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _resets(writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    writer.transport.abort()


@pytest.mark.parametrize("vanishes", [_closes, _resets])
def test_client_that_vanishes_is_no_close_to_the_server(vanishes: Vanishing) -> None:
    """Its complete messages arrive, half a message does not, and no Close is invented."""

    async def scenario() -> None:
        listener = Listener()
        async with serving(listener, compression=None) as port, proxy_to(port) as proxy:
            _, writer = await upgraded(proxy.port)
            writer.write(frame(TEXT, b"whole", key=KEY))
            await listener.has_heard(1)
            writer.write(fragments(TEXT, [b"half", b"half"], key=KEY)[0])
            await vanishes(writer)
            assert (await listener.end())[0] == 1006
        assert listener.heard == ["whole"]

    run(scenario())


def test_server_that_vanishes_is_no_close_to_the_client() -> None:
    heard = asyncio.Event()

    async def vanish(connection: Any) -> None:
        await connection.send("last words")
        await heard.wait()
        connection.transport.abort()

    async def scenario() -> None:
        async with serving(vanish) as port, proxy_to(port) as proxy:
            connection = await connect(proxy.url())
            assert await connection.recv() == "last words"
            heard.set()
            with pytest.raises(websockets.ConnectionClosedError) as ended:
                await connection.recv()
            assert ended.value.rcvd is None

    run(scenario())


@LOOKS_INSIDE
def test_client_that_stays_for_ever_is_let_go_when_the_server_has_gone() -> None:
    async def leave(connection: Any) -> None:
        connection.transport.abort()

    async def scenario() -> None:
        async with serving(leave, compression=None) as port, proxy_to(port, grace=0.5) as proxy:
            before = proxy.open_files()
            _, writer = await upgraded(proxy.port)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            assert proxy.open_files() > before
            while proxy.open_files() != before:
                await asyncio.sleep(0.1)
            writer.close()

    run(scenario())


def test_close_code_and_reason_reach_the_other_side() -> None:
    async def close(connection: Any) -> None:
        await connection.close(4321, "größer")

    async def scenario() -> None:
        async with serving(close) as port, proxy_to(port) as proxy:
            connection = await connect(proxy.url())
            with pytest.raises(websockets.ConnectionClosedError):
                await connection.recv()
            assert (connection.close_code, connection.close_reason) == (4321, "größer")

    run(scenario())
