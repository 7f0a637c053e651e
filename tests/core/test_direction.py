"""How the two classes that read one direction differ, and what they have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from wire_writer import PING, TEXT, close_frame, frame
from wsdefrag import (
    Close,
    DirectionState,
    Incomplete,
    IncompleteMessage,
    MessageReassembler,
    Opcode,
    Ping,
    ProtocolError,
    ProtocolViolation,
    WebSocketConnection,
    WebSocketDirection,
    WebSocketMessage,
)

if TYPE_CHECKING:
    from typing_extensions import Self

HI = frame(TEXT, b"hi")
BROKEN = b"\x83\x00"
ATTRIBUTES = (
    "error",
    "close_received",
    "bytes_received",
    "bytes_buffered",
    "bytes_discarded",
    "tolerated",
)


def state(reader: DirectionState) -> dict[str, object]:
    return {name: getattr(reader, name) for name in ATTRIBUTES}


def test_direction_gives_events_and_raises_for_nothing_on_the_wire() -> None:
    direction = WebSocketDirection(from_client=False)
    events = direction.receive_data(HI + frame(PING, b"!") + BROKEN, timestamp=1.5)
    assert [type(event) for event in events] == [WebSocketMessage, Ping, ProtocolViolation]
    assert direction.receive_data(HI) == []
    assert direction.receive_eof() == []
    assert direction.receive_eof() == []


def test_reassembler_gives_messages_and_raises_from_the_next_call_on() -> None:
    reassembler = MessageReassembler(from_client=False)
    (message,) = reassembler.receive_data(HI + frame(PING, b"!") + BROKEN)
    assert message.text == "hi"
    for _ in range(2):
        with pytest.raises(ProtocolError):
            reassembler.receive_data(HI)
    for _ in range(2):
        with pytest.raises(ProtocolError):
            reassembler.receive_eof()


def test_end_inside_a_message_is_an_event_of_the_one_and_an_error_of_the_other() -> None:
    direction = WebSocketDirection(from_client=False)
    assert direction.receive_data(b"\x81\x05he") == []
    assert direction.receive_eof(timestamp=2.5) == [Incomplete(Opcode.TEXT, b"he", False, 2.5, 0)]
    assert direction.receive_eof() == []
    assert direction.error is None

    reassembler = MessageReassembler(from_client=False)
    assert reassembler.receive_data(b"\x81\x05he") == []
    with pytest.raises(IncompleteMessage) as caught:
        reassembler.receive_eof()
    assert (caught.value.content, caught.value.offset) == (b"he", 0)
    assert reassembler.error is None


def test_close_is_an_event_of_the_one_and_an_attribute_of_both() -> None:
    wire = close_frame(1000, b"bye") + b"more"
    direction = WebSocketDirection(from_client=False)
    close = Close(1000, "bye", False, 1.5, 0)
    assert direction.receive_data(wire, timestamp=1.5) == [close]
    reassembler = MessageReassembler(from_client=False)
    assert reassembler.receive_data(wire, timestamp=1.5) == []
    assert direction.close_received == reassembler.close_received == close
    assert direction.bytes_discarded == reassembler.bytes_discarded == 4


def test_connection_shows_the_state_of_each_side_and_lets_nobody_feed_it() -> None:
    connection = WebSocketConnection()
    client, server = connection.from_client, connection.from_server
    alone = WebSocketDirection(from_client=False)
    for chunk in (HI, close_frame(1000), b"more"):
        connection.receive_data(chunk, from_client=False, timestamp=1.5)
        alone.receive_data(chunk, timestamp=1.5)
        assert state(server) == state(alone)
    assert state(client) == state(WebSocketDirection(from_client=True))
    assert connection.from_client is client
    for name in ("receive_data", "receive_eof"):
        assert not hasattr(server, name)


def test_state_cannot_be_changed_or_made() -> None:
    made: Any = DirectionState
    with pytest.raises(TypeError):
        made()

    class Mine(DirectionState):
        """One that a caller made."""

    mine: Any = Mine
    for arguments in ({}, {"from_client": True}):
        with pytest.raises(TypeError):
            mine(**arguments)
    for reader in (WebSocketConnection().from_client, WebSocketDirection(from_client=True)):
        for name in ATTRIBUTES:
            with pytest.raises(AttributeError):
                setattr(reader, name, None)


def test_both_readers_are_states() -> None:
    assert issubclass(WebSocketDirection, DirectionState)
    assert issubclass(MessageReassembler, DirectionState)
    assert not issubclass(MessageReassembler, WebSocketDirection)
    assert not issubclass(WebSocketConnection, DirectionState)


@pytest.mark.parametrize("name", ["utf8", "retain"])
def test_options_of_others_are_refused(name: str) -> None:
    make: Any
    for make in (MessageReassembler, WebSocketDirection):
        with pytest.raises(TypeError, match=name):
            make(from_client=True, **{name: "strict"})


def test_subclasses_may_take_other_arguments() -> None:
    class Server(WebSocketDirection):
        def __new__(cls) -> Self:
            return super().__new__(cls, from_client=False)

    class Tap(WebSocketConnection):
        def __new__(cls, name: str) -> Self:
            self = super().__new__(cls, retain=1)
            self.name = name
            return self

        name: str

    assert [type(event) for event in Server().receive_data(HI)] == [WebSocketMessage]
    tap = Tap("feed")
    tap.receive_data(HI + HI, from_client=False)
    assert (tap.name, len(tap.websocket.messages)) == ("feed", 1)
