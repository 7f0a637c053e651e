"""The two echo servers, and how a test listens and runs."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import echo_client
import echo_server
import endpoint
from hang_guard import HANG_SECONDS

HOST = "127.0.0.1"
MIB = 1 << 20

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Frames = list[tuple[int, bytes]]

# The endpoints give slow peers up. In these tests no peer is slow, but the machine may be.
endpoint.CLOSING_SECONDS = HANG_SECONDS
echo_client.UPGRADE_SECONDS = HANG_SECONDS
echo_server.UPGRADE_SECONDS = HANG_SECONDS


def example_handler() -> Handler:
    path = Path(__file__).parents[2] / "examples" / "echo_server.py"
    spec = importlib.util.spec_from_file_location("example_echo_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.PATIENCE = HANG_SECONDS  # type: ignore[attr-defined]
    handler: Handler = module.handle
    return handler


SERVERS: dict[str, Handler] = {"conformance": echo_server.handle, "example": example_handler()}

each_server = pytest.mark.parametrize("handler", SERVERS.values(), ids=SERVERS)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, HANG_SECONDS))


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[int]:
    """Serve on a port, which this gives, until every client has been served to its end."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, HOST, 0)
    try:
        yield echo_server.port_of(server)
        await asyncio.gather(*serving)
    finally:
        server.close()
        for one in serving:
            one.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await server.wait_closed()
