"""WebSocketRelay: what is forwarded, what is not, and in which order.

What a PassThroughRelay does is in `test_relay_pass_through.py`, edits in `test_relay_edits.py`,
injected messages in `test_relay_injection.py`, closes and violations in `test_relay_ends.py`, the
record in `test_relay_record.py`.
"""

from __future__ import annotations

import pytest

from relay_talk import MODES, SIDES, Talk, only, seen
from wsdefrag import (
    Limits,
    Opcode,
    Ping,
    Pong,
    Strictness,
    WebSocketData,
    WebSocketMessage,
    WebSocketRelay,
)


def test_every_option_has_a_default() -> None:
    relay = WebSocketRelay()
    (event,) = relay.receive_data(b"\x81\x02hi", from_client=False, timestamp=1.5)
    assert isinstance(event, WebSocketMessage)
    assert event.get_state() == (1, False, b"hi", 1.5, False, False)
    assert relay.data_to_send(to_client=True) == b""
    relay.forward(event)
    assert relay.data_to_send(to_client=True) == b"\x81\x02hi"


@pytest.mark.parametrize("mode", MODES)
def test_new_relay_has_nothing_to_say(mode: str) -> None:
    talk = Talk(mode)  # type: ignore[arg-type]
    relay = talk.relay
    assert relay.data_to_send(to_client=True) == relay.data_to_send(to_client=False) == b""
    assert (
        relay.bytes_buffered
        == relay.from_client.bytes_buffered
        == relay.from_server.bytes_buffered
        == 0
    )
    for direction in (relay.from_client, relay.from_server):
        assert direction.error is None
        assert direction.close_received is None
        assert direction.close_sent is False
        assert direction.recompresses is False
    assert type(relay.websocket) is WebSocketData
    assert relay.websocket.messages == []
    assert relay.websocket.closed_by_client is None


