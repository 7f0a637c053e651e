"""Events: control frames, gaps and violations are rows in their places, with what a gap cost."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest

from capture_conversation import (
    DEFLATE,
    DEFLATE_ALONE,
    Conversation,
    binary,
    capture_of,
    close,
    one_frame,
    ping,
    text,
    upgraded,
)
from capture_seen import Seen, read
from capture_values import EVENT_FIELDS, event_values
from wire_writer import CONTINUATION, PING, PONG, TEXT, Deflater
from wsdefrag.capture import Capture, CapturedEvent
from wsdefrag.formats.event_text import event_text

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])
LONG = b"x" * 500


def gap_of(seen: Seen) -> CapturedEvent:
    (gap,) = [event for event in seen.events if event.kind == "gap"]
    return gap


def order(seen: Seen, side: bool) -> list[str]:
    """The statuses of a direction's messages, and the kinds of its events between them."""
    found: list[str] = []
    messages = list(seen.messages)
    passed = 0
    for event, place in zip(seen.events, seen.places, strict=True):
        found += [one.status for one in messages[passed:place] if one.from_client == side]
        passed = place
        found += [event.kind] if event.from_client == side else []
    return found + [one.status for one in messages[passed:] if one.from_client == side]


def cost(gap: CapturedEvent) -> tuple[Any, ...]:
    return gap.effect, gap.incomplete, gap.undecodable, gap.lost


class Holed:
    """A direction of which some segments were not captured."""

    def __init__(self, side: bool, extensions: str | None = None) -> None:
        self.side = side
        self.talk = upgraded() if extensions is None else upgraded(extensions)
        self.offset = 0
        self.lost: list[Any] = []

    def say(self, wire: bytes, *, captured: bool = True) -> int:
        """Send bytes; return the position of the first in the stream."""
        segment = self.talk.says(self.side, wire)
        if not captured:
            self.lost.append(segment)
        offset, self.offset = self.offset, self.offset + len(wire)
        return offset

    def read(self, **options: Any) -> Seen:
        self.talk.says(not self.side, text(not self.side, "the other side"))
        return read(capture_of(self.talk.without(*self.lost)), ordered=False, **options)

    def packet(self, number: int) -> int:
        """The number in the capture of a segment, without those that were not captured."""
        kept = self.talk.without(*self.lost)
        return 1 + kept.index(self.talk.segments[number])


@SIDES
def test_gap_inside_a_frame_says_where_and_when(side: bool) -> None:
    holed = Holed(side)
    holed.say(text(side, "before"))
    wire = binary(side, LONG)
    holed.say(wire[:100])
    before = holed.talk.segments[-2:]
    offset = holed.say(wire[100:300], captured=False)
    holed.say(wire[300:])
    after = [one for one in holed.talk.segments if one.payload == wire[300:]]
    holed.say(text(side, "after"))
    seen = holed.read()
    gap = gap_of(seen)
    assert order(seen, side) == ["ok", "gap", "incomplete", "ok"]
    assert (gap.offset, gap.length, gap.missing_bytes) == (offset, 200, 200)
    assert (gap.from_client, gap.seq, gap.event) == (side, 1, 0)
    assert cost(gap) == ("frame", 1, 0, 0)
    (first,) = [one for one in before if one.payload == wire[:100]]
    kept = holed.talk.without(*holed.lost)
    assert (gap.first_timestamp_ns, gap.timestamp_ns) == (first.time, after[0].time)
    assert (gap.first_packet, gap.last_packet) == (
        1 + kept.index(first),
        1 + kept.index(after[0]),
    )
    incomplete = seen.messages[[one.status for one in seen.messages].index("incomplete")]
    assert incomplete.missing_bytes == 200


