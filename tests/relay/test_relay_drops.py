"""One drop: what ``message.drop()`` and ``relay.discard`` do, and when bytes are released."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from relay_talk import SIDES, Talk, refused
from wsdefrag import Budget, Close, DeflateParams, Event, Ping, Pong, WebSocketMessage


def talk_of(from_client: bool, *texts: str, **options: Any) -> tuple[Talk, list[WebSocketMessage]]:
    """A relay with texts that wait for decisions."""
    talk = Talk(**options)
    wire = b"".join(talk.sender(from_client).text(text) for text in texts)
    messages: list[Any] = talk.feed(wire, from_client)
    return talk, messages


# message.drop()


@SIDES
def test_dropped_message_before_a_forwarded_one_is_released(from_client: bool) -> None:
    budget = Budget(1000)
    talk, (dropped, kept) = talk_of(from_client, "dropped", "kept", budget=budget)
    dropped.drop()
    talk.relay.forward(kept)
    assert talk.take(from_client) == [("text", b"kept")]
    assert talk.relay.bytes_buffered == budget.bytes_held == 0


@SIDES
def test_dropped_message_after_a_forwarded_one_is_released(from_client: bool) -> None:
    budget = Budget(1000)
    talk, (kept, dropped) = talk_of(from_client, "kept", "dropped", budget=budget)
    dropped.drop()
    talk.relay.forward(kept)
    assert talk.take(from_client) == [("text", b"kept")]
    assert talk.relay.bytes_buffered == budget.bytes_held == 0


@SIDES
@pytest.mark.parametrize("call", ["receive_data", "data_to_send"])
def test_dropped_first_message_is_released_by_the_next_call(call: str, from_client: bool) -> None:
    budget = Budget(1000)
    talk, (first, second) = talk_of(from_client, "first", "second", budget=budget)
    first.drop()
    second.drop()
    assert budget.bytes_held > 0
    if call == "receive_data":
        talk.feed(b"", from_client)
    else:
        talk.relay.data_to_send(to_client=not from_client)
    assert talk.relay.bytes_buffered == budget.bytes_held == 0
    assert talk.taken(from_client) == b""


@SIDES
def test_dropped_message_waits_for_its_turn(from_client: bool) -> None:
    talk, (first, second) = talk_of(from_client, "first", "second")
    second.drop()
    talk.feed(b"", from_client)
    assert talk.relay.bytes_buffered > 0
    second.dropped = False
    talk.relay.forward(first)
    talk.relay.forward(second)
    assert talk.take(from_client) == [("text", b"first"), ("text", b"second")]


@SIDES
@pytest.mark.parametrize("decide", ["forward", "discard"])
@pytest.mark.parametrize("before", ["nothing", "receive_data", "data_to_send"])
def test_dropped_messages_may_be_decided_on_once(
    decide: str, before: str, from_client: bool
) -> None:
    """Whoever marks messages first, and forwards them all in turn, does not have to know."""
    talk, messages = talk_of(from_client, "1", "2", "3")
    for message in messages:
        message.drop()
    if before == "receive_data":
        talk.feed(b"", from_client)
    elif before == "data_to_send":
        talk.relay.data_to_send(to_client=not from_client)
    for message in messages:
        getattr(talk.relay, decide)(message)
    assert talk.taken(from_client) == b""
    assert talk.relay.bytes_buffered == 0
    for message in messages:
        refused(talk, ValueError, partial(getattr(talk.relay, decide), message))


@SIDES
def test_dropped_compressed_message_leaves_the_next_readable(from_client: bool) -> None:
    talk = Talk(deflate=DeflateParams())
    sender = talk.sender(from_client)
    first, second = talk.feed(
        sender.text("much the same", compress=True) + sender.text("much the same", compress=True),
        from_client,
    )
    assert isinstance(first, WebSocketMessage)
    first.drop()
    talk.feed(b"", from_client)
    talk.relay.forward(second)
    assert talk.take(from_client) == [("text", b"much the same")]


# relay.discard


@SIDES
@pytest.mark.parametrize("kind", [WebSocketMessage, Ping, Pong, Close])
def test_discard_is_for_every_event(kind: type[Event], from_client: bool) -> None:
    budget = Budget(1000)
    talk = Talk(budget=budget)
    sender = talk.sender(from_client)
    wire = sender.text("hello") + sender.ping(b"1") + sender.pong(b"2") + sender.close(1000, "bye")
    expected = {
        WebSocketMessage: ("text", b"hello"),
        Ping: ("ping", b"1"),
        Pong: ("pong", b"2"),
        Close: ("close", 1000, "bye"),
    }
    del expected[kind]
    for event in talk.feed(wire, from_client):
        if isinstance(event, kind):
            talk.relay.discard(event)
            assert not isinstance(event, WebSocketMessage) or event.dropped
        else:
            talk.relay.forward(event)
    assert talk.take(from_client) == list(expected.values())
    assert talk.direction(from_client).close_sent is (kind is not Close)
    assert talk.relay.bytes_buffered == budget.bytes_held == 0


@SIDES
def test_discard_takes_what_waits_before_it(from_client: bool) -> None:
    talk, (first, second, third) = talk_of(from_client, "1", "2", "3")
    talk.relay.discard(second)
    assert (first.dropped, second.dropped, third.dropped) == (True, True, False)
    talk.relay.forward(third)
    assert talk.take(from_client) == [("text", b"3")]
