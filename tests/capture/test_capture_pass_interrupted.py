"""A pass that is interrupted, or whose file has no bytes yet, gives the same as any other pass."""

from __future__ import annotations

import _thread
import gzip
import io
import os
import signal
import threading
from pathlib import Path

import pytest

from capture_passes import CAPTURE, CONNECTIONS, EXPECTED, Pieces, batches, dump
from hang_guard import HANG_SECONDS
from wsdefrag.capture import Capture, CapturedConnection, CapturedEvent, CapturedMessage


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_interrupt_while_a_file_is_read_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        # Opened when the reader, which then is outside of Python, opens it.
        with path.open("wb") as file:
            _thread.interrupt_main()
            file.write(CAPTURE)

    with Capture(path).read() as reader:
        writer = threading.Thread(target=write)
        writer.start()
        with pytest.raises(KeyboardInterrupt):
            reader.next_batch()
        items = [item for batch in batches(reader) for item in batch]
        writer.join()
        assert dump(reader, items) == EXPECTED


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="threads get no signals")
def test_signal_whose_handler_returns_does_not_end_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading_thread = threading.get_ident()
    handled = threading.Semaphore(0)

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            for start in range(0, len(CAPTURE), 5000):
                file.write(CAPTURE[start : start + 5000])
                # The reader has read these bytes soon, and then waits for more. The handler runs
                # when its read is interrupted.
                signal.pthread_kill(reading_thread, signal.SIGUSR1)
                handled.acquire(timeout=HANG_SECONDS)

    before = signal.signal(signal.SIGUSR1, lambda *_: handled.release())
    try:
        with Capture(path).read() as reader:
            writer = threading.Thread(target=write)
            writer.start()
            items = [item for batch in batches(reader) for item in batch]
            writer.join()
            assert dump(reader, items) == EXPECTED
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_exception_of_a_file_object_comes_after_what_was_complete() -> None:
    error = KeyboardInterrupt()
    left = 5

    def fail() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise error

    items: list[CapturedMessage | CapturedEvent | CapturedConnection] = []
    with Capture(Pieces(CAPTURE, 5000, fail)).read() as reader:
        with pytest.raises(KeyboardInterrupt) as raised:
            items.extend(reader)
        assert raised.value is error
        assert reader.next_batch() is None
    connections = [item for item in items if isinstance(item, CapturedConnection)]
    assert 0 < len(connections) < CONNECTIONS
    assert connections[-1].ended == "end_of_capture"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("says_none", [False, True])
def test_file_object_that_has_nothing_yet_is_asked_again(
    size: int, says_none: bool, compressed: bool
) -> None:
    waits = 0

    class Waiting(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self.data = io.BytesIO(data)

        def read(self, most: int = -1, /) -> bytes | None:
            nonlocal waits
            waits += 1
            if waits % 2 == 0:
                return self.data.read(min(size, most))
            if says_none:
                return None
            raise BlockingIOError("nothing yet")

    data = gzip.compress(CAPTURE, mtime=0) if compressed else CAPTURE
    with Capture(Waiting(data)).read() as reader:
        items = [item for batch in batches(reader, BlockingIOError) for item in batch]
        assert dump(reader, items) == EXPECTED
        assert reader.bytes_read == len(data)
    assert waits > len(data) // size


def test_iteration_goes_on_after_a_file_object_had_nothing() -> None:
    blocked = iter([False, True] * 1000)

    def maybe() -> None:
        if next(blocked):
            raise BlockingIOError("nothing yet")

    items: list[CapturedMessage | CapturedEvent | CapturedConnection] = []
    with Capture(Pieces(CAPTURE, 10_000, maybe)).read() as reader:
        interruptions = 0
        while True:
            try:
                items.extend(reader)
                break
            except BlockingIOError:
                interruptions += 1
        assert dump(reader, items) == EXPECTED
    assert interruptions > 2
