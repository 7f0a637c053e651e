"""Records of live connections in the file formats of captures."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from capture_conversation import Conversation as Talk
from capture_conversation import capture_of, text
from flow_reader import flows
from flow_shape import FLOW, check
from wsdefrag import Strictness, WebSocketConnection, WebSocketMessage
from wsdefrag.capture import (
    Capture,
    CapturedRequest,
    CapturedResponse,
    Conversation,
    write_flow,
    write_har,
    write_mitm,
)
from wsdefrag.data import WebSocketData

REQUEST = CapturedRequest("/chat?x=y", (("Host", b"example.com"),), 11_250_000_000)
RESPONSE = CapturedResponse(
    101, "Switching Protocols", (("Upgrade", b"websocket"),), 11_500_000_000
)
ADDRESSES: dict[str, tuple[str, int]] = {
    "client_address": ("127.0.0.1", 50_000),
    "server_address": ("::1", 80),
}


def watched(end: bytes | None = b"\x88\x05\x03\xe9bye") -> WebSocketData:
    """A record of three messages, one dropped and one injected, with a Close, 1006, or no end."""
    connection = WebSocketConnection()
    wire = b"\x81\x03k\xc3\xa4\x82\x01b"
    connection.receive_data(wire, from_client=False, timestamp=12.5)
    _, second = connection.websocket.messages
    second.dropped = True
    connection.websocket.messages.append(WebSocketMessage(1, True, b"new", 13.5, injected=True))
    if end is None:
        connection.receive_eof(from_client=False, timestamp=14.5)
    else:
        connection.receive_data(end, from_client=False, timestamp=14.5)
    return connection.websocket


def conversation(websocket: WebSocketData) -> Conversation:
    return Conversation.of_record(websocket, REQUEST, RESPONSE, **ADDRESSES)


def har(*conversations: Conversation) -> list[dict[str, Any]]:
    file = io.BytesIO()
    assert write_har(conversations, file) == len(conversations)
    entries: list[dict[str, Any]] = json.loads(file.getvalue())["log"]["entries"]
    return entries


def test_archive_has_the_messages_of_a_record() -> None:
    (entry,) = har(conversation(watched()))
    assert entry["request"]["url"] == "ws://example.com/chat?x=y"
    assert entry["response"]["status"] == 101
    assert (entry["serverIPAddress"], entry["connection"]) == ("::1", "50000")
    assert entry["_webSocketMessages"] == [
        {"type": "receive", "time": 12.5, "opcode": 1, "data": "kä"},
        {"type": "receive", "time": 12.5, "opcode": 2, "data": "Yg==", "_dropped": True},
        {"type": "send", "time": 13.5, "opcode": 1, "data": "new", "_injected": True},
    ]
    assert entry["_webSocketClose"] == {
        "type": "receive",
        "time": 14.5,
        "code": 1001,
        "reason": "bye",
    }
    assert entry["time"] == pytest.approx(3250)


def test_archive_has_no_close_where_none_was_sent() -> None:
    broken_off, going_on = har(conversation(watched(None)), conversation(watched(b"")))
    assert "_webSocketClose" not in broken_off
    assert "_webSocketClose" not in going_on
    assert broken_off["time"] == pytest.approx(3250)
    assert going_on["time"] == pytest.approx(250)


@pytest.mark.parametrize("end", [b"\x88\x05\x03\xe9bye", b"\x88\x00", b"", None])
def test_flow_has_the_state_of_a_record(end: bytes | None) -> None:
    websocket = watched(end)
    file, alone = io.BytesIO(), io.BytesIO()
    assert write_mitm([conversation(websocket)] * 2, file) == 2
    write_flow(websocket, alone, REQUEST, RESPONSE, **ADDRESSES)
    assert file.getvalue() == alone.getvalue() * 2
    flow, _ = flows(file.getvalue())
    check(flow, FLOW)
    state = websocket.get_state()
    messages = [list(one) for one in state["messages"]]
    assert flow["websocket"] == state | {"messages": messages}
    assert flow["metadata"] == {}


def test_conversations_of_captures_and_of_records_stand_in_one_file() -> None:
    talk = Talk().open().upgrade()
    talk.says(True, text(True, "captured"))
    items = list(Capture(io.BytesIO(capture_of(talk.end().segments))).read())
    one, other = har(
        Conversation(items[-1], items[:-1]),  # type: ignore[arg-type]
        conversation(watched()),
    )
    assert [row["data"] for row in one["_webSocketMessages"]] == ["captured"]
    assert len(other["_webSocketMessages"]) == 3


def test_text_that_is_not_utf8_keeps_its_bytes_in_an_archive() -> None:
    talk = Talk().open().upgrade()
    talk.says(True, text(True, b"caf\xe9") + text(True, "café"))
    capture = Capture(
        io.BytesIO(capture_of(talk.end().segments)), strictness=Strictness(utf8=False)
    )
    file = io.BytesIO()
    write_har(capture, file)
    (entry,) = json.loads(file.getvalue())["log"]["entries"]
    wrong, right = entry["_webSocketMessages"]
    assert (wrong["type"], wrong["opcode"], wrong["data"]) == ("send", 1, "caf\ufffd")
    assert wrong["_base64"] == "Y2Fm6Q=="
    assert right["data"] == "café"
    assert "_base64" not in right


def test_conversation_shows_its_connection() -> None:
    shown = repr(conversation(watched()))
    assert shown.startswith("<Conversation 3 messages of <CapturedConnection 0: 127.0.0.1:50000")
    assert len(shown) < 200
