"""WebSocketConnection: two directions that share nothing, and the record of both."""

from __future__ import annotations

import time
from typing import Any

import pytest

from wire_writer import (
    BINARY,
    CLOSE,
    KEY,
    PING,
    TEXT,
    Deflater,
    close_frame,
    fragments,
    frame,
)
from wsdefrag import (
    Close,
    DeflateParams,
    DirectionState,
    Incomplete,
    InvalidUtf8,
    LimitExceeded,
    Limits,
    Opcode,
    Ping,
    ProtocolError,
    ProtocolViolation,
    Strictness,
    WebSocketConnection,
    WebSocketData,
    WebSocketMessage,
)

CLIENT_HELLO = frame(TEXT, b"hello", key=KEY)
SERVER_HELLO = frame(TEXT, b"welcome")
OPEN = {"closed_by_client": None, "close_code": None, "close_reason": None, "timestamp_end": None}


def end_of(connection: WebSocketConnection) -> dict[str, Any]:
    """How the connection ended, without its messages."""
    state = connection.websocket.get_state()
    del state["messages"]
    return state


def contents(connection: WebSocketConnection) -> list[bytes]:
    return [message.content for message in connection.websocket.messages]


def test_a_new_connection_is_open_and_empty() -> None:
    connection = WebSocketConnection()
    assert type(connection.websocket) is WebSocketData
    assert connection.websocket.get_state() == OPEN | {"messages": []}
    assert type(connection.from_client) is type(connection.from_server) is DirectionState


def test_messages_of_both_directions_are_kept_in_order_of_arrival() -> None:
    connection = WebSocketConnection()
    first = connection.receive_data(CLIENT_HELLO, from_client=True, timestamp=1.5)
    second = connection.receive_data(SERVER_HELLO * 2, from_client=False, timestamp=2.5)
    assert connection.websocket.messages == first + second
    assert [message.get_state() for message in connection.websocket.messages] == [
        (1, True, b"hello", 1.5, False, False),
        (1, False, b"welcome", 2.5, False, False),
        (1, False, b"welcome", 2.5, False, False),
    ]
    assert end_of(connection) == OPEN


def test_each_direction_expects_its_own_masking() -> None:
    connection = WebSocketConnection()
    (from_client,) = connection.receive_data(SERVER_HELLO, from_client=True)
    (from_server,) = connection.receive_data(CLIENT_HELLO, from_client=False)
    assert isinstance(from_client, ProtocolViolation)
    assert isinstance(from_server, ProtocolViolation)
    assert isinstance(from_client.error, ProtocolError)
    assert isinstance(from_server.error, ProtocolError)
    assert from_client.error.kind == "unmasked_frame_from_client"
    assert from_server.error.kind == "masked_frame_from_server"
    assert from_client.from_client is True
    assert from_server.from_client is False


def test_messages_between_other_events_are_kept_in_order() -> None:
    connection = WebSocketConnection()
    wire = frame(TEXT, b"a") + frame(PING, b"p") + frame(BINARY, b"b") + close_frame(1000)
    events = connection.receive_data(wire, from_client=False, timestamp=1.5)
    assert [type(event) for event in events] == [WebSocketMessage, Ping, WebSocketMessage, Close]
    assert connection.websocket.messages == [events[0], events[2]]
    assert events[1] == Ping(b"p", False, 1.5, 3)


def test_interleaved_fragments_of_both_directions_do_not_mix() -> None:
    connection = WebSocketConnection()
    client = fragments(TEXT, [b"cli", b"ent"], key=KEY)
    server = fragments(BINARY, [b"ser", b"ver"])
    for ours, theirs in zip(client, server, strict=True):
        connection.receive_data(ours, from_client=True)
        connection.receive_data(theirs, from_client=False)
    assert contents(connection) == [b"client", b"server"]


@pytest.mark.parametrize("from_client", [True, False])
def test_first_close_ends_the_record(from_client: bool) -> None:
    connection = WebSocketConnection()
    connection.receive_data(
        close_frame(4000, b"enough", key=KEY if from_client else None),
        from_client=from_client,
        timestamp=5.5,
    )
    ended = {
        "closed_by_client": from_client,
        "close_code": 4000,
        "close_reason": "enough",
        "timestamp_end": 5.5,
    }
    assert end_of(connection) == ended
    # The answering Close and the ends of both streams change nothing.
    connection.receive_data(
        close_frame(1000, b"bye", key=None if from_client else KEY),
        from_client=not from_client,
        timestamp=6.5,
    )
    connection.receive_eof(from_client=True, timestamp=7.5)
    connection.receive_eof(from_client=False, timestamp=7.5)
    assert end_of(connection) == ended


def test_close_without_a_code_is_1005() -> None:
    connection = WebSocketConnection()
    connection.receive_data(frame(CLOSE), from_client=False, timestamp=5.5)
    assert end_of(connection) == {
        "closed_by_client": False,
        "close_code": 1005,
        "close_reason": "",
        "timestamp_end": 5.5,
    }


@pytest.mark.parametrize("timestamp", [0.0, 5.5])
def test_end_without_close_is_1006_by_whom_ended_first(timestamp: float) -> None:
    connection = WebSocketConnection()
    assert connection.receive_eof(from_client=False, timestamp=timestamp) == []
    assert connection.receive_eof(from_client=True, timestamp=9.0) == []
    assert end_of(connection) == {
        "closed_by_client": False,
        "close_code": 1006,
        "close_reason": None,
        "timestamp_end": timestamp,
    }


