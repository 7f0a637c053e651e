"""The record of a connection: its messages, and how it ended.

The first end wins and is never overwritten: a Close frame gives its code, reason and time; an
end of the stream without one gives 1006 (RFC 6455 section 7.1.5), no reason and its time. A
violation is not an end: nobody closed anything.

Invariant: ``len(websocket.messages) <= retain`` where ``retain`` is a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsdefrag._arguments import require_retain
from wsdefrag.data import WebSocketData
from wsdefrag.events import Close
from wsdefrag.message import WebSocketMessage
from wsdefrag.opcode import CloseCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsdefrag.events import Event


class Record:
    """Keeps a ``WebSocketData`` up to date.

    Args:
        retain: How many messages to keep, the newest ones; None keeps all, 0 none.

    Raises:
        TypeError: If ``retain`` is neither None nor an int.
        ValueError: If it is negative.

    Attributes:
        websocket: The messages that were kept, and the end.
    """

    __slots__ = ("_retain", "websocket")

    websocket: WebSocketData

    def __init__(self, retain: int | None) -> None:
        """Start without anything."""
        self._retain = require_retain(retain)
        self.websocket = WebSocketData()

    @property
    def keeps(self) -> bool:
        """Whether any messages are kept."""
        return self._retain != 0

    def note(self, events: Sequence[Event]) -> None:
        """Note what happened in one direction, at least one thing."""
        # Nothing but an ``Incomplete`` comes after a Close, so it is not among many messages.
        if type(events[-1]) is not WebSocketMessage:
            for event in events:
                if type(event) is Close:
                    self._end(
                        event.from_client, event.close_code, event.close_reason, event.timestamp
                    )
        if self._retain == 0:
            return
        messages = self.websocket.messages
        messages += [event for event in events if isinstance(event, WebSocketMessage)]
        if self._retain is not None and len(messages) > self._retain:
            del messages[: len(messages) - self._retain]

    def note_eof(self, events: Sequence[Event], from_client: bool, timestamp: float) -> None:
        """Note that a direction has ended: what that left, and the end if there was none before.

        Args:
            events: What the end of the direction left, if anything.
            from_client: Whether it is the direction from the client.
            timestamp: When it ended, in seconds since the epoch.
        """
        if events:
            self.note(events)
        self._end(from_client, int(CloseCode.ABNORMAL_CLOSURE), None, timestamp)

    def _end(
        self, from_client: bool, close_code: int, close_reason: str | None, timestamp: float
    ) -> None:
        """Note the first end of the connection."""
        if self.websocket.closed_by_client is not None:
            return
        self.websocket.closed_by_client = from_client
        self.websocket.close_code = close_code
        self.websocket.close_reason = close_reason
        self.websocket.timestamp_end = timestamp
