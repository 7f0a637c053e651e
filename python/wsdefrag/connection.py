"""Both directions of a connection, watched from the side.

Each direction has a ``MessageReassembler`` of its own; they share nothing, so that a violation
or a Close in one leaves the other reading. ``websocket`` keeps the books: the messages of both
directions in order of arrival, and how the connection ended.

The first end wins and is never overwritten: a Close frame gives its code, reason and time; an
end of the stream without one gives 1006 (RFC 6455 section 7.1.5), no reason and its time. A
violation is not an end: nobody closed anything.

Follows RFC 6455 sections 7.1.4 to 7.1.6.

Invariant: ``len(websocket.messages) <= retain`` where ``retain`` is a number.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from wsdefrag.data import WebSocketData
from wsdefrag.message import WebSocketMessage
from wsdefrag.opcode import CloseCode
from wsdefrag.reassembler import MessageReassembler

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from wsdefrag.deflate import DeflateParams
    from wsdefrag.events import Event
    from wsdefrag.limits import Limits
    from wsdefrag.strictness import Strictness


class WebSocketConnection:
    r"""Follows both directions of one connection and keeps its messages.

    Args:
        deflate: The agreed permessage-deflate parameters, None if it was not agreed on.
        limits: How much each direction may ask for; None for the defaults of ``Limits``.
        strictness: The rules to insist on; None for all of them.
        utf8: What to do with text that is not UTF-8, as in ``MessageReassembler``.
        retain: Which messages ``websocket.messages`` keeps: ``"all"``, ``"none"``, or the
            newest so many. It has no influence on the events.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``utf8`` or ``retain`` is not one of the values above.

    Attributes:
        websocket: Messages kept and how the connection ended.
        client: The reassembler of what the client sends.
        server: The reassembler of what the server sends.

    Example:
        >>> import wsdefrag
        >>> connection = wsdefrag.WebSocketConnection()
        >>> connection.receive_data(b"\x81\x02hi", from_client=False, timestamp=1.5)
        ['hi']
        >>> connection.receive_eof(from_client=True, timestamp=2.5)
        []
        >>> connection.websocket.messages, connection.websocket.close_code
        (['hi'], 1006)
    """

    __slots__ = ("_retain", "client", "server", "websocket")

    websocket: WebSocketData
    client: MessageReassembler
    server: MessageReassembler

    def __init__(
        self,
        *,
        deflate: DeflateParams | None = None,
        limits: Limits | None = None,
        strictness: Strictness | None = None,
        utf8: Literal["strict", "lax"] = "strict",
        retain: Literal["all", "none"] | int = "all",
    ) -> None:
        """Start at the beginning of a connection; the arguments are those of the class."""
        self._retain = _retained_count(retain)
        self.websocket = WebSocketData()
        self.client, self.server = (
            MessageReassembler(
                from_client=from_client,
                deflate=deflate,
                limits=limits,
                strictness=strictness,
                utf8=utf8,
            )
            for from_client in (True, False)
        )

    def receive_data(
        self, data: Buffer, *, from_client: bool, timestamp: float | None = None
    ) -> list[Event]:
        """Take the next bytes of one direction.

        Args:
            data: Any number of bytes; neither changed nor kept.
            from_client: Whether the client sent them.
            timestamp: When they arrived, in seconds since the epoch; None reads the clock.

        Returns:
            What happened, in order. What is wrong on the wire is a ``ProtocolViolation`` and is
            not raised.

        Raises:
            TypeError: If ``data`` does not offer the buffer protocol.
            ValueError: If this direction has ended by ``receive_eof``.
        """
        direction = self.client if from_client else self.server
        events = direction.receive_events(data, timestamp=timestamp)
        self._note(events, direction, from_client)
        return events

    def receive_eof(self, *, from_client: bool, timestamp: float | None = None) -> list[Event]:
        """Say that one direction has ended.

        Args:
            from_client: Whether it is the one from the client.
            timestamp: When it ended, in seconds since the epoch; None reads the clock.

        Returns:
            An ``Incomplete`` if it ended inside a header, a frame or a message, else nothing;
            nothing either if it was ended before.
        """
        direction = self.client if from_client else self.server
        if timestamp is None:
            timestamp = time.time()
        events = direction.receive_eof_events(timestamp=timestamp)
        self._note(events, direction, from_client)
        if self.websocket.closed_by_client is None:
            self._end(from_client, int(CloseCode.ABNORMAL_CLOSURE), None, timestamp)
        return events

    def _note(self, events: list[Event], direction: MessageReassembler, from_client: bool) -> None:
        """Bring the record up to date with the events of one call."""
        if not events:
            return
        self._keep(events)
        close = direction.close
        if close is not None and self.websocket.closed_by_client is None:
            self._end(from_client, close.close_code, close.close_reason, close.timestamp)

    def _keep(self, events: list[Event]) -> None:
        """Add the messages among the events to those that are kept."""
        if self._retain == 0:
            return
        messages = self.websocket.messages
        messages += [event for event in events if type(event) is WebSocketMessage]
        if self._retain is not None and len(messages) > self._retain:
            del messages[: len(messages) - self._retain]

    def _end(
        self, from_client: bool, close_code: int, close_reason: str | None, timestamp: float
    ) -> None:
        """Note the first end of the connection."""
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
