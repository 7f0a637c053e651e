"""Recorded connections for tests of `wsdefrag.replay`, crafted as captures."""

from __future__ import annotations

import io
from collections.abc import Iterable

from capture_conversation import (
    DEFLATE,
    Conversation,
    Segment,
    capture_of,
    close,
    one_frame,
    text,
    upgraded,
)
from wire_writer import TEXT
from wsdefrag.capture import Capture
from wsdefrag.replay import RecordedConnection, recordings

# A packet has room for less than 64 KiB.
_SEGMENT = 60_000


def read(capture: bytes, **options: object) -> list[RecordedConnection]:
    """The recorded connections of a capture."""
    with Capture(io.BytesIO(capture), **options).read() as reader:  # type: ignore[arg-type]
        return recordings(reader)


def read_segments(segments: Iterable[Segment]) -> list[RecordedConnection]:
    """The recorded connections of TCP segments."""
    return read(capture_of(segments))


def echoed(
    *texts: str, target: str = "/chat", port: int = 50_000, fields: Iterable[str] = ()
) -> Conversation:
    """A client sends texts, and gets each of them back; then it closes."""
    talk = Conversation(("192.0.2.10", port)).open().upgrade(target, fields=tuple(fields))
    for one in texts:
        talk.say(True, text(True, one), size=_SEGMENT)
        talk.say(False, text(False, one), size=_SEGMENT)
    talk.says(True, close(True, 1000, b"done"))
    talk.says(False, close(False, 1000, b"done"))
    return talk.end()


def lossy() -> bytes:
    """A capture whose client sent a text, one with a gap inside, and one that depends on that."""
    talk = upgraded(DEFLATE)
    talk.says(True, text(True, "one"))
    first = one_frame(True, TEXT, b"\xf2H\xcd\xc9\xc9\x07\x00", rsv1=True)
    lost = talk.say(True, first, size=8)[1]
    talk.says(True, one_frame(True, TEXT, b"\xf2\x00\x11\x00\x00", rsv1=True))
    talk.says(False, text(False, "one"))
    return capture_of(talk.without(lost))