@SIDES
@pytest.mark.parametrize("resync", [False, True])
def test_gap_over_a_header_ends_the_direction_or_is_searched(side: bool, resync: bool) -> None:
    holed = Holed(side)
    holed.say(text(side, "before"))
    wire = text(side, "lost") + binary(side, LONG)
    holed.say(wire, captured=False)
    rest = [text(side, f"after {number}") for number in range(8)]
    for one in rest:
        holed.say(one)
    seen = holed.read(resync=resync)
    gap = gap_of(seen)
    account = seen.connection.from_client if side else seen.connection.from_server
    assert gap.length == len(wire)
    assert gap.lost == account.lost >= len(wire)
    if resync:
        assert (gap.effect, gap.incomplete, gap.undecodable) == ("search", 0, 0)
        assert gap.lost == len(wire)
        assert order(seen, side) == ["ok", "gap", *["ok"] * 8]
    else:
        assert (gap.effect, gap.incomplete, gap.undecodable) == ("end", 0, 0)
        assert gap.lost == len(wire) + sum(map(len, rest))
        assert order(seen, side) == ["ok", "gap"]
        assert any("resync" in problem for problem in seen.connection.problems)
        assert "--resync" in event_text(gap)


@SIDES
def test_gap_that_cuts_a_message_and_a_header_costs_both(side: bool) -> None:
    holed = Holed(side)
    wire = binary(side, LONG)
    holed.say(wire[:200])
    holed.say(wire[200:] + text(side, "unseen")[:2], captured=False)
    holed.say(text(side, "unseen")[2:] + text(side, "lost"))
    gap = gap_of(seen := holed.read())
    assert order(seen, side) == ["gap", "incomplete"]
    assert cost(gap)[:3] == ("end", 1, 0)


@SIDES
def test_two_gaps_in_a_message_cost_it_once(side: bool) -> None:
    holed = Holed(side)
    wire = binary(side, LONG)
    holed.say(wire[:100])
    for start in (100, 300):
        holed.say(wire[start : start + 100], captured=False)
        holed.say(wire[start + 100 : start + 200])
    holed.say(wire[500:])
    seen = holed.read()
    assert order(seen, side) == ["gap", "gap", "incomplete"]
    assert [cost(gap) for gap in seen.events] == [("frame", 1, 0, 0), ("frame", 0, 0, 0)]


@SIDES
@pytest.mark.parametrize(
    ("extensions", "expected"),
    [(DEFLATE, ("window", 1, 4, 0)), (DEFLATE_ALONE, ("frame", 1, 0, 0))],
    ids=["takeover", "no takeover"],
)
def test_gap_in_a_compressed_direction_counts_what_cannot_be_inflated(
    side: bool, extensions: str, expected: tuple[Any, ...]
) -> None:
    holed = Holed(side, extensions)
    deflater = Deflater(takeover=extensions == DEFLATE)
    for number in range(6):
        content = f"number {number} of the same old words, the same old words"
        wire = one_frame(side, TEXT, deflater.compress(content.encode()), rsv1=True)
        if number == 1:
            holed.say(wire[:-8])
            holed.say(wire[-8:-4], captured=False)
            holed.say(wire[-4:])
        else:
            holed.say(wire)
        holed.say(text(side, f"plain {number}"))
    seen = holed.read()
    assert cost(gap_of(seen)) == expected
    assert order(seen, side)[:4] == ["ok", "ok", "gap", "incomplete"]
    assert seen.statuses().count("undecodable") == expected[2]


def test_second_gap_costs_nothing_that_the_first_has_cost() -> None:
    holed = Holed(True, DEFLATE)
    deflater = Deflater(takeover=True)
    for number in range(6):
        content = f"{number}, and words that no other one has: {(number + 2) ** 60}"
        wire = one_frame(True, TEXT, deflater.compress(content.encode()), rsv1=True)
        holed.say(wire[:-8])
        holed.say(wire[-8:-4], captured=number not in (1, 3))
        holed.say(wire[-4:])
    first, second = (event for event in holed.read().events if event.kind == "gap")
    assert cost(first) == ("window", 1, 3, 0)
    assert cost(second) == ("frame", 1, 0, 0)


