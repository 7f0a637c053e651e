"""Eight threads use one object: each call works or raises the documented RuntimeError.

What the calls that work give is right, and after them the object is as if one thread had made them.
"""

from __future__ import annotations

import pytest

from child_process import child

PROGRAM = r"""
import os, sys, threading
sys.path.insert(0, "tests/support")
import wsdefrag
from wire_writer import BINARY, KEY, PING, TEXT, frame
from wsdefrag.capture import Capture

THREADS = 8
CALLS = {calls}
BIG = frame(BINARY, bytes(600_000))
CHUNK = frame(TEXT, b"hello") + frame(PING, b"p") + BIG
CONTENTS = [b"hello", b"p", bytes(600_000)]
DATA = "vectors/captures/demo.pcapng"

def contents(events):
    return [getattr(one, "content", None) or one.payload for one in events]

{work}

refused, worked, wrong = [], [], []
barrier = threading.Barrier(THREADS)

def thread(number):
    barrier.wait()
    for call in range(CALLS):
        try:
            worked.append(use(number, call))
        except RuntimeError as error:
            refused.append(error)
        except BaseException as error:
            wrong.append(error)

sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=thread, args=[number]) for number in range(THREADS)]
for each in threads:
    each.start()
for each in threads:
    each.join()
sys.setswitchinterval(0.005)
assert not wrong, wrong[:3]
assert worked
for error in refused:
    assert type(error) is RuntimeError, repr(error)
    text = "is in use by another call: only one thread may use it at a time"
    assert str(error) == f"this {{NAME}} {{text}}", error
check()
print("done")
"""

OBJECTS = {
    "MessageReassembler": """
one = wsdefrag.MessageReassembler(from_client=False)
def use(number, call):
    return contents(one.receive_data(CHUNK))
def check():
    assert all(part == [CONTENTS[0], CONTENTS[2]] for part in worked)
    assert one.bytes_received == len(CHUNK) * len(worked) and one.bytes_buffered == 0
    one.receive_eof()
""",
    "WebSocketDirection": """
one = wsdefrag.WebSocketDirection(from_client=False)
def use(number, call):
    return contents(one.receive_data(CHUNK))
def check():
    assert all(part == CONTENTS for part in worked)
    assert one.bytes_received == len(CHUNK) * len(worked)
    assert one.receive_eof() == []
""",
    "WebSocketConnection": """
one = wsdefrag.WebSocketConnection()
def use(number, call):
    return contents(one.receive_data(CHUNK, from_client=False))
def check():
    assert all(part == CONTENTS for part in worked)
    assert one.from_server.bytes_received == len(CHUNK) * len(worked)
    assert len(one.websocket.messages) == 2 * len(worked)
""",
    "FrameDecoder": """
one = wsdefrag.FrameDecoder(from_client=False)
def use(number, call):
    return contents(one.receive_data(CHUNK))
def check():
    assert all(part == CONTENTS for part in worked)
    assert one.bytes_received == len(CHUNK) * len(worked)
""",
    "FrameEncoder": """
one = wsdefrag.FrameEncoder(from_client=True)
def use(number, call):
    return one.binary(bytes([number]) * 600_000)
def check():
    peer = wsdefrag.MessageReassembler(from_client=True)
    for part in worked:
        (message,) = peer.receive_data(part)
        assert message.content == message.content[:1] * 600_000
    assert one.binary(b"x", masking_key=KEY) == frame(BINARY, b"x", key=KEY)
""",
    "FrameEncoder, deflate": """
one = wsdefrag.FrameEncoder(from_client=True, deflate=wsdefrag.DeflateParams.from_header(
    "permessage-deflate; client_no_context_takeover; server_no_context_takeover"))
CALLS = 3
def use(number, call):
    return one.binary(bytes([number]) * 600_000)
def check():
    peer = wsdefrag.MessageReassembler(from_client=True, deflate=wsdefrag.DeflateParams())
    for part in worked:
        (message,) = peer.receive_data(part)
        assert message.content == message.content[:1] * 600_000
""",
    "WebSocketRelay": """
one = wsdefrag.WebSocketRelay(retain=0)
def use(number, call):
    return contents(one.receive_data(BIG, from_client=False))
def check():
    assert all(part == [CONTENTS[2]] for part in worked)
    assert one.from_server.bytes_received == len(BIG) * len(worked)
    (event,) = one.receive_data(frame(TEXT, b"last"), from_client=False)
    one.forward(event)
    assert one.data_to_send(to_client=True) == frame(TEXT, b"last")
    assert one.bytes_buffered == 0
""",
    "WebSocketRelay, both sides": """
NAME = "WebSocketRelay"
one = wsdefrag.WebSocketRelay(retain=0)
sent = []
def use(number, call):
    side = number % 2 == 1
    if number < 4:
        return one.receive_data(frame(BINARY, b"x", key=KEY if side else None), from_client=side)
    if number < 6:
        one.inject(wsdefrag.WebSocketMessage(wsdefrag.Opcode.BINARY, side, b"injected"))
        return []
    part = one.data_to_send(to_client=side)
    sent.append((side, part))
    return []
def check():
    for side in (True, False):
        parts = [part for to_client, part in sent if to_client is side]
        parts.append(one.data_to_send(to_client=side))
        peer = wsdefrag.MessageReassembler(from_client=not side)
        read = [message.content for part in parts for message in peer.receive_data(part)]
        peer.receive_eof()
        assert set(read) <= {{b"injected"}}, set(read)
""",
    "PassThroughRelay": """
one = wsdefrag.PassThroughRelay(retain=0, collect_up_to=1 << 40)
def use(number, call):
    return contents(one.receive_data(CHUNK, from_client=False))
def check():
    assert all(part == CONTENTS for part in worked)
    assert one.data_to_send(to_client=True) == CHUNK * len(worked)
    assert one.bytes_buffered == 0
""",
    "Budget": """
one = wsdefrag.Budget(1 << 30)
def use(number, call):
    relay = wsdefrag.PassThroughRelay(budget=one, collect_up_to=1 << 40)
    relay.receive_data(CHUNK + b"\\x82\\x05abc", from_client=False)
    assert one.bytes_held >= len(CHUNK)
    return relay.data_to_send(to_client=True) == CHUNK
def check():
    assert all(worked) and not refused
    assert one.bytes_held == 0
""",
    "CaptureReader": """
expected = sorted(repr(item) for item in Capture(DATA).read())
one = Capture(DATA).read()
items = iter(one)
CALLS = len(expected)
def use(number, call):
    found = next(items, None) if number % 2 else one.next_batch()
    one.counts, one.bytes_read, one.warnings, repr(one)
    return found if isinstance(found, list) else [] if found is None else [found]
def check():
    while batch := one.next_batch():
        worked.append(batch)
    worked.append(list(items))
    assert sorted(repr(item) for part in worked for item in part) == expected
""",
    "CaptureReader, file object": """
NAME = "CaptureReader"
expected = sorted(repr(item) for item in Capture(DATA).read())
one = Capture(open(DATA, "rb")).read()
items = iter(one)
CALLS = len(expected)
def use(number, call):
    found = next(items, None) if number % 2 else one.next_batch()
    return found if isinstance(found, list) else [] if found is None else [found]
def check():
    while batch := one.next_batch():
        worked.append(batch)
    worked.append(list(items))
    assert sorted(repr(item) for part in worked for item in part) == expected
""",
    "Capture": """
one = Capture(DATA)
expected = [repr(item) for item in one.read()]
CALLS = 3
def use(number, call):
    return [repr(item) for item in one.read()]
def check():
    assert not refused
    assert all(part == expected for part in worked)
""",
    "ArrowStream": """
import pyarrow
one = Capture(DATA).to_arrow()
expected = [pyarrow.table(table) for table in Capture(DATA).to_arrow()]
CALLS = 3
def use(number, call):
    which = (number + call) % 3
    one[which].counts, one[which].warnings
    return which, pyarrow.table(one[which])
def check():
    assert not refused
    assert all(table.equals(expected[which]) for which, table in worked)
""",
    "WebSocketMessage": """
one = wsdefrag.WebSocketMessage(wsdefrag.Opcode.TEXT, True, b"a" * 1000)
def use(number, call):
    one.content = bytes([97 + number]) * 1000
    seen = one.content
    text = one.text
    one.timestamp = float(number)
    one.get_state(), repr(one), one == one, one.copy() if hasattr(one, "copy") else None
    return len(set(seen)), len(seen), len(set(text)), len(text)
def check():
    assert not refused
    assert set(worked) == {{(1, 1000, 1, 1000)}}
""",
}


