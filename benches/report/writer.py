"""Turns the measured numbers into `RESULTS.md`, `RESULTS.json`, `chart.svg` and `captures.svg`.

    python -m report.writer MESSAGES.json SCALING.json CAPTURES.json PROXIES.json DIRECTORY

Run it in `benches/`. `NOTES.md`, written by hand, becomes the last part of `RESULTS.md`.
"""

import json
import sys
from pathlib import Path

from engine.scaling import Measure
from proxies import whole_proxies
from report import (
    capture_chart,
    capture_report,
    capture_results,
    engine_chart,
    engine_results,
    proxy_report,
    record,
    whole_programs,
)
from report.capture_results import CaptureRun
from report.engine_results import COPY, INFLATE, TARGETS, Run, Target
from report.proxy_report import ProxyRun
from report.tables import scaling_table, table, verdict

NOTES = Path(__file__).resolve().parents[1] / "NOTES.md"


def machine_table(run: Run) -> str:
    """The date, the machine and the versions, as a list."""
    lines = {"Date": run.date, **run.machine}
    return "\n".join(f"- {label}: {value}" for label, value in lines.items())


def time_table(run: Run) -> str:
    """Medians in nanoseconds, a line for each workload."""

    def cell(workload: str, reader: str) -> str:
        timing = run.timings.get((workload, reader))
        return f"{timing.nanoseconds:,.0f}" if timing else ""

    rows = ([name, *(cell(name, reader) for reader in run.readers)] for name in run.workloads)
    return table(["ns per message", *run.readers], rows)


def throughput_table(run: Run) -> str:
    """The same as decoded bytes per second."""

    def cell(workload: str, reader: str) -> str:
        timing = run.timings.get((workload, reader))
        return f"{timing.gigabytes_per_second:.3g}" if timing else ""

    rows = ([name, *(cell(name, reader) for reader in run.readers)] for name in run.workloads)
    return table(["GB/s of content", *run.readers], rows)


def target_table(run: Run) -> str:
    """How many targets were reached, and each of them."""
    rows = []
    for target in TARGETS:
        ratio = run.speedup(target.workload, target.peer)
        rows.append(
            [
                target.workload,
                target.peer,
                wanted(target),
                f"{ratio:.3g}x",
                verdict(ratio >= target.ratio),
            ]
        )
    reached = sum(row[-1] == verdict(True) for row in rows)
    head = ["workload", "against", "target, at least", "measured", ""]
    return f"{reached} of {len(rows)} reached.\n\n" + table(head, rows)


def wanted(target: Target) -> str:
    """A target in words; that of a floor is a ratio below 1."""
    if target.peer == COPY:
        return f"{target.ratio:g}x (of its speed)"
    if target.peer == INFLATE:
        return f"{target.ratio:.3g}x (within {1 / target.ratio:g}x of its time)"
    return f"{target.ratio:g}x"


def render(run: Run, measures: list[Measure], captures: CaptureRun, proxies: ProxyRun) -> str:
    """The whole of `RESULTS.md`."""
    return f"""\
# Results

Written by `make bench`. Every number is the median of its rounds in one run.

{machine_table(run)}

{whole_programs.render(captures, proxies.parts.get(whole_proxies.HEADING, []))}

## Time per message

{time_table(run)}

## Throughput

{throughput_table(run)}

## Targets

A ratio is the other's time divided by ours, so more is better.

{target_table(run)}

## Memory and scaling

{scaling_table(measures)}

{capture_report.render(captures)}
{proxy_report.render(proxies)}
{NOTES.read_text()}"""


def write(messages: Path, scaling: Path, captures: Path, proxies: Path, directory: Path) -> None:
    """Reads the four files of numbers; writes report, record and charts into a directory."""
    run = engine_results.load(messages)
    measures = [Measure(**fields) for fields in json.loads(scaling.read_text())]
    capture_run = capture_results.load(captures)
    proxy_run = proxy_report.load(proxies)
    (directory / "RESULTS.md").write_text(render(run, measures, capture_run, proxy_run))
    record.save(record.join(messages, scaling, captures, proxies), directory / record.NAME)
    engine_chart.draw(run, directory / "chart.svg")
    capture_chart.draw(capture_run, directory / "captures.svg")


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:6]))
