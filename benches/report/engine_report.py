"""The part of `RESULTS.md` about the engine: time, throughput, targets, memory."""

from collections.abc import Callable

from engine.scaling import Measure
from report.engine_results import COPY, INFLATE, TARGETS, Run, Target, Timing
from report.tables import scaling_table, table, verdict


def machine_table(run: Run) -> str:
    """The date, the machine and the versions, as a list."""
    lines = {"Date": run.date, **run.machine}
    return "\n".join(f"- {label}: {value}" for label, value in lines.items())


def time_table(run: Run) -> str:
    """Medians in nanoseconds, a line for each workload."""
    return _timing_table(run, "ns per message", lambda timing: f"{timing.nanoseconds:,.0f}")


def throughput_table(run: Run) -> str:
    """The same as decoded bytes per second."""
    return _timing_table(
        run, "GB/s of content", lambda timing: f"{timing.gigabytes_per_second:.3g}"
    )


def _timing_table(run: Run, unit: str, shown: Callable[[Timing], str]) -> str:
    """A line for each workload, a column for each reader; empty where nothing was timed."""

    def cell(workload: str, reader: str) -> str:
        timing = run.timings.get((workload, reader))
        return shown(timing) if timing else ""

    rows = ([name, *(cell(name, reader) for reader in run.readers)] for name in run.workloads)
    return table([unit, *run.readers], rows)


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


def render(run: Run, measures: list[Measure]) -> str:
    """Headings and tables."""
    return f"""\
## Time per message

{time_table(run)}

## Throughput

{throughput_table(run)}

## Targets

A ratio is the other's time divided by ours, so more is better.

{target_table(run)}

## Memory and scaling

{scaling_table(measures)}
"""
