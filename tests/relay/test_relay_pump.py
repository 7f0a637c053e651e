"""A RelayPump gives the reads of one side to a relay, and its output to the other side."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import wsdefrag
from relay_talk import SIDES
from wire_writer import BINARY, CLOSE, KEY, PING, TEXT, frame
from wsdefrag import PassThroughRelay, WebSocketMessage, WebSocketRelay
from wsdefrag._native import RelayPump  # noqa: TID251  (nothing but the proxy gives it to callers)


class Side:
    """One side's pump, the events and the bytes that it gave, in order."""

    def __init__(self, relay: WebSocketRelay | PassThroughRelay, from_client: bool) -> None:
        self.buffer = bytearray(64)
        self.relay = relay
        self.given: list[Any] = []
        self.pump = RelayPump(
            relay,
            self.buffer,
            from_client=from_client,
            handle=self.handle,
            write=self.given.append,
        )

    def handle(self, events: list[Any]) -> None:
        """Forward the events, as far as they are to be decided on."""
        self.given.append(events)
        if isinstance(self.relay, WebSocketRelay):
            for event in events:
                self.relay.forward(event)

    def read(self, data: bytes) -> list[Any]:
        """Read as a transport does; what was given meanwhile."""
        self.given.clear()
        view = self.pump.get_buffer(-1)
        view[: len(data)] = data
        self.pump.buffer_updated(len(data))
        return list(self.given)


def key_of(from_client: bool) -> bytes | None:
    return KEY if from_client else None


@SIDES
def test_messages_pass_without_events_if_they_are_not_reported(from_client: bool) -> None:
    side = Side(PassThroughRelay(mode="bytes", report_messages=False), from_client)
    key = key_of(from_client)
    whole = frame(TEXT, b"hello", key=key)
    assert side.read(whole) == [whole]
    two = frame(BINARY, b"one", key=key) + frame(BINARY, b"two", key=key)
    assert side.read(two) == [two]
    long = frame(BINARY, bytes(50), key=key)
    assert side.read(long[:20]) == [long[:20]]
    assert side.read(long[20:]) == [long[20:]]
    relay = side.relay
    direction = relay.from_client if from_client else relay.from_server
    assert direction.messages_received == 4
    assert direction.bytes_received == len(whole + two + long)
    assert relay.bytes_buffered == 0


def test_a_message_that_is_not_reported_is_checked_all_the_same() -> None:
    side = Side(PassThroughRelay(mode="bytes", report_messages=False), True)
    [[violation], *rest] = side.read(frame(TEXT, b"\xff", key=KEY))
    assert isinstance(violation, wsdefrag.ProtocolViolation)
    assert violation.error.kind == "invalid_utf8"
    # Of the frame, its header was passed on before the fault was there.
    assert rest == [frame(TEXT, b"\xff", key=KEY)[:6]]
    assert side.relay.from_client.messages_received == 0


def test_other_events_are_given_before_their_bytes_are_written() -> None:
    side = Side(PassThroughRelay(mode="bytes", report_messages=False), True)
    ping, close = frame(PING, b"?", key=KEY), frame(CLOSE, b"\x03\xe8", key=KEY)
    [[event], written] = side.read(ping)
    assert isinstance(event, wsdefrag.Ping)
    assert written == ping
    [[event], written] = side.read(close)
    assert isinstance(event, wsdefrag.Close)
    assert written == close


@SIDES
def test_what_is_forwarded_is_written(from_client: bool) -> None:
    side = Side(WebSocketRelay(retain=0), from_client)
    whole = frame(TEXT, b"hello", key=key_of(from_client))
    assert side.read(whole[:4]) == []
    [events, written] = side.read(whole[4:])
    assert [event.text for event in events] == ["hello"]
    assert written == whole


