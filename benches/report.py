"""Turns the measured numbers into `RESULTS.md` and `chart.svg`.

    python benches/report.py messages.json scaling.json RESULTS.md chart.svg

`NOTES.md`, written by hand, becomes the last part of `RESULTS.md`.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import chart
import results
from results import COPY, INFLATE, TARGETS, Run, Target
from scaling import Measure

NOTES = Path(__file__).with_name("NOTES.md")


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table; every column but the first is aligned to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


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


def verdict(reached: bool) -> str:
    """The word in the last column."""
    return "reached" if reached else "**not reached**"


def scaling_table(measures: list[Measure]) -> str:
    """The measures of `scaling`, a line each."""
    rows = []
    for measure in measures:
        judged = measure.limit is not None
        rows.append(
            [
                measure.what,
                measure.detail,
                f"{measure.value:.2f} {measure.unit}",
                f"< {measure.limit:g} {measure.unit}" if judged else "",
                verdict(measure.value < measure.limit) if measure.limit is not None else "",
            ]
        )
    return table(["what", "numbers", "measured", "target", ""], rows)


def render(run: Run, measures: list[Measure]) -> str:
    """The whole of `RESULTS.md`."""
    return f"""\
# Results

Written by `make bench`. Every number is the median of its rounds in one run of one process.

{machine_table(run)}

## Time per message

{time_table(run)}

## Throughput

{throughput_table(run)}

## Targets

A ratio is the other's time divided by ours, so more is better.

{target_table(run)}

## Memory and scaling

{scaling_table(measures)}

{NOTES.read_text()}"""


def write(messages: Path, scaling: Path, report: Path, picture: Path) -> None:
    """Reads both files of numbers and writes the report and the chart."""
    run = results.load(messages)
    measures = [Measure(**fields) for fields in json.loads(scaling.read_text())]
    report.write_text(render(run, measures))
    chart.draw(run, picture)


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:5]))
