"""The traffic of a capture over time: messages and bytes of each connection, counted in bars.

A message is counted at the time of the packet that completed it. Its bytes are spread evenly from
the packet with its first byte to the packet that completed it.

Times are in nanoseconds since the epoch. Pairs are client and server.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from wsdefrag.capture.connection import CapturedConnection, address_text
from wsdefrag.capture.reader import CapturedEvent
from wsdefrag.formats.conversations import items_of

if TYPE_CHECKING:
    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.reader import CapturedMessage
    from wsdefrag.formats.conversations import Items

SECOND = 1_000_000_000

# Bars in a chart; each is wide enough to be visible.
BARS = 160

# Units of the time axis: name, length in seconds, and the longest span in seconds it is used for.
_UNITS = (("seconds", 1, 300), ("minutes", 60, 4 * 3600), ("hours", 3600, 4 * 86_400))


def _pair() -> tuple[array[int], array[int]]:
    return array("q"), array("q")


@dataclass
class Traffic:
    """The times and lengths of the messages of a connection, or of all connections."""

    opened_ns: int
    last_ns: int
    title: str
    # Each is a pair: client, server. Times in nanoseconds since the epoch, lengths in bytes.
    times: tuple[array[int], array[int]] = field(default_factory=_pair)
    firsts: tuple[array[int], array[int]] = field(default_factory=_pair)
    lengths: tuple[array[int], array[int]] = field(default_factory=_pair)
    broken: tuple[array[int], array[int]] = field(default_factory=_pair)
    gaps: tuple[array[int], array[int]] = field(default_factory=_pair)
    missing: int = 0
    lost: int = 0

    def add(self, message: CapturedMessage) -> None:
        """Count a message."""
        side = 0 if message.from_client else 1
        self.times[side].append(message.timestamp_ns)
        self.firsts[side].append(min(message.first_timestamp_ns, message.timestamp_ns))
        self.lengths[side].append(message.wire_length)
        if message.status != "ok":
            self.broken[side].append(message.timestamp_ns)

    def add_gap(self, event: CapturedEvent) -> None:
        """Count a gap, at the time of the packet after it, or else before it."""
        time = event.first_timestamp_ns if event.timestamp_ns is None else event.timestamp_ns
        if time is not None:
            self.gaps[0 if event.from_client else 1].append(time)

    def end(self, connection: CapturedConnection) -> None:
        """Take what the account of an ended connection says."""
        accounts = (connection.from_client, connection.from_server)
        self.last_ns = connection.last_ns
        self.missing = sum(account.missing for account in accounts)
        self.lost = sum(account.lost for account in accounts)

    @property
    def total(self) -> int:
        """Bytes of all messages on the wire."""
        return sum(map(sum, self.lengths))

    def end_of_all(self) -> int:
        """The last time of anything."""
        return max(self.last_ns, *map(max, filter(None, self.times + self.gaps)))


class Axis(NamedTuple):
    """The time axis of all charts.

    Attributes:
        start: Its first time.
        span: Its length in nanoseconds, at least a millisecond, so that a single message has a bar.
        name: The name of its unit.
        unit: The length of its unit in seconds.
    """

    start: int
    span: int
    name: str
    unit: int

    @classmethod
    def of(cls, shown: list[Traffic]) -> Axis:
        """The axis from the first time to the last one."""
        start = min(one.opened_ns for one in shown)
        span = max(one.end_of_all() for one in shown) - start
        return cls(start, max(span, 1_000_000), *unit_of(span / SECOND))

    @property
    def label(self) -> str:
        """The unit, and since when."""
        begun = datetime.fromtimestamp(self.start // SECOND, timezone.utc)
        rest = self.start % SECOND // 1_000_000
        return f"{self.name} since {begun:%Y-%m-%d %H:%M:%S}.{rest:03} UTC"

    @property
    def end(self) -> float:
        """Its length in its unit."""
        return self.span / SECOND / self.unit

    def at(self, time: int) -> float:
        """The place of a time, in its unit."""
        return (time - self.start) / SECOND / self.unit

    def bar(self, time: int) -> int:
        """The bar that has a time."""
        return min(max((time - self.start) * BARS // self.span, 0), BARS - 1)

    def marks(self, times: tuple[array[int], array[int]]) -> list[float]:
        """The middles of the bars that have these times, in its unit."""
        bars = sorted({self.bar(time) for side in times for time in side})
        return [(bar + 0.5) * self.end / BARS for bar in bars]

    def rates(self, amounts: list[float]) -> list[float]:
        """Amounts of bars as amounts a second."""
        return [amount * BARS * SECOND / self.span for amount in amounts]


def messages_of(one: Traffic, side: int, axis: Axis) -> list[float]:
    """How many messages of a side were completed in each bar."""
    counts = [0.0] * BARS
    for time in one.times[side]:
        counts[axis.bar(time)] += 1
    return counts


def bytes_of(one: Traffic, side: int, axis: Axis) -> list[float]:
    """How many bytes of a side's messages are in each bar."""
    sums = [0.0] * BARS
    for first, last, length in zip(
        one.firsts[side], one.times[side], one.lengths[side], strict=True
    ):
        begin, end = axis.bar(first), axis.bar(last)
        if begin == end:
            sums[begin] += length
            continue
        rate = length / (last - first)
        for bar in range(begin, end + 1):
            # Floats have no room for nanoseconds since the epoch.
            left = max(first - axis.start, bar * axis.span / BARS)
            right = min(last - axis.start, (bar + 1) * axis.span / BARS)
            sums[bar] += rate * (right - left)
    return sums


