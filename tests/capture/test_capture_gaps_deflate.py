"""Gaps and missing starts with permessage-deflate: a compressed message is never guessed.

When the window is lost, messages that refer to it are yielded compressed. A direction whose start
was not captured is read in the same way, and as strictly as a direction after a lost header.
"""

from __future__ import annotations

import pytest

from capture_conversation import (
    DEFLATE,
    DEFLATE_ALONE,
    Conversation,
    Segment,
    binary,
    capture_of,
    close,
    one_frame,
    text,
    upgraded,
)
from capture_seen import Seen, read
from wire_writer import BINARY, TEXT, Deflater

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])
LONG = bytes(range(97, 123)) * 20
"""520 bytes of letters."""
AFTER = [f"after {number}" for number in range(6)]


def compressed(side: bool, deflater: Deflater, content: str, opcode: int = TEXT) -> bytes:
    return one_frame(side, opcode, deflater.compress(content.encode()), rsv1=True)


WORDS = [f"number {number} of the same old words, the same old words" for number in range(6)]


def deflated(side: bool, extensions: str, *, takeover: bool, holed: bool) -> Seen:
    """Four compressed messages and plain ones; of the second compressed one bytes are missing."""
    talk = upgraded(extensions)
    deflater = Deflater(takeover=takeover)
    lost: list[Segment] = []
    for number, content in enumerate(WORDS[:4]):
        wire = compressed(side, deflater, content)
        middle = len(wire) - 8
        talk.says(side, wire[:middle])
        part = talk.says(side, wire[middle : middle + 4])
        lost += [part] if holed and number == 1 else []
        talk.says(side, wire[middle + 4 :])
        talk.says(side, text(side, f"plain {number}"))
    return read(capture_of(talk.without(*lost)))


@SIDES
@pytest.mark.parametrize("extensions", [DEFLATE, DEFLATE_ALONE])
def test_without_a_gap_all_is_inflated(side: bool, extensions: str) -> None:
    found = deflated(side, extensions, takeover=extensions == DEFLATE, holed=False)
    assert found.statuses() == ["ok"] * 8


@SIDES
def test_lost_context_makes_later_compressed_messages_undecodable(side: bool) -> None:
    found = deflated(side, DEFLATE, takeover=True, holed=True)
    assert found.statuses() == [
        *("ok", "ok"),
        *("incomplete", "ok"),
        *("undecodable", "ok"),
        *("undecodable", "ok"),
    ]
    assert WORDS[1].encode().startswith(found.contents()[2])
    deflater = Deflater()
    raw = [deflater.compress(content.encode()) for content in WORDS[:4]]
    assert found.contents()[4::2] == raw[2:]
    assert [one.content for one in found.messages if not one.compressed] == [
        f"plain {number}".encode() for number in range(4)
    ]


@SIDES
def test_without_context_takeover_the_next_message_is_inflated(side: bool) -> None:
    found = deflated(side, DEFLATE_ALONE, takeover=False, holed=True)
    assert found.statuses() == ["ok", "ok", "incomplete", "ok", "ok", "ok", "ok", "ok"]
    assert found.contents()[4] == WORDS[2].encode()


@SIDES
@pytest.mark.parametrize("alone", [True, False], ids=["client alone", "server alone"])
def test_takeover_is_that_of_the_direction(side: bool, alone: bool) -> None:
    """Other tools apply the parameters of the other direction."""
    name = "client" if alone else "server"
    extensions = f"permessage-deflate; {name}_no_context_takeover"
    found = deflated(side, extensions, takeover=side != alone, holed=True)
    recovered = "ok" if side == alone else "undecodable"
    assert found.statuses()[::2] == ["ok", "incomplete", recovered, recovered]


@SIDES
@pytest.mark.parametrize("bits", [9, 12])
def test_window_is_that_of_the_direction(side: bool, bits: int) -> None:
    """The other one's would be too small for what this one refers to."""
    other = "server" if side else "client"
    talk = upgraded(f"permessage-deflate; {other}_max_window_bits={bits}")
    deflater = Deflater(15)
    far = bytes(value * 7 % 251 for value in range(10_000))
    contents = [b"begins" + far, b"goes on" + far, b"ends" + far]
    for content in contents:
        wire = one_frame(side, BINARY, deflater.compress(content), rsv1=True)
        talk.say(side, wire, size=1000)
    assert read(capture_of(talk.segments)).contents() == contents


