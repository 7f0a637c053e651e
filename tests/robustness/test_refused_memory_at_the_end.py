"""Memory is refused for what the end of a stream reports: it comes with the next call."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from child_process import child

CUT = {
    "nothing of a message": b"\x82\x05",
    "a short message": b"\x82\x05he",
    "a long message": b"\x82\x7e" + (10_000).to_bytes(2, "big") + bytes(9_000),
    "a fragment": b"\x02\x02he\x80\x03l",
    "a control frame": b"\x89\x05pi",
    "a header": b"\x82",
}

PROGRAM = r"""
import sys
import _testcapi
sys.path.insert(0, "tests/support")
import wsdefrag

def reported(call):
    # What a call reports: a list of events, or the exception for an incomplete message.
    try:
        return call()
    except wsdefrag.IncompleteMessage as error:
        return error

def values(report):
    reports = report if isinstance(report, list) else [report]
    return [(one.type, one.content, one.offset) for one in reports]

def reassembler(wire):
    one = wsdefrag.MessageReassembler(from_client=False)
    assert one.receive_data(wire) == []
    return one.receive_eof

def direction(wire):
    one = wsdefrag.WebSocketDirection(from_client=False)
    assert one.receive_data(wire, timestamp=1.5) == []
    return lambda: one.receive_eof(timestamp=1.5)

def frames(wire):
    one = wsdefrag.FrameDecoder(from_client=False)
    one.receive_data(wire)
    return one.receive_eof

def pair(make):
    def of(wire):
        one = make()
        assert one.receive_data(wire, from_client=False, timestamp=1.5) == []
        return lambda: one.receive_eof(from_client=False, timestamp=1.5)
    return of

MAKERS = [reassembler, direction, frames, pair(wsdefrag.WebSocketConnection),
          pair(wsdefrag.WebSocketRelay), pair(wsdefrag.PassThroughRelay)]
refused = 0
for make in MAKERS:
    expected = values(reported(make(WIRE)))
    assert len(expected) == 1, expected
    for nth in range(60):
        call = make(WIRE)
        found = None
        _testcapi.set_nomemory(nth, nth + 1)
        try:
            found = reported(call)
        except MemoryError:
            refused += 1
        finally:
            _testcapi.remove_mem_hooks()
        if found is None:
            found = reported(call)
        found = values(found)
        assert found == expected, (make.__qualname__, nth, found, expected)
assert refused > 6, refused
print("done")
"""


@pytest.mark.skipif(find_spec("_testcapi") is None, reason="CPython's own tests' module")
@pytest.mark.parametrize("cut", CUT)
def test_incomplete_comes_with_the_next_call(cut: str) -> None:
    code, output, errors = child(f"WIRE = {CUT[cut]!r}\n{PROGRAM}")
    assert (code, output) == (0, "done\n"), errors
