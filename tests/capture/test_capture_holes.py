"""Holes: when the reader stops waiting for bytes that may still come.

A hole becomes a gap in three cases: the peer has acknowledged its bytes, and 64 later segments and
200 ms, or two seconds alone, have passed; too many bytes after it are buffered; the capture ends.
Bytes that arrive before that fill the hole. Bytes that arrive later are counted.
"""

from __future__ import annotations

import pytest

from capture_conversation import (
    Conversation,
    Segment,
    binary,
    capture_of,
    packets,
    text,
    upgraded,
)
from capture_files import SECOND, pcapng
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
        (True, 64, 0, "ok"),
        (True, 8, SECOND, "ok"),
        (True, 120, 0, "incomplete"),
        (True, 66, SECOND // 5, "incomplete"),
        (True, 1, 3 * SECOND, "incomplete"),
        (False, 8, 0, "ok"),
        (False, 1, 3 * SECOND, "ok"),
        (False, 40, 50 * SECOND, "ok"),
    ],
)
def test_hole_is_a_gap_when_its_bytes_were_received_and_time_went_by(
    acked: bool, count: int, wait: int, expected: str
) -> None:
    """64 segments and 200 ms, or two seconds. What the peer lacks too may still come."""
    talk, lost = conversation_with_a_hole(acked, 150)
    found = read(capture_of(later(talk, lost, count, wait)), ordered=False)
    assert found.statuses() == [expected] + ["ok"] * 150
    account = found.connection.from_client
    assert account.missing == 0
    assert account.late == (0 if expected == "ok" else 100)


def test_late_bytes_are_said_and_not_called_missing() -> None:
    talk, lost = conversation_with_a_hole(True, 150)
    found = read(capture_of(later(talk, lost, 120, 0)), ordered=False)
    assert found.connection.has_losses
    assert found.connection.problems == ("client: 100 bytes in 1 gaps were captured too late",)


@pytest.mark.parametrize("places", range(1, 65))
def test_segment_displaced_by_up_to_64_places_loses_nothing(places: int) -> None:
    """One segment six places late once cost 33 of 40 messages."""
    talk = upgraded()
    sent = [talk.says(True, text(True, f"number {n}")) for n in range(100)]
    moved = talk.with_moved(sent[7], sent[7 + places])
    for segments in (moved, [one.at(talk.time) if one is sent[7] else one for one in moved]):
        found = read(capture_of(segments), ordered=False)
        assert found.contents() == [f"number {n}".encode() for n in range(100)]
        assert not found.connection.has_losses


@pytest.mark.parametrize("first", [0, 30, 60, 10_000])
@pytest.mark.parametrize("truncated_first", [True, False])
def test_truncated_copy_of_a_packet_loses_nothing(first: int, truncated_first: bool) -> None:
    """Each packet is captured twice, once whole and once cut to a length."""
    talk = upgraded()
    for number in range(30):
        talk.says(True, text(True, f"client {number} " * 40))
        talk.says(False, text(False, f"server {number} " * 40))
    both = []
    for packet in packets(talk.end().segments):
        copies = [packet.snapped(54 + first), packet]
        both += copies if truncated_first else copies[::-1]
    found = read(pcapng(both))
    assert found.statuses() == ["ok"] * 60
    assert not found.connection.has_losses


def test_truncated_packets_are_filled_in_by_whole_ones_ten_packets_later() -> None:
    talk = upgraded()
    for number in range(60):
        talk.says(True, text(True, f"client {number} " * 40))
    whole = packets(talk.segments)
    late = [(index, packet.snapped(90)) for index, packet in enumerate(whole)]
    late += [(index + 10, packet) for index, packet in enumerate(whole)]
    late.sort(key=lambda one: one[0])
    found = read(pcapng([packet for _, packet in late]), ordered=False, timed=False)
    assert found.statuses() == ["ok"] * 60
    assert not found.connection.has_losses


def test_hole_at_the_end_is_a_gap() -> None:
    talk, lost = conversation_with_a_hole(False, 2)
    found = read(capture_of(talk.without(lost)))
    assert found.statuses() == ["incomplete", "ok", "ok"]
    assert found.messages[0].missing_bytes == 100


@pytest.mark.parametrize(("count", "size"), [(1100, 10), (800, 1400)])
def test_hole_is_a_gap_when_too_much_is_held_after_it(count: int, size: int) -> None:
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
