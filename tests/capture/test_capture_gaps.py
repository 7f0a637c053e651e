"""Gaps: bytes before and after a gap are never joined, and missing bytes are never made up.

A gap inside a payload loses that message. A gap that touches a header or goes past the end of the
frame loses the rest of the direction, unless `resync` searches for frames after the gap; messages
found this way are marked.
"""

from __future__ import annotations

import pytest

from capture_conversation import (
    Conversation,
    binary,
    capture_of,
    close,
    one_frame,
    packets,
    ping,
    text,
    upgraded,
)
from capture_files import pcapng
from capture_seen import Seen, read
from wire_writer import BINARY, CONTINUATION, frame

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])
LONG = bytes(range(97, 123)) * 20
"""520 bytes of letters."""


def holed(
    side: bool, before: bytes, wire: bytes, first: int, last: int, after: bytes
) -> tuple[Seen, int]:
    """Read a direction of which the bytes of `wire` from `first` to `last` were not captured.

    Returns:
        What was read, and how long the header of the first frame of `wire` is.
    """
    talk = upgraded()
    talk.says(side, before)
    if first:
        talk.says(side, wire[:first])
    lost = talk.says(side, wire[first:last])
    if last < len(wire):
        talk.says(side, wire[last:])
    for start in range(0, len(after), 40):
        talk.says(side, after[start : start + 40])
    talk.says(not side, text(not side, "the other side"))
    header = (8 if side else 4) if len(wire) > 130 else (6 if side else 2)
    return read(capture_of(talk.without(lost)), ordered=False), header


BEFORE = "before"
AFTER = [f"after {number}" for number in range(6)]


def framed_after(side: bool) -> bytes:
    return b"".join(text(side, content) for content in AFTER)


@SIDES
@pytest.mark.parametrize(
    ("first", "length"),
    [(0, 1), (0, 520), (1, 10), (200, 300), (519, 1), (100, 420)],
    ids=["first byte", "all", "early", "middle", "last byte", "to the end"],
)
def test_gap_inside_a_payload_costs_that_message(side: bool, first: int, length: int) -> None:
    wire = binary(side, LONG)
    header = len(wire) - len(LONG)
    found, _ = holed(
        side,
        text(side, BEFORE),
        wire,
        header + first,
        header + first + length,
        framed_after(side),
    )
    rows = found.side(side)
    assert rows[0] == ("ok", BEFORE.encode())
    assert rows[1] == ("incomplete", LONG[:first])
    assert rows[2:] == [("ok", content.encode()) for content in AFTER]
    message = next(one for one in found.messages if one.status == "incomplete")
    assert message.missing_bytes == length
    assert message.payload_length == len(LONG)
    assert message.wire_length == len(wire)
    counted = found.connection.from_client if side else found.connection.from_server
    assert (counted.gaps, counted.missing, counted.lost) == (1, length, 0)
    assert counted.skipped == len(wire)
    assert found.side(not side) == [("ok", b"the other side")]
    assert any(str(length) in problem for problem in found.connection.problems)


@SIDES
@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 2), (1, 3), (2, 3), (0, 8), (0, 700), (3, 700), (50, 700)],
)
def test_gap_that_touches_a_header_costs_the_direction(side: bool, first: int, last: int) -> None:
    wire = binary(side, LONG) + binary(side, LONG[:300])
    if last > 500:
        last = len(wire) - 250
    found, _ = holed(side, text(side, BEFORE), wire, first, last, framed_after(side) * 4)
    rows = found.side(side)
    assert rows[0] == ("ok", BEFORE.encode())
    assert all(status == "incomplete" for status, _ in rows[1:])
    assert all(LONG.startswith(content) for _, content in rows[1:])
    counted = found.connection.from_client if side else found.connection.from_server
    assert counted.lost > len(framed_after(side)) * 4
    assert counted.missing == last - first
    assert found.side(not side) == [("ok", b"the other side")]
    side_name = "client" if side else "server"
    assert any(problem.startswith(side_name) for problem in found.connection.problems)


@SIDES
def test_gap_of_one_whole_frame_costs_the_direction(side: bool) -> None:
    """Whether a header follows the gap is unknown; a guess would be right but is not made."""
    lost = text(side, "lost")
    found, _ = holed(side, text(side, BEFORE), lost, 0, len(lost), framed_after(side))
    assert found.side(side) == [("ok", BEFORE.encode())]
    counted = found.connection.from_client if side else found.connection.from_server
    assert counted.lost == len(lost) + len(framed_after(side))


@SIDES
def test_resynchronising_is_asked_for_and_marked(side: bool) -> None:
    def talk() -> Conversation:
        made = upgraded()
        made.says(side, text(side, BEFORE))
        lost = made.says(side, text(side, "lost"))
        for content in AFTER:
            made.says(side, text(side, content))
        made.segments = made.without(lost)
        return made

    data = capture_of(talk().segments)
    assert read(data).side(side) == [("ok", BEFORE.encode())]
    found = read(data, resync=True, ordered=False)
    assert found.side(side) == [("ok", one.encode()) for one in [BEFORE, *AFTER]]
    assert [one.resynced for one in found.messages] == [False] + [True] * len(AFTER)


