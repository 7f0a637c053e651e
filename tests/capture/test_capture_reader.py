"""A pass over a capture: threads, closing, counters, and the order of its items."""

from __future__ import annotations

import gc
import io
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from capture_conversation import START, Conversation, answer_head, capture_of, request_head
from capture_craft import Captured
from capture_files import pcapng
from capture_passes import CAPTURE, CONNECTIONS, EXPECTED, MESSAGES, Pieces, batches, dump
from capture_seen import read
from capture_values import connection_values
from hang_guard import HANG_SECONDS
from wsdefrag.capture import Capture, CapturedConnection, CapturedMessage, CaptureReader


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
        inside.wait(HANG_SECONDS)
        try:
            answers.extend((reader.bytes_read, reader.counts.packets, len(reader.warnings)))
        except BaseException as error:
            failures.append(error)
        asked.set()

    def hook() -> None:
        inside.set()
        asked.wait(HANG_SECONDS)

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
        with pytest.raises(RuntimeError, match="in use by another call") as error:
            reader.next_batch()
        refused.append(str(error.value))

    with Capture(Pieces(CAPTURE, 1000, again)).read() as reader:
        assert dump(reader, list(reader)) == EXPECTED
    assert len(refused) > 10


def test_pass_read_by_two_threads_at_once_says_so() -> None:
    inside, refused = threading.Event(), threading.Event()
    failures: list[str] = []

    def second() -> None:
        inside.wait(HANG_SECONDS)
        try:
            reader.next_batch()
        except RuntimeError as error:
            failures.append(str(error))
        refused.set()

    def hook() -> None:
        inside.set()
        refused.wait(HANG_SECONDS)

    with Capture(Pieces(CAPTURE, 1000, hook)).read() as reader:
        thread = threading.Thread(target=second)
        thread.start()
        items = list(reader)
        thread.join()
        assert dump(reader, items) == EXPECTED
    (failure,) = failures
    assert "in use by another call" in failure


def states(size: int) -> list[tuple[Any, ...]]:
    """What each item says of its connection when it is handed out."""
    found = []
    with Capture(Pieces(CAPTURE, size)).read() as reader:
        for item in reader:
            connection = item if isinstance(item, CapturedConnection) else item.connection
            found.append((type(item), *connection_values(connection)))
    return found


@pytest.mark.parametrize("size", [100, 1000, 20_000])
def test_state_of_a_connection_does_not_depend_on_the_pieces(size: int) -> None:
    whole = states(len(CAPTURE))
    assert states(size) == whole


def test_connection_goes_on_until_it_is_handed_out() -> None:
    ended = set()
    with Capture(io.BytesIO(CAPTURE)).read() as reader:
        for item in reader:
            if not isinstance(item, CapturedConnection):
                assert item.connection.ended is None
                assert item.connection.close is None
                assert item.connection.from_server.messages == 0
            else:
                assert item.ended == "fin"
                assert item.from_server.messages == MESSAGES
                ended.add(item.connection)
    assert len(ended) == CONNECTIONS


def test_connection_that_has_ended_is_the_first_of_its_batch() -> None:
    with Capture(io.BytesIO(CAPTURE)).read() as reader:
        for batch in batches(reader):
            assert batch
            assert not any(isinstance(item, CapturedConnection) for item in batch[1:])


def test_unknown_links_come_in_the_order_of_the_capture() -> None:
    """Names of a `dict` are compared without their order, which is that of a run's `repr`."""
    links = [147, 3, 250, 12_000, 8, 77, 200, 31_000]
    packets = [Captured(START, b"?" * 60, None, number) for number in range(len(links))]
    counts = read(pcapng(packets, links)).counts
    assert list(counts.unknown_links) == links


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
