"""The interpreter ends while a daemon thread is inside one of the entries below.

`test_exit.py` has the reason and the entries that make most objects. By night each entry is run 20
times.
"""

from __future__ import annotations

import pytest

from child_process import children
from daemon_threads import ending_program
from night import NIGHT

pytestmark = pytest.mark.random

RUNS = 20 if NIGHT else 4

SETUP = """
import io, pickle, sys
sys.path.insert(0, "tests/support")
import wsdefrag
from wire_writer import BINARY, KEY, TEXT, Deflater, frame
from wsdefrag.capture import Capture

DATA = "vectors/captures/demo.pcapng"
MESSAGES = b"\\x82\\x01a\\x89\\x00" * 500
BIG = frame(BINARY, bytes(1 << 20))

class Note(wsdefrag.WebSocketMessage):
    def __init__(self, *values):
        super().__init__(*values)
    def __repr__(self):
        return "Note"
"""

READ_TABLE = """
import ctypes

pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
Next = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
Release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

class Stream(ctypes.Structure):
    _fields_ = [("get_schema", ctypes.c_void_p), ("get_next", Next)]

class Array(ctypes.Structure):
    _fields_ = [
        ("numbers", ctypes.c_int64 * 5),
        ("parts", ctypes.c_void_p * 3),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    ]

def read_table(table):
    capsule = table.__arrow_c_stream__()
    place = pointer_of(capsule, b"arrow_array_stream")
    while True:
        array = Array()
        if Stream.from_address(place).get_next(place, ctypes.addressof(array)) != 0:
            raise OSError("the stream failed")
        if not array.release:
            return
        Release(array.release)(ctypes.addressof(array))
"""
"""Reads a table by the Arrow C stream interface. pyarrow cannot be used: a daemon thread that ends
inside it aborts the process without this package as well (pyarrow 26.0.1, 10 of 180 runs)."""

WORK = {
    "reassembler without the GIL": """
def work():
    wsdefrag.MessageReassembler(from_client=False).receive_data(BIG)
""",
    "compressed": """
packed = frame(BINARY, Deflater().compress(bytes(1 << 20)), rsv1=True)
def work():
    wsdefrag.MessageReassembler(
        from_client=False, deflate=wsdefrag.DeflateParams()
    ).receive_data(packed)
""",
    "encoder with compression": """
def work():
    encoder = wsdefrag.FrameEncoder(from_client=True, deflate=wsdefrag.DeflateParams())
    encoder.text("hello" * 1000, fragments=[2500, 2500])
    encoder.binary(bytes(300_000))
""",
    "subclasses": """
class Connection(wsdefrag.WebSocketConnection):
    def receive_data(self, data, **values):
        return super().receive_data(data, **values)
class Relay(wsdefrag.WebSocketRelay):
    def forward(self, event):
        super().forward(event)
def work():
    Connection(retain=10).receive_data(MESSAGES, from_client=False)
    relay = Relay()
    for event in relay.receive_data(MESSAGES[:100], from_client=False):
        relay.forward(event)
    for _ in range(20):
        note = Note(1, True, b"note")
        relay.inject(note)
        note.text = "edited"
        note.get_state(), note.copy() if hasattr(note, "copy") else None
    relay.data_to_send(to_client=False)
""",
    "relay without decisions": """
def work():
    for mode in ("frames", "bytes"):
        budget = wsdefrag.Budget(1 << 20)
        relay = wsdefrag.PassThroughRelay(mode=mode, budget=budget, collect_up_to=1 << 40)
        relay.receive_data(MESSAGES, from_client=False)
        relay.inject(Note(1, False, b"note"))
        relay.send_ping(b"x", to_client=True)
        relay.data_to_send(to_client=True)
        relay.receive_eof(from_client=False)
""",
    "events and accounts of a capture": """
def work():
    for connection in Capture(DATA).connections():
        repr(connection)
    list(Capture(DATA).events())
""",
    "filtered capture of a file object": """
class File(io.BytesIO):
    def read(self, size=-1):
        return super().read(min(size, 4096))
CONTENT = open(DATA, "rb").read()
def work():
    list(Capture(File(CONTENT), hosts=["prices.example"], types=["text"]).read())
""",
    "table": READ_TABLE
    + """
def work():
    tables = Capture(DATA).to_arrow()
    for table in tables:
        read_table(table)
""",
    "table of a file object": READ_TABLE
    + """
class File(io.BytesIO):
    def read(self, size=-1):
        return super().read(min(size, 4096))
CONTENT = open(DATA, "rb").read()
def work():
    read_table(Capture(File(CONTENT)).to_arrow().messages)
""",
    "written files": """
from wsdefrag.capture import write_har, write_jsonl
def work():
    write_jsonl(Capture(DATA), io.BytesIO())
    write_har(Capture(DATA), io.BytesIO())
""",
    "copies": """
message = wsdefrag.WebSocketMessage(1, True, b"hello")
captured = next(iter(Capture(DATA)))
ping = wsdefrag.WebSocketDirection(from_client=False).receive_data(b"\\x89\\x00")[0]
def work():
    for one in (message, captured, ping):
        pickle.loads(pickle.dumps(one))
    wsdefrag.DeflateParams.from_header("permessage-deflate; odd", strict=False)
    wsdefrag.Fragmenter(max_size=3).sizes(2, b"hello" * 100)
""",
    "drop-in that is answered": """
from wsproto.connection import ConnectionType
from wsproto.events import Ping, TextMessage
from wsdefrag.compat.wsproto import Connection
class Sub(TextMessage):
    pass
def work():
    client, server = Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    for _ in range(20):
        server.receive_data(client.send(Sub("hello")))
        for event in server.events():
            client.receive_data(server.send(event))
        list(client.events())
    client.receive_data(b"\\x83\\x00")
    list(client.events())
""",
}


@pytest.mark.parametrize("name", WORK)
def test_process_ends_while_daemon_threads_work(name: str) -> None:
    code = ending_program(SETUP, WORK[name], threads=3)
    ended = [one for _ in range(RUNS // 4) for one in children(code, 4)]
    assert ended == [(0, "")] * len(ended)
