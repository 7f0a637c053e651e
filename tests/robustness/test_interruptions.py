"""An exception comes from outside: the recursion limit, a signal's handler, a file's `read`.

The caller gets the exception. Afterwards the object continues correctly, or says that it has
failed.
"""

from __future__ import annotations

import signal

import pytest

from child_process import child
from interpreter_programs import INTERRUPTED, USE

READERS = [
    "MessageReassembler",
    "WebSocketDirection",
    "FrameDecoder",
    "WebSocketConnection",
    "WebSocketRelay",
    "PassThroughRelay",
]
# What makes each of those that record messages; a pass-through collects none unless it is told to.
RECORDERS = {
    "WebSocketConnection": "wsdefrag.WebSocketConnection",
    "WebSocketRelay": "wsdefrag.WebSocketRelay",
    "PassThroughRelay": "(lambda **kw: wsdefrag.PassThroughRelay(collect_up_to=1 << 20, **kw))",
}


class TestRecursionLimit:
    @pytest.mark.parametrize("name", READERS)
    def test_reader(self, name: str) -> None:
        """A call fails before it has read anything, or its events come with the next call."""
        code = f"""
make, feed = READERS[{name!r}]
expected = whole(make, feed)
reader = make()
found = []
failed = 0

def down(levels, call):
    return down(levels - 1, call) if levels else call()

sys.setrecursionlimit(250)
for number, chunk in enumerate(CHUNKS):
    levels = 200 + number % 50
    state = getattr(reader, "from_server", reader)
    before = state.bytes_received
    try:
        events = down(levels, lambda: feed(reader, chunk))
    except RecursionError:
        failed += 1
        if state.bytes_received == before:
            events = feed(reader, chunk)
        else:
            assert state.bytes_received == before + len(chunk)
            events = feed(reader, b"")
    found += shown(events)
found += shown(feed(reader, b""))
sys.setrecursionlimit(1000)
assert failed > 20, failed
assert found == expected
print("done")
"""
        assert child(USE + INTERRUPTED + code) == (0, "done\n", "")

    def test_everything_else(self) -> None:
        code = """
expected = [repr(item) for item in Capture(DATA).read()]

def down(levels, call):
    return down(levels - 1, call) if levels else call()

def captured():
    found = []
    reader = Capture(DATA).read()
    def more():
        found.append(reader.next_batch())
    failed = 0
    for levels in [*range(249, 200, -1), *[200] * 100]:
        try:
            down(levels, more)
        except RecursionError:
            failed += 1
        if found[-1:] == [None]:
            break
    assert failed
    found += reader
    sys.setrecursionlimit(1000)
    items = [repr(item) for batch in found[:-1] for item in batch]
    sys.setrecursionlimit(250)
    # A batch that was read and could not be handed over is lost to the caller, not to the reader.
    assert items == expected, (len(items), len(expected))

sys.setrecursionlimit(250)
captured()
message = wsdefrag.WebSocketMessage(1, True, b"hi", 1.5)
encoder = wsdefrag.FrameEncoder(from_client=False)
calls = [
    lambda: pickle.loads(pickle.dumps(message)).get_state() == message.get_state(),
    lambda: encoder.text("hi") == b"\\x81\\x02hi",
    lambda: wsdefrag.DeflateParams.from_header("permessage-deflate") == AGREED,
    lambda: bool(repr(message)),
    lambda: wsdefrag.Fragmenter(max_size=1).sizes(2, b"abc") == [1, 1, 1],
    lambda: bool(Capture(DATA, hosts=["a"])),
]
for call in calls:
    failed = 0
    for levels in range(200, 250):
        try:
            assert down(levels, call)
        except RecursionError:
            failed += 1
    assert 0 < failed < 50
print("done")
"""
        assert child(USE + INTERRUPTED + code) == (0, "done\n", "")


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
class TestSignals:
    """A handler raises, again and again, as soon as the work goes on.

    No Python code runs between a call and the place where its events are kept, so what is missing
    was lost by the package.
    """

    PROGRAM = r"""
import functools
count = 0
work = None
busy = True
handled = threading.Semaphore(0)

def handler(number, frame):
    # Only inside of the work; whoever else it meets cannot catch it.
    global count
    handled.release()
    while frame:
        if frame.f_code is work:
            count += 1
            raise Interrupt
        frame = frame.f_back

def kill(main):
    while busy:
        signal.pthread_kill(main, signal.SIGUSR1)
        handled.acquire()

def interrupted(step, minimum):
    # Calls step until it returns True, with interrupts.
    global busy, work
    work = step.__code__
    ended = False
    killer = threading.Thread(target=kill, args=[threading.get_ident()])
    killer.start()
    while not ended:
        try:
            ended = step() and count >= minimum
        except Interrupt:
            pass
    busy = False
    killer.join()

def feeding(ones, found, **keywords):
    # A step that feeds the chunks to each of `ones`, and keeps what comes in `found`.
    calls = []
    for one, parts in zip(ones, found):
        receive = functools.partial(one.receive_data, **keywords)
        calls.append((parts.extend, map(receive, iter(CHUNKS))))
    def step():
        for extend, source in calls:
            extend(source)
        return True
    return step

signal.signal(signal.SIGUSR1, handler)
sys.setswitchinterval(1e-5)
"""

    def run(self, code: str) -> None:
        # The interpreter reports a handler's exception that came while it released an object.
        ended, output, errors = child(USE + INTERRUPTED + self.PROGRAM + code)
        assert (ended, output) == (0, "done\n"), errors

    @pytest.mark.parametrize("name", READERS)
    def test_reader(self, name: str) -> None:
        code = f"""
make, feed = READERS[{name!r}]
expected = [item for _ in range(20) for item in whole(make, feed)]
readers = [make() for _ in range(20)]
found = [[] for _ in readers]
keywords = {{}} if hasattr(readers[0], "error") else {{"from_client": False}}
interrupted(feeding(readers, found, **keywords), 50)
items = []
for reader, parts in zip(readers, found):
    parts.append(feed(reader, b""))
    items += [item for part in parts for item in shown(part)]
    assert getattr(reader, "from_server", reader).bytes_received == len(WIRE)
assert items == expected, (len(items), len(expected))
print("done")
"""
        self.run(code)

    @pytest.mark.parametrize("name", RECORDERS)
    def test_record(self, name: str) -> None:
        code = f"""
make = {RECORDERS[name]}
ones = [make(deflate=AGREED) for _ in range(20)]
found = [[] for _ in ones]
interrupted(feeding(ones, found, from_client=False), 50)
for one, parts in zip(ones, found):
    events = [event for part in parts for event in part]
    events += one.receive_data(b"", from_client=False)
    messages = [event for event in events if type(event) is wsdefrag.WebSocketMessage]
    kept = one.websocket.messages
    assert len(kept) == len(messages) == 180, (len(kept), len(messages))
    assert all(map(operator.is_, kept, messages))
print("done")
"""
        self.run("import operator\n" + code)

    @pytest.mark.parametrize("mode", ["frames", "bytes"])
    def test_pass_through(self, mode: str) -> None:
        """What is sent on is what came, whatever the events had to wait for."""
        code = f"""
budget = wsdefrag.Budget(1 << 24)
options = dict(mode={mode!r}, deflate=AGREED, budget=budget, collect_up_to=1 << 40)
relays = [wsdefrag.PassThroughRelay(**options) for _ in range(20)]
found = [[] for _ in relays]
interrupted(feeding(relays, found, from_client=False), 50)
for relay, parts in zip(relays, found):
    events = [event for part in parts for event in part]
    events += relay.receive_data(b"", from_client=False)
    assert len(events) == 5 * 60, len(events)
    assert relay.data_to_send(to_client=True) == WIRE
    assert relay.bytes_buffered == 0
assert budget.bytes_held == 0
print("done")
"""
        self.run(code)

    @pytest.mark.parametrize("source", ["path", "file object"])
    def test_capture(self, source: str) -> None:
        """A pass over a path goes on; one over a file object may end with the interrupt."""
        code = f"""
class File(io.BytesIO):
    def read(self, size=-1):
        return super().read(min(size, 2000))
CONTENT = open(DATA, "rb").read()
path = {source!r} == "path"
expected = [repr(item) for item in Capture(DATA).read()]
passes = [Capture(DATA if path else File(CONTENT)).read() for _ in range(20)]
found = [[] for _ in passes]
def step():
    for reader, items in zip(passes, found):
        items.extend(reader)
    return True
interrupted(step, 20)
for reader, items in zip(passes, found):
    items.extend(reader)
    kept = [repr(item) for item in items]
    if path:
        assert kept == expected, (len(kept), len(expected))
print("done")
"""
        self.run(code)


