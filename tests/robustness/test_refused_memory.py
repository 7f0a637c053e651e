"""Refused memory is an exception, and what was complete before it is delivered.

Each public class does its work with no more address space than it has, with 1 MiB more, with 3, and
so on past the amount with which it succeeds. Each attempt must end, and never by a signal, a
PanicException or an InternalError.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from child_process import child

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="it is Linux that refuses"),
    pytest.mark.random,
]

# glibc keeps large blocks after it has freed one of their size, unless this is fixed; and mimalloc,
# which objects are from without a GIL, reserves 1 GiB of address space at once.
ENVIRONMENT = {
    **os.environ,
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_ARENA_MAX": "1",
    "MIMALLOC_ARENA_RESERVE": "0",
}


def swept(module: str, *arguments: str) -> None:
    code = f"""
import sys
sys.path.insert(0, "tests/support")
import {module}
{module}.run(*{arguments!r})
"""
    ended, output, errors = child(code, env=ENVIRONMENT)
    assert ended == 0, f"{output}{errors}"
    assert output.startswith("refused with ")


STREAMS = ["pings", "small messages", "large message", "bomb", "fragments"]


@pytest.mark.parametrize("stream", STREAMS)
def test_reassembler(stream: str) -> None:
    swept("refused_memory_streams", "MessageReassembler", stream)


@pytest.mark.parametrize("stream", ["pings", "large message", "bomb", "fragments"])
def test_direction(stream: str) -> None:
    swept("refused_memory_streams", "WebSocketDirection", stream)


@pytest.mark.parametrize("stream", ["pings", "small messages", "large message"])
def test_connection(stream: str) -> None:
    swept("refused_memory_streams", "WebSocketConnection", stream)


def test_connection_with_a_record() -> None:
    swept("refused_memory_streams", "WebSocketConnection with a record", "small messages")


@pytest.mark.parametrize("stream", ["pings", "small messages", "large message", "fragments"])
def test_relay(stream: str) -> None:
    swept("refused_memory_streams", "WebSocketRelay", stream)


@pytest.mark.parametrize("stream", ["small messages", "large message"])
@pytest.mark.parametrize("relay", ["PassThroughRelay", "PassThroughRelay, bytes"])
def test_relay_without_decisions(relay: str, stream: str) -> None:
    swept("refused_memory_streams", relay, stream)


@pytest.mark.parametrize("stream", ["pings", "large message"])
def test_decoder(stream: str) -> None:
    swept("refused_memory_streams", "FrameDecoder", stream)


WRITERS = [
    "FrameEncoder",
    "FrameEncoder, text",
    "FrameEncoder, deflate",
    "FrameEncoder, fragments",
    "Fragmenter",
    "WebSocketRelay, injection",
    "DeflateParams",
    "pickled messages",
    "a large pickled message",
    "pickled messages of a capture",
    "drop-in, pings",
    "drop-in, large message",
    "drop-in, send",
]


@pytest.mark.parametrize("writer", WRITERS)
def test_writer(writer: str) -> None:
    swept("refused_memory_writers", writer)


CAPTURES = [
    *("path", "file object", "large message", "messages", "connections", "events"),
    *("path by threads", "large message by threads", "messages by threads"),
]


@pytest.mark.parametrize("capture", CAPTURES)
def test_capture(capture: str) -> None:
    swept("refused_memory_captures", capture)
