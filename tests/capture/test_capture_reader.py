"""A pass over a capture: what interrupts it, who may ask it, and what it leaves behind.

None of it may change what is read: an interrupted pass gives the same as one in peace.
"""

from __future__ import annotations

import _thread
import gc
import gzip
import io
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from capture_conversation import (
    START,
    Conversation,
    answer_head,
    capture_of,
    close,
    merged,
    request_head,
    text,
)
from capture_craft import Captured
from capture_files import pcapng
from capture_seen import connection_values, message_values, read
from wsdefrag.capture import (
    Account,
    Capture,
    CapturedConnection,
    CapturedMessage,
    CaptureReader,
)

CONNECTIONS, MESSAGES = 40, 3


def talks() -> bytes:
    """Short connections one behind the other, each closed and ended."""
    each = []
    for number in range(CONNECTIONS):
        talk = Conversation(("192.0.2.10", 10_000 + number), time=START + number * 10_000_000)
        talk.open().upgrade()
        for count in range(MESSAGES):
            talk.says(False, text(False, f"{number}.{count}"))
        talk.says(True, close(True))
        each.append(talk.end())
    return capture_of(merged(*each))


CAPTURE = talks()
EXPECTED = read(CAPTURE).dump()


class Pieces(io.BytesIO):
    """A file that gives so many bytes at a time, and calls a hook before each."""

    def __init__(self, data: bytes, size: int, hook: Callable[[], object] = lambda: None) -> None:
        super().__init__(data)
        self.size = size
        self.hook = hook

    def read1(self, size: int | None = -1, /) -> bytes:
        self.hook()
        return super().read1(min(size or 0, self.size))


def dump(reader: CaptureReader, items: list[CapturedMessage | CapturedConnection]) -> list[Any]:
    """What `Seen.dump` gives."""
    return [
        reader.warnings,
        reader.counts,
        None,
        [message_values(item) for item in items if isinstance(item, CapturedMessage)],
        [connection_values(item) for item in items if isinstance(item, CapturedConnection)],
    ]


def batches(reader: CaptureReader, *expected: type[BaseException]) -> Iterator[list[Any]]:
    """Read to the end, over exceptions that are expected."""
    while True:
        try:
            batch = reader.next_batch()
        except expected:
            continue
        if batch is None:
            return
        yield batch


@pytest.mark.parametrize("every", [3, 4, 7])
@pytest.mark.parametrize("made", [CapturedConnection, Account])
def test_interrupt_while_objects_are_made_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, made: type, every: int
) -> None:
    original: Callable[..., None] = made.__init__  # type: ignore[misc]
    calls = interrupts = 0

    def interrupted(self: object, *args: Any, **kwargs: Any) -> None:
        nonlocal calls, interrupts
        calls += 1
        if calls % every == 0:
            interrupts += 1
            raise KeyboardInterrupt
        original(self, *args, **kwargs)

    monkeypatch.setattr(made, "__init__", interrupted)
    with Capture(io.BytesIO(CAPTURE)).read() as reader:
        items = [item for batch in batches(reader, KeyboardInterrupt) for item in batch]
        monkeypatch.undo()
        assert dump(reader, items) == EXPECTED
    assert interrupts > 5


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


def test_exception_of_a_file_object_comes_behind_what_was_complete() -> None:
    error = KeyboardInterrupt()
    left = 5

    def fail() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise error

    items: list[CapturedMessage | CapturedConnection] = []
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


def test_iteration_goes_on_behind_a_file_object_that_had_nothing() -> None:
    blocked = iter([False, True] * 1000)

    def maybe() -> None:
        if next(blocked):
            raise BlockingIOError("nothing yet")

    items: list[CapturedMessage | CapturedConnection] = []
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


def test_connections_that_keep_their_messages_are_collected() -> None:
    class Mark:
        """Dies with its connection."""

    marks = []
    with Capture(io.BytesIO(CAPTURE)).read() as reader:
        for item in reader:
            if isinstance(item, CapturedMessage):
                kept = vars(item.connection)
                if "mine" not in kept:
                    kept["mark"] = mark = Mark()
                    marks.append(weakref.ref(mark))
                    del mark
                kept.setdefault("mine", []).append(item)
    del item, kept, reader
    gc.collect()
    assert len(marks) == CONNECTIONS
    assert [mark for mark in marks if mark() is not None] == []


