"""An agreed extension that the package does not know: its messages pass as they were sent.

RFC 6455 section 5.8 lets an extension define the reserved bits. The bytes and the events are the
lines of `vectors/wire.jsonl` that name an extension.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

import wsdefrag
from vectors import Line, deflate_params, read_bytes
from wire_case import as_seen
from wire_cases import EXTENSION_LINES, case_of
from wsdefrag import DeflateParams, Event, OpaqueMessage, WebSocketConnection

NAME = "x-packed"
OPAQUE = b"\xa1\x02\xff\xfe"

Relay = wsdefrag.WebSocketRelay | wsdefrag.PassThroughRelay


def _seen(event: Event) -> tuple[Any, ...]:
    if isinstance(event, OpaqueMessage):
        return ("opaque", event.type.name.lower(), event.content, event.rsv, event.extension)
    return as_seen(event)


def _expected(line: Line) -> list[tuple[Any, ...]]:
    opaque = [event for event in line["events"] if "opaque" in event]
    others = iter(
        case_of({**line, "events": [one for one in line["events"] if one not in opaque]}).sees
    )
    return [
        ("opaque", event["type"], read_bytes(event["opaque"]), event["rsv"], NAME)
        if "opaque" in event
        else next(others)
        for event in line["events"]
    ]


@pytest.mark.parametrize("line", EXTENSION_LINES, ids=lambda line: line["name"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_messages_of_the_extension_come_as_they_were_sent(line: Line, size: int) -> None:
    connection = WebSocketConnection(deflate=deflate_params(line), extension=NAME)
    wire = read_bytes(line["wire"])
    events: list[Event] = []
    for start in range(0, len(wire), size):
        events += connection.receive_data(wire[start : start + size], from_client=False)
    assert list(map(_seen, events)) == _expected(line)
    assert connection.from_server.error is None
    assert not any(connection.from_server.tolerated.values())
    messages = [event for event in events if isinstance(event, wsdefrag.WebSocketMessage)]
    assert connection.websocket.messages == messages


def test_bits_are_a_violation_where_no_extension_was_named() -> None:
    (violation,) = WebSocketConnection().receive_data(OPAQUE, from_client=False)
    assert isinstance(violation, wsdefrag.ProtocolViolation)
    assert violation.error.kind == "reserved_bits"


@pytest.mark.parametrize(
    "make", [WebSocketConnection, wsdefrag.WebSocketRelay, wsdefrag.PassThroughRelay]
)
def test_extension_is_a_name(make: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match="extension"):
        make(extension=5)


def test_event_says_where_it_stood_and_shows_itself_shortly() -> None:
    connection = WebSocketConnection(extension=NAME)
    wire = b"\x89\x00\xa2\x7e\x10\x00" + bytes(4096)
    _, event = connection.receive_data(wire, from_client=False, timestamp=1.5)
    assert event == OpaqueMessage(wsdefrag.Opcode.BINARY, bytes(4096), 2, NAME, False, 1.5, 2)
    assert len(repr(event)) < 200


@pytest.fixture(params=["decide", "frames", "bytes"])
def relay(request: pytest.FixtureRequest) -> Relay:
    mode: Literal["decide", "frames", "bytes"] = request.param
    deflate = DeflateParams()
    if mode == "decide":
        return wsdefrag.WebSocketRelay(deflate=deflate, extension=NAME)
    return wsdefrag.PassThroughRelay(
        mode=mode, deflate=deflate, extension=NAME, collect_up_to=1 << 40
    )


# tests/relay/test_relay_extension.py has more about relays; these are frames of every kind.
HELLO = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"
PASSED = [
    OPAQUE,
    b"\x21\x01\xff\x89\x00\x80\x01\xfe",
    b"\x01\x01a\xa0\x01\xfe",
    b"\xb9\x00",
    # RSV1 beside another bit, and then alone: the window is not known any more.
    b"\xe1\x07\xf2\x48\xcd\xc9\xc9\x07\x00" + HELLO,
    b"\x41\x03\xf2\x48\xcd\xa0\x04\xc9\xc9\x07\x00",
]


@pytest.mark.parametrize("wire", PASSED, ids=bytes.hex)
def test_relay_sends_them_on_as_they_came(relay: Relay, wire: bytes) -> None:
    for event in relay.receive_data(wire, from_client=False):
        if isinstance(relay, wsdefrag.WebSocketRelay):
            relay.forward(event)
    sent = relay.data_to_send(to_client=True)
    if wire == PASSED[1] and isinstance(relay, wsdefrag.WebSocketRelay):
        # The ping overtakes the message that it stood inside.
        wire = b"\x89\x00\x21\x01\xff\x80\x01\xfe"
    assert sent == wire
    assert relay.bytes_buffered == 0


def test_messages_after_one_with_an_unknown_window_are_still_forwarded_and_injected() -> None:
    relay = wsdefrag.WebSocketRelay(deflate=DeflateParams(), extension=NAME)
    for event in relay.receive_data(b"\xe1\x01\x00\x81\x02hi", from_client=False):
        relay.forward(event)
    relay.inject(wsdefrag.WebSocketMessage(1, False, b"own"))
    sent = relay.data_to_send(to_client=True)
    assert sent == b"\xe1\x01\x00\x81\x02hi\x81\x03own"
