"""The chart of the README: how many times faster than each peer, on each workload."""

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from report.engine_results import AIOHTTP, WSPROTO, Run

PEERS = {
    WSPROTO: ("wsproto, as mitmproxy uses it", "#1d3557"),
    "websockets": ("websockets (sans-I/O)", "#457b9d"),
    AIOHTTP: ("aiohttp (compiled reader)", "#e07a5f"),
}
BAR = 0.27


def draw(run: Run, path: Path) -> None:
    """Writes the chart in the format of the path's suffix."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "wsdefrag"})
    mpl.rcParams.update({"font.size": 11, "font.family": ["DejaVu Sans", "sans-serif"]})
    figure, axes = plt.subplots(figsize=(8.6, 7.2), layout="constrained")
    workloads = run.workloads
    lowest = min(run.speedup(workload, peer) for workload in workloads for peer in PEERS)
    for offset, (peer, (label, colour)) in enumerate(PEERS.items()):
        speedups = [run.speedup(workload, peer) for workload in workloads]
        rows = [row + (offset - 1) * BAR for row in range(len(workloads))]
        bars = axes.barh(rows, speedups, BAR * 0.92, label=f"than {label}", color=colour)
        axes.bar_label(bars, [label_of(value) for value in speedups], padding=3, fontsize=10)

    axes.set_title("How many times faster wsdefrag reads messages", loc="left", weight="bold")
    axes.set_xlabel("times faster, per message (logarithmic)")
    axes.set_yticks(range(len(workloads)), workloads)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(min(1.0, 0.9 * lowest), axes.get_xlim()[1] * 1.5)
    axes.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50, 100, 200]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.grid(axis="x", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.09), ncols=3, frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def label_of(speedup: float) -> str:
    """The number at the end of a bar."""
    return f"{speedup:.0f}x" if speedup >= 10 else f"{speedup:.1f}x"
