"""Event loops and transports that the proxy runs on, as parameters of tests.

Plain asyncio always; uvloop and aiofastnet where they are installed. `run` runs a scenario on one
of them, with a time limit.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hang_guard import HANG_SECONDS
from wsdefrag.proxy import transports

HAS_UVLOOP = importlib.util.find_spec("uvloop") is not None

if HAS_UVLOOP:
    # The first loop that runs makes a pipe that lasts as long as the process.
    import uvloop

    _first = uvloop.new_event_loop()
    _first.run_until_complete(asyncio.sleep(0))
    _first.close()

WAYS = (
    "asyncio",
    pytest.param("uvloop", marks=pytest.mark.skipif(not HAS_UVLOOP, reason="no uvloop")),
    pytest.param(
        "aiofastnet", marks=pytest.mark.skipif(not transports.is_fast(), reason="no aiofastnet")
    ),
    pytest.param(
        "uvloop aiofastnet",
        marks=pytest.mark.skipif(
            not (HAS_UVLOOP and transports.is_fast()), reason="no uvloop or no aiofastnet"
        ),
    ),
)

Run = Callable[[Coroutine[Any, Any, None]], None]


def runner(way: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """What runs scenarios in one of these ways."""
    if "aiofastnet" not in way:
        monkeypatch.setattr(transports, "_FAST", None)

    def run(scenario: Coroutine[Any, Any, None]) -> None:
        loop = _new_loop(way)
        try:
            loop.run_until_complete(_watched(scenario))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    return run


def _new_loop(way: str) -> asyncio.AbstractEventLoop:
    if "uvloop" in way:
        made: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return made
    return asyncio.new_event_loop()


async def _watched(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario; nothing may be reported to the loop, and no task may be left."""
    loop = asyncio.get_running_loop()
    reported: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reported.append(context))
    before = asyncio.all_tasks()
    await asyncio.wait_for(scenario, HANG_SECONDS)
    assert reported == []
    # Tasks of the peers may have some steps left.
    while left := asyncio.all_tasks() - before:
        await asyncio.wait(left)