@SIDES
def test_gap_in_a_plain_message_leaves_the_context(side: bool) -> None:
    talk = upgraded(DEFLATE)
    deflater = Deflater()
    talk.says(side, compressed(side, deflater, WORDS[0]))
    lost = talk.say(side, binary(side, LONG), size=100)[2]
    talk.says(side, compressed(side, deflater, WORDS[1]))
    found = read(capture_of(talk.without(lost)))
    assert found.statuses() == ["ok", "incomplete", "ok"]
    assert found.contents()[2] == WORDS[1].encode()


@SIDES
def test_context_after_a_lost_direction_is_lost(side: bool) -> None:
    talk = upgraded(DEFLATE)
    deflater = Deflater()
    talk.says(side, compressed(side, deflater, WORDS[0]))
    lost = talk.says(side, compressed(side, deflater, WORDS[1]))
    for content in WORDS[2:]:
        talk.says(side, compressed(side, deflater, content))
    data = capture_of(talk.without(lost))
    assert read(data).statuses() == ["ok"]
    found = read(data, resync=True, ordered=False)
    assert found.statuses() == ["ok"] + ["undecodable"] * 4


@SIDES
def test_resynchronised_messages_without_takeover_are_inflated(side: bool) -> None:
    talk = upgraded(DEFLATE_ALONE)
    deflater = Deflater(takeover=False)
    talk.says(side, compressed(side, deflater, WORDS[0]))
    lost = talk.says(side, compressed(side, deflater, WORDS[1]))
    for content in WORDS[2:]:
        talk.says(side, compressed(side, deflater, content))
    found = read(capture_of(talk.without(lost)), resync=True, ordered=False)
    assert found.contents() == [one.encode() for one in [WORDS[0], *WORDS[2:]]]


def started_late(extensions: str | None = None) -> tuple[Conversation, int]:
    talk = upgraded(extensions)
    talk.says(True, text(True, "early"))
    talk.says(False, text(False, "early"))
    return talk, len(talk.segments)


def test_connection_without_its_beginning_is_read_from_the_mask_bit() -> None:
    talk, start = started_late()
    for content in AFTER:
        talk.says(False, text(False, content))
        talk.says(True, text(True, content))
    talk.says(True, close(True))
    found = read(capture_of(talk.end().segments[start:]), ordered=False)
    assert found.connection.midstream
    assert found.connection.client_address == talk.ends[True]
    assert found.side(True) == [("ok", content.encode()) for content in AFTER]
    assert found.side(False) == [("ok", content.encode()) for content in AFTER]
    assert found.connection.request is None
    assert found.connection.close is not None


@SIDES
def test_compressed_message_without_the_beginning_is_undecodable(side: bool) -> None:
    talk, start = started_late(DEFLATE_ALONE)
    deflater = Deflater(takeover=False)
    for content in WORDS:
        talk.says(side, compressed(side, deflater, content))
        talk.says(side, text(side, "plain"))
    found = read(capture_of(talk.segments[start:]), ordered=False)
    assert found.statuses() == ["undecodable", "ok"] * len(WORDS)
    assert found.contents()[::2] == [deflater.compress(content.encode()) for content in WORDS]


@SIDES
def test_connection_that_starts_inside_a_frame_finds_the_next(side: bool) -> None:
    talk, _ = started_late()
    sent = talk.say(side, binary(side, LONG), size=200)
    for content in AFTER:
        talk.says(side, text(side, content))
    found = read(capture_of(talk.segments[talk.segments.index(sent[1]) :]), ordered=False)
    assert found.side(side) == [("ok", content.encode()) for content in AFTER]
    counted = found.connection.from_client if side else found.connection.from_server
    assert counted.lost == sum(len(one.payload) for one in sent[1:])
