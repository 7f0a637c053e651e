"""The chart of captures: messages per second of every reader, on two files."""

import math
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, NullLocator

from captures.ways import ARROW, OBJECTS
from report.capture_results import COMPARED, READERS, CaptureRun

OURS, OUR_PROGRAM, OTHERS = "#1d3557", "#457b9d", "#e07a5f"


def draw(run: CaptureRun, path: Path) -> None:
    """Writes the chart in the format of the path's suffix."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "wsdefrag"})
    mpl.rcParams.update({"font.size": 11, "font.family": ["DejaVu Sans", "sans-serif"]})
    readers = [way for way in READERS if any((name, way) in run.seconds for name in COMPARED)]
    figure, panels = plt.subplots(
        len(COMPARED),
        figsize=(8.6, 1.5 + 0.8 * len(readers)),
        sharex=True,
        layout="constrained",
    )
    for axes, name in zip(panels, COMPARED, strict=True):
        rates = [(way, rate) for way in readers if (rate := run.rate(name, way)) is not None]
        rates.sort(key=lambda pair: pair[1], reverse=True)
        names = [way.replace("`", "") for way, _ in rates]
        bars = axes.barh(
            names, [rate for _, rate in rates], 0.7, color=[colour(way) for way, _ in rates]
        )
        axes.bar_label(bars, [label_of(rate) for _, rate in rates], padding=3, fontsize=10)
        axes.set_title(name, loc="left", fontsize=11)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: label_of(value)))
        axes.grid(axis="x", color="#dddddd", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
    slowest, fastest = min(run_rates(run)), max(run_rates(run))
    panels[0].set_xlim(10 ** math.floor(math.log10(slowest)), fastest * 3)
    figure.suptitle("Messages read from a capture, per second", x=0.01, ha="left", weight="bold")
    panels[-1].set_xlabel("messages per second (logarithmic)")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def run_rates(run: CaptureRun) -> list[float]:
    """All rates of the chart."""
    rates = (run.rate(name, way) for name in COMPARED for way in READERS)
    return [rate for rate in rates if rate is not None]


def colour(way: str) -> str:
    """The library, its command, and others."""
    if way in (ARROW, OBJECTS):
        return OURS
    return OUR_PROGRAM if "wsdefrag" in way else OTHERS


def label_of(rate: float) -> str:
    """The number at the end of a bar."""
    if rate >= 1e6:
        return f"{rate / 1e6:.3g}M"
    return f"{rate / 1e3:.3g}k" if rate >= 1e3 else f"{rate:.3g}"
