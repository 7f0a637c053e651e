"""The books of a connection: its messages, and how it ended.

The first end wins and is never overwritten: a Close frame gives its code, reason and time; an
end of the stream without one gives 1006 (RFC 6455 section 7.1.5), no reason and its time. A
violation is not an end: nobody closed anything.

Invariant: ``len(websocket.messages) <= retain`` where ``retain`` is a number.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, Protocol

from wsdefrag.data import WebSocketData
from wsdefrag.events import Close
from wsdefrag.message import WebSocketMessage
from wsdefrag.opcode import CloseCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsdefrag.events import Event


class _Direction(Protocol):
    """What can be ended."""

    def receive_eof_events(self, *, timestamp: float | None = None) -> list[Event]:
        """End it; what that left incomplete."""


class Record:
    """Keeps a ``WebSocketData`` up to date.

    Args:
        retain: Which messages to keep: ``"all"``, ``"none"``, or the newest so many.

    Raises:
        ValueError: If ``retain`` is not one of these.

    Attributes:
        websocket: The books.
    """

    __slots__ = ("_retain", "websocket")

    websocket: WebSocketData

    def __init__(self, retain: Literal["all", "none"] | int) -> None:
        """Start without anything."""
        self._retain = _retained_count(retain)
        self.websocket = WebSocketData()

    @property
    def keeps(self) -> bool:
        """Whether any messages are kept."""
        return self._retain != 0

    def note(self, events: Sequence[Event]) -> None:
        """Note what happened in one direction, at least one thing."""
        # Nothing but an ``Incomplete`` comes behind a Close, so it is not among many messages.
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

    def receive_eof(
        self,
        direction: _Direction,
        from_client: bool,
        timestamp: float | None,
    ) -> list[Event]:
        """End a direction and note it: what happened, and the end if there was none before.

        Args:
            direction: The direction.
            from_client: Whether it is the one from the client.
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            What ``receive_eof_events`` gives.
        """
        if timestamp is None:
            timestamp = time.time()
        events = direction.receive_eof_events(timestamp=timestamp)
        if events:
            self.note(events)
        self._end(from_client, int(CloseCode.ABNORMAL_CLOSURE), None, timestamp)
        return events

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


def _retained_count(retain: object) -> int | None:
    """Give the number of messages to keep, None for all of them."""
    if retain == "all":
        return None
    if retain == "none":
        return 0
    # True is an int to isinstance, yet nobody means one message by it.
    if isinstance(retain, int) and not isinstance(retain, bool) and retain >= 0:
        return retain
    raise ValueError(f'retain must be "all", "none" or a count from 0, not {retain!r}')
