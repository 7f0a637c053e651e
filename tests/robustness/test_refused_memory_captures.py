"""The system refuses memory while a capture is read.

A child process reads a capture many times, each time with another limit on its address space. With
every limit, reading succeeds or raises ``MemoryError``; the process never ends, and nothing that
was complete is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import capture_hostile
from capture_hostile import Talk, frame
from child_process import child
from night import NIGHT

pytestmark = pytest.mark.random

STRIDE = 1 if NIGHT else 2
HEADROOMS = [
    *(0, 64, 512),
    *range(1024, 16 * 1024, 2048 * STRIDE),
    *range(16 * 1024, 65 * 1024, 8192 * STRIDE),
]
"""Address space that is left, in KiB."""


def small_messages(count: int) -> Iterator[bytes]:
    """One connection with messages of 20 bytes, 500 in a packet."""
    talk = Talk(0)
    yield from talk.upgrade()
    for _ in range(0, count, 500):
        yield talk.packet(True, frame(1, b"twenty characters :-") * 500)


CAPTURES = {
    "messages": (small_messages, 100_000),
    "pings": (capture_hostile.control_frames, 200_000),
    "connections": (capture_hostile.live_plain, 5_000),
    "holes": (capture_hostile.holes, 20),
}

COMMON = """
import gc, os, resource, sys
from wsdefrag.capture import Capture

path, *headrooms = sys.argv[1:]

def used():
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()

NO_LIMIT = resource.getrlimit(resource.RLIMIT_AS)

def limited(headroom, work):
    '''Runs `work` in a fork; its result, or the signal that ended it.'''
    child = os.fork()
    if not child:
        try:
            gc.collect()
            resource.setrlimit(resource.RLIMIT_AS, (used() + headroom * 1024, NO_LIMIT[1]))
            work()
        except BaseException as error:
            resource.setrlimit(resource.RLIMIT_AS, NO_LIMIT)
            print(headroom, type(error).__name__, error, flush=True)
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        print("headroom", headroom, "KiB: exit code", status, flush=True)
"""

OBJECTS = (
    COMMON
    + """
def identity(item):
    kind = type(item).__name__
    if kind == "CapturedConnection":
        return kind, item.connection, item.ended
    number = item.seq if kind == "CapturedMessage" else item.event
    return kind, item.connection.connection, item.from_client, number

expected = [identity(item) for item in Capture(path).read()]
places = list(range(2 * len(expected)))
found = [None] * len(places)
END = object()

def read():
    '''Reads all; after the first refusal without a limit.'''
    refused = 0
    reader = Capture(path).read()
    items = iter(reader)
    left = iter(places)
    while True:
        try:
            for place in left:
                item = next(items, END)
                if item is END:
                    return refused, True
                found[place] = item
        except MemoryError:
            refused += 1
            if refused == 3:
                return refused, False
            resource.setrlimit(resource.RLIMIT_AS, NO_LIMIT)

def work():
    try:
        refused, complete = read()
    except MemoryError:
        # Not even a reader could be made.
        return
    resource.setrlimit(resource.RLIMIT_AS, NO_LIMIT)
    seen = [identity(item) for item in found if item is not None]
    assert complete and refused < 2, (refused, complete, len(seen))
    assert seen == expected, (refused, len(seen), len(expected))

for headroom in headrooms:
    limited(int(headroom), work)
print("done")
"""
)

TABLES = (
    COMMON
    + """
import ctypes, errno

class Array(ctypes.Structure):
    pass

Release = ctypes.CFUNCTYPE(None, ctypes.POINTER(Array))
Array._fields_ = [
    ("length", ctypes.c_int64),
    ("numbers", ctypes.c_int64 * 4),
    ("pointers", ctypes.c_void_p * 3),
    ("release", Release),
    ("private", ctypes.c_void_p),
]

class Stream(ctypes.Structure):
    pass

Stream._fields_ = [
    ("get_schema", ctypes.c_void_p),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Array))),
    ("get_last_error", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private", ctypes.c_void_p),
]

pointer = ctypes.pythonapi.PyCapsule_GetPointer
pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
arrays = [Array() for _ in range(1000)]

def rows(table):
    '''The rows of a table, and the error number; the batches stay in memory.'''
    total = 0
    capsule = table.__arrow_c_stream__()
    stream = Stream.from_address(pointer(capsule, b"arrow_array_stream"))
    for array in arrays:
        status = stream.get_next(stream, array)
        if status or not array.release:
            return total, status
        total += array.length

expected = {}
for name in ("messages", "connections", "events"):
    expected[name] = rows(getattr(Capture(path).to_arrow(), name))
    assert expected[name][1] == 0
    for array in arrays:
        if array.release:
            array.release(array)

def work():
    name = current
    try:
        total, status = rows(getattr(Capture(path).to_arrow(), name))
    except MemoryError:
        return
    resource.setrlimit(resource.RLIMIT_AS, NO_LIMIT)
    assert status in (0, errno.ENOMEM), status
    assert (total == expected[name][0]) if status == 0 else (total <= expected[name][0])

for current in expected:
    for headroom in headrooms:
        limited(int(headroom), work)
print("done")
"""
)


@pytest.fixture(scope="module", params=CAPTURES)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    write, count = CAPTURES[request.param]
    path = tmp_path_factory.mktemp("refused") / "capture.pcap"
    capture_hostile.write(path, write(count))
    return path


def run(code: str, path: Path) -> str:
    arguments = [str(path), *map(str, HEADROOMS)]
    code = f"import sys; sys.argv[1:] = {arguments!r}\n{code}"
    status, output, errors = child(code)
    return output if status == 0 else f"{status} {output} {errors}"


def test_objects_come_or_memory_error_and_then_the_rest(path: Path) -> None:
    assert run(OBJECTS, path) == "done\n"


def test_tables_come_or_end_with_an_error_of_memory(path: Path) -> None:
    assert run(TABLES, path) == "done\n"
