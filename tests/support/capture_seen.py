"""Reads a capture to its end and checks what must be true of any capture.

Every test of the reader goes through `read`, so each of them also tests that accounts balance,
that every connection ends once, that messages come in their order, and that events stand in their
places and agree with the accounts.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from itertools import islice
from os import PathLike
from typing import Any

from wsdefrag.capture import (
    Account,
    Capture,
    CapturedConnection,
    CapturedEvent,
    CapturedMessage,
    PacketCounts,
)
from wsdefrag.errors import CaptureError

Row = tuple[bool, str, bytes]
"""Who sent it, its status, its content."""


@dataclass
class Seen:
    """The results of reading a capture, in order."""

    counts: PacketCounts
    warnings: list[str]
    messages: list[CapturedMessage] = field(default_factory=list)
    connections: list[CapturedConnection] = field(default_factory=list)
    events: list[CapturedEvent] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """For each event, how many messages came before it."""
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
        """The complete messages of one side of a connection."""
        return [
            one.content
            for one in self.messages
            if one.connection is connection
            and one.from_client == from_client
            and one.status == "ok"
        ]

    def dump(self) -> list[Any]:
        """All results, as plain values that can be compared."""
        return [
            self.warnings,
            self.counts,
            None if self.error is None else (self.error.record, self.error.offset),
            [message_values(one) for one in self.messages],
            [connection_values(one) for one in self.connections],
            [event_values(one) for one in self.events],
            self.places,
        ]


MESSAGE_FIELDS = (
    "seq",
    "from_client",
    "type",
    "content",
    "timestamp_ns",
    "first_timestamp_ns",
    "dropped",
    "injected",
    "frames",
    "wire_length",
    "payload_length",
    "compressed",
    "status",
    "missing_bytes",
    "resynced",
    "unauthenticated",
    "first_packet",
    "last_packet",
)

EVENT_FIELDS = (
    "from_client",
    "event",
    "seq",
    "kind",
    "offset",
    "length",
    "missing_bytes",
    "timestamp_ns",
    "first_timestamp_ns",
    "resynced",
    "first_packet",
    "last_packet",
    "payload",
    "close_code",
    "close_reason",
    "effect",
    "incomplete",
    "undecodable",
    "lost",
    "rule",
    "error",
)

KINDS = ("ping", "pong", "close", "gap", "violation")

CONNECTION_FIELDS = (
    "connection",
    "uid",
    "client_address",
    "server_address",
    "request",
    "response",
    "deflate",
    "accept_key_ok",
    "midstream",
    "opened_ns",
    "started_ns",
    "last_ns",
    "first_packet",
    "last_packet",
    "close",
    "from_client",
    "from_server",
    "ended",
    "problems",
    "original_client_address",
    "original_server_address",
    "encapsulation",
    "stream_id",
    "http_version",
)


def message_values(message: CapturedMessage) -> tuple[Any, ...]:
    values = [getattr(message, name) for name in MESSAGE_FIELDS]
    return (message.connection.connection, *values)


def connection_values(connection: CapturedConnection) -> tuple[Any, ...]:
    return tuple(getattr(connection, name) for name in CONNECTION_FIELDS)


def event_values(event: CapturedEvent) -> tuple[Any, ...]:
    values = [getattr(event, name) for name in EVENT_FIELDS]
    return (event.connection.connection, *values)


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
                elif isinstance(item, CapturedEvent):
                    seen.events.append(item)
                    seen.places.append(len(seen.messages))
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
    if not filtered:
        check_events(seen)
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


# A connection that was captured from the middle on remembers so many gaps before its first frame.
_EARLY_GAPS = 64


def check_events(seen: Seen) -> None:
    """Check that every event is in its place, and agrees with the account of its direction."""
    following: dict[tuple[int, bool], int] = {}
    of: dict[tuple[int, bool], list[CapturedEvent]] = {}
    messages = iter(seen.messages)
    passed = 0
    for event, place in zip(seen.events, seen.places, strict=True):
        for message in islice(messages, place - passed):
            following[message.connection.connection, message.from_client] = message.seq + 1
        passed = place
        direction = (event.connection.connection, event.from_client)
        assert event.seq == following.get(direction, 0), "an event stands in its place"
        of.setdefault(direction, []).append(event)
        assert event.event == len(of[direction]) - 1, "the events of a direction are numbered"
        assert event.uid == event.connection.uid
    for connection in seen.connections:
        for from_client in (False, True):
            account = connection.from_client if from_client else connection.from_server
            check_direction(of.pop((connection.connection, from_client), []), account)
    assert not of, "an event of a connection that never ended"


def check_direction(events: list[CapturedEvent], account: Account) -> None:
    """Compare the events of a direction with its account."""
    kinds = {kind: [event for event in events if event.kind == kind] for kind in KINDS}
    assert sum(map(len, kinds.values())) == len(events)
    gaps = kinds["gap"]
    if len(gaps) < _EARLY_GAPS:
        assert len(gaps) == account.gaps
        assert sum(gap.length for gap in gaps) == account.missing + account.late
    for gap in gaps:
        assert gap.lost is not None, "the cost is certain"
        assert gap.undecodable is not None
        # A length of 0 is one that is not known: bytes inside TLS.
        assert gap.length == gap.missing_bytes >= 0
        # A search after a gap of unknown length may find a frame at once.
        costs = gap.effect in ("search", "end")
        assert (gap.lost > 0) == costs or (costs and gap.length == 0), gap
    assert [event.error for event in kinds["violation"]] == (
        [] if account.violation is None else [account.violation]
    )
    whole = [event for kind in ("ping", "pong") for event in kinds[kind] if not event.missing_bytes]
    assert len(whole) == account.pings
    statuses: dict[str, int] = {}
    for (_, status), (messages, _) in account.counts.items():
        statuses[status] = statuses.get(status, 0) + messages
    assert sum(statuses.values()) == account.messages
    assert sum(size for _, size in account.counts.values()) == account.content
    assert sum(gap.incomplete or 0 for gap in gaps) <= statuses.get("incomplete", 0)
    assert sum(gap.undecodable or 0 for gap in gaps) <= statuses.get("undecodable", 0)
    assert sum(gap.lost or 0 for gap in gaps) <= account.lost