def test_close_after_the_other_side_ended_changes_nothing() -> None:
    connection = WebSocketConnection()
    connection.receive_eof(from_client=True, timestamp=1.5)
    connection.receive_data(close_frame(1000), from_client=False, timestamp=2.5)
    assert end_of(connection)["close_code"] == 1006
    assert connection.from_server.close_received == Close(1000, "", False, 2.5, 0)


def test_close_values_are_plain() -> None:
    connection = WebSocketConnection()
    connection.receive_eof(from_client=True)
    assert type(connection.websocket.close_code) is int
    assert type(connection.websocket.closed_by_client) is bool


def test_without_a_timestamp_the_clock_is_read() -> None:
    before = time.time()
    connection = WebSocketConnection()
    (message,) = connection.receive_data(SERVER_HELLO, from_client=False)
    connection.receive_eof(from_client=False)
    assert isinstance(message, WebSocketMessage)
    assert connection.websocket.timestamp_end is not None
    assert before <= message.timestamp <= connection.websocket.timestamp_end <= time.time()


def test_messages_of_the_other_direction_are_kept_after_a_close() -> None:
    connection = WebSocketConnection()
    connection.receive_data(close_frame(1000, key=KEY), from_client=True)
    connection.receive_data(SERVER_HELLO, from_client=False)
    assert contents(connection) == [b"welcome"]


def test_messages_before_a_close_in_the_same_chunk_are_kept() -> None:
    connection = WebSocketConnection()
    wire = SERVER_HELLO + close_frame(1001) + SERVER_HELLO
    events = connection.receive_data(wire, from_client=False)
    assert [type(event) for event in events] == [WebSocketMessage, Close]
    assert contents(connection) == [b"welcome"]
    assert connection.from_server.bytes_discarded == len(SERVER_HELLO)


def test_violation_is_no_end_and_leaves_the_other_direction_alone() -> None:
    connection = WebSocketConnection()
    events = connection.receive_data(SERVER_HELLO + b"\x83\x00", from_client=False, timestamp=1.5)
    message, violation = events
    assert isinstance(violation, ProtocolViolation)
    assert isinstance(violation.error, ProtocolError)
    assert (violation.from_client, violation.timestamp, violation.offset) == (False, 1.5, 9)
    assert violation.error.kind == "reserved_opcode"
    assert violation.error.offset == 9
    assert connection.websocket.messages == [message]
    assert end_of(connection) == OPEN
    assert connection.receive_data(SERVER_HELLO, from_client=False) == []
    assert len(connection.receive_data(CLIENT_HELLO, from_client=True)) == 1
    assert connection.from_client.error is None
    assert connection.receive_eof(from_client=False, timestamp=2.5) == []
    assert end_of(connection)["close_code"] == 1006


def test_end_inside_a_message_gives_what_had_arrived() -> None:
    connection = WebSocketConnection()
    wire = frame(TEXT, b"never ") + frame(TEXT, b"fini", fin=False)
    connection.receive_data(wire, from_client=False)
    assert connection.receive_eof(from_client=False, timestamp=3.5) == [
        Incomplete(Opcode.TEXT, b"fini", False, 3.5, 8)
    ]
    assert connection.receive_eof(from_client=False, timestamp=4.5) == []
    assert contents(connection) == [b"never "]


def test_bytes_after_the_end_of_a_direction_are_the_callers_mistake() -> None:
    connection = WebSocketConnection()
    connection.receive_eof(from_client=False)
    with pytest.raises(ValueError, match="receive_eof"):
        connection.receive_data(SERVER_HELLO, from_client=False)
    assert len(connection.receive_data(CLIENT_HELLO, from_client=True)) == 1


def test_deflate_parameters_rule_their_own_direction() -> None:
    """Only the server promised to start each message afresh."""
    params = DeflateParams(server_no_context_takeover=True)
    connection = WebSocketConnection(deflate=params)
    client, server = Deflater(), Deflater(takeover=False)
    text = b"the same words again and again"
    for _ in range(3):
        for deflater, from_client in ((client, True), (server, False)):
            payload = deflater.compress(text)
            wire = frame(TEXT, payload, rsv1=True, key=KEY if from_client else None)
            (message,) = connection.receive_data(wire, from_client=from_client)
            assert isinstance(message, WebSocketMessage)
            assert message.content == text


def test_limits_strictness_and_utf8_reach_both_directions() -> None:
    connection = WebSocketConnection(
        limits=Limits(max_message_size=4), strictness=Strictness(mask_direction=False, utf8=False)
    )
    for from_client in (True, False):
        wire = frame(TEXT, b"\xff", key=None if from_client else KEY) + frame(TEXT, b"12345")
        message, violation = connection.receive_data(wire, from_client=from_client)
        assert isinstance(message, WebSocketMessage)
        assert message.content == b"\xff"
        assert isinstance(violation, ProtocolViolation)
        assert isinstance(violation.error, LimitExceeded)
    assert connection.from_client.tolerated["mask_direction"] == 2
    assert connection.from_server.tolerated["mask_direction"] == 1


def test_utf8_is_strict_by_default() -> None:
    (violation,) = WebSocketConnection().receive_data(frame(TEXT, b"\xff"), from_client=False)
    assert isinstance(violation, ProtocolViolation)
    assert type(violation.error) is InvalidUtf8
