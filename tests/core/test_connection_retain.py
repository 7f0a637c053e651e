"""WebSocketConnection's ``retain``: how many messages the record keeps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_writer import BINARY, KEY, TEXT, close_frame, frame
from wsdefrag import WebSocketConnection


def contents(connection: WebSocketConnection) -> list[bytes]:
    return [message.content for message in connection.websocket.messages]


@pytest.mark.parametrize(
    ("retain", "kept"),
    [
        (None, [b"0", b"1", b"2", b"3", b"4"]),
        (0, []),
        (1, [b"4"]),
        (3, [b"2", b"3", b"4"]),
        (5, [b"0", b"1", b"2", b"3", b"4"]),
        (100, [b"0", b"1", b"2", b"3", b"4"]),
    ],
)
@pytest.mark.parametrize("one_chunk", [True, False])
def test_retain_keeps_the_newest(retain: int | None, kept: list[bytes], one_chunk: bool) -> None:
    connection = WebSocketConnection(retain=retain)
    frames = [frame(TEXT, b"%d" % number) for number in range(5)]
    chunks = [b"".join(frames)] if one_chunk else frames
    events = [
        event for chunk in chunks for event in connection.receive_data(chunk, from_client=False)
    ]
    assert len(events) == 5
    assert contents(connection) == kept


@pytest.mark.parametrize("retain", [0, 1])
def test_retain_does_not_touch_the_close(retain: int) -> None:
    connection = WebSocketConnection(retain=retain)
    wire = frame(TEXT, b"welcome") + close_frame(1001, b"bye")
    connection.receive_data(wire, from_client=False, timestamp=1.5)
    assert connection.websocket.close_code == 1001
    assert connection.websocket.close_reason == "bye"


@pytest.mark.parametrize(
    ("retain", "error"),
    [
        ("all", TypeError),
        ("none", TypeError),
        ("", TypeError),
        (True, TypeError),
        (1.5, TypeError),
        (-1, ValueError),
    ],
)
def test_retain_that_is_no_count_is_refused(retain: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="retain"):
        WebSocketConnection(retain=retain)


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=20)), max_size=12), st.integers(0, 14))
def test_every_message_is_kept_once_and_in_order(
    sent: list[tuple[bool, bytes]], retain: int
) -> None:
    everything, bounded = WebSocketConnection(), WebSocketConnection(retain=retain)
    for from_client, content in sent:
        wire = frame(BINARY, content, key=KEY if from_client else None)
        for connection in (everything, bounded):
            connection.receive_data(wire, from_client=from_client)
    kept = [(message.from_client, message.content) for message in everything.websocket.messages]
    assert kept == sent
    assert contents(bounded) == [content for _, content in sent][max(0, len(sent) - retain) :]
