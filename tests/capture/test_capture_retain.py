"""How many messages the connections of a capture keep."""

from __future__ import annotations

import io

import pytest

from capture_conversation import Conversation, capture_of, text
from capture_passes import Pieces
from wsdefrag.capture import Capture, CapturedConnection
from wsdefrag.capture.capture import _keep


@pytest.mark.parametrize("retain", [*range(9), 20, None])
def test_retain_keeps_the_newest(retain: int | None) -> None:
    talk = Conversation().open().upgrade()
    for number in range(7):
        talk.says(number % 2 == 0, text(number % 2 == 0, str(number)))
    capture = Capture(io.BytesIO(capture_of(talk.end().segments)))
    (connection,) = capture.connections(retain=retain)
    kept = 7 if retain is None else retain
    contents = [message.content for message in connection.websocket.messages]
    assert contents == [b"%d" % number for number in range(7)][max(7 - kept, 0) :]


def test_retain_holds_twice_as_many_at_most() -> None:
    talk = Conversation().open().upgrade()
    for number in range(50):
        talk.says(False, text(False, str(number)))
    connections = Capture(Pieces(capture_of(talk.segments), 200)).connections(retain=8)
    held: list[int] = []

    def keep(connection: CapturedConnection, most: int | None) -> None:
        held.append(len(connection.websocket.messages))
        _keep(connection, most)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wsdefrag.capture.capture._keep", keep)
        (connection,) = connections
    # It is called at 17 messages, 8 of which stay, and at the end.
    assert held == [17, 17, 17, 17, 14]
    assert len(connection.websocket.messages) == 8
