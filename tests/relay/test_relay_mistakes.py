"""Mistakes of the caller of a relay: `ValueError` or `TypeError`, and nothing has changed."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from relay_talk import ALL_MODES, ALL_PASSING, SIDES, Mode, Talk, only, refused
from wsdefrag import (
    DeflateParams,
    Incomplete,
    Opcode,
    PassThroughRelay,
    WebSocketMessage,
    WebSocketRelay,
)


def message_of(from_client: bool = True, **values: Any) -> WebSocketMessage:
    message = WebSocketMessage(Opcode.TEXT, from_client, b"hello", 1.5)
    for name, value in values.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"mode": "frames"}, TypeError),
        ({"masking": "new"}, ValueError),
        ({"masking": None}, (TypeError, ValueError)),
        ({"deflate": "permessage-deflate"}, TypeError),
        ({"deflate": True}, TypeError),
        ({"server_deflate": "other"}, (TypeError, ValueError)),
        ({"server_deflate": True}, (TypeError, ValueError)),
        ({"limits": 1000}, TypeError),
        ({"client_limits": 1000}, TypeError),
        ({"server_limits": 1000}, TypeError),
        ({"budget": 1000}, TypeError),
        ({"strictness": "lax"}, TypeError),
        ({"utf8": "lax"}, TypeError),
        ({"retain": "some"}, TypeError),
        ({"retain": -1}, ValueError),
        ({"fragmenter": 4000}, TypeError),
        ({"compress_from": -1}, ValueError),
        ({"compress_from": "1"}, TypeError),
        ({"compression_level": 10}, ValueError),
        ({"compression_level": "6"}, TypeError),
        ({"unknown": 1}, TypeError),
    ],
    ids=str,
)
def test_option_that_means_nothing_is_refused(options: dict[str, Any], error: Any) -> None:
    with pytest.raises(error):
        WebSocketRelay(**options)


@pytest.mark.parametrize("decide", ["forward", "discard"])
def test_what_is_no_event_cannot_be_decided_on(decide: str) -> None:
    talk = Talk()
    talk.feed(talk.client.text("waits"))
    for stranger in (b"\x81\x00", None, "text", 1, object()):
        refused(talk, TypeError, partial(getattr(talk.relay, decide), stranger))


@SIDES
@pytest.mark.parametrize("decide", ["forward", "discard"])
@pytest.mark.parametrize("first", ["forward", "discard"])
def test_no_event_is_decided_on_twice(decide: str, first: str, from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    events = talk.feed(sender.text("1") + sender.ping() + sender.close(1000), from_client)
    for event in events:
        getattr(talk.relay, first)(event)
        refused(talk, ValueError, partial(getattr(talk.relay, decide), event))
    assert len(talk.take(from_client)) == (3 if first == "forward" else 0)


@pytest.mark.parametrize("decide", ["forward", "discard"])
def test_event_that_was_passed_over_cannot_be_decided_on(decide: str) -> None:
    talk = Talk()
    first, second = talk.feed(talk.client.text("1") + talk.client.text("2"))
    talk.relay.forward(second)
    refused(talk, ValueError, lambda: getattr(talk.relay, decide)(first))
    assert talk.take() == [("text", b"2")]


@pytest.mark.parametrize("decide", ["forward", "discard"])
def test_event_of_another_relay_cannot_be_decided_on(decide: str) -> None:
    talk, other = Talk(), Talk()
    own, *_ = talk.feed(talk.client.text("own") + talk.client.ping())
    strangers = other.feed(other.client.text("other") + other.client.ping(b"other"))
    strangers.append(message_of())
    for stranger in strangers:
        refused(talk, ValueError, partial(getattr(talk.relay, decide), stranger))
    talk.relay.forward(own)
    assert talk.take() == [("text", b"own")]


@pytest.mark.parametrize("mode", ["frame", "messages", "cut-through", "", None, 1])
def test_mode_that_means_nothing_is_refused(mode: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        PassThroughRelay(mode=mode)


@ALL_PASSING
def test_what_goes_on_by_itself_cannot_be_decided_on(mode: Mode) -> None:
    talk, deciding = Talk(mode), Talk()
    for event in talk.feed(talk.client.text("1") + talk.client.ping()):
        for decide in ("forward", "discard"):
            assert not hasattr(talk.relay, decide)
            refused(deciding, ValueError, partial(getattr(deciding.relay, decide), event))
    assert talk.take() == [("text", b"1"), ("ping", b"")]


@SIDES
def test_text_edited_into_none_is_refused_and_can_be_mended(from_client: bool) -> None:
    talk = Talk(deflate=DeflateParams())
    wire = talk.sender(from_client).text("first") + talk.sender(from_client).text("hello")
    _, message = talk.feed(wire, from_client)
    assert isinstance(message, WebSocketMessage)
    message.content = b"hell\xff"
    refused(talk, ValueError, lambda: talk.relay.forward(message))
    assert talk.taken(from_client) == b""
    message.content = b"hello again"
    talk.relay.forward(message)
    assert talk.take(from_client) == [("text", b"hello again")]


@SIDES
def test_binary_turned_text_that_is_none_is_refused(from_client: bool) -> None:
    talk = Talk()
    message = talk.message(talk.sender(from_client).binary(b"\xff"), from_client)
    message.type = Opcode.TEXT
    refused(talk, ValueError, lambda: talk.relay.forward(message))
    message.type = Opcode.BINARY
    talk.relay.forward(message)
    assert talk.take(from_client) == [("binary", b"\xff")]


@pytest.mark.parametrize("type", [Opcode.CONTINUATION, Opcode.CLOSE, Opcode.PING, Opcode.PONG])
def test_message_turned_control_frame_is_refused(type: Opcode) -> None:
    talk = Talk()
    message = talk.message(talk.client.text("hello"))
    message.type = type
    refused(talk, ValueError, lambda: talk.relay.forward(message))
    message.type = Opcode.TEXT
    talk.relay.forward(message)
    assert talk.take() == [("text", b"hello")]


@ALL_MODES
@SIDES
def test_message_that_may_not_be_sent_is_not_injected(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    refusals: list[tuple[type[Exception], Any]] = [
        (TypeError, b"hello"),
        (TypeError, None),
        (ValueError, message_of(from_client, content=b"\xff")),
        (ValueError, message_of(from_client, type=Opcode.PING)),
        (ValueError, message_of(from_client, type=Opcode.CONTINUATION)),
    ]
    for error, message in refusals:
        refused(talk, error, partial(talk.relay.inject, message))
        assert getattr(message, "injected", False) is False
    compressed = message_of(from_client)
    refused(talk, ValueError, lambda: talk.relay.inject(compressed, compress=True))
    assert compressed.injected is False
    assert talk.taken(from_client) == b""


@ALL_PASSING
def test_refused_injection_inside_a_message_does_not_wait_for_its_end(mode: Mode) -> None:
    talk = Talk(mode)
    first, second = talk.client.frames(Opcode.TEXT, [b"a", b"b"])
    talk.feed(first)
    refused(talk, ValueError, lambda: talk.relay.inject(message_of(content=b"\xff")))
    talk.feed(second)
    assert talk.take() == [("text", b"ab")]


@ALL_MODES
@SIDES
@pytest.mark.parametrize("name", ["ping", "pong"])
def test_control_payload_over_125_bytes_is_refused(
    mode: Mode, from_client: bool, name: str
) -> None:
    talk = Talk(mode)
    send = getattr(talk.relay, f"send_{name}")
    refused(talk, ValueError, lambda: send(bytes(126), to_client=not from_client))
    refused(talk, TypeError, lambda: send("text", to_client=not from_client))
    send(bytes(125), to_client=not from_client)
    assert talk.take(from_client) == [(name, bytes(125))]


@ALL_MODES
@SIDES
@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_536, -1])
def test_close_code_that_may_not_be_sent_is_refused(
    mode: Mode, from_client: bool, code: int
) -> None:
    talk = Talk(mode)
    refused(talk, ValueError, lambda: talk.relay.send_close(code, "", to_client=not from_client))
    assert talk.taken(from_client) == b""
    assert talk.relay.send_close(1000, "", to_client=not from_client)


@SIDES
def test_close_reason_over_123_bytes_is_refused(from_client: bool) -> None:
    talk = Talk()
    reason = "\xe9" * 62
    refused(
        talk, ValueError, lambda: talk.relay.send_close(1000, reason, to_client=not from_client)
    )
    assert talk.relay.send_close(1000, reason[1:], to_client=not from_client)
    assert talk.take(from_client) == [("close", 1000, reason[1:])]


@SIDES
def test_nothing_is_injected_after_a_close(from_client: bool) -> None:
    talk = Talk()
    talk.pass_on(talk.sender(from_client).close(1000), from_client)
    message = message_of(from_client)
    refused(talk, ValueError, lambda: talk.relay.inject(message))
    assert message.injected is False
    talk.relay.inject(message_of(not from_client))
    assert talk.take(not from_client) == [("text", b"hello")]


@ALL_MODES
@SIDES
def test_bytes_after_the_end_of_a_direction_are_refused(mode: Mode, from_client: bool) -> None:
    talk = Talk(mode)
    wire = talk.sender(from_client).text("late")
    talk.relay.receive_eof(from_client=from_client, timestamp=1.5)
    refused(talk, ValueError, lambda: talk.feed(wire, from_client))
    assert talk.pass_on(talk.sender(not from_client).text("x"), not from_client)


@ALL_MODES
def test_data_that_is_no_buffer_is_refused(mode: Mode) -> None:
    talk = Talk(mode)
    others: list[Any] = ["text", None, 5, [1, 2]]
    for data in others:
        refused(talk, TypeError, partial(talk.feed, data))


def test_incomplete_waits_for_no_decision() -> None:
    talk = Talk()
    message = talk.message(talk.client.text("whole"))
    talk.feed(talk.client.text("cut")[:-1])
    incomplete = only(talk.relay.receive_eof(from_client=True, timestamp=1.5), Incomplete)
    talk.relay.forward(incomplete)
    assert talk.taken() == b""
    talk.relay.forward(message)
    assert talk.take() == [("text", b"whole")]
