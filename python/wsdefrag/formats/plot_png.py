"""Draws traffic with matplotlib, for PNG (the extra ``plot``).

Local settings of matplotlib are ignored, so the same capture gives the same picture everywhere.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from wsdefrag.formats.plot_style import BROKEN, CLIENT, FAINT, GAP, INK, SERVER
from wsdefrag.formats.traffic import (
    BARS,
    Axis,
    Traffic,
    bytes_of,
    heading_of,
    lost_text,
    messages_of,
    numbers_of,
)

if TYPE_CHECKING:
    from array import array

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# In inches: the width of the picture; the heights of a row and of the margins above and below.
_WIDTH, _ROW, _TOP, _BOTTOM = 12.0, 1.75, 1.1, 0.5

_SETTINGS: Any = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "font.size": 9,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def write_png(shown: list[Traffic], connections: int, title: str, file: IO[bytes]) -> None:
    """Draw rows of traffic.

    Args:
        shown: The rows.
        connections: How many connections the capture has.
        title: The title of the picture.
        file: A binary file, open for writing.

    Raises:
        ModuleNotFoundError: If matplotlib is not installed.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        figure = make_figure(shown, connections, title)
        FigureCanvasAgg(figure)
        # A version would make the same capture give different files.
        figure.savefig(file, format="png", dpi=120, metadata={"Software": None})


def make_figure(shown: list[Traffic], connections: int, title: str) -> Figure:
    """Make the figure of rows of traffic."""
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
    heading = heading_of(shown, connections, title)
    figure.text(0.015, 1 - 0.18 / height, heading, va="center", fontsize=11, parse_math=False)
    if not shown:
        for axes in grid[0]:
            axes.set_axis_off()
        figure.text(0.5, 0.5, "no messages", ha="center", va="center", fontsize=12)
        return figure
    axis = Axis.of(shown)
    for one, (left, right) in zip(shown, grid, strict=True):
        _draw(one, left, right, axis)
    for axes in grid[-1]:
        axes.set_xlabel(axis.label)
    line = 1 - 0.6 / height
    for axes, what in zip(
        grid[0], ("messages a second", "bytes on the wire a second"), strict=True
    ):
        box = axes.get_position()
        figure.text(box.x0, line, what, va="center", fontsize=11, fontweight="bold")
    figure.legend(
        handles=[
            Patch(color=CLIENT, label="from the client (up)"),
            Patch(color=SERVER, label="from the server (down)"),
            Line2D([], [], color=BROKEN, marker="X", ls="", label="message not whole"),
            Line2D([], [], color=GAP, marker="|", mew=1.6, ls="", label="gap"),
        ],
        loc="center right",
        bbox_to_anchor=(0.993, 1 - 0.18 / height),
        ncols=4,
        frameon=False,
    )
    return figure


def _draw(one: Traffic, left: Axes, right: Axes, axis: Axis) -> None:
    """Draw the two charts of a row."""
    from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

    edges = [bar * axis.end / BARS for bar in range(BARS + 1)]
    engineering = EngFormatter(sep=" ")
    for axes, of_side in ((left, messages_of), (right, bytes_of)):
        for side, (sign, colour) in enumerate(((1, CLIENT), (-1, SERVER))):
            rates = [sign * rate for rate in axis.rates(of_side(one, side, axis))]
            axes.stairs(rates, edges, fill=True, color=colour, alpha=0.9)
        open_from = [axis.at(one.opened_ns), axis.at(max(one.last_ns, one.opened_ns))]
        axes.plot(open_from, [0, 0], color=INK, lw=1.2, solid_capstyle="butt")
        looks: tuple[tuple[tuple[array[int], array[int]], str, dict[str, Any]], ...] = (
            (one.gaps, "|", {"color": GAP, "ms": 11, "mew": 1.6}),
            (one.broken, "X", {"color": BROKEN, "ms": 6, "mec": "white", "mew": 0.6}),
        )
        for times, marker, look in looks:
            marks = axis.marks(times)
            axes.plot(marks, [0] * len(marks), marker, **look)
        axes.set_xlim(0, axis.end)
        axes.xaxis.set_major_locator(MaxNLocator(8, min_n_ticks=4))
        axes.yaxis.set_major_locator(MaxNLocator(5, min_n_ticks=4))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: engineering(abs(rate))))
        axes.grid(axis="y", color=FAINT, lw=0.5, alpha=0.6)
        axes.set_axisbelow(True)
        axes.margins(y=0.12)
    left.set_title(one.title, loc="left", fontsize=9, parse_math=False)
    right.set_title(
        numbers_of(one), loc="right", fontsize=9, color=BROKEN if lost_text(one) else INK
    )