class TestRecord:
    """Each event is returned once and each message recorded once, whatever interrupts a call."""

    @pytest.mark.parametrize("name", RECORDERS)
    def test_interrupt_at_any_instruction(self, name: str) -> None:
        """The n-th instruction of the package's Python code fails, for every n that there is."""
        code = f"""
WIRE = b"\\x82\\x01a\\x89\\x00\\x82\\x01b"

for nth in range(1000):
    one = {RECORDERS[name]}(retain=3)
    events = []
    failed = False
    for data in (WIRE, b"\\x88\\x02\\x03\\xe8"):
        sys.settrace(interrupting(nth))
        try:
            events += one.receive_data(data, from_client=False, timestamp=1.5)
        except Interrupt:
            failed = True
        finally:
            sys.settrace(None)
    sys.settrace(interrupting(nth))
    try:
        events += one.receive_eof(from_client=False, timestamp=2.5)
    except Interrupt:
        failed = True
    finally:
        sys.settrace(None)
    events += one.receive_eof(from_client=False, timestamp=2.5)
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["WebSocketMessage", "Ping", "WebSocketMessage", "Close"], kinds
    record = one.websocket
    assert [message.content for message in record.messages] == [b"a", b"b"]
    end = (record.closed_by_client, record.close_code, record.close_reason, record.timestamp_end)
    assert end == (False, 1000, "", 1.5), end
    if not failed:
        break
else:
    raise AssertionError("every instruction failed")
print("done")
"""
        assert child(USE + INTERRUPTED + code) == (0, "done\n", "")

    @pytest.mark.parametrize("name", RECORDERS)
    def test_events_come_with_the_next_call(self, name: str) -> None:
        """The caller has put a class of its own in the place of the list."""
        code = f"""
class Busy(list):
    def extend(self, messages):
        if not self.ready:
            raise Interrupt
        super().extend(messages)

one = {RECORDERS[name]}(retain=1)
one.websocket.messages = Busy()
one.websocket.messages.ready = False
events = []
try:
    events = one.receive_data(b"\\x82\\x01a\\x89\\x00\\x82\\x01b", from_client=False)
except Interrupt:
    pass
else:
    raise AssertionError("not interrupted")
one.websocket.messages.ready = True
events += one.receive_data(b"", from_client=False)
assert shown(events) == [("WebSocketMessage", b"a"), ("Ping", b""), ("WebSocketMessage", b"b")]
assert [message.content for message in one.websocket.messages] == [b"b"]
print("done")
"""
        assert child(USE + INTERRUPTED + code) == (0, "done\n", "")


