"""Closes through a relay: those of the peers, forwarded unchanged, and the caller's own.

RFC 6455 sections 1.4 and 5.5.1 (nothing follows a Close), 7.1.5 and 7.4 (codes). What else ends a
direction is in `test_relay_ends.py`.
"""

from __future__ import annotations

import pytest

from relay_talk import ALL_MODES, ALL_PASSING, SIDES, Mode, Talk, of_kind, only, seen
from wsdefrag import (
    Close,
    Incomplete,
    InvalidUtf8,
    Opcode,
    WebSocketMessage,
)

CODES = [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]


def injected(from_client: bool) -> WebSocketMessage:
    return WebSocketMessage(Opcode.TEXT, from_client, b"injected")


# A peer's Close


@ALL_MODES
@SIDES
@pytest.mark.parametrize("code", CODES)
def test_close_goes_on_with_its_code_and_reason(mode: Mode, from_client: bool, code: int) -> None:
    talk = Talk(mode)
    wire = talk.sender(from_client).close(code, "größer")
    assert talk.pass_on(wire, from_client) == wire
    assert talk.receiver(from_client).events == [("close", code, "größer")]


@ALL_MODES
@SIDES
def test_empty_close_goes_on_empty(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    wire = talk.sender(from_client).close()
    assert talk.pass_on(wire, from_client) == wire
    assert talk.relay.websocket.close_code == 1005


@ALL_MODES
@SIDES
def test_close_closes_its_direction_only(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    talk.pass_on(talk.sender(from_client).close(1000), from_client)
    direction, other = talk.direction(from_client), talk.direction(not from_client)
    assert direction.close_sent
    assert isinstance(direction.close_received, Close)
    assert not other.close_sent
    assert other.close_received is None
    assert direction.error is other.error is None
    wire = talk.sender(not from_client).text("not done yet")
    assert talk.pass_on(wire, not from_client) == wire


@SIDES
def test_close_that_is_not_forwarded_closes_nothing(from_client: bool) -> None:
    talk = Talk()
    close = only(talk.feed(talk.sender(from_client).close(1000), from_client), Close)
    assert talk.direction(from_client).close_received == close
    talk.relay.discard(close)
    assert not talk.direction(from_client).close_sent
    talk.relay.inject(injected(from_client))
    assert talk.relay.send_close(4001, "instead", to_client=not from_client)
    assert talk.take(from_client) == [("text", b"injected"), ("close", 4001, "instead")]


@ALL_MODES
@SIDES
def test_nothing_is_read_after_a_close(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    sender = talk.sender(from_client)
    wire = sender.close(1000)
    events = talk.feed(wire + sender.text("late") + b"\xff" * 9, from_client)
    assert seen(events) == [("close", 1000, "")]
    assert talk.feed(sender.text("later"), from_client) == []
    if mode == "messages":
        talk.forward(events)
    assert talk.taken(from_client) == wire
    assert talk.relay.bytes_buffered == 0


@ALL_MODES
@SIDES
def test_close_inside_a_message_goes_on_and_the_message_is_incomplete(
    mode: Mode, from_client: bool
) -> None:
    talk = Talk(mode)
    sender = talk.sender(from_client)
    half, close = sender.frames(Opcode.TEXT, [b"half", b""])[0], sender.close(1001, "gone")
    out = talk.pass_on(half + close, from_client)
    assert out == (close if mode == "messages" else half + close)
    incomplete = only(talk.relay.receive_eof(from_client=from_client), Incomplete)
    assert incomplete.content == b"half"


@SIDES
def test_messages_before_a_close_go_first_and_what_is_undecided_is_dropped(
    from_client: bool,
) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    first, second, close = talk.feed(
        sender.text("1") + sender.text("2") + sender.close(1000), from_client
    )
    talk.relay.forward(first)
    talk.relay.forward(close)
    assert talk.take(from_client) == [("text", b"1"), ("close", 1000, "")]
    assert isinstance(second, WebSocketMessage)
    assert second.dropped


# Closes of the caller's


@ALL_MODES
@SIDES
@pytest.mark.parametrize("code", CODES)
def test_own_close_has_its_code_and_reason(mode: Mode, from_client: bool, code: int) -> None:
    talk = Talk(mode)
    assert talk.relay.send_close(code, "bye", to_client=not from_client) is True
    assert talk.take(from_client) == [("close", code, "bye")]
    assert talk.direction(from_client).close_sent
    assert talk.direction(from_client).close_received is None, "no peer sent one"
    assert not talk.direction(not from_client).close_sent


@ALL_MODES
@SIDES
def test_nothing_is_forwarded_after_an_own_close(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    sender = talk.sender(from_client)
    assert talk.relay.send_close(1001, "", to_client=not from_client)
    assert talk.take(from_client) == [("close", 1001, "")]
    events = talk.feed(sender.text("late") + sender.ping() + sender.close(1000), from_client)
    assert seen(events) == [("text", b"late"), ("ping", b""), ("close", 1000, "")], "still read"
    if mode == "messages":
        talk.forward(events)
    assert talk.taken(from_client) == b""
    (late,) = of_kind(events, WebSocketMessage)
    assert late.dropped
    with pytest.raises(ValueError, match=r"(?i)close"):
        talk.relay.inject(injected(from_client))
    assert talk.relay.bytes_buffered == 0


@SIDES
def test_forward_after_a_forwarded_close_sends_nothing(from_client: bool) -> None:
    """The Close came last, but one of the caller's went before what is forwarded."""
    talk = Talk()
    message = talk.message(talk.sender(from_client).text("too late"), from_client)
    assert talk.relay.send_close(1000, "", to_client=not from_client)
    talk.relay.forward(message)
    assert talk.take(from_client) == [("close", 1000, "")]
    assert message.dropped


@SIDES
def test_own_close_of_a_deciding_relay_passes_a_half_received_message(from_client: bool) -> None:
    talk = Talk()
    first, second = talk.sender(from_client).frames(Opcode.TEXT, [b"half", b"half"])
    talk.feed(first, from_client)
    assert talk.relay.send_close(1001, "", to_client=not from_client) is True
    talk.forward(talk.feed(second, from_client))
    assert talk.take(from_client) == [("close", 1001, "")]


@ALL_PASSING
@SIDES
def test_own_close_between_two_fragments(mode: Mode, from_client: bool) -> None:
    """A Close may stand there, and the rest of the message is then not to be sent."""
    talk = Talk(mode)
    first, second = talk.sender(from_client).frames(Opcode.TEXT, [b"half", b"half"])
    talk.feed(first, from_client)
    assert talk.relay.send_close(1001, "", to_client=not from_client) is True
    message = talk.message(second, from_client)
    assert talk.take(from_client) == [("close", 1001, "")]
    assert talk.receiver(from_client).frames[0].payload == b"half"
    assert message.dropped


@SIDES
def test_own_close_inside_a_frame_follows_it_if_it_is_finished(from_client: bool) -> None:
    talk = Talk("bytes")
    wire = talk.sender(from_client).binary(bytes(100))
    talk.feed(wire[:50], from_client)
    assert talk.relay.send_close(1001, "", to_client=not from_client) is True
    finished, late = talk.feed(wire[50:] + wire, from_client)
    assert talk.take(from_client) == [("binary", bytes(100)), ("close", 1001, "")]
    assert isinstance(finished, WebSocketMessage)
    assert isinstance(late, WebSocketMessage)
    assert (finished.dropped, late.dropped) == (False, True)


@SIDES
@pytest.mark.parametrize("how", ["violation", "eof"])
def test_own_close_inside_a_frame_that_is_never_finished_is_refused(
    from_client: bool, how: str
) -> None:
    talk = Talk("bytes")
    sender = talk.sender(from_client)
    half = sender.text("x" * 50 + "\xff")[:40]
    talk.feed(half, from_client)
    out = talk.taken(from_client)
    assert out == half
    if how == "eof":
        only(talk.relay.receive_eof(from_client=from_client), Incomplete)
    else:
        rest = bytes(byte ^ 0xFF for byte in sender.text("x" * 51)[40:])
        violation = talk.violation(rest, from_client)
        assert isinstance(violation.error, InvalidUtf8)
        talk.relay.data_to_send(to_client=not from_client)
    assert talk.relay.send_close(1001, "", to_client=not from_client) is False
    assert talk.relay.data_to_send(to_client=not from_client) == b""
    assert talk.relay.send_close(1001, "", to_client=from_client) is True


def test_own_closes_to_both_sides() -> None:
    talk = Talk()
    talk.relay.send_close(1001, "restart", to_client=True)
    talk.relay.send_close(1012, "", to_client=False)
    assert talk.take(False) == [("close", 1001, "restart")]
    assert talk.take(True) == [("close", 1012, "")]
