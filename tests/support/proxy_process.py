"""`wsdefrag proxy` as a process of its own, for tests that talk through it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio import client, server

from hang_guard import HANG_SECONDS, PATIENT

WATCHED = Path(__file__).resolve().parent / "proxy_watched.py"

LOOKS_INSIDE = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="what a process holds is read from Linux's /proc"
)

MIB = 1 << 20

# What `WATCHED` reports, and how many files it has opened, when nobody is connected.
IDLE = {"tasks": 1, "sessions": 0, "connections": 0, "held": 0, "files": 0}

# Of a client without manners; the target is to be filled in.
REQUEST = (
    "GET /{} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


class ProxyProcess:
    """A proxy that listens on `port`; `lines` is what it has printed since."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip())

    def url(self, path: str = "/") -> str:
        """Where clients connect to."""
        return f"ws://127.0.0.1:{self.port}{path}"

    def resident(self) -> int:
        """Bytes of memory that are in use now."""
        return self._memory("VmRSS")

    def peak(self) -> int:
        """Bytes of memory that were in use at most."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return int(fields[name].split()[0]) * 1024

    def open_files(self) -> int:
        """How many file descriptors are open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    async def report(self) -> dict[str, int]:
        """Its tasks, sessions and budget; only if the program is `WATCHED`."""
        before = len(self.lines)
        self.process.send_signal(signal.SIGUSR1)
        while True:
            for line in self.lines[before:]:
                if line.startswith("{"):
                    found: dict[str, int] = json.loads(line)
                    return found
            await asyncio.sleep(0.02)

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """End it, and check that it had no error."""
        if self.process.returncode is None:
            self.process.send_signal(by)
        await asyncio.wait_for(self.process.wait(), HANG_SECONDS)
        await self._reading
        assert self.process.stderr is not None
        complaints = (await self.process.stderr.read()).decode()
        if (self.process.returncode, complaints) != (0, ""):
            raise AssertionError(f"exit status {self.process.returncode}: {complaints}")


@asynccontextmanager
async def proxy_to(
    port: int,
    *arguments: str | Path,
    program: Path | None = None,
    grace: float = HANG_SECONDS,
    handshake: float = HANG_SECONDS,
) -> AsyncIterator[ProxyProcess]:
    """Run a proxy of whole messages to a server on this machine, and end it afterwards.

    Args:
        port: the server's.
        arguments: for the command.
        program: what runs the command; None for the command itself.
        grace: the seconds after which the proxy gives a peer up. A short one is for tests of
            that; otherwise nobody is given up, however slow the machine is.
        handshake: the seconds for a request, likewise.
    """
    run = ["-m", "wsdefrag"] if program is None else [program]
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-W", "error", *run, "proxy", "--upstream", f"127.0.0.1:{port}"],
        *["--listen", "0", "--log-level", "critical", "--max-message-size", str(8 << 20)],
        *["--close-timeout", str(grace), "--handshake-timeout", str(handshake)],
        *["--edit", "OLD", "new one", *arguments],
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        line = (await asyncio.wait_for(process.stderr.readline(), HANG_SECONDS)).decode()
        found = re.fullmatch(r"wsdefrag: 127\.0\.0\.1:(\d+): listening\n", line)
        assert found, line
        proxy = ProxyProcess(process, int(found[1]))
        yield proxy
        await proxy.stop()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@asynccontextmanager
async def serving(handler: Any, **options: Any) -> AsyncIterator[int]:
    """A websockets server on this machine; gives its port."""
    options = {**PATIENT, "max_size": None, **options}
    async with server.serve(handler, "127.0.0.1", 0, **options) as listening:
        yield next(iter(listening.sockets)).getsockname()[1]


def connect(url: str, **options: Any) -> client.connect:
    """A websockets client that gives up nobody."""
    return client.connect(url, **{**PATIENT, **options})


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario with a time limit."""
    asyncio.run(asyncio.wait_for(scenario, HANG_SECONDS))


async def settled(proxy: ProxyProcess, files: int) -> dict[str, int]:
    """Wait until the proxy is as it was before, or will never be; give what there is then."""
    for _ in range(5 * HANG_SECONDS):
        left = await proxy.report() | {"files": proxy.open_files() - files}
        if left == IDLE:
            break
        await asyncio.sleep(0.1)
    return left