def test_an_edited_message_is_written_as_edited() -> None:
    side = Side(WebSocketRelay(), False)
    handle = side.handle

    def edit(events: list[Any]) -> None:
        for event in events:
            event.text = event.text.upper()
        handle(events)

    side.pump = RelayPump(
        side.relay, side.buffer, from_client=False, handle=edit, write=side.given.append
    )
    assert side.read(frame(TEXT, b"hello"))[1:] == [frame(TEXT, b"HELLO")]
    [message] = side.relay.websocket.messages
    assert message.text == "HELLO"


def test_nothing_is_read_after_the_end() -> None:
    side = Side(PassThroughRelay(mode="bytes"), True)
    side.relay.receive_eof(from_client=True)
    assert side.read(frame(TEXT, b"late", key=KEY)) == []
    assert side.relay.from_client.bytes_received == 0


def test_without_a_writer_output_is_dropped() -> None:
    relay = PassThroughRelay(mode="bytes")
    buffer = bytearray(frame(TEXT, b"hello"))
    events: list[Any] = []
    pump = RelayPump(relay, buffer, from_client=False, handle=events.extend, write=None)
    pump.buffer_updated(len(buffer))
    assert len(events) == 1
    assert relay.bytes_buffered == 0


@pytest.mark.parametrize("who", ["handle", "write"])
def test_what_a_callback_raises_comes_out(who: str) -> None:
    def fails(_: Any) -> None:
        raise LookupError(who)

    def passes(_: Any) -> None:
        pass

    callbacks: dict[str, Any] = {"handle": passes, "write": passes, who: fails}
    relay = PassThroughRelay(mode="bytes")
    buffer = bytearray(frame(TEXT, b"hello"))
    pump = RelayPump(relay, buffer, from_client=False, **callbacks)
    with pytest.raises(LookupError, match=who):
        pump.buffer_updated(len(buffer))


def test_a_count_beyond_the_buffer_is_the_whole_buffer() -> None:
    buffer = bytearray(frame(TEXT, b"hello"))
    given: list[Any] = []
    relay = PassThroughRelay(mode="bytes", report_messages=False)
    pump = RelayPump(relay, buffer, from_client=False, handle=print, write=given.append)
    pump.buffer_updated(1000)
    assert given == [bytes(buffer)]


def test_a_callback_may_use_the_relay() -> None:
    relay = WebSocketRelay(retain=0)
    buffer = bytearray(frame(TEXT, b"hello"))
    given: list[bytes] = []

    def inject(events: list[Any]) -> None:
        relay.inject(WebSocketMessage(TEXT, False, b"before"))
        for event in events:
            relay.forward(event)

    pump = RelayPump(relay, buffer, from_client=False, handle=inject, write=given.append)
    pump.buffer_updated(len(buffer))
    assert given == [frame(TEXT, b"before") + frame(TEXT, b"hello")]


def test_a_cycle_through_a_pump_is_collected() -> None:
    class Owner:
        def handle(self, events: list[Any]) -> None:
            pass

    def made() -> weakref.ref[Owner]:
        owner: Any = Owner()
        relay = PassThroughRelay(mode="bytes")
        owner.pump = RelayPump(
            relay, bytearray(8), from_client=True, handle=owner.handle, write=None
        )
        return weakref.ref(owner)

    seen = made()
    gc.collect()
    assert seen() is None


def test_messages_are_collected_to_be_reported() -> None:
    with pytest.raises(ValueError, match="report_messages"):
        PassThroughRelay(collect_up_to=100, report_messages=False)
    with pytest.raises(TypeError, match="report_messages"):
        PassThroughRelay(report_messages=0)  # type: ignore[arg-type]


def test_messages_are_counted_with_events_too() -> None:
    relay = PassThroughRelay()
    relay.receive_data(frame(TEXT, b"a") + frame(PING, b"") + frame(TEXT, b"b"), from_client=False)
    assert relay.from_server.messages_received == 2
    assert relay.from_client.messages_received == 0
    deciding = WebSocketRelay()
    deciding.receive_data(frame(TEXT, b"a"), from_client=False)
    assert deciding.from_server.messages_received == 1