@SIDES
def test_resynchronising_starts_at_segments_only(side: bool) -> None:
    """A payload with frames in it, far from where a segment starts, is not taken for frames."""
    inner = b"".join(text(side, f"never sent {number}") for number in range(6))
    talk = upgraded()
    talk.says(side, text(side, BEFORE))
    lost = talk.says(side, binary(side, b"x" * 1000 + inner + b"y" * 3000)[:500])
    rest = binary(side, b"x" * 1000 + inner + b"y" * 3000)[500:]
    talk.say(side, rest, size=1400)
    for content in AFTER:
        talk.says(side, text(side, content))
    found = read(capture_of(talk.without(lost)), resync=True, ordered=False)
    assert found.side(side) == [("ok", one.encode()) for one in [BEFORE, *AFTER]]


@SIDES
def test_resynchronising_wants_three_headers_in_a_row(side: bool) -> None:
    talk = upgraded()
    talk.says(side, text(side, BEFORE))
    lost = talk.says(side, text(side, "lost"))
    for content in AFTER[:2]:
        talk.says(side, text(side, content))
    talk.says(side, b"\xff" * 40)
    found = read(capture_of(talk.without(lost)), resync=True)
    assert found.side(side) == [("ok", BEFORE.encode())]


@SIDES
@pytest.mark.parametrize("part", [0, 1, 2])
def test_gap_in_a_fragment_costs_the_message_and_not_the_next(side: bool, part: int) -> None:
    contents = [LONG[:100], LONG[100:300], LONG[300:]]
    opcodes = [BINARY, CONTINUATION, CONTINUATION]
    talk = upgraded()
    lost = None
    for index, (opcode, content) in enumerate(zip(opcodes, contents, strict=True)):
        wire = one_frame(side, opcode, content, fin=index == 2)
        start = len(wire) - len(content) + 10
        talk.says(side, wire[:start])
        gone = talk.says(side, wire[start : start + 20])
        lost = gone if index == part else lost
        talk.says(side, wire[start + 20 :])
        talk.says(side, ping(side, b"between"))
    talk.says(side, text(side, "next"))
    assert lost is not None
    found = read(capture_of(talk.without(lost)))
    begun = LONG[: sum(map(len, contents[:part])) + 10]
    assert found.side(side) == [("incomplete", begun), ("ok", b"next")]
    assert found.messages[0].missing_bytes == 20
    assert found.messages[0].frames == 3
    counted = found.connection.from_client if side else found.connection.from_server
    assert counted.pings == 3


@SIDES
def test_two_gaps_in_one_message_are_added(side: bool) -> None:
    wire = binary(side, LONG)
    talk = upgraded()
    sent = talk.say(side, wire, size=60)
    talk.says(side, text(side, "next"))
    found = read(capture_of(talk.without(sent[2], sent[5])))
    assert found.statuses() == ["incomplete", "ok"]
    assert found.messages[0].missing_bytes == 120
    assert found.messages[0].content == LONG[: 120 - (len(wire) - len(LONG))]


@SIDES
def test_gap_in_a_ping_costs_nothing_else(side: bool) -> None:
    wire = ping(side, b"p" * 100)
    found, _ = holed(side, text(side, BEFORE), wire, 20, 50, framed_after(side))
    assert found.side(side) == [("ok", one.encode()) for one in [BEFORE, *AFTER]]


@SIDES
def test_gap_in_a_close_leaves_its_code_unknown(side: bool) -> None:
    wire = close(side, 1000, b"a reason")
    header = 6 if side else 2
    found, _ = holed(side, text(side, BEFORE), wire, header, header + 1, b"")
    assert found.connection.close is not None
    assert found.connection.close.from_client == side
    assert found.connection.close.close_code is None


@pytest.mark.parametrize("length", [60, 100, 300])
def test_snap_length_is_a_gap_of_known_length(length: int) -> None:
    talk = upgraded()
    start = len(talk.segments)
    talk.says(True, binary(True, LONG))
    talk.says(True, text(True, "x"))
    cut = packets(talk.segments)
    cut[start] = cut[start].snapped(length)
    found = read(pcapng(cut))
    header = 54 + 8
    counted = found.connection.from_client
    assert counted.missing == 54 + len(binary(True, LONG)) - length
    if length < header:
        assert found.messages == []
        assert counted.lost > 0
    else:
        assert found.side(True) == [("incomplete", LONG[: length - header]), ("ok", b"x")]


def test_masked_zeros_are_no_frames() -> None:
    """They repeat the masking key, which can look like frames in a row: 82 82 11 22 82 82 11 22."""
    talk = upgraded()
    content = bytes(6_000)
    masked = frame(BINARY, content, key=b"\x82\x82\x11\x22")
    sent = talk.say(True, masked, size=800)
    talk.says(True, text(True, "after it"))
    talk.says(True, text(True, "more"))
    talk.says(True, text(True, "the end"))
    for lost in range(2):
        seen = read(capture_of(talk.without(sent[0], *sent[1 : 1 + lost])), resync=True)
        whole = [one.content for one in seen.messages if one.status == "ok"]
        assert whole == [b"after it", b"more", b"the end"]
