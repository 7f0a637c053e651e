"""What reading so many terabytes of captures a day takes: the plan's arithmetic, simulated.

    python benches/sizing.py [--rate MB] [--cores N] ...

A day's captures come from capture points of very different sizes (lognormal), in files of 1 GB, and
the peak hour has twice the mean. Each hour a job reads the hour before, a task for each capture
point (`wsdefrag.spark`). The simulation looks for the number of cores that end the peak hour's job
within half an hour, with the longest task first, and says what else that takes. A capture point is
one task, so nothing is shuffled, and no job is shorter than its largest point's task.

Rates and costs are arguments; their defaults are assumptions that `benches/spark_rates.py` replaces
by measures of the machines at hand. It needs no other package.
"""

from __future__ import annotations

import argparse
import heapq
import random
from dataclasses import dataclass

HOUR = 3600.0
GB = 1e9
TB = 1e12
FILE = 1 * GB
PEAK = 2.0
"""The peak hour's bytes over those of the mean hour."""
WITHIN = HOUR / 2
"""Seconds in which the peak hour's job has to end."""
SAMPLES = 20


@dataclass(frozen=True)
class Costs:
    """What reading costs.

    Attributes:
        rate: Bytes a second that a task reads to rows.
        task: Seconds until a task's first row.
        job: Seconds until a job's first task.
        look: Seconds that the driver takes for each file it finds.
        state: Bytes of memory for each live connection, with deflate both ways.
        sigma: The spread of the points' sizes: that of the logarithm.
    """

    rate: float
    task: float
    job: float
    look: float
    state: float
    sigma: float


@dataclass(frozen=True)
class Hour:
    """The peak hour's job on so many cores."""

    cores: int
    seconds: float
    longest: float
    largest: float


def sizes(total: float, points: int, costs: Costs, chance: random.Random) -> list[float]:
    """The bytes of each capture point in the peak hour."""
    weights = [chance.lognormvariate(0, costs.sigma) for _ in range(points)]
    return [total / 24 * PEAK * weight / sum(weights) for weight in weights]


def scheduled(tasks: list[float], cores: int) -> float:
    """Seconds until the last task has ended, with the longest first."""
    free = [0.0] * cores
    for task in sorted(tasks, reverse=True):
        heapq.heapreplace(free, free[0] + task)
    return max(free)


def run(points: list[float], cores: int, costs: Costs) -> Hour:
    """Simulate the job of an hour."""
    tasks = [costs.task + size / costs.rate for size in points]
    seconds = costs.job + costs.look * sum(points) / FILE + scheduled(tasks, cores)
    return Hour(cores, seconds, max(tasks), max(points))


def fewest(points: list[float], costs: Costs) -> Hour:
    """The job on the fewest cores that end it in time, or that make it no longer."""
    low, high = 1, 1
    while run(points, high, costs).seconds > WITHIN and high < 1 << 16:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        is_enough = run(points, middle, costs).seconds <= WITHIN
        low, high = (low, middle) if is_enough else (middle + 1, high)
    return run(points, high, costs)


def table(costs: Costs) -> list[str]:
    """The rows for 1, 10 and 100 TB a day."""
    heads = (
        "TB a day",
        "capture points",
        "cores",
        "peak hour's job",
        "longest task",
        "largest point, peak hour",
        "read from storage",
        "files a day",
        "memory for a million live connections",
    )
    head = f"| {' | '.join(heads)} |"
    lines = [head, "| ---: |" + " ---: |" * (len(heads) - 1)]
    for terabytes, points in ((1, 10), (10, 100), (100, 1000)):
        hours = []
        for sample in range(SAMPLES):
            chance = random.Random(6455 + sample)
            hours.append(fewest(sizes(terabytes * TB, points, costs, chance), costs))
        hours.sort(key=lambda hour: (hour.cores, hour.seconds))
        # One of the worst of the samples: a plan has to hold on such days, too.
        hour = hours[int(len(hours) * 0.9)]
        gigabits = terabytes * TB / 24 / HOUR * PEAK * 8 / 1e9
        lines.append(
            f"| {terabytes} | {points:,} | {hour.cores} | {hour.seconds / 60:.0f} min "
            f"| {hour.longest / 60:.1f} min | {hour.largest / GB:.0f} GB "
            f"| {gigabits:.1f} Gbit/s | {terabytes * TB / FILE:,.0f} "
            f"| {costs.state * 1e6 / GB:.0f} GB |"
        )
    return lines


def pays_from(costs: Costs, cores: int) -> float:
    """The bytes from which a job on so many cores ends before one process does."""
    start = costs.job + costs.task
    return start / (1 / ONE_PROCESS - 1 / (costs.rate * cores))


ONE_PROCESS = 0.758 * GB
"""Bytes a second of one process to Arrow, mixed traffic (benches/RESULTS.md)."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    defaults = {
        "rate": (ASSUMED.rate / 1e6, 1e6, "MB a second of a task"),
        "task": (ASSUMED.task, 1, "seconds until a task's first row"),
        "job": (ASSUMED.job, 1, "seconds until a job's first task"),
        "look": (ASSUMED.look, 1, "seconds for each file that the driver finds"),
        "state": (ASSUMED.state, 1, "bytes for a live connection"),
        "sigma": (ASSUMED.sigma, 1, "of the logarithm of the points' sizes"),
    }
    for name, (default, _, says) in defaults.items():
        parser.add_argument(f"--{name}", type=float, default=default, help=says)
    given = parser.parse_args()
    costs = Costs(**{name: getattr(given, name) * unit for name, (_, unit, _) in defaults.items()})
    print("\n".join(table(costs)))
    print()
    for cores in (4, 16, 64):
        print(f"{cores} cores pay from {pays_from(costs, cores) / GB:.1f} GB on")


ASSUMED = Costs(
    rate=0.38 * GB,
    task=1.0,
    job=5.0,
    look=0.0002,
    state=28.8 * 1024,
    sigma=1.2,
)
"""Mixed traffic. A task has half of the rate of one process to Arrow (benches/RESULTS.md), for the
conversion of batches and their copy to the JVM. The state of a connection is measured there."""


if __name__ == "__main__":
    main()
