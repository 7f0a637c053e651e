"""Threads of a pass end with it, however it ends.

The reader and the caller follow the connections themselves if there are two threads; others do if
there are more.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

import pytest

from capture_passes import CAPTURE, EXPECTED, dump
from capture_threads import in_file
from child_process import child
from wsdefrag.capture import (
    Capture,
    CapturedConnection,
    CapturedEvent,
    CapturedMessage,
    CaptureReader,
)
from wsdefrag.errors import CaptureError

THREADS = [2, 3]

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="threads are listed in /proc")


def our_threads() -> list[str]:
    """The names of the threads of passes that this process has."""
    names = []
    for task in Path("/proc/self/task").iterdir():
        # Other threads may end meanwhile.
        with suppress(OSError):
            names.append((task / "comm").read_text().strip())
    return [name for name in names if name.startswith("wsdefrag")]


def left_threads() -> list[str]:
    """The names of those that are left. Linux may list one for a moment after it was joined."""
    end = time.monotonic() + 60
    while (names := our_threads()) and time.monotonic() < end:
        time.sleep(0.001)
    return names


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return in_file(tmp_path, CAPTURE)


@needs_linux
@pytest.mark.parametrize("batches", [0, 1, 5])
@pytest.mark.parametrize("threads", THREADS)
def test_no_thread_is_left_of_a_pass_that_is_closed_early(
    path: Path, batches: int, threads: int
) -> None:
    reader = Capture(path, threads=threads).read()
    for _ in range(batches):
        assert reader.next_batch()
    reader.close()
    del reader
    assert left_threads() == []


@needs_linux
@pytest.mark.parametrize("threads", THREADS)
def test_no_thread_is_left_at_the_end(path: Path, threads: int) -> None:
    reader = Capture(path, threads=threads).read()
    items = list(reader)
    assert left_threads() == []
    assert dump(reader, items) == EXPECTED


@pytest.mark.parametrize("threads", THREADS)
def test_signals_of_a_pass_run_their_handler_and_lose_nothing(path: Path, threads: int) -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        while len(rung) < 3:
            reader = Capture(path, threads=threads).read()
            assert dump(reader, list(reader)) == EXPECTED
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("threads", THREADS)
def test_pass_goes_on_after_an_exception_of_a_signal_handler(path: Path, threads: int) -> None:
    """Batches are taken without Python code, between whose statements a handler could raise."""

    class Rung(Exception):
        pass

    raised, is_done, this = 0, True, sys._getframe()

    def ring(_: int, interrupted: FrameType | None) -> None:
        nonlocal raised
        # Not in what the interpreter calls in between, such as somebody's callback of the garbage
        # collection: it reports an exception there, and nobody can catch it.
        if interrupted is this and not is_done:
            raised += 1
            raise Rung

    before = signal.signal(signal.SIGALRM, ring)
    try:
        while raised < 3:
            reader = Capture(path, threads=threads).read()
            native = reader._native
            assert native is not None
            batches: list[list[CapturedMessage | CapturedEvent | CapturedConnection]] = []
            is_done = False
            while not is_done:
                with suppress(Rung):
                    # It rings once. Where the call that finds the end takes longer, it would raise
                    # each time before that is noted, so after a while it rings no more.
                    if raised < 100:
                        signal.setitimer(signal.ITIMER_REAL, 0.0005)
                    batches.extend(iter(native.next_batch, None))
                    is_done = True
            assert dump(reader, [item for batch in batches for item in batch]) == EXPECTED
    finally:
        is_done = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked where that exists")
@pytest.mark.parametrize("threads", THREADS)
def test_forked_process_gets_an_error_and_the_other_one_goes_on(path: Path, threads: int) -> None:
    reader = Capture(path, threads=threads).read()
    first = reader.next_batch()
    assert first
    child = os.fork()
    if not child:
        os._exit(0 if child_is_told(reader) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert dump(reader, [*first, *reader]) == EXPECTED


def child_is_told(reader: CaptureReader) -> bool:
    """Whether a forked process gets an error of the pass, and can drop it."""
    try:
        # What was ready before comes first.
        for _ in range(1_000):
            reader.next_batch()
    except OSError:
        reader.close()
        return True
    return False


ENDING = """
import sys, threading
from wsdefrag.capture import Capture

def read_all():
    for _ in range(1_000):
        list(Capture(PATH, threads=THREADS))

if WAY == "daemon":
    threading.Thread(target=read_all, daemon=True).start()
kept = Capture(PATH, threads=THREADS).read()
assert kept.next_batch()
if WAY == "exit":
    sys.exit()
"""


@pytest.mark.parametrize("way", ["end", "exit", "daemon"])
@pytest.mark.parametrize("threads", THREADS)
def test_interpreter_ends_during_a_pass(path: Path, way: str, threads: int) -> None:
    code = ENDING.replace("PATH", repr(str(path))).replace("WAY", repr(way))
    code = code.replace("THREADS", str(threads))
    assert child(code) == (0, "", "")


def test_missing_file_and_no_capture_are_told_as_by_one_thread(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(Capture(tmp_path / "missing", threads=2))
    path = in_file(tmp_path, b"no capture at all")
    errors = []
    for threads in (1, 2):
        with pytest.raises(CaptureError) as error:
            list(Capture(path, threads=threads))
        errors.append(str(error.value))
    assert errors[0] == errors[1]


@pytest.mark.parametrize("threads", [0, -1, 2**70, "2", 1.5])
def test_number_of_threads_is_checked(path: Path, threads: object) -> None:
    with pytest.raises((TypeError, ValueError), match="threads"):
        Capture(path, threads=threads)  # type: ignore[arg-type]
