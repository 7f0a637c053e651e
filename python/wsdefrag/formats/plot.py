"""Draws the traffic of a capture: messages and bytes over time, for each direction.

The first row has all connections together, if there are several; then each connection has a row,
the busiest first. The left chart shows messages a second, each at the time of the packet that
completed it. The right chart shows bytes on the wire a second; the bytes of a message are spread
evenly from the packet with its first byte to the packet that completed it. Values of the client go
up from the zero line, values of the server go down. The zero line is as long as the connection was
open. A cross on it marks the time of an incomplete or invalid message, a bar the time of a gap; the
title of the row counts what was lost.

Needs matplotlib (the extra ``plot``), which is imported when a function is called. Local settings
of matplotlib are ignored, so the same capture gives the same picture everywhere.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, Literal

from wsdefrag.capture.connection import CapturedConnection, address_text
from wsdefrag.capture.reader import CapturedEvent
from wsdefrag.formats.conversations import items_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.reader import CapturedMessage
    from wsdefrag.formats.conversations import Items

_SECOND = 1_000_000_000

# Bars in a chart; each is wide enough to be visible.
_BINS = 160

_CLIENT, _SERVER, _BROKEN, _GAP = "#2b6cb0", "#dd8a26", "#c53030", "#6b46c1"
_INK, _FAINT = "#2d3748", "#cbd5e0"

# In inches: the width of the picture; the heights of a row and of the margins above and below.
_WIDTH, _ROW, _TOP, _BOTTOM = 12.0, 1.75, 1.1, 0.5

_SETTINGS: Any = {
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": _INK,
    "font.size": 9,
    # Makes the ids in an SVG constant; without it they are random.
    "svg.hashsalt": "wsdefrag",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}

# Units of the time axis: name, length in seconds, and the longest span in seconds it is used for.
_UNITS = (("seconds", 1, 300), ("minutes", 60, 4 * 3600), ("hours", 3600, 4 * 86_400))


def _pair() -> tuple[array[int], array[int]]:
    return array("q"), array("q")


@dataclass
class _Traffic:
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


def write_plot(
    capture: Capture | Items,
    file: IO[bytes],
    *,
    format: Literal["png", "svg"] = "png",
    connections: int = 6,
    title: str | None = None,
) -> int:
    """Draw the traffic of a capture.

    Args:
        capture: A capture, or the items that its reader yields. Contents are not used.
        file: A binary file, open for writing.
        format: The format of the picture.
        connections: How many connections to draw at most, the busiest first.
        title: The name of the capture in the picture; None for the name of its file.

    Returns:
        How many connections were drawn. If there are no messages, the picture says so.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
        ValueError: If ``connections`` is less than 1.
        CaptureError: If the capture is damaged; nothing is drawn.
        OSError: If the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if connections < 1:
        raise ValueError(f"connections must be at least 1, not {connections}")
    traffic, files = _traffic(capture)
    shown = _busiest(traffic, connections)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        name = _file_title(files) if title is None else title
        figure = _figure(shown, len(traffic), name)
        FigureCanvasAgg(figure)
        # Date and version would make the same capture give different files.
        metadata = {"Software": None} if format == "png" else {"Date": None, "Creator": None}
        figure.savefig(file, format=format, dpi=120, metadata=metadata)
    return min(len(traffic), connections)


def _traffic(capture: Capture | Items) -> tuple[list[_Traffic], list[str]]:
    """Read the capture; return its connections with messages or gaps, and its files' names."""
    traffic: dict[int, _Traffic] = {}
    files: dict[str, None] = {}
    for item in items_of(capture):
        if isinstance(item, CapturedConnection):
            if item.connection in traffic:
                traffic[item.connection].end(item)
            continue
        connection = item.connection
        one = traffic.get(connection.connection)
        if one is None:
            one = _Traffic(connection.opened_ns, connection.last_ns, _who(connection))
            traffic[connection.connection] = one
        if item.file is not None:
            files[item.file] = None
        if not isinstance(item, CapturedEvent):
            one.add(item)
        elif item.kind == "gap":
            one.add_gap(item)
    used = [one for one in traffic.values() if one.total or any(one.gaps)]
    return used, list(files)


def _busiest(traffic: list[_Traffic], most: int) -> list[_Traffic]:
    """Return all connections together, if there are several, and those with the most bytes."""
    # The sort is stable: of connections that are as busy, the first one stays first.
    order = sorted(traffic, key=lambda one: -one.total)[:most]
    return order if len(traffic) < 2 else [_together(traffic), *order]