@pytest.mark.parametrize(
    "holds",
    [
        lambda capture: capture,
        lambda capture: capture.to_arrow(),
        lambda capture: capture.read(),
        lambda capture: first_read(capture.read()),
    ],
    ids=["capture", "tables", "reader", "begun reader"],
)
def test_file_object_that_holds_its_capture_is_collected(holds: Callable[[Capture], Any]) -> None:
    class File(Pieces):
        mine: object = None

    file = File(CAPTURE, 3000)
    file.mine = holds(Capture(file))
    found = weakref.ref(file)
    del file
    gc.collect()
    assert found() is None


def first_read(reader: CaptureReader) -> CaptureReader:
    assert reader.next_batch()
    return reader


def test_objects_live_through_collections_while_they_are_read() -> None:
    def hook() -> None:
        gc.collect()

    with Capture(Pieces(CAPTURE, 2000, hook)).read() as reader:
        items = []
        for item in reader:
            items.append(item)
            gc.collect(0)
        assert dump(reader, items) == EXPECTED


def test_state_can_be_asked_for_by_the_file_that_is_read() -> None:
    told: list[tuple[int, int, list[str]]] = []

    def ask() -> None:
        told.append((reader.bytes_read, reader.counts.packets, reader.warnings))

    with Capture(Pieces(CAPTURE[:-3], 1000, ask)).read() as reader:
        packets = sum(1 for _ in reader) and reader.counts.packets
        (warning,) = reader.warnings
    assert told == sorted(told)
    assert told[0] == (0, 0, [])
    assert told[-1][:2] == (len(CAPTURE) - 3, packets)
    assert all(warnings == [] for *_, warnings in told)
    assert "the file ends" in warning


def test_state_can_be_asked_for_by_another_thread() -> None:
    inside, asked = threading.Event(), threading.Event()
    answers: list[int] = []
    failures: list[BaseException] = []

    def ask() -> None:
        inside.wait(60)
        try:
            answers.extend((reader.bytes_read, reader.counts.packets, len(reader.warnings)))
        except BaseException as error:
            failures.append(error)
        asked.set()

    def hook() -> None:
        inside.set()
        asked.wait(60)

    with Capture(Pieces(CAPTURE, 1000, hook)).read() as reader:
        thread = threading.Thread(target=ask)
        thread.start()
        items = list(reader)
        thread.join()
        assert dump(reader, items) == EXPECTED
    assert (answers, failures) == ([0, 0, 0], [])


def test_pass_is_closed_by_the_file_that_is_read() -> None:
    def end() -> None:
        if reader.counts.packets > 20:
            reader.close()

    reader = Capture(Pieces(CAPTURE, 1000, end)).read()
    items = list(reader)
    assert 0 < len(items) < CONNECTIONS
    assert reader.next_batch() is None
    assert reader.counts.packets > 20


def test_pass_read_by_its_own_file_says_so() -> None:
    refused: list[str] = []

    def again() -> None:
        with pytest.raises(RuntimeError, match="being read already") as error:
            reader.next_batch()
        refused.append(str(error.value))

    with Capture(Pieces(CAPTURE, 1000, again)).read() as reader:
        assert dump(reader, list(reader)) == EXPECTED
    assert len(refused) > 10


def test_pass_read_by_two_threads_at_once_says_so() -> None:
    inside, refused = threading.Event(), threading.Event()
    failures: list[str] = []

    def second() -> None:
        inside.wait(60)
        try:
            reader.next_batch()
        except RuntimeError as error:
            failures.append(str(error))
        refused.set()

    def hook() -> None:
        inside.set()
        refused.wait(60)

    with Capture(Pieces(CAPTURE, 1000, hook)).read() as reader:
        thread = threading.Thread(target=second)
        thread.start()
        items = list(reader)
        thread.join()
        assert dump(reader, items) == EXPECTED
    (failure,) = failures
    assert "by another thread" in failure