@SIDES
def test_gap_at_the_start_has_no_packet_before_it(side: bool) -> None:
    """The first frame was not captured; the handshake was."""
    holed = Holed(side)
    holed.say(text(side, "first"), captured=False)
    holed.say(text(side, "second"))
    gap = gap_of(holed.read())
    assert (gap.offset, gap.seq, gap.effect) == (0, 0, "end")
    assert gap.last_packet is not None


@SIDES
def test_gap_at_the_end_costs_what_was_begun(side: bool) -> None:
    holed = Holed(side)
    wire = binary(side, LONG)
    holed.say(wire[:200])
    holed.say(wire[200:], captured=False)
    holed.talk.end()
    seen = read(capture_of(holed.talk.without(*holed.lost)), ordered=False)
    gap = gap_of(seen)
    assert (gap.length, cost(gap)) == (len(wire) - 200, ("frame", 1, 0, 0))
    assert order(seen, side) == ["gap", "incomplete"]


@SIDES
def test_gap_after_a_close_costs_nothing(side: bool) -> None:
    holed = Holed(side)
    holed.say(close(side, 1000, b"done"))
    holed.say(b"junk", captured=False)
    holed.say(b"more junk")
    seen = holed.read()
    assert cost(gap_of(seen)) == ("nothing", 0, 0, 0)
    assert order(seen, side) == ["close", "gap"]


@SIDES
def test_control_frames_stand_between_the_fragments(side: bool) -> None:
    talk = upgraded()
    talk.says(side, one_frame(side, TEXT, b"Hel", fin=False))
    talk.says(side, one_frame(side, PING, b"are you there"))
    talk.says(side, one_frame(side, CONTINUATION, b"lo"))
    talk.says(side, one_frame(side, PONG, b""))
    talk.says(side, close(side, 4000, "grüß".encode()))
    seen = read(capture_of(talk.segments))
    assert order(seen, side) == ["ping", "ok", "pong", "close"]
    pinged, ponged, closed = seen.events
    start = 9 if side else 5
    assert (pinged.payload, pinged.length, pinged.offset, pinged.seq) == (
        b"are you there",
        13,
        start,
        0,
    )
    assert (ponged.payload, ponged.seq) == (b"", 1)
    assert (closed.close_code, closed.close_reason) == (4000, "grüß")
    assert closed.payload == b"\x0f\xa0" + "grüß".encode()
    assert [one.close_code for one in (pinged, ponged)] == [None, None]
    assert pinged.first_packet == pinged.last_packet is not None
    assert [event_text(one) for one in seen.events] == ["13 bytes", "0 bytes", "4000 grüß"]


def test_close_without_a_code_is_1005_with_an_empty_payload() -> None:
    talk = upgraded()
    talk.says(True, b"\x88\x80abcd")
    (event,) = read(capture_of(talk.segments)).events
    assert (event.close_code, event.close_reason, event.payload) == (1005, "", b"")


@SIDES
def test_incomplete_control_frame_keeps_what_was_captured(side: bool) -> None:
    holed = Holed(side)
    wire = ping(side, b"0123456789")
    holed.say(wire[:-6])
    holed.say(wire[-6:-2], captured=False)
    holed.say(wire[-2:])
    holed.say(text(side, "after"))
    seen = holed.read()
    assert order(seen, side) == ["gap", "ping", "ok"]
    gap, pinged = seen.events
    assert cost(gap) == ("frame", 0, 0, 0)
    assert (pinged.payload, pinged.length, pinged.missing_bytes) == (b"0123", 10, 4)


@SIDES
def test_violation_is_a_row_with_rule_and_place(side: bool) -> None:
    talk = upgraded()
    talk.says(side, text(side, "fine"))
    talk.says(side, one_frame(side, 3, b"reserved"))
    talk.says(side, text(side, "not read"))
    seen = read(capture_of(talk.segments))
    assert order(seen, side) == ["ok", "violation"]
    (event,) = seen.events
    offset = len(text(side, "fine"))
    assert (event.rule, event.offset, event.length) == ("reserved_opcode", offset, 0)
    assert event.error == f"reserved opcode 0x3 at byte {offset} (RFC 6455 section 5.2)"
    assert event_text(event) == event.error


