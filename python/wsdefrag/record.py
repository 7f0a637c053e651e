"""``Record``: keeps the messages of a connection and how it ended.

The end is set once and never changed. A Close frame sets code, reason and time. The end of a stream
without a Close frame sets code 1006 (RFC 6455 section 7.1.5), the time, and no reason. A violation
sets nothing, because it does not close the connection.

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
    """Updates a ``WebSocketData`` with the events of a connection.

    Args:
        retain: How many messages to keep, the newest ones; None keeps all, 0 none.

    Raises:
        TypeError: If ``retain`` is neither None nor an int.
        ValueError: If ``retain`` is negative.

    Attributes:
        websocket: The kept messages, and how the connection ended.
    """

    __slots__ = ("_retain", "websocket")

    websocket: WebSocketData

    def __init__(self, retain: int | None) -> None:
        """Start with no messages."""
        self._retain = require_retain(retain)
        self.websocket = WebSocketData()

    @property
    def keeps(self) -> bool:
        """Whether messages are kept."""
        return self._retain != 0

    def note(self, events: Sequence[Event]) -> None:
        """Add events of one direction, at least one."""
        # Only an ``Incomplete`` can come after a Close, so no Close comes before a message.
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
        """Add the end of a direction.

        Args:
            events: The events of the end, may be empty.
            from_client: True for the direction from the client.
            timestamp: When it ended, in seconds since the epoch.
        """
        if events:
            self.note(events)
        self._end(from_client, int(CloseCode.ABNORMAL_CLOSURE), None, timestamp)

    def _end(
        self, from_client: bool, close_code: int, close_reason: str | None, timestamp: float
    ) -> None:
        """Set the end of the connection, if it is not set."""
        if self.websocket.closed_by_client is not None:
            return
        self.websocket.closed_by_client = from_client
        self.websocket.close_code = close_code
        self.websocket.close_reason = close_reason
        self.websocket.timestamp_end = timestamp
