"""Reads a capture to its end and checks what must be true of any capture.

Every test of the reader goes through `read`, so each of them also tests that accounts balance,
that every connection ends once, and that messages come in their order.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from wsdefrag.capture import Capture, CapturedConnection, CapturedMessage, PacketCounts
from wsdefrag.errors import CaptureError

Row = tuple[bool, str, bytes]
"""Who sent it, its status, its content."""


@dataclass
class Seen:
    """What was read out of a capture, in the order in which it came."""

    counts: PacketCounts
    warnings: list[str]
    messages: list[CapturedMessage] = field(default_factory=list)
    connections: list[CapturedConnection] = field(default_factory=list)
    error: CaptureError | None = None

    @property
    def connection(self) -> CapturedConnection:
        """The only connection."""
        assert len(self.connections) == 1, self.connections
        return self.connections[0]

    def rows(self) -> list[Row]:
        """All messages."""
        return [(one.from_client, one.status, one.content) for one in self.messages]

    def side(self, from_client: bool) -> list[tuple[str, bytes]]:
        """The messages of one side of all connections."""
        return [row[1:] for row in self.rows() if row[0] == from_client]

    def statuses(self) -> list[str]:
        return [one.status for one in self.messages]

    def contents(self) -> list[bytes]:
        return [one.content for one in self.messages]

    def contents_of(self, connection: CapturedConnection, from_client: bool) -> list[bytes]:
        """What one side of a connection sent, as far as it is whole."""
        return [
            one.content
            for one in self.messages
            if one.connection is connection
            and one.from_client == from_client
            and one.status == "ok"
        ]

    def dump(self) -> list[Any]:
        """Everything that was read, as plain values that can be compared."""
        return [
            self.warnings,
            self.counts,
            None if self.error is None else (self.error.record, self.error.offset),
            [message_values(one) for one in self.messages],
            [connection_values(one) for one in self.connections],
        ]


MESSAGE_FIELDS = (
    "seq",
    "from_client",
    "type",
    "content",
    "timestamp_ns",
    "first_timestamp_ns",
    "frames",
    "wire_length",
    "payload_length",
    "compressed",
    "status",
    "missing_bytes",
    "resynced",
    "first_packet",
    "last_packet",
)

CONNECTION_FIELDS = (
    "connection",
    "client_address",
    "server_address",
    "request",
    "response",
    "deflate",
    "accept_key_ok",
    "midstream",
    "opened_ns",
    "last_ns",
    "close",
    "from_client",
    "from_server",
    "ended",
    "problems",
    "original_client_address",
    "original_server_address",
)


def message_values(message: CapturedMessage) -> tuple[Any, ...]:
    values = [getattr(message, name) for name in MESSAGE_FIELDS]
    return (message.connection.connection, *values)


def connection_values(connection: CapturedConnection) -> tuple[Any, ...]:
    return tuple(getattr(connection, name) for name in CONNECTION_FIELDS)


Source = bytes | str | PathLike[str] | io.IOBase


def read(
    source: Any,
    *,
    fails: bool = False,
    ordered: bool = True,
    timed: bool = True,
    **options: Any,
) -> Seen:
    """Read a capture to its end.

    Args:
        source: its bytes, or what `Capture` takes.
        fails: whether it is expected to be corrupt.
        ordered: whether the order of all messages is looked at, besides that of each direction; it
            is that of the packets unless something only became certain later.
        timed: whether times are looked at; those of a damaged file may go back.
        options: those of `Capture`.

    Raises:
        CaptureError: the capture is corrupt, and that was not expected.
    """
    if isinstance(source, bytes):
        source = io.BytesIO(source)
    with Capture(source, **options).read() as reader:
        seen = Seen(reader.counts, [])
        try:
            for item in reader:
                if isinstance(item, CapturedMessage):
                    seen.messages.append(item)
                else:
                    seen.connections.append(item)
        except CaptureError as error:
            if not fails:
                raise
            seen.error = error
        seen.counts = reader.counts
        seen.warnings = list(reader.warnings)
    filtered = bool(set(options) & {"types", "since", "until", "from_client"})
    check(seen, filtered=filtered, timed=timed)
    if ordered:
        order = [message.last_packet for message in seen.messages]
        assert order == sorted(order), "messages come in the order of the packets"
    return seen


def check(seen: Seen, *, filtered: bool = False, timed: bool = True) -> None:
    """Check what must be true of any capture."""
    numbers = [connection.connection for connection in seen.connections]
    assert len(numbers) == len(set(numbers)), "a connection ended twice"
    for connection in seen.connections:
        assert connection.ended is not None
        assert not timed or connection.opened_ns <= connection.last_ns
        for account in (connection.from_client, connection.from_server):
            assert account.is_balanced, account
    ended = {id(connection) for connection in seen.connections}
    following: dict[tuple[int, bool], int] = {}
    last: dict[tuple[int, bool], tuple[int, int]] = {}
    for message in seen.messages:
        assert id(message.connection) in ended, "a message of a connection that never ended"
        assert message.first_packet <= message.last_packet
        assert not timed or message.first_timestamp_ns <= message.timestamp_ns
        assert (message.status == "ok") <= (message.missing_bytes == 0)
        side = (message.connection.connection, message.from_client)
        if not filtered:
            assert message.seq == following.get(side, 0)
        following[side] = message.seq + 1
        completed = (message.last_packet, message.timestamp_ns if timed else 0)
        assert completed >= last.get(side, completed), "a direction is in its order"
        last[side] = completed
    counts = seen.counts
    assert counts.packets == (
        counts.tcp
        + counts.exported
        + counts.other
        + counts.malformed
        + counts.unknown_link
        + counts.unread
        + counts.fragments
    )
