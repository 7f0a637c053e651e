"""The sums of a relay stay right after an exception during its work, or code of a subclass."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from hang_guard import HANG_SECONDS
from relay_wires import CLOSE_1000, sent
from wire_writer import TEXT, fragments
from wsdefrag import (
    Budget,
    Opcode,
    PassThroughRelay,
    WebSocketMessage,
    WebSocketRelay,
)


class TestRecord:
    def test_injected_message_of_a_subclass_is_kept(self) -> None:
        class Note(WebSocketMessage):
            pass

        relay = WebSocketRelay()
        note = Note(Opcode.TEXT, False, b"by the way")
        relay.inject(note)
        assert relay.websocket.messages == [note]
        assert note.injected

    def test_flags_of_a_subclass_are_set_without_its_consent(self) -> None:
        """Python code that ran here, and raised, would leave the books half written."""

        class Stubborn(WebSocketMessage):
            def __setattr__(self, name: str, value: object) -> None:
                if name in {"injected", "dropped"} and value:
                    raise KeyboardInterrupt
                super().__setattr__(name, value)

        budget = Budget(1000)
        relay = PassThroughRelay(mode="bytes", budget=budget, collect_up_to=1 << 40)
        relay.receive_data(fragments(TEXT, [b"he", b"llo"])[0], from_client=False)
        notes = [Stubborn(Opcode.TEXT, False, b"by the way") for _ in range(3)]
        for note in notes:
            relay.inject(note)
        assert relay.send_close(1000, to_client=True)
        assert all(note.injected and note.dropped for note in notes)
        assert sent(relay) == b"\x01\x02he" + CLOSE_1000
        assert budget.bytes_held == relay.bytes_buffered == 2


class TestInterrupts:
    """What an exception kept back comes later, and nothing is charged for what is gone."""

    @pytest.mark.skipif(find_spec("_testcapi") is None, reason="CPython's own tests' module")
    def test_message_that_there_was_no_memory_for_does_not_shift_the_others(self) -> None:
        """Each of the first allocations fails once; what is forwarded is what came, or nothing."""
        subprocess.run([sys.executable, "-c", NO_MEMORY], check=True, timeout=HANG_SECONDS)


NO_MEMORY = r"""
import _testcapi
import wsdefrag

contents = [bytes([65 + n]) * (20 + 600 * n) for n in range(5)]
head = lambda n: bytes([0x82]) + (bytes([n]) if n < 126 else b"\x7e" + n.to_bytes(2, "big"))
frames = [head(len(content)) + content for content in contents]
wire = frames[0] + frames[1] + b"\x89\x01x" + frames[2] + frames[3]
whole = {bytes(one) for one in frames} | {b"\x89\x01x"}
lost = 0
# Classes and names are looked up at their first use.
wsdefrag.WebSocketRelay().receive_data(wire + b"\x83\x00", from_client=False)
for nth in range(60):
    budget = wsdefrag.Budget(1 << 20)
    relay = wsdefrag.WebSocketRelay(retain=0, budget=budget)
    failed = False
    _testcapi.set_nomemory(nth, nth + 1)
    try:
        events = relay.receive_data(wire, from_client=False, timestamp=1.0)
    except BaseException as error:
        failed = isinstance(error, MemoryError)
        assert failed, error
    _testcapi.remove_mem_hooks()
    if failed:
        events = relay.receive_data(frames[4], from_client=False, timestamp=1.0)
    for event in events:
        if isinstance(event, wsdefrag.ProtocolViolation):
            assert isinstance(event.error, wsdefrag.OutOfMemory)
            lost += 1 < len(events) < 6
            continue
        relay.forward(event)
        one = relay.data_to_send(to_client=True)
        assert one in whole, one
        if isinstance(event, wsdefrag.WebSocketMessage):
            assert one.endswith(event.content)
    events = event = None
    assert budget.bytes_held == relay.bytes_buffered == 0
assert lost, "no message was ever lost"
"""