def _together(traffic: list[_Traffic]) -> _Traffic:
    """Join the traffic of connections."""
    joined = _Traffic(
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


def _file_title(files: list[str]) -> str:
    """The name of the first file, and how many more there are."""
    if not files:
        return ""
    name = PurePath(files[0]).name or files[0]
    more = len(files) - 1
    return f"{name} and {more:,} more" if more else name


def _figure(shown: list[_Traffic], connections: int, title: str) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = max(len(shown), 1)
    height = _TOP + _ROW * rows + _BOTTOM
    figure = Figure(figsize=(_WIDTH, height))
    grid = figure.subplots(rows, 2, sharex=True, squeeze=False)
    figure.subplots_adjust(
        left=0.07,
        right=0.985,
        top=1 - _TOP / height,
        bottom=_BOTTOM / height,
        hspace=0.6,
        wspace=0.13,
    )
    drawn = len(shown) - (connections > 1)
    counted = f"{connections:,} connection{'' if connections == 1 else 's'}"
    what = counted if drawn == connections else f"{drawn:,} of {counted}"
    heading = _plain(title, 70)
    if connections:
        heading = f"{heading}: {what}" if heading else what
    figure.text(0.015, 1 - 0.18 / height, heading, va="center", fontsize=11, parse_math=False)
    if not shown:
        for axes in grid[0]:
            axes.set_axis_off()
        figure.text(0.5, 0.5, "no messages", ha="center", va="center", fontsize=12)
        return figure
    start = min(one.opened_ns for one in shown)
    ends = [max(one.last_ns, *map(max, filter(None, one.times + one.gaps))) for one in shown]
    end = max(ends)
    name, unit = _unit((end - start) / _SECOND)
    for one, (left, right) in zip(shown, grid, strict=True):
        _draw(one, left, right, start=start, end=end, unit=unit)
    begun = datetime.fromtimestamp(start // _SECOND, timezone.utc)
    since = f"{begun:%Y-%m-%d %H:%M:%S}.{start % _SECOND // 1_000_000:03} UTC"
    for axes in grid[-1]:
        axes.set_xlabel(f"{name} since {since}")
    line = 1 - 0.6 / height
    for axes, what in zip(
        grid[0], ("messages a second", "bytes on the wire a second"), strict=True
    ):
        box = axes.get_position()
        figure.text(box.x0, line, what, va="center", fontsize=11, fontweight="bold")
    figure.legend(
        handles=[
            Patch(color=_CLIENT, label="from the client (up)"),
            Patch(color=_SERVER, label="from the server (down)"),
            Line2D([], [], color=_BROKEN, marker="X", ls="", label="message not whole"),
            Line2D([], [], color=_GAP, marker="|", mew=1.6, ls="", label="gap"),
        ],
        loc="center right",
        bbox_to_anchor=(0.993, 1 - 0.18 / height),
        ncols=4,
        frameon=False,
    )
    return figure


def _draw(one: _Traffic, left: Axes, right: Axes, *, start: int, end: int, unit: int) -> None:
    """Draw the two charts of a row."""
    import numpy as np
    from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

    # At least one millisecond, so that a single message has a bar.
    span = max(end - start, 1_000_000) / _SECOND
    edges = np.linspace(0.0, span, _BINS + 1)
    opened = (one.opened_ns - start) / _SECOND / unit
    last = (max(one.last_ns, one.opened_ns) - start) / _SECOND / unit
    engineering = EngFormatter(sep=" ")
    for axes, of_side in ((left, _messages_of), (right, _bytes_of)):
        for side, (sign, colour) in enumerate(((1, _CLIENT), (-1, _SERVER))):
            rates = sign * of_side(one, side, start, edges) * _BINS / span
            axes.stairs(rates, edges / unit, fill=True, color=colour, alpha=0.9)
        axes.plot([opened, last], [0, 0], color=_INK, lw=1.2, solid_capstyle="butt")
        looks: tuple[tuple[tuple[array[int], ...], str, dict[str, Any]], ...] = (
            (one.gaps, "|", {"color": _GAP, "ms": 11, "mew": 1.6}),
            (one.broken, "X", {"color": _BROKEN, "ms": 6, "mec": "white", "mew": 0.6}),
        )
        for times, marker, look in looks:
            bars = np.unique(_bars_of(times, start, edges))
            middles = (edges[bars] + edges[1] / 2) / unit
            axes.plot(middles, np.zeros_like(middles), marker, **look)
        axes.set_xlim(0, span / unit)
        axes.xaxis.set_major_locator(MaxNLocator(8, min_n_ticks=4))
        axes.yaxis.set_major_locator(MaxNLocator(5, min_n_ticks=4))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: engineering(abs(rate))))
        axes.grid(axis="y", color=_FAINT, lw=0.5, alpha=0.6)
        axes.set_axisbelow(True)
        axes.margins(y=0.12)
    left.set_title(one.title, loc="left", fontsize=9, parse_math=False)
    lost = _lost(one)
    right.set_title(
        f"{len(one.times[0]):,} up, {len(one.times[1]):,} down{lost}",
        loc="right",
        fontsize=9,
        color=_BROKEN if lost else _INK,
    )


