"""The two echo servers, and how a test listens and runs."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import echo_server

HOST = "127.0.0.1"


SECONDS = 60.0


MIB = 1 << 20


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


Frames = list[tuple[int, bytes]]


def example_handler() -> Handler:
    path = Path(__file__).parents[2] / "examples" / "echo_server.py"
    spec = importlib.util.spec_from_file_location("example_echo_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handle
    return handler


SERVERS: dict[str, Handler] = {"conformance": echo_server.handle, "example": example_handler()}


each_server = pytest.mark.parametrize("handler", SERVERS.values(), ids=SERVERS)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, SECONDS))


async def listen(handler: Handler) -> asyncio.Server:
    return await asyncio.start_server(handler, HOST, 0)
