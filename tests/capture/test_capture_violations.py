"""Violations, limits and invalid text: what is lost, and that everything else is still read."""

from __future__ import annotations

from typing import Any

import pytest

from capture_conversation import (
    DEFLATE,
    DEFLATE_ALONE,
    START,
    binary,
    capture_of,
    close,
    one_frame,
    ping,
    text,
    upgraded,
)
from capture_seen import Seen, read
from wire_writer import BINARY, CLOSE, CONTINUATION, KEY, PING, TEXT, Deflater, frame
from wsdefrag import Limits, Strictness
from wsdefrag.capture import Account

SIDES = pytest.mark.parametrize("side", [True, False], ids=["client", "server"])


def account(found: Seen, side: bool) -> Account:
    return found.connection.from_client if side else found.connection.from_server


def sent(side: bool, *wires: bytes, extensions: str | None = None, **options: Any) -> Seen:
    """Read a connection on which one side sends this and the other side a complete message."""
    talk = upgraded(extensions)
    for wire in wires:
        talk.say(side, wire, size=1400)
        talk.says(not side, text(not side, "the other side"))
    found = read(capture_of(talk.segments), **options)
    assert found.side(not side) == [("ok", b"the other side")] * len(wires)
    return found


def client_key(side: bool) -> bytes | None:
    return KEY if side else None


BROKEN = {
    "reserved bit": lambda side: frame(TEXT, b"abc", rsv2=True, key=client_key(side)),
    "RSV1 without deflate": lambda side: frame(TEXT, b"abc", rsv1=True, key=client_key(side)),
    "reserved opcode": lambda side: frame(0x3, b"abc", key=client_key(side)),
    "fragmented ping": lambda side: frame(PING, b"abc", fin=False, key=client_key(side)),
    "long ping": lambda side: frame(PING, bytes(126), key=client_key(side)),
    "wrong mask bit": lambda side: frame(TEXT, b"abc", key=client_key(not side)),
    "continuation of nothing": lambda side: frame(CONTINUATION, b"abc", key=client_key(side)),
    "length not minimal": lambda side: frame(TEXT, b"abc", form=16, key=client_key(side)),
    "length beyond 2**63": lambda side: frame(
        TEXT, b"abc", form=64, announced=1 << 63, key=client_key(side)
    ),
    "close of one byte": lambda side: frame(CLOSE, b"x", key=client_key(side)),
    "close code that may not be sent": lambda side: frame(
        CLOSE, (1006).to_bytes(2, "big"), key=client_key(side)
    ),
}


@SIDES
@pytest.mark.parametrize("rule", BROKEN)
def test_broken_rule_ends_its_direction_and_is_said(rule: str, side: bool) -> None:
    wire = BROKEN[rule](side)
    later = text(side, "later")
    found = sent(side, text(side, "before"), wire, later)
    assert found.side(side) == [("ok", b"before")]
    counted = account(found, side)
    assert counted.violation is not None
    assert "RFC" in counted.violation
    assert counted.trailing >= len(later)
    assert found.connection.close is None
    assert any(counted.violation in problem for problem in found.connection.problems)


@SIDES
def test_message_inside_a_message_is_a_broken_rule(side: bool) -> None:
    begun = one_frame(side, TEXT, b"begun", fin=False)
    found = sent(side, begun, text(side, "another"), text(side, "later"))
    assert found.side(side) == [("protocol_error", b"begun")]
    assert account(found, side).violation is not None


@SIDES
@pytest.mark.parametrize(
    "content", [b"\xff", b"good \xed\xa0\x80 bad", b"\xc3", b"\xf4\x90\x80\x80"]
)
def test_invalid_text_is_a_row_and_the_direction_goes_on(side: bool, content: bytes) -> None:
    found = sent(side, text(side, content), text(side, "later"))
    assert found.side(side) == [("invalid_utf8", content), ("ok", b"later")]
    assert account(found, side).violation is None
    assert account(found, side).tolerated == {}
    lax = Strictness(utf8=False)
    found = sent(side, text(side, content), text(side, "later"), strictness=lax)
    assert found.side(side) == [("ok", content), ("ok", b"later")]
    assert account(found, side).tolerated == {"utf8": 1}
    assert sent(side, binary(side, content)).side(side) == [("ok", content)]


@SIDES
def test_invalid_text_in_fragments_is_one_row(side: bool) -> None:
    parts = [
        one_frame(side, TEXT, b"a \xe2", fin=False),
        one_frame(side, CONTINUATION, b"\x82", fin=False),
        one_frame(side, CONTINUATION, b"! and more"),
    ]
    found = sent(side, *parts, text(side, "later"))
    assert found.side(side) == [("invalid_utf8", b"a \xe2\x82! and more"), ("ok", b"later")]


@SIDES
def test_character_across_fragments_is_valid(side: bool) -> None:
    euro = "a € b".encode()
    parts = [one_frame(side, TEXT, euro[:3], fin=False), one_frame(side, CONTINUATION, euro[3:])]
    assert sent(side, *parts).side(side) == [("ok", euro)]


@SIDES
def test_bytes_after_a_close_are_counted_and_nothing_else(side: bool) -> None:
    """RFC 6455 section 1.4: what follows is discarded."""
    rest = text(side, "too late") + b"\xff\xff nonsense"
    found = sent(side, text(side, "before"), close(side, 1001, b"bye") + rest)
    assert found.side(side) == [("ok", b"before")]
    counted = account(found, side)
    assert counted.trailing == len(rest)
    assert counted.violation is None
    assert found.connection.close is not None
    assert found.connection.close.close_code == 1001
    assert found.connection.close.close_reason == "bye"


