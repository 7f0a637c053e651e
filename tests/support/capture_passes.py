"""A capture of short connections, and the expected results of passes over it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from capture_conversation import START, Conversation, capture_of, close, merged, text
from capture_seen import read
from capture_values import connection_values, event_values, message_values
from wsdefrag.capture import CapturedConnection, CapturedEvent, CapturedMessage, CaptureReader
from wsdefrag.capture.reader import CaptureItem

CONNECTIONS, MESSAGES = 40, 3


def talks() -> bytes:
    """Short connections one after another, each closed and ended."""
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


def dump(reader: CaptureReader, items: list[CaptureItem]) -> list[Any]:
    """The result of `Seen.dump`."""
    messages, places = 0, []
    for item in items:
        messages += isinstance(item, CapturedMessage)
        if isinstance(item, CapturedEvent):
            places.append(messages)
    return [
        reader.warnings,
        reader.counts,
        None,
        [message_values(item) for item in items if isinstance(item, CapturedMessage)],
        [connection_values(item) for item in items if isinstance(item, CapturedConnection)],
        [event_values(item) for item in items if isinstance(item, CapturedEvent)],
        places,
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
