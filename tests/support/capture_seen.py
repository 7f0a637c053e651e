"""Reads a capture to its end and checks what must be true of any capture.

Every test of the reader goes through `read`, so each of them also tests that accounts balance,
that every connection ends once, that messages come in their order, and that events stand in their
places and agree with the accounts.
"""

from __future__ import annotations

import io
from bisect import bisect_left
from dataclasses import dataclass, field
from operator import attrgetter, le
from os import PathLike
from typing import Any

from capture_values import connection_values, event_values, message_values
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
    sides = by_side(seen)
    for side in sides.values():
        check_side(side, filtered=filtered, timed=timed)
    if not filtered:
        check_events(seen, sides)
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


@dataclass
class Side:
    """The messages of one side of a connection, in order: what is checked of them, by columns."""

    indexes: list[int]
    """Of each message, how many messages of the capture came before it."""
    seq: list[int]
    first_packet: list[int]
    last_packet: list[int]
    first_time: list[int]
    time: list[int]
    status: list[str]
    missing_bytes: list[int]


_CONNECTION = attrgetter("connection")
_FROM_CLIENT = attrgetter("from_client")
_CHECKED = attrgetter(
    "seq",
    "first_packet",
    "last_packet",
    "first_timestamp_ns",
    "timestamp_ns",
    "status",
    "missing_bytes",
)


def by_side(seen: Seen) -> dict[tuple[int, bool], Side]:
    """The messages by the number of their connection and by who sent them."""
    numbers = {id(connection): connection.connection for connection in seen.connections}
    messages = seen.messages
    places: dict[tuple[int, bool], list[int]] = {}
    found = zip(map(id, map(_CONNECTION, messages)), map(_FROM_CLIENT, messages), strict=True)
    for index, side in enumerate(found):
        places.setdefault(side, []).append(index)
    sides = {}
    for (connection, from_client), indexes in places.items():
        assert connection in numbers, "a message of a connection that never ended"
        columns = zip(*(_CHECKED(messages[index]) for index in indexes), strict=True)
        sides[numbers[connection], from_client] = Side(indexes, *map(list, columns))
    return sides


def check_side(side: Side, *, filtered: bool, timed: bool) -> None:
    """Check the order of the messages of a side, and each message by itself.

    Whole columns are compared: captures by the ten thousand go through here.
    """
    assert all(map(le, side.first_packet, side.last_packet))
    assert not timed or all(map(le, side.first_time, side.time))
    if any(side.missing_bytes):
        missing = zip(side.status, side.missing_bytes, strict=True)
        assert all(status != "ok" or count == 0 for status, count in missing)
    assert filtered or side.seq == list(range(len(side.seq)))
    completed = list(zip(side.last_packet, side.time, strict=True)) if timed else side.last_packet
    assert completed == sorted(completed), "a direction is in its order"


# A connection that was captured from the middle on remembers so many gaps before its first frame.
_EARLY_GAPS = 64


def check_events(seen: Seen, sides: dict[tuple[int, bool], Side]) -> None:
    """Check that every event is in its place, and agrees with the account of its direction."""
    of: dict[tuple[int, bool], list[CapturedEvent]] = {}
    for event, place in zip(seen.events, seen.places, strict=True):
        direction = (event.connection.connection, event.from_client)
        side = sides.get(direction)
        before = 0 if side is None else bisect_left(side.indexes, place)
        following = 0 if side is None or before == 0 else side.seq[before - 1] + 1
        assert event.seq == following, "an event stands in its place"
        of.setdefault(direction, []).append(event)
        assert event.event == len(of[direction]) - 1, "the events of a direction are numbered"
        assert event.uid == event.connection.uid
    for connection in seen.connections:
        for from_client in (False, True):
            account = connection.from_client if from_client else connection.from_server
            check_direction(of.pop((connection.connection, from_client), []), account)
    assert not of, "an event of a connection that never ended"


KINDS = ("ping", "pong", "close", "gap", "violation")


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