def test_cost_of_a_gap_becomes_certain_later() -> None:
    holed = Holed(True)
    holed.say(text(True, "lost"), captured=False)
    holed.say(text(True, "after"))
    data = capture_of(holed.talk.without(*holed.lost))
    seen: list[Any] = []
    with Capture(io.BytesIO(data)).read() as reader:
        for item in reader:
            if isinstance(item, CapturedEvent):
                seen.append((item.effect, item.incomplete, item.undecodable, item.lost))
                gap = item
    assert seen == [("end", 0, None, None)]
    assert (gap.undecodable, gap.lost) == (0, len(text(True, "lost") + text(True, "after")))


def test_connections_keep_their_events() -> None:
    talk = upgraded()
    for number in range(10):
        talk.says(True, ping(True, str(number).encode()))
        talk.says(True, text(True, str(number)))
    data = capture_of(talk.end().segments)
    for retain, kept in ((None, 10), (3, 3), (0, 0)):
        (connection,) = Capture(io.BytesIO(data)).connections(retain=retain)
        assert [event.payload for event in connection.events] == [
            str(number).encode() for number in range(10 - kept, 10)
        ]
        assert len(connection.websocket.messages) == kept


def test_side_and_time_choose_events_and_types_do_not() -> None:
    talk = upgraded()
    talk.says(True, ping(True, b"c"))
    talk.wait(10**9)
    talk.says(False, ping(False, b"s"))
    data = capture_of(talk.end().segments)

    def payloads(**options: Any) -> list[bytes | None]:
        return [event.payload for event in Capture(io.BytesIO(data), **options).events()]

    first, second = Capture(io.BytesIO(data)).events()
    assert first.timestamp_ns is not None
    assert second.timestamp_ns is not None
    middle = (first.timestamp_ns + second.timestamp_ns) / 2e9
    assert payloads() == payloads(types=["text"]) == [b"c", b"s"]
    assert payloads(from_client=False) == payloads(since=middle) == [b"s"]
    assert payloads(from_client=True) == payloads(until=middle) == [b"c"]
    assert payloads(hosts=["elsewhere"]) == []


@pytest.mark.parametrize("copied", [copy.copy, lambda one: pickle.loads(pickle.dumps(one))])
def test_event_can_be_copied_and_pickled(copied: Any) -> None:
    holed = Holed(True)
    holed.say(ping(True, b"x") + close(True, 1000, b"y"))
    holed.say(b"junk", captured=False)
    holed.say(b"junk")
    other = Conversation(("192.0.2.99", 5000)).open().upgrade()
    other.says(True, b"\x83\x80abcd")
    segments = holed.talk.without(*holed.lost) + other.segments
    for event in read(capture_of(segments), ordered=False).events:
        twin = copied(event)
        assert event_values(twin) == event_values(event)
        assert twin.uid == event.uid
        assert set(EVENT_FIELDS) <= set(dir(event))
        assert repr(twin) == repr(event)
        assert len(repr(event)) < 200


def test_event_is_made_of_known_attributes_of_their_types() -> None:
    event = read(capture_of(_pinged().segments)).events[0]
    values = {name: getattr(event, name) for name in EVENT_FIELDS}
    assert event_values(CapturedEvent(event.connection, **values)) == event_values(event)
    for wrong in ({"kind": "pang"}, {"effect": "boom"}):
        with pytest.raises(ValueError, match="is not known"):
            CapturedEvent(event.connection, **values | wrong)
    for bad in ({"seq": None}, {"offset": "x"}, {"other": 1}):
        with pytest.raises(TypeError):
            CapturedEvent(event.connection, **values | bad)
    with pytest.raises(TypeError, match="must be a CapturedConnection"):
        CapturedEvent(1, **values)  # type: ignore[arg-type]


def _pinged() -> Conversation:
    talk = upgraded()
    talk.says(True, ping(True, b"x"))
    return talk
