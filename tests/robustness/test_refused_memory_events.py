"""The interpreter refuses memory for objects: what was complete comes with the next call.

Each program runs once for every allocation of the call, refusing that one.
"""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from child_process import child

pytestmark = [
    pytest.mark.skipif(
        find_spec("_testcapi") is None, reason="the interpreter has no module to refuse memory with"
    ),
    pytest.mark.unmeasured,
]

COMMON = """
import _testcapi
import wsdefrag
from wsdefrag.capture import Capture

def refusing(nth, call):
    '''The result of a call whose allocation number `nth` is refused, or None.'''
    _testcapi.set_nomemory(nth, nth + 1)
    try:
        return call()
    except (MemoryError, wsdefrag.InternalError):
        return None
    finally:
        _testcapi.remove_mem_hooks()
"""

CONNECTION = """
wire = b"\\x82\\x01a\\x89\\x01p\\x88\\x05\\x03\\xe8bye"
later = 0
for nth in range(60):
    connection = wsdefrag.WebSocketConnection()
    events = refusing(nth, lambda: connection.receive_data(wire, from_client=False, timestamp=1.0))
    if events is None:
        if not connection.from_server.bytes_received:
            continue
        events = connection.receive_data(b"dropped", from_client=False, timestamp=2.0)
        later += bool(events)
    kinds = [type(event).__name__ for event in events]
    if kinds and kinds[-1] == "ProtocolViolation":
        # The direction ended where memory for an event was refused.
        assert events[-1].error.kind == "out_of_memory", events
        assert kinds[:-1] == ["WebSocketMessage", "Ping", "Close"][: len(kinds) - 1], kinds
        assert len(kinds) < 4
        continue
    assert kinds == ["WebSocketMessage", "Ping", "Close"], (nth, kinds)
    assert [event.timestamp for event in events] == [1.0] * 3
    assert connection.websocket.close_code == 1000
    assert connection.websocket.messages == [events[0]]
    assert connection.receive_eof(from_client=False) == []
assert later > 1, later
print("done")
"""

INCOMPLETE = """
for nth in range(40):
    budget = wsdefrag.Budget(1000)
    relay = wsdefrag.WebSocketRelay(budget=budget)
    relay.receive_data(b"\\x81\\x05hel", from_client=False)
    assert budget.bytes_held > 0
    events = refusing(nth, lambda: relay.receive_eof(from_client=False))
    if events is None:
        events = relay.receive_eof(from_client=False)
    assert [type(event).__name__ for event in events] == ["Incomplete"], (nth, events)
    assert events[0].content == b"hel"
    assert budget.bytes_held == relay.bytes_buffered == 0, nth
    assert relay.websocket.close_code == 1006
print("done")
"""

CAPTURE = """
path = "vectors/captures/demo.pcapng"

def identity(item):
    number = getattr(item, "seq", None), getattr(item, "event", None)
    connection = item.connection if number == (None, None) else item.connection.connection
    return type(item).__name__, connection, getattr(item, "from_client", None) is True, number

expected = [identity(item) for item in Capture(path).read()]
refused = 0
for nth in range(0, 240, 3):
    reader = Capture(path).read()
    items = []
    while True:
        native = reader._native
        batch = refusing(nth, native.next_batch)
        if batch is None:
            refused += 1
            batch = native.next_batch()
        if batch is None:
            break
        items += map(identity, batch)
    assert items == expected, nth
assert refused > 50, refused
print("done")
"""


@pytest.mark.parametrize("program", ["CONNECTION", "INCOMPLETE", "CAPTURE"])
def test_refused_objects_come_with_the_next_call(program: str) -> None:
    status, output, errors = child(COMMON + str(globals()[program]))
    assert (status, output) == (0, "done\n"), errors
