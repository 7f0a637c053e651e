"""Both directions of a connection, watched from the side.

Each direction has a ``MessageReassembler`` of its own; they share nothing, so that a violation
or a Close in one leaves the other reading. ``websocket`` keeps the books: the messages of both
directions in order of arrival, and how the connection ended.

Follows RFC 6455 sections 7.1.4 to 7.1.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wsdefrag.reassembler import MessageReassembler
from wsdefrag.record import Record

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from wsdefrag.data import WebSocketData
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

    __slots__ = ("_record", "client", "server", "websocket")

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
        self._record = Record(retain)
        self.websocket = self._record.websocket
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
        if events:
            self._record.note(events)
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
        return self._record.receive_eof(direction, from_client, timestamp)
