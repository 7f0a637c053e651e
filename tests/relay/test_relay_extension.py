"""Messages of an agreed extension that the package does not know: relays forward them unchanged."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from relay_talk import ALL_MODES, SIDES, Mode, only, refused
from relay_talk import Talk as _Talk
from wire_writer import BINARY, TEXT, frame
from wsdefrag import (
    Budget,
    DeflateParams,
    OpaqueMessage,
    PassThroughRelay,
    Ping,
    ProtocolViolation,
    WebSocketConnection,
    WebSocketMessage,
    WebSocketRelay,
)

NAME = "x-shorthand"
NOT_TEXT = b"\xff\xfe\xfd"


def talk_of(mode: Mode = "messages", **options: Any) -> _Talk:
    return _Talk(mode, extension=NAME, **options)


def opaque(talk: _Talk, from_client: bool, payload: bytes = NOT_TEXT, **bits: Any) -> bytes:
    """One frame with an extension's bits."""
    return frame(TEXT, payload, key=talk.sender(from_client).key, **bits)


def sent(talk: _Talk, from_client: bool) -> bytes:
    wire: bytes = talk.relay.data_to_send(to_client=not from_client)
    return wire


@ALL_MODES
@SIDES
@pytest.mark.parametrize("deflate", [None, DeflateParams()])
def test_it_goes_on_as_it_came_and_is_an_event(
    mode: Mode, from_client: bool, deflate: DeflateParams | None
) -> None:
    talk = talk_of(mode, deflate=deflate)
    wire = opaque(talk, from_client, rsv2=True)
    event = only(talk.feed(wire, from_client), OpaqueMessage)
    assert event == OpaqueMessage(TEXT, NOT_TEXT, 2, NAME, from_client, 1.5, 0)
    if mode == "messages":
        assert sent(talk, from_client) == b""
        talk.relay.forward(event)
    assert sent(talk, from_client) == wire
    assert talk.relay.bytes_buffered == 0
    assert talk.relay.websocket.messages == []


@ALL_MODES
@SIDES
def test_fragments_and_pings_between_them_go_on(mode: Mode, from_client: bool) -> None:
    talk = talk_of(mode)
    key = talk.sender(from_client).key
    parts = [
        frame(BINARY, b"\x00\x01", fin=False, rsv3=True, key=key),
        frame(9, b"now", key=key),
        frame(0, b"\x02", rsv1=True, key=key),
    ]
    events = talk.feed(b"".join(parts), from_client)
    assert [type(event) for event in events] == [Ping, OpaqueMessage]
    assert isinstance(events[1], OpaqueMessage)
    assert (events[1].content, events[1].rsv) == (b"\x00\x01\x02", 5)
    if mode == "messages":
        talk.forward(events)
        parts = [parts[1], parts[0], parts[2]]
    assert sent(talk, from_client) == b"".join(parts)


@SIDES
def test_it_is_decided_on_as_others_are(from_client: bool) -> None:
    budget = Budget(1000)
    talk = talk_of(budget=budget)
    sender = talk.sender(from_client)
    wires = [opaque(talk, from_client, bytes([n]) * 9, rsv2=True) for n in range(3)]
    wire = wires[0] + sender.text("between") + wires[1] + wires[2]
    first, between, second, third = talk.feed(wire, from_client)
    assert budget.bytes_held == talk.relay.bytes_buffered == len(wire)
    talk.relay.discard(first)
    refused(talk, ValueError, lambda: talk.relay.forward(first))
    talk.relay.forward(second)
    assert isinstance(between, WebSocketMessage)
    assert between.dropped
    talk.relay.forward(third)
    assert sent(talk, from_client) == wires[1] + wires[2]
    assert budget.bytes_held == talk.relay.bytes_buffered == 0


@SIDES
def test_fresh_keys_leave_its_payload_readable(from_client: bool) -> None:
    talk = talk_of(masking="fresh")
    wire = opaque(talk, from_client, rsv2=True)
    talk.forward(talk.feed(wire, from_client))
    other = WebSocketConnection(extension=NAME)
    (event,) = other.receive_data(sent(talk, from_client), from_client=from_client)
    assert isinstance(event, OpaqueMessage)
    assert (event.content, event.rsv) == (NOT_TEXT, 2)


@SIDES
def test_compressed_messages_after_it_go_on_as_they_came(from_client: bool) -> None:
    """What the extension does to the window is unknown here, and known to both peers."""
    talk = talk_of(deflate=DeflateParams())
    sender = talk.sender(from_client)
    wire = sender.text("much the same", compress=True)
    wire += opaque(talk, from_client, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv1=True, rsv2=True)
    wire += sender.text("much the same", compress=True)
    events = talk.feed(wire, from_client)
    assert [type(event) for event in events] == [WebSocketMessage, OpaqueMessage, OpaqueMessage]
    talk.forward(events)
    assert sent(talk, from_client) == wire


@ALL_MODES
@SIDES
def test_without_an_extension_its_bits_are_a_violation(mode: Mode, from_client: bool) -> None:
    talk = _Talk(mode)
    event = only(talk.feed(opaque(talk, from_client, rsv2=True), from_client), ProtocolViolation)
    assert event.error.kind == "reserved_bits"


def test_connection_tells_of_it_and_does_not_keep_it() -> None:
    connection = WebSocketConnection(extension=NAME)
    wire = frame(TEXT, NOT_TEXT, rsv2=True) + frame(TEXT, b"hi")
    first, second = connection.receive_data(wire, from_client=False, timestamp=2.5)
    assert isinstance(first, OpaqueMessage)
    assert (first.extension, first.timestamp, first.offset) == (NAME, 2.5, 0)
    assert connection.websocket.messages == [second]
    assert connection.from_server.error is None


def test_event_cannot_be_changed_and_its_repr_is_short() -> None:
    connection = WebSocketConnection(extension=NAME)
    (event,) = connection.receive_data(frame(TEXT, b"\xff" * 70_000, rsv3=True), from_client=False)
    assert isinstance(event, OpaqueMessage)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.content = b""  # type: ignore[misc]
    assert repr(event).startswith("OpaqueMessage(type=<Opcode.TEXT: 1>, content=")
    assert len(repr(event)) < 200


@pytest.mark.parametrize("make", [WebSocketConnection, WebSocketRelay, PassThroughRelay])
@pytest.mark.parametrize(
    ("extension", "error"),
    [("", ValueError), ("permessage-deflate", ValueError), (b"x", TypeError), (True, TypeError)],
)
def test_what_names_no_other_extension_is_refused(make: Any, extension: Any, error: Any) -> None:
    with pytest.raises(error, match="extension"):
        make(extension=extension)
