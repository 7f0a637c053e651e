"""hypercorn, uvicorn, trio-websocket and httpx-ws on the drop-in: real programs on loopback.

The programs in `compat_programs` know nothing of the package. They are started with
``python -m wsdefrag.compat.wsproto``, and the other side is the websockets package.
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

import compat_wsproto
from hang_guard import HANG_SECONDS, PATIENT

PROGRAMS = Path(compat_wsproto.__file__).with_name("compat_programs")

T = TypeVar("T")

SERVERS = {
    "uvicorn": ["uvicorn", "--ws", "wsproto", "--port", "0", "--app-dir", PROGRAMS],
    "uvicorn-workers": [
        *("-m", "uvicorn", "--ws", "wsproto", "--port", "0", "--workers", "2"),
        # Workers that do not answer for a while would be replaced.
        *("--timeout-worker-healthcheck", HANG_SECONDS, "--app-dir", PROGRAMS),
    ],
    "hypercorn": ["-m", "hypercorn", "--bind", "127.0.0.1:0"],
    "hypercorn-workers": ["hypercorn", "--bind", "127.0.0.1:0", "--workers", "2"],
}


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A program on the drop-in, ended by its own process when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wsdefrag.compat.wsproto", *map(str, arguments)],
        cwd=PROGRAMS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    clock = threading.Timer(HANG_SECONDS, process.kill)
    clock.start()
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=HANG_SECONDS)
        finally:
            clock.cancel()
            process.kill()


def match_line(lines: IO[str], pattern: str) -> re.Match[str]:
    """The first line that says this; what was printed, if none does."""
    printed = []
    for line in lines:
        printed.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError("".join(printed))


def wait_for_listener(port: int) -> None:
    """Servers announce their port before their workers listen on it."""
    end = time.monotonic() + HANG_SECONDS
    while time.monotonic() < end:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nobody listens")


def finish(work: Coroutine[object, object, T]) -> T:
    """Run what is asynchronous, for as long as a test may take."""
    return asyncio.run(asyncio.wait_for(work, HANG_SECONDS))


async def talk(connection: ClientConnection) -> None:
    """Everything that a connection is for, but its end."""
    for content in (
        "text \N{EURO SIGN}\N{GRINNING FACE}",
        "",
        bytes(range(256)),
        b"x" * 100_000,
        "y" * 70_000,
    ):
        await connection.send(content)
        assert await connection.recv() == content
    # Fragments that cut a character, and a ping between them.
    euro = "\N{EURO SIGN}".encode()

    async def fragments() -> AsyncIterator[bytes]:
        yield euro[:2]
        await (await connection.ping())
        yield euro[2:]

    await connection.send(fragments(), text=True)
    assert await connection.recv() == "\N{EURO SIGN}"


async def visit(url: str, *, compressed: bool) -> str:
    """One connection from the handshake to the close; what the server says it runs on."""
    deflate = "deflate" if compressed else None
    async with connect(url, compression=deflate, max_size=None, **PATIENT) as one:
        await talk(one)
        await one.send("which")
        said = await one.recv()
        await one.close(4000, "enough")
        assert one.close_code == 4000
    assert isinstance(said, str)
    return said


async def break_rule(url: str) -> None:
    """Send a frame of a reserved opcode, and wait for the end."""
    async with connect(url, compression=None, **PATIENT) as one:
        one.transport.write(b"\x83\x80\0\0\0\0")
        with pytest.raises(ConnectionClosed):
            await one.recv()


@pytest.mark.parametrize("arguments", SERVERS.values(), ids=SERVERS)
@pytest.mark.parametrize("compressed", [True, False], ids=["compressed", "plain"])
def test_asgi_server_runs_on_it(arguments: list[object], compressed: bool) -> None:
    with started(*arguments, "asgi_echo:app") as server:
        assert server.stdout is not None
        port = match_line(server.stdout, r"unning on http://127.0.0.1:(\d+)")[1]
        wait_for_listener(int(port))
        said = finish(visit(f"ws://127.0.0.1:{port}/", compressed=compressed))
        handshake, connection, process = said.split()
        assert handshake == "wsdefrag.compat.wsproto.wsconnection"
        assert connection == "wsdefrag.compat.wsproto.connection"
        # Workers are processes of their own, and hypercorn always has one.
        assert (int(process) == server.pid) == (arguments is SERVERS["uvicorn"])


def test_trio_websocket_runs_on_it() -> None:
    with started("trio_echo.py") as server:
        assert server.stdout is not None
        port, module = match_line(server.stdout, r"(\d+) (\S+)").groups()
        assert module == "wsdefrag.compat.wsproto.wsconnection"
        url = f"ws://127.0.0.1:{port}/"

        async def plain() -> None:
            async with connect(url, max_size=None, **PATIENT) as one:
                await talk(one)

        finish(plain())
        finish(break_rule(url))
        # wsproto's code and words.
        match_line(server.stdout, "^1002 Invalid opcode 0x3$")


def test_httpx_ws_runs_on_it() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    def run(port: int) -> tuple[str, int]:
        with started("httpx_client.py", f"http://127.0.0.1:{port}/") as client:
            shown, _ = client.communicate(timeout=HANG_SECONDS)
            return shown, client.returncode

    async def scenario() -> tuple[str, int]:
        async with serve(echo, "127.0.0.1", 0, **PATIENT) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            return await asyncio.to_thread(run, port)

    shown, status = finish(scenario())
    connection = "wsdefrag.compat.wsproto.connection"
    assert shown.splitlines() == ["'text \\u20ac'", "True", f"{connection} {connection}"]
    assert status == 0
