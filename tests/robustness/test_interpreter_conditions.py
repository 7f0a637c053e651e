"""The same work gives the same result however the interpreter is set up."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from free_threaded import FREE_THREADED
from hang_guard import HANG_SECONDS
from interpreter_programs import USE


def result(code: str, *options: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", USE + code],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
        env={**os.environ, **environment},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def plain() -> str:
    return result("print(use())")


class TestSetups:
    @pytest.mark.parametrize(
        "options",
        [["-X", "dev"], ["-O"], ["-OO"], ["-W", "error"], ["-I", "-X", "dev"], ["-b", "-b"]],
        ids=" ".join,
    )
    def test_options(self, options: list[str], plain: str) -> None:
        assert result("print(use())", *options) == plain

    @pytest.mark.parametrize("allocator", ["debug", "malloc", "malloc_debug"])
    def test_allocators(self, allocator: str, plain: str) -> None:
        if FREE_THREADED and allocator != "debug":
            pytest.skip("CPython without a GIL does not start with this allocator")
        assert result("print(use())", PYTHONMALLOC=allocator) == plain

    @pytest.mark.skipif(
        FREE_THREADED, reason="without a GIL it does not look before 512 more objects are tracked"
    )
    def test_collector_at_every_object(self, plain: str) -> None:
        code = """
runs = []
def callback(phase, info):
    runs.append(phase)
    wsdefrag.MessageReassembler(from_client=False).receive_data(b"\\x82\\x01a")
gc.callbacks.append(callback)
gc.set_threshold(1, 1000, 1000)
digest = use()
gc.set_threshold(0)
gc.callbacks.clear()
assert len(runs) > 100
print(digest)
"""
        assert result(code) == plain

    def test_collector_that_looks_at_everything(self, plain: str) -> None:
        code = """
def callback(phase, info):
    if phase == "start":
        found[0] += len([one for one in gc.get_objects(0) if type(one).__module__ == "wsdefrag"])
found = [0]
gc.callbacks.append(callback)
gc.set_threshold(50)
digest = use()
gc.callbacks.clear()
print(digest)
"""
        assert result(code) == plain

    @pytest.mark.parametrize("kind", ["settrace", "setprofile"])
    def test_trace_functions(self, kind: str, plain: str) -> None:
        code = f"""
calls = 0
def note(frame, event, argument):
    global calls
    calls += 1
    return note
threading.{kind}(note)
sys.{kind}(note)
digest = use()
sys.{kind}(None)
assert calls > 100
print(digest)
"""
        assert result(code) == plain

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with 3.12")
    def test_monitoring(self, plain: str) -> None:
        code = """
calls = 0
def note(*values):
    global calls
    calls += 1
events = sys.monitoring.events
sys.monitoring.use_tool_id(0, "test")
for event in (events.CALL, events.C_RETURN, events.PY_START, events.RAISE):
    sys.monitoring.register_callback(0, event, note)
sys.monitoring.set_events(0, events.CALL | events.PY_START | events.RAISE)
digest = use()
sys.monitoring.set_events(0, 0)
assert calls > 100
print(digest)
"""
        assert result(code) == plain