def heading_of(shown: list[Traffic], connections: int, title: str) -> str:
    """The title of the picture, and how many connections it has."""
    drawn = len(shown) - (connections > 1)
    counted = f"{connections:,} connection{'' if connections == 1 else 's'}"
    what = counted if drawn == connections else f"{drawn:,} of {counted}"
    heading = plain(title, 70)
    if not connections:
        return heading
    return f"{heading}: {what}" if heading else what


def numbers_of(one: Traffic) -> str:
    """The messages of both sides, and what was lost."""
    return f"{len(one.times[0]):,} up, {len(one.times[1]):,} down{lost_text(one)}"


def read_traffic(capture: Capture | Items) -> tuple[list[Traffic], list[str]]:
    """Read the capture; return its connections with messages or gaps, and its files' names."""
    traffic: dict[int, Traffic] = {}
    files: dict[str, None] = {}
    for item in items_of(capture):
        if isinstance(item, CapturedConnection):
            if item.connection in traffic:
                traffic[item.connection].end(item)
            continue
        connection = item.connection
        one = traffic.get(connection.connection)
        if one is None:
            one = Traffic(connection.opened_ns, connection.last_ns, _who(connection))
            traffic[connection.connection] = one
        if item.file is not None:
            files[item.file] = None
        if not isinstance(item, CapturedEvent):
            one.add(item)
        elif item.kind == "gap":
            one.add_gap(item)
    used = [one for one in traffic.values() if one.total or any(one.gaps)]
    return used, list(files)


def busiest(traffic: list[Traffic], most: int) -> list[Traffic]:
    """Return all connections together, if there are several, and those with the most bytes."""
    # The sort is stable: of connections that are as busy, the first one stays first.
    order = sorted(traffic, key=lambda one: -one.total)[:most]
    return order if len(traffic) < 2 else [_together(traffic), *order]


def _together(traffic: list[Traffic]) -> Traffic:
    """Join the traffic of connections."""
    joined = Traffic(
        min(one.opened_ns for one in traffic),
        max(one.last_ns for one in traffic),
        f"all {len(traffic):,} connections",
        missing=sum(one.missing for one in traffic),
        lost=sum(one.lost for one in traffic),
    )
    for one in traffic:
        for name in ("times", "firsts", "lengths", "broken", "gaps"):
            for side in (0, 1):
                getattr(joined, name)[side].extend(getattr(one, name)[side])
    return joined


def file_title(files: list[str]) -> str:
    """The name of the first file, and how many more there are."""
    if not files:
        return ""
    name = PurePath(files[0]).name or files[0]
    more = len(files) - 1
    return f"{name} and {more:,} more" if more else name


def plain(text: str, most: int) -> str:
    """A text in ASCII, which every font has, with at most so many characters."""
    text = text.encode("unicode_escape").decode("ascii")
    return f"{text[: most - 3]}..." if len(text) > most else text


def _who(connection: CapturedConnection) -> str:
    """Host, path and addresses on one line."""
    where = f"{connection.host or ''}{connection.path or ''}" or "(handshake not captured)"
    ends = f"{address_text(connection.client_address)} - {address_text(connection.server_address)}"
    return f"#{connection.connection}  {plain(where, 44)}   {ends}"


def lost_text(one: Traffic) -> str:
    """What was lost, after a semicolon; empty if nothing was."""
    said = ""
    if broken := sum(map(len, one.broken)):
        said += f"; {broken:,} not whole"
    if one.missing:
        said += f"; {one.missing:,} bytes not captured"
    if one.lost:
        said += f"; {one.lost:,} bytes lost"
    return said


def unit_of(span: float) -> tuple[str, int]:
    """Choose the unit of the time axis for a span in seconds: name and length in seconds."""
    for name, length, most in _UNITS:
        if span <= most:
            return name, length
    return "days", 86_400