def _messages_of(one: _Traffic, side: int, start: int, edges: Any) -> Any:  # noqa: ANN401  (arrays)
    """How many messages of a side were completed in each bar."""
    import numpy as np

    seconds = (np.asarray(one.times[side], dtype=np.int64) - start) / _SECOND
    return np.histogram(seconds, bins=edges)[0]


def _bytes_of(one: _Traffic, side: int, start: int, edges: Any) -> Any:  # noqa: ANN401  (arrays)
    """How many bytes of a side's messages are in each bar."""
    import numpy as np

    lengths = np.asarray(one.lengths[side], dtype=np.float64)
    last, first = (
        _bars_of((one.times[side],), start, edges),
        _bars_of((one.firsts[side],), start, edges),
    )
    ends = (np.asarray(one.times[side], dtype=np.int64) - start) / _SECOND
    begins = (np.asarray(one.firsts[side], dtype=np.int64) - start) / _SECOND
    inside = first == last
    sums = np.bincount(last[inside], lengths[inside], minlength=_BINS)
    # A message that crosses bars adds a rate at its first byte and takes it away at its last one.
    # What has come until an edge is the sum over the messages of rate times time, so the
    # differences between edges are the bytes of the bars.
    begins, ends, lengths = begins[~inside], ends[~inside], lengths[~inside]
    if len(lengths):
        rates = lengths / (ends - begins)
        moments = np.concatenate([begins, ends])
        order = np.argsort(moments, kind="stable")
        moments = moments[order]
        steps = np.concatenate([rates, -rates])[order]
        # Before an edge: the sum of steps times (edge - moment), for the moments before it.
        slopes = np.concatenate([[0.0], np.cumsum(steps)])
        offsets = np.concatenate([[0.0], np.cumsum(steps * moments)])
        passed = np.searchsorted(moments, edges, side="right")
        come = slopes[passed] * edges - offsets[passed]
        sums = sums + np.diff(come)
    return sums


def _bars_of(times: tuple[array[int], ...], start: int, edges: Any) -> Any:  # noqa: ANN401  (arrays)
    """The bars that contain these times."""
    import numpy as np

    joined = np.concatenate([np.asarray(part, dtype=np.int64) for part in times])
    bars = np.searchsorted(edges, (joined - start) / _SECOND, side="right") - 1
    return np.clip(bars, 0, _BINS - 1)


def _plain(text: str, most: int) -> str:
    """A text in ASCII, which every font has, with at most so many characters."""
    text = text.encode("unicode_escape").decode("ascii")
    return f"{text[: most - 3]}..." if len(text) > most else text


def _who(connection: CapturedConnection) -> str:
    """Host, path and addresses on one line."""
    where = f"{connection.host or ''}{connection.path or ''}" or "(handshake not captured)"
    ends = f"{address_text(connection.client_address)} - {address_text(connection.server_address)}"
    return f"#{connection.connection}  {_plain(where, 44)}   {ends}"


def _lost(one: _Traffic) -> str:
    said = ""
    if broken := sum(map(len, one.broken)):
        said += f"; {broken:,} not whole"
    if one.missing:
        said += f"; {one.missing:,} bytes not captured"
    if one.lost:
        said += f"; {one.lost:,} bytes lost"
    return said


def _unit(span: float) -> tuple[str, int]:
    """Choose the unit of the time axis for a span in seconds: name and length in seconds."""
    for name, length, most in _UNITS:
        if span <= most:
            return name, length
    return "days", 86_400