@pytest.mark.parametrize("name", OBJECTS)
def test_each_call_works_or_says_that_the_object_is_in_use(name: str) -> None:
    code = PROGRAM.replace("{calls}", "6").replace("{work}", OBJECTS[name])
    code = code.replace("{{", "{").replace("}}", "}").replace("CALLS = 6", "CALLS = 6\nNAME = None")
    code = code.replace("NAME = None", f"NAME = {name.split(',')[0]!r}")
    ended, output, errors = child(code)
    assert (ended, output) == (0, "done\n"), errors


def test_drop_in_gives_no_event_twice_and_does_not_crash() -> None:
    """wsproto has no rule for threads; events and bytes are still whole."""
    code = r"""
import sys, threading
sys.path.insert(0, "tests/support")
from wire_writer import PING, frame
from wsproto.connection import ConnectionType
from wsproto.events import Ping
from wsdefrag.compat.wsproto import Connection
one = Connection(ConnectionType.CLIENT)
found, wrong, sent = [], [], []
barrier = threading.Barrier(8)
def thread(number):
    barrier.wait()
    for call in range(200):
        try:
            one.receive_data(frame(PING, b"%d" % (number * 1000 + call)))
            for event in one.events():
                found.append(event.payload)
            sent.append(one.send(Ping(b"x")))
        except (RuntimeError, ValueError) as error:
            wrong.append(str(error))
sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=thread, args=[number]) for number in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
found += [event.payload for event in one.events()]
assert len(found) == len(set(found)), len(found)
assert {len(part) for part in sent} == {7}
assert set(wrong) <= {
    "this WSConnection is in use by another call: only one thread may use it at a time",
    "generator already executing",
}, set(wrong)
print("done")
"""
    ended, output, errors = child(code)
    assert (ended, output) == (0, "done\n"), errors
