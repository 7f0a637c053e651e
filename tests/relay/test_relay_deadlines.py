"""Timeouts of relays, with a clock that the tests move by hand."""

from __future__ import annotations

from typing import Any

import pytest

from relay_talk import ALL_MODES, SIDES, Mode, Talk
from wsdefrag import Opcode, TimedOut, WebSocketMessage, WebSocketRelay


@ALL_MODES
def test_without_timeouts_there_is_no_deadline(mode: Mode) -> None:
    talk = Talk(mode)
    assert talk.relay.next_deadline(5.0) is None
    talk.feed(talk.client.text("hello"))
    talk.relay.send_close(1000, to_client=True)
    assert talk.relay.next_deadline(1e9) is None
    assert talk.relay.tick(1e9) == []


@ALL_MODES
@SIDES
def test_idle_timeout_runs_from_the_last_bytes_of_either_side(
    mode: Mode, from_client: bool
) -> None:
    talk = Talk(mode, idle_timeout=10)
    assert talk.relay.next_deadline(100.0) == 110.0
    talk.feed(talk.sender(from_client).text("hello")[:3], from_client)
    assert talk.relay.next_deadline(104.0) == 114.0
    assert talk.relay.tick(113.9) == []
    assert talk.relay.tick(114.5) == [TimedOut("idle", None, 114.0)]
    assert talk.relay.tick(300.0) == [], "once"
    talk.feed(talk.sender(not from_client).ping(), not from_client)
    assert talk.relay.next_deadline(301.0) == 311.0
    for side in (True, False):
        talk.relay.receive_eof(from_client=side)
    assert talk.relay.next_deadline(302.0) is None


@ALL_MODES
@SIDES
def test_silent_side_gets_a_ping_and_has_to_answer(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode, ping_interval=20, ping_timeout=5)
    talk.relay.next_deadline(0.0)
    talk.feed(talk.sender(not from_client).text("not silent"), not from_client)
    talk.relay.data_to_send(to_client=from_client)
    assert talk.relay.next_deadline(15.0) == 20.0
    assert talk.relay.tick(20.0) == []
    # The ping goes to the side that was silent.
    assert talk.take(not from_client) == [("ping", b"")]
    assert talk.taken(from_client) == b""
    assert talk.relay.next_deadline(20.0) == 25.0
    talk.feed(talk.sender(from_client).pong(), from_client)
    assert talk.relay.next_deadline(22.0) == 35.0, "the other side is silent now"
    talk.feed(talk.sender(not from_client).text("again"), not from_client)
    assert talk.relay.next_deadline(30.0) == 42.0
    assert talk.relay.tick(42.0) == []
    assert talk.relay.tick(47.0) == [TimedOut("ping", from_client, 47.0)]


@ALL_MODES
@SIDES
def test_no_ping_after_a_close_or_the_end(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode, ping_interval=20)
    talk.relay.next_deadline(0.0)
    talk.relay.send_close(1000, to_client=from_client)
    talk.relay.receive_eof(from_client=not from_client)
    talk.take(from_client)
    talk.take(not from_client)
    assert talk.relay.tick(100.0) == []
    assert talk.relay.data_to_send(to_client=True) == b""
    assert talk.relay.data_to_send(to_client=False) == b""


@ALL_MODES
@SIDES
def test_write_timeout_runs_while_no_bytes_are_taken(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode, write_timeout=3)
    assert talk.relay.next_deadline(0.0) is None
    for _ in range(2):
        talk.relay.inject(WebSocketMessage(Opcode.BINARY, from_client, b"to the other side"))
    assert talk.relay.next_deadline(1.0) == 4.0
    talk.take(from_client)
    assert talk.relay.next_deadline(2.0) is None
    talk.relay.send_ping(to_client=not from_client)
    assert talk.relay.next_deadline(10.0) == 13.0
    assert talk.relay.tick(14.0) == [TimedOut("write", not from_client, 13.0)]
    talk.take(from_client)
    assert talk.relay.next_deadline(15.0) is None


def test_frame_that_is_held_until_it_is_complete_is_not_waiting_to_be_taken() -> None:
    talk = Talk("frames", write_timeout=3)
    talk.feed(talk.client.binary(bytes(1000))[:-1])
    assert talk.relay.next_deadline(1.0) is None


@ALL_MODES
@SIDES
def test_close_timeout_runs_until_the_stream_ends(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode, close_timeout=5)
    talk.relay.send_close(1001, to_client=from_client)
    assert talk.relay.next_deadline(7.0) == 12.0
    talk.feed(talk.sender(from_client).close(1001), from_client)
    deadline = talk.relay.next_deadline(8.0)
    assert deadline == 12.0
    assert TimedOut("close", from_client, 12.0) in talk.relay.tick(12.0)
    other = Talk(mode, close_timeout=5)
    other.relay.send_close(1001, to_client=from_client)
    assert other.relay.next_deadline(7.0) == 12.0
    other.relay.receive_eof(from_client=from_client)
    assert other.relay.next_deadline(8.0) is None


def test_timeouts_that_pass_together_are_reported_earliest_first() -> None:
    talk = Talk(idle_timeout=9, ping_interval=2, ping_timeout=2, write_timeout=3, close_timeout=4)
    talk.relay.next_deadline(0.0)
    talk.relay.send_close(1000, to_client=True)
    talk.relay.next_deadline(1.0)
    late = talk.relay.tick(50.0)
    assert [(one.timeout, one.from_client) for one in late] == [
        ("write", True),
        ("close", True),
        ("idle", None),
    ]
    # The ping that was due is sent now, so its timeout runs from now.
    assert talk.relay.next_deadline(50.0) == 52.0


@pytest.mark.parametrize(
    "name", ["idle_timeout", "ping_interval", "ping_timeout", "write_timeout", "close_timeout"]
)
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (0, ValueError),
        (-1.5, ValueError),
        (float("inf"), ValueError),
        (float("nan"), ValueError),
        ("1", TypeError),
        (True, TypeError),
    ],
)
def test_wrong_timeouts_are_refused(name: str, value: Any, error: type[Exception]) -> None:
    options = {"ping_interval": 1, name: value}
    with pytest.raises(error, match=name):
        WebSocketRelay(**options)


def test_ping_timeout_needs_an_interval() -> None:
    with pytest.raises(ValueError, match="ping_interval"):
        WebSocketRelay(ping_timeout=1)


@pytest.mark.parametrize("now", [float("inf"), float("nan")])
def test_time_has_to_be_a_finite_number(now: float) -> None:
    relay = WebSocketRelay(idle_timeout=1)
    with pytest.raises(ValueError, match="now"):
        relay.tick(now)
    with pytest.raises(ValueError, match="now"):
        relay.next_deadline(now)
