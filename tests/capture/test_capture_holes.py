"""Holes: when the reader stops waiting for bytes that may still come.

A hole becomes a gap in three cases: the peer has acknowledged its bytes, and three later segments
or two seconds have passed; too many bytes after it are buffered; the capture ends. Bytes that
arrive before that fill the hole.
"""

from __future__ import annotations

import pytest

from capture_conversation import Conversation, Segment, binary, capture_of, text, upgraded
from capture_files import SECOND
from capture_seen import read

LONG = bytes(range(97, 123)) * 20
"""520 bytes of letters."""


def later(talk: Conversation, lost: Segment, count: int, wait: int) -> list[Segment]:
    """The segments, with `lost` captured after so many later ones, and one more after that time."""
    at = talk.segments.index(lost)
    after = [one for one in talk.segments[at + 1 :] if one.payload][count - 1]
    moved = talk.without(lost)
    place = moved.index(after) + 1
    late = [one.at(one.time + wait) for one in moved[place:]]
    return [*moved[:place], late[0], lost.at(late[0].time), *late[1:]]


def conversation_with_a_hole(acked: bool, count: int) -> tuple[Conversation, Segment]:
    talk = upgraded()
    wire = binary(True, LONG)
    talk.says(True, wire[:100], acked=acked)
    lost = talk.says(True, wire[100:200], acked=acked)
    talk.says(True, wire[200:], acked=acked)
    for number in range(count):
        talk.says(True, text(True, f"later {number}"), acked=acked)
    return talk, lost


@pytest.mark.parametrize(
    ("acked", "count", "wait", "expected"),
    [
        (True, 1, 0, "ok"),
        (True, 8, 0, "incomplete"),
        (True, 1, 3 * SECOND, "incomplete"),
        (False, 8, 0, "ok"),
        (False, 1, 3 * SECOND, "ok"),
        (False, 40, 50 * SECOND, "ok"),
    ],
)
def test_hole_is_a_gap_when_its_bytes_were_received_and_time_went_by(
    acked: bool, count: int, wait: int, expected: str
) -> None:
    """Three later segments or two seconds; while the peer lacks them too, they may still come."""
    talk, lost = conversation_with_a_hole(acked, 50)
    found = read(capture_of(later(talk, lost, count, wait)), ordered=False)
    assert found.statuses() == [expected] + ["ok"] * 50


def test_hole_at_the_end_is_a_gap() -> None:
    talk, lost = conversation_with_a_hole(False, 2)
    found = read(capture_of(talk.without(lost)))
    assert found.statuses() == ["incomplete", "ok", "ok"]
    assert found.messages[0].missing_bytes == 100


@pytest.mark.parametrize(("count", "size"), [(1100, 10), (800, 1400)])
def test_hole_is_a_gap_when_too_much_is_held_behind_it(count: int, size: int) -> None:
    """After 1,024 segments or 1 MiB, late bytes are too late."""
    talk = upgraded()
    wire = binary(True, LONG)
    talk.says(True, wire[:100], acked=False)
    lost = talk.says(True, wire[100:200], acked=False)
    talk.says(True, wire[200:], acked=False)
    for _ in range(count):
        talk.says(True, binary(True, bytes(size)), acked=False)
    found = read(capture_of([*talk.without(lost), lost.at(talk.time)]), ordered=False)
    assert found.statuses() == ["incomplete"] + ["ok"] * count