def states(size: int) -> list[tuple[Any, ...]]:
    """What each item says of its connection when it is handed out."""
    found = []
    with Capture(Pieces(CAPTURE, size)).read() as reader:
        for item in reader:
            connection = item.connection if isinstance(item, CapturedMessage) else item
            found.append((isinstance(item, CapturedMessage), *connection_values(connection)))
    return found


@pytest.mark.parametrize("size", [100, 1000, 20_000])
def test_state_of_a_connection_does_not_depend_on_the_pieces(size: int) -> None:
    whole = states(len(CAPTURE))
    assert states(size) == whole


def test_connection_goes_on_until_it_is_handed_out() -> None:
    ended = set()
    with Capture(io.BytesIO(CAPTURE)).read() as reader:
        for item in reader:
            if isinstance(item, CapturedMessage):
                assert item.connection.ended is None
                assert item.connection.close is None
                assert item.connection.from_server.messages == 0
            else:
                assert item.ended == "fin"
                assert item.from_server.messages == MESSAGES
                ended.add(item.number)
    assert len(ended) == CONNECTIONS


def test_connection_that_has_ended_is_the_first_of_its_batch() -> None:
    with Capture(io.BytesIO(CAPTURE)).read() as reader:
        for batch in batches(reader):
            assert batch
            assert not any(isinstance(item, CapturedConnection) for item in batch[1:])


def test_unknown_links_come_in_the_order_of_the_capture() -> None:
    """Names of a `dict` are compared without their order, which is that of a run's `repr`."""
    links = [147, 3, 250, 12_000, 9, 77, 200, 31_000]
    packets = [Captured(START, b"?" * 60, None, number) for number in range(len(links))]
    counts = read(pcapng(packets, links)).counts
    assert list(counts.unknown_links) == links


@pytest.mark.parametrize("retain", [*range(9), 20, "all", "none"])
def test_retain_keeps_the_newest(retain: Any) -> None:
    talk = Conversation().open().upgrade()
    for number in range(7):
        talk.says(number % 2 == 0, text(number % 2 == 0, str(number)))
    capture = Capture(io.BytesIO(capture_of(talk.end().segments)))
    (connection,) = capture.connections(retain=retain)
    kept = {"all": 7, "none": 0}.get(retain, retain)
    contents = [message.content for message in connection.websocket.messages]
    assert contents == [b"%d" % number for number in range(7)][max(7 - kept, 0) :]


def test_retain_holds_twice_as_many_at_most() -> None:
    talk = Conversation().open().upgrade()
    for number in range(50):
        talk.says(False, text(False, str(number)))
    connections = Capture(Pieces(capture_of(talk.segments), 200)).connections(retain=8)
    held: list[int] = []

    class Held(list[Any]):
        def append(self, item: Any) -> None:
            super().append(item)
            held.append(len(self))

    original = CapturedConnection.__init__

    def init(self: CapturedConnection, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.websocket.messages = Held()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CapturedConnection, "__init__", init)
        (connection,) = connections
    assert len(held) == 50
    assert max(held) == 17
    assert len(connection.websocket.messages) == 8


def test_extensions_of_several_fields_are_one_list() -> None:
    fields = ["Sec-WebSocket-Extensions: x-one", "sec-websocket-extensions: x-two; a=1"]
    talk = Conversation().open()
    talk.says(True, request_head(offers="x-one, x-two"))
    talk.says(False, answer_head(fields=fields))
    assert read(capture_of(talk.segments)).connection.extensions == "x-one, x-two; a=1"
    without = Conversation().open().upgrade()
    assert read(capture_of(without.segments)).connection.extensions is None


def test_counts_do_not_share_what_can_be_changed() -> None:
    with Capture(io.BytesIO(CAPTURE)).read() as reader:
        list(reader)
        reader.warnings.append("mine")
        reader.counts.unknown_links[1] = 1
        assert (reader.warnings, reader.counts.unknown_links) == ([], {})


@pytest.mark.skipif(not hasattr(sys, "getrefcount"), reason="references are not counted")
def test_status_is_one_string_for_all() -> None:
    first, second, *_ = Capture(io.BytesIO(CAPTURE))
    assert first.status is second.status
