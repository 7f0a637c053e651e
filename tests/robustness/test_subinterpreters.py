"""The package in several interpreters of one process.

Legacy subinterpreters, which mod_wsgi and uWSGI use, share the GIL with the main one and work.
Those with a GIL of their own get an ImportError, and so do all if there is no GIL.
"""

from __future__ import annotations

import sys

import pytest

from child_process import child
from free_threaded import FREE_THREADED

needs_a_gil = pytest.mark.skipif(FREE_THREADED, reason="there, only the main interpreter works")

LEGACY = """
import faulthandler
faulthandler.dump_traceback_later(120, exit=True)
import sys, warnings
# CPython 3.14 says so of interpreters that are there when the process ends.
warnings.filterwarnings("ignore", "remaining subinterpreters", RuntimeWarning)
if sys.version_info >= (3, 13):
    import _interpreters
    def create():
        return _interpreters.create("legacy")
    def run(one, code):
        failed = _interpreters.exec(one, code)
        assert failed is None, failed.formatted
    destroy = _interpreters.destroy
else:
    import _xxsubinterpreters
    def create():
        return _xxsubinterpreters.create(isolated=False)
    run = _xxsubinterpreters.run_string
    destroy = _xxsubinterpreters.destroy
"""

USE = r"""
import copy, gc, io, pickle, threading
import wsdefrag
from wsproto.connection import ConnectionType
from wsdefrag._native import panic_inside
from wsdefrag.capture import Capture
from wsdefrag.compat.wsproto import Connection

def owners():
    # Objects that own bytes which are still being written.
    cut = b"\x82\x7e\x10\x00" + bytes(500)
    readers = wsdefrag.MessageReassembler, wsdefrag.WebSocketDirection, wsdefrag.FrameDecoder
    for reader in readers:
        one = reader(from_client=False)
        one.receive_data(cut)
        yield one
    pairs = wsdefrag.WebSocketConnection, wsdefrag.WebSocketRelay, wsdefrag.PassThroughRelay
    for pair in pairs:
        one = pair()
        one.receive_data(b"\x89\x00" * 2 + cut, from_client=False)
        yield one
    one = wsdefrag.PassThroughRelay(mode="bytes", collect_up_to=1 << 40)
    one.receive_data(cut, from_client=False)
    yield one
    one = Connection(ConnectionType.CLIENT)
    one.receive_data(cut)
    yield one

def hold_and_release():
    for one in owners():
        one = None
    for one in owners():
        cycle = [one]
        cycle.append(cycle)
        one = cycle = None
        gc.collect()
    budget = wsdefrag.Budget(1 << 20)
    relay = wsdefrag.WebSocketRelay(budget=budget)
    held = relay.receive_data(b"\x81\x02hi" * 4, from_client=False)
    held[1].drop()
    relay.discard(held[0])
    relay.forward(held[3])
    assert [message.dropped for message in held] == [True, True, True, False]
    assert relay.bytes_buffered == budget.bytes_held == 4
    relay.inject(wsdefrag.WebSocketMessage(1, False, b"note"))
    assert relay.data_to_send(to_client=True) == b"\x81\x02hi\x81\x04note"
    (waiting,) = relay.receive_data(b"\x81\x02hi", from_client=False)
    relay = None
    assert budget.bytes_held == 0 and waiting.content == b"hi"
    passing = wsdefrag.PassThroughRelay(mode="bytes", collect_up_to=1 << 40)
    passing.receive_data(b"\x01\x02he", from_client=False)
    note = wsdefrag.WebSocketMessage(1, False, b"note")
    passing.inject(note)
    assert passing.send_close(1000, to_client=True) and note.dropped
    broken = wsdefrag.MessageReassembler(from_client=False)
    for _ in range(2):
        try:
            panic_inside(broken)
        except wsdefrag.InternalError:
            pass
        else:
            raise AssertionError

def use():
    message = wsdefrag.WebSocketMessage(1, True, b"hi", 1.5)
    message.text = "ho"
    assert message.get_state() == (1, True, b"ho", 1.5, False, False)
    assert type(copy.copy(message)) is wsdefrag.WebSocketMessage
    connection = wsdefrag.WebSocketConnection()
    wire = b"\x81\x02hi\x89\x01a\x82\x7e\x01\x00" + bytes(256) + b"\x88\x05\x03\xe8bye"
    events = connection.receive_data(wire, from_client=False, timestamp=1.5)
    kinds = [wsdefrag.WebSocketMessage, wsdefrag.Ping, wsdefrag.WebSocketMessage, wsdefrag.Close]
    assert [type(event) for event in events] == kinds, events
    assert pickle.loads(pickle.dumps(events[1])) == events[1]
    assert connection.websocket.close_code == 1000
    (violation,) = wsdefrag.WebSocketDirection(from_client=False).receive_data(b"\x83\x00")
    assert isinstance(violation, wsdefrag.ProtocolViolation)
    assert isinstance(violation.error, wsdefrag.ProtocolError)
    relay = wsdefrag.WebSocketRelay()
    for event in relay.receive_data(wire, from_client=False):
        relay.forward(event)
    assert relay.data_to_send(to_client=True) == wire
    assert wsdefrag.FrameEncoder(from_client=False).text("hi") == b"\x81\x02hi"
    path = "vectors/captures/demo.pcapng"
    by_path = [repr(item) for item in Capture(path).read()]
    by_object = [repr(item) for item in Capture(open(path, "rb")).read()]
    assert by_path == by_object and len(by_path) > 100
    assert isinstance(next(Capture(path).connections()), wsdefrag.capture.CapturedConnection)
    Capture(path).to_arrow().messages.__arrow_c_stream__()
    hold_and_release()

use()
kept = list(owners())
failures = []
def in_thread():
    try:
        use()
    except BaseException as error:
        failures.append(error)
thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
assert not failures, failures
"""

