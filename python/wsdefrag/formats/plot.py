"""Draws the traffic of a capture: messages and bytes over time, for each direction.

Each connection has a row, the busiest first. The left chart shows messages a second, the right one
bytes on the wire a second; values of the client go up from the zero line, values of the server go
down. The zero line is as long as the connection was open. A cross on it marks the time of an
incomplete or invalid message; the title of the row counts what else was lost.

Needs matplotlib (the extra ``plot``), which is imported when a function is called. Local settings
of matplotlib are ignored, so the same capture gives the same picture everywhere.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import IO, TYPE_CHECKING, Any, Literal

from wsdefrag.capture.connection import CapturedConnection, address_text
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

_CLIENT, _SERVER, _BROKEN = "#2b6cb0", "#dd8a26", "#c53030"
_INK, _FAINT = "#2d3748", "#cbd5e0"

# In inches: the width of the picture; the heights of a row and of the margins above and below.
_WIDTH, _ROW, _TOP, _BOTTOM = 12.0, 1.75, 0.95, 0.5

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


@dataclass
class _Traffic:
    """The times and lengths of the messages of a connection."""

    connection: CapturedConnection
    # Each is a pair: client, server. Times in nanoseconds since the epoch, lengths in bytes.
    times: tuple[array[int], array[int]] = field(default_factory=lambda: (array("q"), array("q")))
    lengths: tuple[array[int], array[int]] = field(default_factory=lambda: (array("q"), array("q")))
    broken: tuple[array[int], array[int]] = field(default_factory=lambda: (array("q"), array("q")))

    def add(self, message: CapturedMessage) -> None:
        """Count a message."""
        side = 0 if message.from_client else 1
        self.times[side].append(message.timestamp_ns)
        self.lengths[side].append(message.wire_length)
        if message.status != "ok":
            self.broken[side].append(message.timestamp_ns)

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
) -> int:
    """Draw the traffic of a capture.

    Args:
        capture: A capture, or the messages and connections that its reader yields. Contents are not
            used.
        file: A binary file, open for writing.
        format: The format of the picture.
        connections: How many connections to draw at most, the busiest first.

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
    shown = _busiest(capture, connections)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        figure = _figure(shown)
        FigureCanvasAgg(figure)
        # Date and version would make the same capture give different files.
        metadata = {"Software": None} if format == "png" else {"Date": None, "Creator": None}
        figure.savefig(file, format=format, dpi=120, metadata=metadata)
    return len(shown)


def _busiest(capture: Capture | Items, most: int) -> list[_Traffic]:
    """Read the capture and return the connections with the most bytes."""
    traffic: dict[int, _Traffic] = {}
    for item in items_of(capture):
        if not isinstance(item, CapturedConnection):
            one = traffic.get(item.connection.connection)
            if one is None:
                one = traffic[item.connection.connection] = _Traffic(item.connection)
            one.add(item)
    order = sorted(traffic.values(), key=lambda one: (-one.total, one.connection.connection))
    return order[:most]


def _figure(shown: list[_Traffic]) -> Figure:
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
    if not shown:
        for axes in grid[0]:
            axes.set_axis_off()
        figure.text(0.5, 0.5, "no messages", ha="center", va="center", fontsize=12)
        return figure
    start = min(one.connection.opened_ns for one in shown)
    end = max(max(one.connection.last_ns, *map(max, filter(None, one.times))) for one in shown)
    name, unit = _unit((end - start) / _SECOND)
    for one, (left, right) in zip(shown, grid, strict=True):
        _draw(one, left, right, start=start, end=end, unit=unit)
    begun = datetime.fromtimestamp(start // _SECOND, timezone.utc)
    since = f"{begun:%Y-%m-%d %H:%M:%S}.{start % _SECOND // 1_000_000:03} UTC"
    for axes in grid[-1]:
        axes.set_xlabel(f"{name} since {since}")
    line = 1 - 0.48 / height
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
        ],
        loc="center right",
        bbox_to_anchor=(0.993, 1 - 0.18 / height),
        ncols=3,
        frameon=False,
    )
    return figure


def _draw(one: _Traffic, left: Axes, right: Axes, *, start: int, end: int, unit: int) -> None:
    """Draw the two charts of a connection."""
    import numpy as np
    from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

    # At least one millisecond, so that a single message has a bar.
    span = max(end - start, 1_000_000) / _SECOND
    edges = np.linspace(0.0, span, _BINS + 1)
    seconds = [(np.asarray(times) - start) / _SECOND for times in one.times]
    opened = (one.connection.opened_ns - start) / _SECOND / unit
    last = (max(one.connection.last_ns, one.connection.opened_ns) - start) / _SECOND / unit
    engineering = EngFormatter(sep=" ")
    for axes, weights in ((left, (None, None)), (right, tuple(map(np.asarray, one.lengths)))):
        for side, (sign, colour) in enumerate(((1, _CLIENT), (-1, _SERVER))):
            counts, _ = np.histogram(seconds[side], bins=edges, weights=weights[side])
            rates = sign * counts * _BINS / span
            axes.stairs(rates, edges / unit, fill=True, color=colour, alpha=0.9)
        axes.plot([opened, last], [0, 0], color=_INK, lw=1.2, solid_capstyle="butt")
        broken = np.unique(_bins_of(one, start, edges))
        middles = (edges[broken] + edges[1] / 2) / unit
        axes.plot(middles, np.zeros_like(middles), "X", color=_BROKEN, ms=6, mec="white", mew=0.6)
        axes.set_xlim(0, span / unit)
        axes.yaxis.set_major_locator(MaxNLocator(4, symmetric=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: engineering(abs(rate))))
        axes.grid(axis="y", color=_FAINT, lw=0.5, alpha=0.6)
        axes.set_axisbelow(True)
        axes.margins(y=0.12)
    left.set_title(_who(one.connection), loc="left", fontsize=9, parse_math=False)
    lost = _lost(one)
    right.set_title(
        f"{len(one.times[0]):,} up, {len(one.times[1]):,} down{lost}",
        loc="right",
        fontsize=9,
        color=_BROKEN if lost else _INK,
    )


def _bins_of(one: _Traffic, start: int, edges: Any) -> Any:  # noqa: ANN401  (arrays)
    """The bars that contain an incomplete or invalid message."""
    import numpy as np

    broken = np.concatenate([np.asarray(times, dtype=np.int64) for times in one.broken])
    bars = np.searchsorted(edges, (broken - start) / _SECOND, side="right") - 1
    return np.clip(bars, 0, _BINS - 1)


def _who(connection: CapturedConnection) -> str:
    """Host, path and addresses on one line, in ASCII, which every font has."""
    where = f"{connection.host or ''}{connection.path or ''}" or "(handshake not captured)"
    where = where.encode("unicode_escape").decode("ascii")
    if len(where) > 44:
        where = f"{where[:41]}..."
    ends = f"{address_text(connection.client_address)} - {address_text(connection.server_address)}"
    return f"#{connection.connection}  {where}   {ends}"


def _lost(one: _Traffic) -> str:
    accounts = (one.connection.from_client, one.connection.from_server)
    said = ""
    if broken := sum(map(len, one.broken)):
        said += f"; {broken:,} not whole"
    if missing := sum(account.missing for account in accounts):
        said += f"; {missing:,} bytes not captured"
    if lost := sum(account.lost for account in accounts):
        said += f"; {lost:,} bytes lost"
    return said


def _unit(span: float) -> tuple[str, int]:
    """Choose the unit of the time axis for a span in seconds: name and length in seconds."""
    for name, length, most in _UNITS:
        if span <= most:
            return name, length
    return "days", 86_400