class TestFileObject:
    @pytest.mark.parametrize("source", ["read", "read1", "attribute"])
    def test_stop_iteration_is_no_end(self, source: str) -> None:
        """`__next__` of a reader cannot raise it, as a generator cannot (PEP 479)."""
        code = f"""
class File:
    def __init__(self):
        self.file = io.BytesIO(open(DATA, "rb").read(2000))
    def next(self, size=-1):
        data = self.file.read(size)
        if not data:
            raise StopIteration("on purpose")
        return data

def stopping(self):
    raise StopIteration("on purpose")

source = {source!r}
File.read = File.next
if source == "read1":
    File.read1 = File.next
elif source == "attribute":
    File.read1 = property(stopping)
try:
    list(Capture(File()).read())
except RuntimeError as error:
    assert type(error.__cause__) is StopIteration
    assert error.__cause__.args == ("on purpose",)
else:
    raise AssertionError("it ended")
print("done")
"""
        assert child(USE + INTERRUPTED + code) == (0, "done\n", "")

    def test_exceptions_of_read(self) -> None:
        """Whatever it raises goes through, after everything that was complete before."""
        code = """
def whole_messages(items):
    return [
        (item.uid, item.from_client, item.seq, item.content)
        for item in items
        if type(item).__name__ == "CapturedMessage" and item.status == "ok"
    ]

CONTENT = open(DATA, "rb").read()
expected = whole_messages(Capture(DATA).read())
for error in (Interrupt, MemoryError, RecursionError, SystemExit, ValueError, OSError):
    for calls in (1, 2, 5, 10):
        class File:
            def __init__(self):
                self.file, self.left = io.BytesIO(CONTENT), calls
            def read(self, size=-1):
                self.left -= 1
                if not self.left:
                    raise error("on purpose")
                return self.file.read(min(size, 3000))
        found = []
        reader = Capture(File()).read()
        try:
            found.extend(reader)
        except error as raised:
            assert raised.args == ("on purpose",)
        else:
            raise AssertionError(error)
        try:
            found.extend(reader)
        except error:
            pass
        kept = whole_messages(found)
        assert kept == expected[: len(kept)], (error, calls)
print("done")
"""
        assert child(USE + INTERRUPTED + code) == (0, "done\n", "")
