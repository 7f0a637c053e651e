"""A process forks while an object is in the middle of a stream, and both processes go on.

Both read the rest of the same stream with the same result. Their masking keys differ (RFC 6455
section 5.3: keys are not predictable).
"""

from __future__ import annotations

import os

import pytest

from child_process import child

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")

PROGRAM = r"""
import os, sys, tempfile, traceback, zlib
from pathlib import Path
sys.path.insert(0, "tests/support")
import wsdefrag
from capture_conversation import capture_of, merged, text, upgraded
from wire_writer import BINARY, KEY, PING, TEXT, Deflater, fragments, frame
from wsdefrag.capture import Capture

AGREED = wsdefrag.DeflateParams()

def both(rest):
    # The child works while the parent waits for it, and then the parent does the same.
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, repr(rest()).encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    theirs = b""
    while part := os.read(reading, 1 << 20):
        theirs += part
    os.close(reading)
    assert os.waitpid(pid, 0)[1] == 0
    ours = rest()
    return ours, theirs.decode()

{work}
print("done")
"""

SAME = {
    "reassembler": """
one = wsdefrag.MessageReassembler(from_client=True)
wire = b"".join(fragments(TEXT, [b"hel", b"lo"], key=KEY)) + frame(BINARY, b"last", key=KEY)
assert one.receive_data(wire[:12]) == []
def rest():
    return [message.content for message in one.receive_data(wire[12:])], one.receive_eof()
ours, theirs = both(rest)
assert ours == ([b"hello", b"last"], None)
assert repr(ours) == theirs
""",
    "compressed": """
deflater = Deflater()
contents = [b"the same words again " * 200 + b"%d" % number for number in range(10)]
wire = b"".join(frame(BINARY, deflater.compress(one), rsv1=True) for one in contents)
one = wsdefrag.WebSocketConnection(deflate=AGREED)
middle = len(wire) // 2
before = one.receive_data(wire[:middle], from_client=False)
assert 0 < len(before) < 10
def rest():
    after = one.receive_data(wire[middle:], from_client=False)
    assert one.websocket.messages == before + after
    return [message.content for message in after]
ours, theirs = both(rest)
assert ours == contents[len(before):]
assert repr(ours) == theirs
""",
    "encoder": """
one = wsdefrag.FrameEncoder(from_client=False, deflate=AGREED)
contents = [b"the same words again " * 20 + b"%d" % number for number in range(4)]
peer = wsdefrag.MessageReassembler(from_client=False, deflate=AGREED)
assert len(peer.receive_data(one.binary(contents[0]))) == 1
first = one.fragment(2, contents[1], fin=False)
assert peer.receive_data(first) == []
def rest():
    return first + one.fragment(0, contents[2], fin=True) + one.binary(contents[3])
ours, theirs = both(rest)
assert repr(ours) == theirs
read = [message.content for message in peer.receive_data(ours[len(first):])]
assert read == [contents[1] + contents[2], contents[3]]
""",
    "relay": """
budget = wsdefrag.Budget(1 << 20)
one = wsdefrag.WebSocketRelay(budget=budget)
wire = frame(TEXT, b"first") + frame(PING, b"p") + frame(BINARY, b"second") + frame(TEXT, b"open")
events = one.receive_data(wire[:-2], from_client=False)
assert len(events) == 3
one.forward(events[0])
def rest():
    events[2].content = b"edited"
    one.forward(events[1])
    one.forward(events[2])
    for event in one.receive_data(wire[-2:], from_client=False):
        one.forward(event)
    sent = one.data_to_send(to_client=True)
    return sent, one.bytes_buffered, budget.bytes_held
ours, theirs = both(rest)
sent = frame(TEXT, b"first") + frame(PING, b"p") + frame(BINARY, b"edited") + frame(TEXT, b"open")
assert ours == (sent, 0, 0), ours
assert repr(ours) == theirs
""",
    "drop-in": """
from wsproto.connection import ConnectionType
from wsdefrag.compat.wsproto import Connection
one = Connection(ConnectionType.CLIENT)
one.receive_data(frame(TEXT, "größe".encode(), fin=False)[:5] )
waiting = one.events()
before = list(waiting)
def rest():
    one.receive_data(frame(TEXT, "größe".encode(), fin=False)[5:] + b"\\x80\\x01!")
    return [event.data for event in before] + [event.data for event in one.events()]
ours, theirs = both(rest)
assert "".join(ours) == "größe!"
assert repr(ours) == theirs
""",
    "capture": """
conversations = []
for number in range(40):
    one = upgraded(client=("192.0.2.10", 10_000 + number))
    for turn in range(20):
        one.says(False, text(False, f"answer {number} {turn} " * 200))
    conversations.append(one.end())
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "capture.pcapng")
    path.write_bytes(capture_of(merged(*conversations)))
    assert path.stat().st_size > 2_000_000
    def shown(items):
        return [(type(item).__name__, item.uid, getattr(item, "content", b"")) for item in items]
    expected = shown(Capture(path).read())
    reader = iter(Capture(path).read())
    before = shown([next(reader) for _ in range(10)])
    def rest():
        return shown(reader)
    ours, theirs = both(rest)
    assert before + eval(theirs) == expected, len(eval(theirs))
    assert before + ours == expected, len(ours)
""",
    "table": """
import polars
table = Capture("vectors/captures/demo.pcapng").to_arrow()
first = polars.DataFrame(table.messages)
def rest():
    capsule = table.connections.__arrow_c_stream__()
    return type(capsule).__name__, table.messages.counts["packets"]
ours, theirs = both(rest)
assert repr(ours) == theirs
assert len(polars.DataFrame(table.connections)) == 5
""",
}


@pytest.mark.parametrize("name", SAME)
def test_both_processes_get_the_rest(name: str) -> None:
    if name == "table":
        pytest.importorskip("polars")
    ended, output, errors = child(PROGRAM.replace("{work}", SAME[name]))
    assert (ended, output) == (0, "done\n"), errors


KEYS = {
    "FrameEncoder": """
one = wsdefrag.FrameEncoder(from_client=True)
one.binary(b"")
rest = lambda: [one.binary(bytes(4))[-4:] for _ in range(200)]
""",
    "WebSocketRelay": """
one = wsdefrag.WebSocketRelay(masking="fresh")
def rest():
    keys = []
    for _ in range(200):
        (event,) = one.receive_data(frame(BINARY, bytes(4), key=KEY), from_client=True)
        one.forward(event)
        keys.append(one.data_to_send(to_client=False)[-4:])
    return keys
rest()
""",
    "injected": """
one = wsdefrag.PassThroughRelay(collect_up_to=1 << 40)
def rest():
    keys = []
    for _ in range(200):
        one.inject(wsdefrag.WebSocketMessage(wsdefrag.Opcode.BINARY, True, bytes(4)))
        keys.append(one.data_to_send(to_client=False)[-4:])
    return keys
rest()
""",
    "drop-in": """
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage
from wsdefrag.compat.wsproto import Connection
one = Connection(ConnectionType.CLIENT)
rest = lambda: [one.send(BytesMessage(bytes(4)))[-4:] for _ in range(200)]
rest()
""",
}


@pytest.mark.parametrize("name", KEYS)
def test_masking_keys_differ(name: str) -> None:
    work = f"""
{KEYS[name]}
ours, theirs = both(rest)
keys = set(ours) | set(eval(theirs))
# Four random bytes may be the same by chance, but not often among 400.
assert len(keys) > 395, len(keys)
"""
    ended, output, errors = child(PROGRAM.replace("{work}", work))
    assert (ended, output) == (0, "done\n"), errors
