"""A panic of the Rust code becomes an exception that ``except Exception`` catches."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

import wsdefrag
from child_process import child
from wsdefrag._native import panic_inside  # noqa: TID251


def test_panic_is_an_internal_error_and_ends_the_object() -> None:
    reassembler = wsdefrag.MessageReassembler(from_client=False)
    assert reassembler.receive_data(b"\x81\x02hi")
    with pytest.raises(wsdefrag.InternalError, match=r"report it: on purpose \(.*\.rs:\d+\)"):
        panic_inside(reassembler)
    for use in (
        lambda: reassembler.receive_data(b"\x81\x02hi"),
        reassembler.receive_eof,
        lambda: reassembler.bytes_received,
        lambda: repr(reassembler),
    ):
        with pytest.raises(wsdefrag.InternalError, match="has ended this MessageReassembler"):
            use()
    other = wsdefrag.MessageReassembler(from_client=False)
    assert other.receive_data(b"\x81\x02hi")


def test_nothing_is_printed_also_where_a_backtrace_is_wanted() -> None:
    code = """
import os
os.environ["RUST_BACKTRACE"] = "1"
import wsdefrag
from wsdefrag._native import panic_inside
try:
    panic_inside(wsdefrag.MessageReassembler(from_client=False))
except Exception as error:
    print(type(error).__name__)
"""
    assert child(code) == (0, "InternalError\n", "")


REFUSED = r"""
import _testcapi
import wsdefrag
from wsdefrag.capture import Capture

wire = b"\x89\x01a" + b"\x81\x02hi" * 3 + b"\x02\x01a\x80\x01b" + b"\x88\x02\x03\xe8"
packed = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"
path = "vectors/captures/demo.pcapng"

def connection():
    one = wsdefrag.WebSocketConnection(deflate=wsdefrag.DeflateParams())
    yield
    one.receive_data(packed + wire, from_client=False, timestamp=1.0)
    one.receive_eof(from_client=False, timestamp=1.0)

def relay():
    one = wsdefrag.WebSocketRelay(deflate=wsdefrag.DeflateParams())
    yield
    for event in one.receive_data(packed + wire, from_client=False, timestamp=1.0):
        one.forward(event)
    one.data_to_send(to_client=True)

def encoder():
    one = wsdefrag.FrameEncoder(from_client=True, deflate=wsdefrag.DeflateParams())
    yield
    one.text("hello", fragments=[2, 3])
    one.binary(bytearray(b"hello"))
    one.ping(b"a")

def frames():
    one = wsdefrag.FrameDecoder(from_client=False)
    yield
    [frame.payload for frame in one.receive_data(wire)]
    repr(one)

def direction():
    one = wsdefrag.WebSocketDirection(from_client=False)
    yield
    repr(one.receive_data(b"\x83\x00", timestamp=1.0))
    one.error

def capture():
    one = Capture(path, max_connections=10)
    yield
    reader = one.read()
    reader.next_batch()

def drop_in():
    from wsproto.connection import ConnectionType
    from wsproto.events import Message
    from wsdefrag.compat.wsproto import Connection
    one = Connection(ConnectionType.CLIENT)
    yield
    one.receive_data(wire)
    list(one.events())

caught = converted = 0
for make in (connection, relay, encoder, frames, direction, capture, drop_in):
    list(make())
    for nth in range(120):
        steps = make()
        next(steps)
        _testcapi.set_nomemory(nth, nth + 1)
        try:
            for _ in steps:
                pass
        except MemoryError:
            caught += 1
        except wsdefrag.InternalError as error:
            # PyO3 converts arguments and results, which are tiny, by calls that cannot fail.
            assert "null" in str(error), error
            converted += 1
        finally:
            _testcapi.remove_mem_hooks()
assert caught > 50 and converted < caught / 4, (caught, converted)
print("done")
"""


@pytest.mark.skipif(find_spec("_testcapi") is None, reason="CPython's own tests' module")
def test_each_refused_allocation_of_the_interpreter_is_an_exception() -> None:
    code, output, errors = child(REFUSED)
    assert (code, output) == (0, "done\n"), errors


PACKAGE = Path(wsdefrag.__file__).parent
# What runs for each connection, chunk and event.
MODULES = [
    *PACKAGE.glob("*.py"),
    *(PACKAGE / "capture").glob("*.py"),
    *(PACKAGE / "compat" / "wsproto").glob("*.py"),
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_function_is_made_inside_of_functions(path: Path) -> None:
    """CPython 3.12.1 and 3.13.0 release code once too often if memory for a function is refused.

    A few refusals later the process crashes. Functions are made by lambda, def and generators.
    """
    made = (ast.Lambda, ast.GeneratorExp, ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    for function in functions:
        inside = [node for node in ast.walk(function) if isinstance(node, made)]
        assert inside == [function], (function.name, [node.lineno for node in inside])