ORDERS = {
    "there first": "one = create(); run(one, USE); destroy(one); exec(USE)",
    "in the main one first": "exec(USE); one = create(); run(one, USE); destroy(one); exec(USE)",
    "there only": "one = create(); run(one, USE)",
    "two at once": "one, two = create(), create(); run(one, USE); run(two, USE); run(one, USE)",
    "again and again": """
for _ in range(5):
    one = create()
    run(one, USE)
    destroy(one)
import gc
gc.collect()
exec(USE)
""",
}


@needs_a_gil
@pytest.mark.unmeasured
@pytest.mark.parametrize("order", ORDERS)
def test_legacy_interpreters_work(order: str) -> None:
    code = f"{LEGACY}\nUSE = {USE!r}\n{ORDERS[order]}\nprint('done')"
    assert child(code) == (0, "done\n", "")


@needs_a_gil
@pytest.mark.unmeasured
def test_table_of_a_file_object_is_refused_in_a_subinterpreter() -> None:
    code = """
import wsdefrag
from wsdefrag.capture import Capture
with open("vectors/captures/demo.pcapng", "rb") as file:
    try:
        Capture(file).to_arrow().messages.__arrow_c_stream__()
    except RuntimeError as error:
        assert "subinterpreter" in str(error)
    else:
        raise AssertionError
"""
    assert child(f"{LEGACY}\nrun(create(), {code!r})\nprint('done')") == (0, "done\n", "")


REFUSED = """
try:
    import wsdefrag
except ImportError as error:
    assert "GIL" in str(error), error
else:
    raise AssertionError
"""


@pytest.mark.skipif(not FREE_THREADED, reason="where there is a GIL, it can be shared")
@pytest.mark.parametrize("before", ["", "import wsdefrag"], ids=["there_only", "there_too"])
def test_interpreter_without_a_gil_gets_an_import_error(before: str) -> None:
    code = f"""
REFUSED = {REFUSED!r}
{before}
for _ in range(3):
    one = create()
    run(one, REFUSED)
    destroy(one)
import wsdefrag
run(create(), REFUSED)
print("done")
"""
    assert child(LEGACY + code) == (0, "done\n", "")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="each interpreter shares the GIL")
def test_interpreter_with_a_gil_of_its_own_gets_an_import_error() -> None:
    isolated = LEGACY.replace('create("legacy")', 'create("isolated")')
    isolated = isolated.replace("isolated=False", "isolated=True")
    assert child(f"{isolated}\nrun(create(), {REFUSED!r})\nprint('done')") == (0, "done\n", "")