@SIDES
def test_nothing_goes_on_before_it_is_forwarded(from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    wire = sender.text("one") + sender.ping(b"p") + sender.binary(b"two") + sender.close(1000)
    events = talk.feed(wire, from_client)
    assert seen(events) == [
        ("text", b"one"),
        ("ping", b"p"),
        ("binary", b"two"),
        ("close", 1000, ""),
    ]
    assert talk.taken(from_client) == talk.taken(not from_client) == b""
    talk.forward(events)
    assert talk.taken(not from_client) == b""
    assert talk.taken(from_client) == wire


@SIDES
def test_output_is_given_once(from_client: bool) -> None:
    talk = Talk()
    wire = talk.sender(from_client).text("once")
    talk.forward(talk.feed(wire, from_client))
    assert talk.taken(from_client) == wire
    assert talk.taken(from_client) == b""


@SIDES
def test_forwarded_one_at_a_time_goes_on_one_at_a_time(from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    wires = [sender.text("a"), sender.ping(b"b"), sender.binary(b"c" * 300)]
    events = talk.feed(b"".join(wires), from_client)
    for event, wire in zip(events, wires, strict=True):
        talk.relay.forward(event)
        assert talk.taken(from_client) == wire


@SIDES
def test_dropped_events_do_not_go_on(from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    kept = [sender.text("kept"), sender.pong(b"kept")]
    events = talk.feed(
        kept[0] + sender.text("dropped") + sender.ping(b"dropped") + kept[1], from_client
    )
    first, dropped, ping, last = events
    talk.relay.forward(first)
    talk.relay.discard(dropped)
    talk.relay.discard(ping)
    talk.relay.forward(last)
    assert talk.taken(from_client) == b"".join(kept)
    assert isinstance(first, WebSocketMessage)
    assert isinstance(dropped, WebSocketMessage)
    assert (first.dropped, dropped.dropped) == (False, True)


@SIDES
def test_deciding_on_an_event_drops_what_is_undecided_before_it(from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    wire = sender.text("passed over") + sender.ping(b"passed over") + sender.text("forwarded")
    events = talk.feed(wire + sender.text("still open"), from_client)
    talk.relay.forward(events[2])
    assert talk.take(from_client) == [("text", b"forwarded")]
    messages = [event for event in events if isinstance(event, WebSocketMessage)]
    assert [message.dropped for message in messages] == [True, False, False]
    talk.relay.forward(events[3])
    assert talk.take(from_client) == [("text", b"still open")]


@SIDES
def test_dropping_an_event_drops_what_is_undecided_before_it(from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    first, second, third = talk.feed(
        sender.text("1") + sender.text("2") + sender.text("3"), from_client
    )
    talk.relay.discard(second)
    assert isinstance(first, WebSocketMessage)
    assert first.dropped
    talk.relay.forward(third)
    assert talk.take(from_client) == [("text", b"3")]


def test_decisions_in_one_direction_leave_the_other_alone() -> None:
    talk = Talk()
    (client,) = talk.feed(talk.client.text("from the client"), True)
    (server,) = talk.feed(talk.server.text("from the server"), False)
    talk.relay.forward(server)
    talk.relay.forward(client)
    assert talk.take(True) == [("text", b"from the client")]
    assert talk.take(False) == [("text", b"from the server")]


@SIDES
def test_message_that_its_user_marked_as_dropped_sends_nothing(from_client: bool) -> None:
    """As mitmproxy's addons do it."""
    talk = Talk()
    message = talk.message(talk.sender(from_client).text("secret"), from_client)
    message.drop()
    talk.relay.forward(message)
    assert talk.taken(from_client) == b""
    assert message.dropped
    assert talk.relay.bytes_buffered == 0


@SIDES
def test_control_frames_pass_a_message_that_is_incomplete(from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    first, second = sender.frames(Opcode.TEXT, [b"hal", b"ves"])
    ping = sender.ping(b"now")
    (event,) = talk.feed(first + ping, from_client)
    assert isinstance(event, Ping)
    talk.relay.forward(event)
    assert talk.taken(from_client) == ping
    talk.forward(talk.feed(second, from_client))
    assert talk.taken(from_client) == first + second


@SIDES
def test_own_pings_and_pongs_go_where_they_are_sent(from_client: bool) -> None:
    talk = Talk()
    talk.relay.send_ping(b"to the client", to_client=not from_client)
    talk.relay.send_pong(b"unasked", to_client=not from_client)
    assert talk.taken(not from_client) == b""
    assert talk.take(from_client) == [("ping", b"to the client"), ("pong", b"unasked")]
    talk.relay.send_ping(to_client=not from_client)
    talk.relay.send_pong(to_client=not from_client)
    assert talk.take(from_client) == [("ping", b""), ("pong", b"")]


@SIDES
def test_own_ping_between_two_messages_of_a_peer(from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    first, second = talk.feed(sender.text("1") + sender.text("2"), from_client)
    talk.relay.forward(first)
    talk.relay.send_ping(b"p", to_client=not from_client)
    talk.relay.forward(second)
    assert talk.take(from_client) == [("text", b"1"), ("ping", b"p"), ("text", b"2")]


@SIDES
def test_pong_from_a_peer_is_an_event(from_client: bool) -> None:
    talk = Talk()
    event = only(talk.feed(talk.sender(from_client).pong(b"x"), from_client), Pong)
    assert (event.payload, event.from_client, event.timestamp) == (b"x", from_client, 1.5)


@SIDES
def test_bytes_buffered_goes_to_0_when_all_is_decided_and_taken(from_client: bool) -> None:
    talk = Talk()
    sender, direction = talk.sender(from_client), talk.direction(from_client)
    first, second = sender.frames(Opcode.BINARY, [b"x" * 500, b"y" * 500])
    talk.feed(first, from_client)
    assert talk.relay.bytes_buffered == direction.bytes_buffered >= 500
    (message,) = talk.feed(second, from_client)
    assert direction.bytes_buffered >= 1000
    talk.relay.forward(message)
    assert direction.bytes_buffered >= 1000, "the output has not been taken"
    assert talk.direction(not from_client).bytes_buffered == 0
    talk.take(from_client)
    assert talk.relay.bytes_buffered == direction.bytes_buffered == 0


@SIDES
def test_bytes_buffered_goes_to_0_when_all_is_dropped(from_client: bool) -> None:
    talk = Talk()
    sender = talk.sender(from_client)
    events = talk.feed(sender.binary(bytes(900)) + sender.ping(b"12345"), from_client)
    assert talk.relay.bytes_buffered >= 900
    for event in events:
        talk.relay.discard(event)
    assert talk.relay.bytes_buffered == 0


def test_tolerated_frames_go_on_as_they_came() -> None:
    """What `strictness` lets through is the peers' business, down to the length's form."""
    talk = Talk(strictness=Strictness(minimal_length=False))
    wire = b"\x81\x7e\x00\x02hi"
    talk.forward(talk.feed(wire, False))
    assert talk.relay.data_to_send(to_client=True) == wire


def test_lax_text_goes_on_as_it_came() -> None:
    talk = Talk(strictness=Strictness(utf8=False))
    wire = b"\x81\x02\xff\xfe"
    talk.forward(talk.feed(wire, False))
    assert talk.relay.data_to_send(to_client=True) == wire


def test_data_may_be_any_buffer_and_is_not_kept() -> None:
    talk = Talk()
    buffer = bytearray(talk.server.text("hello"))
    events = talk.relay.receive_data(memoryview(buffer), from_client=False)
    buffer[:] = bytes(len(buffer))
    talk.forward(events)
    assert talk.take(False) == [("text", b"hello")]


@SIDES
def test_large_messages_go_on_untouched(from_client: bool) -> None:
    talk = Talk(limits=Limits(max_message_size=None, max_frame_size=None))
    content = bytes(range(256)) * (5 << 12)
    wire = talk.sender(from_client).binary(content, content[: 1 << 20])
    for start in range(0, len(wire), 1 << 16):
        events = talk.feed(wire[start : start + (1 << 16)], from_client)
        talk.forward(events)
    assert talk.relay.data_to_send(to_client=not from_client) == wire
    assert talk.relay.bytes_buffered == 0