@SIDES
def test_close_without_a_code_is_1005(side: bool) -> None:
    found = sent(side, one_frame(side, CLOSE))
    assert found.connection.close is not None
    assert found.connection.close.close_code == 1005
    assert found.connection.close.close_reason == ""


def test_first_close_is_the_one_that_counts() -> None:
    talk = upgraded()
    talk.says(False, close(False, 1001, b"first"))
    talk.says(True, close(True, 1000, b"answer"))
    connection = read(capture_of(talk.end().segments)).connection
    assert connection.close is not None
    assert connection.close.close_reason == "first"
    assert connection.close.from_client is False
    assert connection.close.timestamp_ns > START


@SIDES
@pytest.mark.parametrize("limit", ["max_message_size", "max_frame_size"])
def test_message_over_a_limit_is_skipped_with_framing_in_step(side: bool, limit: str) -> None:
    limits = Limits(**{limit: 1000})
    wires = [binary(side, bytes(size)) for size in (1000, 1001, 50_000, 999)]
    found = sent(side, *wires, text(side, "later"), limits=limits)
    assert found.statuses()[::2] == ["ok", "too_big", "too_big", "ok", "ok"]
    own = [one for one in found.messages if one.from_client == side]
    assert own[0].content == bytes(1000)
    assert own[4].content == b"later"
    assert all(len(one.content) <= 1000 for one in own)
    assert own[2].payload_length == 50_000
    assert own[2].missing_bytes == 0
    assert account(found, side).skipped == len(wires[1]) + len(wires[2])


@SIDES
def test_fragmented_message_over_a_limit_is_skipped(side: bool) -> None:
    parts = [
        one_frame(side, BINARY, bytes(600), fin=False),
        ping(side, b"between"),
        one_frame(side, CONTINUATION, bytes(600), fin=False),
        one_frame(side, CONTINUATION, bytes(600)),
    ]
    found = sent(side, *parts, text(side, "later"), limits=Limits(max_message_size=1000))
    own = [one for one in found.messages if one.from_client == side]
    assert [one.status for one in own] == ["too_big", "ok"]
    assert own[0].frames == 3
    assert account(found, side).pings == 1


@SIDES
def test_message_of_too_many_fragments_is_skipped(side: bool) -> None:
    parts = [one_frame(side, TEXT, b"a", fin=False)]
    parts += [one_frame(side, CONTINUATION, b"", fin=False)] * 20
    parts += [one_frame(side, CONTINUATION, b"z")]
    wire = b"".join(parts)
    found = sent(side, wire, text(side, "later"), limits=Limits(max_fragments=22))
    assert found.side(side) == [("ok", b"az"), ("ok", b"later")]
    found = sent(side, wire, text(side, "later"), limits=Limits(max_fragments=21))
    assert [status for status, _ in found.side(side)] == ["too_big", "ok"]


@SIDES
@pytest.mark.parametrize("takeover", [True, False])
def test_message_that_inflates_to_too_much_is_skipped(side: bool, takeover: bool) -> None:
    """What comes after it is inflated only where its context is known."""
    deflater = Deflater(takeover=takeover)
    contents = [b"small", bytes(100_000), b"small again", b"and again"]
    wires = [one_frame(side, BINARY, deflater.compress(one), rsv1=True) for one in contents]
    extensions = DEFLATE if takeover else DEFLATE_ALONE
    found = sent(side, *wires, extensions=extensions, limits=Limits(max_message_size=1000))
    own = [one for one in found.messages if one.from_client == side]
    assert [one.status for one in own[:2]] == ["ok", "too_big"]
    assert len(own[1].content) <= 1000
    for one, content in zip(own[2:], contents[2:], strict=True):
        assert one.status in ("ok", "undecodable")
        assert (one.content == content) == (one.status == "ok")
    if not takeover:
        assert [one.status for one in own[2:]] == ["ok", "ok"]
    assert account(found, side).violation is None


@SIDES
def test_message_that_is_no_deflate_costs_no_other_direction(side: bool) -> None:
    broken = one_frame(side, TEXT, b"\xff\xff\xff\xff no deflate", rsv1=True)
    found = sent(side, broken, text(side, "later"), extensions=DEFLATE)
    rows = found.side(side)
    assert rows[0][0] != "ok"
    assert all(row == ("ok", b"later") for row in rows[1:])


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ("reserved bit", "reserved_bits"),
        ("wrong mask bit", "mask_direction"),
        ("length not minimal", "minimal_length"),
        ("close code that may not be sent", "close_codes"),
    ],
)
@SIDES
def test_rule_that_is_not_enforced_is_let_pass(rule: str, field: str, side: bool) -> None:
    wire = BROKEN[rule](side)
    strictness = Strictness(**{field: False})
    found = sent(side, text(side, "before"), wire, strictness=strictness)
    assert account(found, side).violation is None
    if "close" in rule:
        assert found.connection.close is not None
        assert found.connection.close.close_code == 1006
    else:
        assert found.side(side) == [("ok", b"before"), ("ok", b"abc")]


@SIDES
def test_connection_that_ends_inside_a_message_leaves_it_incomplete(side: bool) -> None:
    begun = one_frame(side, TEXT, b"one part", fin=False)
    cut = one_frame(side, CONTINUATION, b"and half of another")[:-5]
    # The end is certain only at the end of the capture, after later bytes of the other side.
    found = sent(side, begun, cut, ordered=False)
    ((status, content),) = found.side(side)
    assert status == "incomplete"
    assert b"one partand half of another".startswith(content)
    assert len(content) > len(b"one part")
