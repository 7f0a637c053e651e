"""The interpreter ends while a daemon thread is inside the package.

CPython ends such a thread where it next waits for the GIL, until 3.13 by unwinding its stack. Rust
frames cannot be unwound like that, and the process would abort. So objects are made without Python
code, and what still calls Python code does so by a call that can be ended (`DESIGN.md` has the
list).
"""

from __future__ import annotations

import dataclasses
import gc
import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType

import pytest

import wsdefrag
from child_process import children
from daemon_threads import ending_program
from wire_writer import BINARY, CLOSE, PING, TEXT, frame
from wsdefrag.capture import Capture

RUNS = 20
TOGETHER = 5
"""Runs at the same time; more would only wait for each other."""

SETUP = """
import wsdefrag

PINGS = b"\\x89\\x00" * 2000
MESSAGES = b"\\x82\\x01a" * 2000
CAPTURE = "vectors/captures/demo.pcapng"

class Named(wsdefrag.WebSocketMessage):
    def __init__(self, *values):
        super().__init__(*values)
"""

WORK = {
    "pings": """
def work():
    wsdefrag.WebSocketConnection().receive_data(PINGS, from_client=False)
""",
    "small chunks": """
def work():
    connection = wsdefrag.WebSocketConnection()
    for _ in range(100):
        connection.receive_data(b"\\x89\\x00\\x82\\x01a", from_client=False)
""",
    "violations": """
def work():
    for _ in range(100):
        reassembler = wsdefrag.MessageReassembler(from_client=False)
        reassembler.receive_data(b"\\x83\\x00")
        try:
            reassembler.receive_eof()
        except wsdefrag.ProtocolError as error:
            repr(error)
""",
    "capture": """
from wsdefrag.capture import Capture

def work():
    list(Capture(CAPTURE).read())
""",
    "file object": """
from wsdefrag.capture import Capture

CONTENT = open(CAPTURE, "rb").read()
class File:
    def __init__(self):
        self.content, self.at = CONTENT, 0
    def read(self, size):
        part = self.content[self.at : self.at + min(size, 1000)]
        self.at += len(part)
        return part
def work():
    list(Capture(File()).read())
""",
    "relay": """
def work():
    relay = wsdefrag.WebSocketRelay()
    for event in relay.receive_data(PINGS[:200] + MESSAGES[:300], from_client=False):
        relay.forward(event)
    relay.data_to_send(to_client=True)
    relay.inject(Named(1, False, b"a"))
    relay.receive_eof(from_client=False)
""",
    "encoder": """
def work():
    encoder = wsdefrag.FrameEncoder(from_client=True)
    for _ in range(100):
        encoder.text("hello")
        encoder.binary(bytearray(b"hello"))
""",
    "frames": """
def work():
    for frame in wsdefrag.FrameDecoder(from_client=False).receive_data(PINGS):
        frame.opcode
""",
    "drop-in": """
from wsproto.connection import ConnectionType
from wsproto.events import Message
from wsdefrag.compat.wsproto import Connection

def work():
    connection = Connection(ConnectionType.CLIENT)
    connection.receive_data(PINGS + MESSAGES)
    list(connection.events())
    connection.send(Message(data="hello"))
""",
}


@pytest.mark.parametrize("name", WORK)
def test_process_ends_while_daemon_threads_work(name: str) -> None:
    code = ending_program(SETUP, WORK[name], threads=4)
    ended = [one for _ in range(RUNS // TOGETHER) for one in children(code, TOGETHER)]
    assert ended == [(0, "")] * RUNS


def python_calls(work: Callable[[], object]) -> list[str]:
    """The functions of the package that are called while ``work`` runs, by name."""
    called = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "wsdefrag" in frame.f_code.co_filename:
            called.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return called


class TestObjects:
    """Objects that Rust makes are made without Python code."""

    WIRE = (
        frame(TEXT, b"a"),
        frame(PING),
        frame(PING, b"b"),
        frame(BINARY, b"c" * 1000),
        frame(CLOSE, b"\x03\xe8bye"),
    )

    def test_events(self) -> None:
        direction = wsdefrag.WebSocketDirection(from_client=False)
        assert python_calls(lambda: direction.receive_data(b"".join(self.WIRE))) == []
        assert python_calls(direction.receive_eof) == []

    def test_violation_and_its_exception(self) -> None:
        direction = wsdefrag.WebSocketDirection(from_client=False)
        assert python_calls(lambda: direction.receive_data(b"\x83\x00")) == []
        assert python_calls(lambda: direction.error) == []

    def test_incomplete_message(self) -> None:
        direction = wsdefrag.WebSocketDirection(from_client=False)
        direction.receive_data(b"\x01\x03Hel")
        assert python_calls(direction.receive_eof) == []

    def test_messages_and_connections_of_a_capture(self) -> None:
        capture = Capture("vectors/captures/demo.pcapng")
        reader = capture.read()
        assert reader.next_batch()
        native = reader._native
        assert native is not None
        assert python_calls(native.next_batch) == []

    def test_objects_of_a_capture_have_all_fields(self) -> None:
        for connection in Capture("vectors/captures/demo.pcapng").connections():
            parts = [
                connection,
                connection.request,
                connection.response,
                connection.close,
                connection.from_client,
                connection.websocket,
                connection.deflate,
            ]
            for part in parts:
                if part is not None:
                    assert all(hasattr(part, field.name) for field in dataclasses.fields(part))


def test_events_of_a_huge_chunk_take_64_bytes_each_at_most() -> None:
    """With slots of 8 bytes; lists grow by an eighth. Without a GIL, heads are 16 bytes larger."""
    most = 48 + object.__basicsize__
    chunk = b"\x89\x00" * 200_000
    direction = wsdefrag.WebSocketDirection(from_client=False)
    direction.receive_data(b"\x89\x00")
    tracemalloc.start()
    try:
        events = direction.receive_data(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(events) == 200_000
    assert sys.getsizeof(events[0]) + 8 <= most
    assert not gc.is_tracked(events[0])
    assert peak < (most + 6) * len(events)
