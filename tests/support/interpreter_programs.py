"""Programs that tests run in interpreters of many kinds, and interrupt.

`USE` defines `use`, which does something with every part of the package and returns a digest of all
results. `INTERRUPTED` adds the classes that read streams, an exception to interrupt them with, and
what raises it at the n-th instruction of the package's Python code, for `sys.settrace`.
"""

from __future__ import annotations

USE = r"""
import copy, gc, hashlib, io, pickle, signal, sys, threading, warnings
sys.path.insert(0, "tests/support")
import wsdefrag
from wire_writer import BINARY, KEY, PING, TEXT, Deflater, close_frame, fragments, frame
from wsproto.connection import ConnectionType
from wsproto.events import Ping, TextMessage
from wsdefrag.capture import Capture, write_jsonl
from wsdefrag.compat.wsproto import Connection

AGREED = wsdefrag.DeflateParams()
DATA = "vectors/captures/demo.pcapng"

def stream():
    deflater = Deflater()
    parts = []
    for number in range(60):
        content = b"the words of message %d, " % number * (number + 1)
        parts.append(frame(TEXT, deflater.compress(content), rsv1=True))
        parts.append(frame(PING, b"%d" % number))
        parts += fragments(BINARY, [content, b"", content], between=[frame(PING, b"!"), b""])
        parts.append(frame(BINARY, content))
    return b"".join(parts)

WIRE = stream()
CHUNKS = [WIRE[start : start + 97] for start in range(0, len(WIRE), 97)]

def shown(events):
    return [(type(one).__name__, getattr(one, "content", None) or getattr(one, "payload", b""))
            for one in events]

def use():
    seen = []
    connection = wsdefrag.WebSocketConnection(deflate=AGREED)
    for chunk in CHUNKS:
        seen += shown(connection.receive_data(chunk, from_client=False, timestamp=1.5))
    seen += [connection.websocket.messages[3].get_state(), repr(connection.from_server)]
    reassembler = wsdefrag.MessageReassembler(from_client=False, deflate=AGREED)
    seen += shown(reassembler.receive_data(WIRE + b"\x83\x00", timestamp=1.5))
    seen += [repr(reassembler.error)]
    relay = wsdefrag.WebSocketRelay(deflate=AGREED)
    for event in relay.receive_data(WIRE, from_client=False, timestamp=1.5):
        relay.forward(event)
    relay.inject(wsdefrag.WebSocketMessage(1, False, b"note", 1.5))
    seen += [relay.data_to_send(to_client=True)]
    watching = wsdefrag.PassThroughRelay(deflate=AGREED, collect_up_to=1 << 40)
    seen += shown(watching.receive_data(WIRE, from_client=False, timestamp=1.5))
    seen += [watching.data_to_send(to_client=True) == WIRE]
    decoder = wsdefrag.FrameDecoder(from_client=False, deflate=AGREED)
    seen += [repr(one) for one in decoder.receive_data(WIRE)]
    encoder = wsdefrag.FrameEncoder(from_client=True, deflate=AGREED)
    seen += [encoder.text("größe" * 100, fragments=[300, 400], masking_key=KEY)]
    seen += [wsdefrag.Fragmenter(max_size=7).sizes(1, "größe".encode() * 9)]
    seen += [repr(wsdefrag.DeflateParams.from_header("permessage-deflate; odd", strict=False))]
    message = wsdefrag.WebSocketMessage(1, True, b"hi", 1.5)
    seen += [pickle.loads(pickle.dumps(message)).get_state(), copy.copy(message).get_state()]
    seen += [repr(item) for item in Capture(DATA).read()]
    with open(DATA, "rb") as file:
        seen += [repr(item) for item in Capture(file).connections()]
    lines = io.BytesIO()
    write_jsonl(Capture(DATA), lines)
    seen += [lines.getvalue()]
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(frame(TEXT, b"hello") + frame(PING, b"x") + close_frame(1000))
    seen += [repr(one) for one in client.events()]
    return hashlib.sha256(repr(seen).encode()).hexdigest()
"""

INTERRUPTED = r"""
class Interrupt(BaseException):
    pass

def interrupting(nth):
    left = nth
    def trace(frame, event, argument):
        nonlocal left
        if "wsdefrag" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise Interrupt
        return trace
    return trace

def whole(make, feed):
    one = make()
    return [item for chunk in CHUNKS for item in shown(feed(one, chunk))]

READERS = {
    "MessageReassembler": (
        lambda: wsdefrag.MessageReassembler(from_client=False, deflate=AGREED),
        lambda one, chunk: one.receive_data(chunk),
    ),
    "WebSocketDirection": (
        lambda: wsdefrag.WebSocketDirection(from_client=False, deflate=AGREED),
        lambda one, chunk: one.receive_data(chunk),
    ),
    "WebSocketConnection": (
        lambda: wsdefrag.WebSocketConnection(deflate=AGREED, retain=0),
        lambda one, chunk: one.receive_data(chunk, from_client=False),
    ),
    "WebSocketRelay": (
        lambda: wsdefrag.WebSocketRelay(deflate=AGREED, retain=0),
        lambda one, chunk: one.receive_data(chunk, from_client=False),
    ),
    "PassThroughRelay": (
        lambda: wsdefrag.PassThroughRelay(deflate=AGREED, retain=0, collect_up_to=1 << 40),
        lambda one, chunk: one.receive_data(chunk, from_client=False),
    ),
    "FrameDecoder": (
        lambda: wsdefrag.FrameDecoder(from_client=False, deflate=AGREED),
        lambda one, chunk: one.receive_data(chunk),
    ),
}
"""
