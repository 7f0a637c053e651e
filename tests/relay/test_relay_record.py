"""A relay's record: which messages and which Close it holds, and with which times."""

from __future__ import annotations

import time

import pytest

from relay_talk import Talk
from wsdefrag import Ping, WebSocketMessage, WebSocketRelay


def test_record_has_the_messages_of_both_directions_in_order_of_arrival() -> None:
    talk = Talk()
    events = talk.feed(talk.client.text("1"), True)
    events += talk.feed(talk.server.text("2") + talk.server.ping(), False)
    events += talk.feed(talk.client.text("3"), True)
    kept = [event for event in events if isinstance(event, WebSocketMessage)]
    assert talk.relay.websocket.messages == kept
    talk.relay.discard(kept[0])
    talk.relay.forward(kept[1])
    assert [message.dropped for message in talk.relay.websocket.messages] == [True, False, False]


@pytest.mark.parametrize(("retain", "kept"), [(None, 5), (2, 2), (0, 0)])
def test_record_keeps_as_many_messages_as_asked_for(retain: int | None, kept: int) -> None:
    talk = Talk(retain=retain)
    for number in range(5):
        talk.pass_on(talk.client.text(str(number)))
    expected = [str(number).encode() for number in range(5)][5 - kept :]
    assert [message.content for message in talk.relay.websocket.messages] == expected
    assert len(talk.at_server.messages) == 5


def test_record_has_the_first_close() -> None:
    talk = Talk()
    talk.pass_on(talk.server.close(4000, "enough"), False)
    talk.pass_on(talk.client.close(1000, "bye"), True)
    websocket = talk.relay.websocket
    assert websocket.closed_by_client is False
    assert (websocket.close_code, websocket.close_reason) == (4000, "enough")
    assert websocket.timestamp_end == 1.5


def test_without_a_timestamp_the_clock_is_read() -> None:
    before = time.time()
    relay = WebSocketRelay()
    (event,) = relay.receive_data(b"\x89\x00", from_client=False)
    assert isinstance(event, Ping)
    assert before <= event.timestamp <= time.time()
