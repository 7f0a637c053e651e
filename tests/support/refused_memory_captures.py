"""A capture with many connections that is read while memory is refused, as objects and as tables.

Lost rows are reported, and all others equal those of a pass with enough memory.
"""

from __future__ import annotations

import ctypes
import errno
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from capture_conversation import Conversation, capture_of, close, merged, ping, text, upgraded
from refused_memory import MIB, Scarce, sweep
from wsdefrag.capture import Capture, CapturedConnection, CapturedEvent, CapturedMessage

CONNECTIONS = 600
THREADS = " by threads"
"""The end of the name of a sweep in which several threads follow the connections."""


def written() -> bytes:
    """Connections that all go on at the same time, each with small and larger messages."""
    conversations: list[Conversation] = []
    for number in range(CONNECTIONS):
        one = upgraded(client=("192.0.2.10", 10_000 + number))
        for turn in range(6):
            one.says(True, text(True, f"question {number} {turn}") + ping(True, b"%d" % turn))
            one.says(False, text(False, f"answer {number} {turn} " * 400))
        one.says(False, close(False))
        conversations.append(one.end())
    return capture_of(merged(*conversations))


def shown(item: Any) -> tuple[Any, ...]:
    """What identifies an item, and then whether it is whole, its content and its account."""
    if isinstance(item, CapturedMessage):
        return ("message", item.uid, item.from_client, item.seq), item.status, item.content
    if isinstance(item, CapturedEvent):
        return ("event", item.uid, item.from_client, item.event), item.kind, item.payload
    assert isinstance(item, CapturedConnection)
    accounts = [repr(account) for account in (item.from_client, item.from_server)]
    return ("connection", item.uid), item.ended, *accounts


def compared(found: list[Any], expected: list[Any], scarce: Scarce) -> None:
    items, wanted = [shown(one) for one in found], [shown(one) for one in expected]
    assert len(items) == len(wanted), (len(items), len(wanted))
    assert [one[0] for one in items] == [one[0] for one in wanted]
    for item, want in zip(items, wanted, strict=True):
        if item != want and item[0][0] == "message":
            scarce.refused = True
            assert item[1] != "ok"
            assert want[2].startswith(item[2])


def as_objects(capture: Callable[[], Capture], expected: list[Any]) -> Callable[[Scarce], object]:
    def run(scarce: Scarce) -> None:
        # Nothing here takes memory for an item: `zip` uses its tuple again.
        cells: list[list[Any]] = [[None] for _ in range(len(expected) + 10)]
        reader = None
        with scarce:
            reader = capture().read()
            for cell, item in zip(cells, reader, strict=False):
                cell[0] = item
        found = [cell[0] for cell in cells if cell[0] is not None]
        found += capture().read() if reader is None else reader
        compared(found, expected, scarce)
        compared(list(capture().read()), expected, scarce)

    return run


class _Array(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("numbers", ctypes.c_int64 * 4),
        ("pointers", ctypes.c_void_p * 3),
        ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("private_data", ctypes.c_void_p),
    )


class _Stream(ctypes.Structure):
    _fields_ = (
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
        ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
        ("private_data", ctypes.c_void_p),
    )


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def stream_of(table: Any) -> tuple[Any, _Stream]:
    """A table's C stream, and the capsule that releases it."""
    capsule = table.__arrow_c_stream__()
    return capsule, _Stream.from_address(_pointer(capsule, b"arrow_array_stream"))


def batch(stream: _Stream, array: _Array) -> int:
    """Get the next batch, and return the error code."""
    code: int = stream.get_next(ctypes.addressof(stream), ctypes.addressof(array))
    return code


def released(arrays: list[_Array]) -> int:
    """Release the batches, and return the number of their rows."""
    rows = 0
    for array in arrays:
        if array.release:
            rows += array.length
            array.release(ctypes.addressof(array))
    return rows


def rows_of(table: Any) -> int:
    capsule, stream = stream_of(table)
    rows = 0
    array = _Array()
    while batch(stream, array) == 0 and array.release:
        rows += released([array])
    del capsule
    return rows


def as_table(name: str, path: str, rows: int, threads: int) -> Callable[[Scarce], object]:
    """Read it by the C interface, as pyarrow would take memory of its own."""

    def run(scarce: Scarce) -> None:
        tables = Capture(path, threads=threads).to_arrow()
        arrays = [_Array() for _ in range(1000)]
        code = 0
        capsule: Any = None
        stream = None
        with scarce:
            capsule, stream = stream_of(getattr(tables, name))
            for array in arrays:
                code = batch(stream, array)
                if code or not array.release:
                    break
        found = released(arrays)
        if code:
            assert stream is not None
            text = stream.get_last_error(ctypes.addressof(stream))
            assert code == errno.ENOMEM, (code, text)
            assert text
            scarce.refused = True
        assert found <= rows
        assert found == rows or scarce.refused
        del capsule, stream
        assert rows_of(getattr(tables, name)) == rows

    return run


def large(path: Path) -> None:
    """A capture with one message of 30 MiB among small ones."""
    one = upgraded()
    one.says(True, text(True, "before"))
    one.say(False, text(False, bytes(30 * MIB)), size=32_000, acked=False)
    one.says(True, text(True, "after"))
    path.write_bytes(capture_of(one.end().segments))


def run(name: str) -> None:
    """Sweep one of them, by one thread or by several."""
    threads = 3 if name.endswith(THREADS) else 1
    name = name.removesuffix(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "capture.pcapng")
        if name == "large message":
            large(path)
        else:
            path.write_bytes(written())
        tables = Capture(path).to_arrow()
        if name in tables._fields:
            rows = rows_of(getattr(tables, name))
            sweep(as_table(name, str(path), rows, threads), needs_more=name == "messages")
        else:
            expected = list(Capture(path).read())
            opened = name == "file object"
            source = partial(path.open, "rb") if opened else lambda: path
            sweep(as_objects(lambda: Capture(source(), threads=threads), expected))
