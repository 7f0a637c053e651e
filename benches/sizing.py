"""What reading so many terabytes of captures a day takes: the plan's arithmetic, simulated.

    python benches/sizing.py [--rate MB] [--cores N] ...

A day's captures come from capture points of very different sizes (lognormal), in files of 1 GB, and
the peak hour has twice the mean. Each hour a job reads the hour before, a task for each capture
point (`wsdefrag.spark`). The simulation looks for the number of cores that end the peak hour's job
within half an hour, with the longest task first, and says what else that takes. A capture point is
one task, if that ends within a quarter of an hour. A larger one is spread: each of several tasks
reads all of its bytes, follows all connections, and makes the rows of a share of them. Nothing is
shuffled.

Rates and costs are arguments; their defaults are measures of one machine, which
`benches/spark_rates.py` takes of the machines at hand. It needs no other package.
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
MOST_TASKS = 64
"""Tasks of a capture point, at most."""
SAMPLES = 20


@dataclass(frozen=True)
class Costs:
    """What reading costs.

    Attributes:
        rate: Bytes a second that a task reads to rows.
        follow: Bytes a second that a task reads of connections whose rows another one makes.
        task: Seconds until a task's first row.
        job: Seconds until a job's first task.
        look: Seconds that the driver takes for each file it finds.
        state: Bytes of memory for each live connection, with deflate both ways.
        sigma: The spread of the points' sizes: that of the logarithm.
    """

    rate: float
    follow: float
    task: float
    job: float
    look: float
    state: float
    sigma: float


@dataclass(frozen=True)
class Hour:
    """The peak hour's job on so many cores.

    Attributes:
        cores: The cores.
        seconds: How long the job takes.
        longest: The seconds of the longest task.
        largest: The bytes of the largest capture point.
        most: The tasks of the point that has the most.
        read: Bytes that all tasks read together.
    """

    cores: int
    seconds: float
    longest: float
    largest: float
    most: int
    read: float


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


def task_of(size: float, tasks: int, costs: Costs) -> float:
    """Seconds of each of so many tasks that share the connections of a point of so many bytes."""
    followed = 1 / costs.follow
    rows = max(0.0, 1 / costs.rate - followed) / tasks
    return costs.task + size * (followed + rows)


def spread(size: float, costs: Costs) -> list[float]:
    """Seconds of the tasks of a point: so many that each takes half of the time that there is."""
    for tasks in range(1, MOST_TASKS):
        if task_of(size, tasks, costs) <= WITHIN / 2:
            return [task_of(size, tasks, costs)] * tasks
    return [task_of(size, MOST_TASKS, costs)] * MOST_TASKS


def run(points: list[float], cores: int, costs: Costs) -> Hour:
    """Simulate the job of an hour."""
    of_points = [spread(size, costs) for size in points]
    tasks = [seconds for point in of_points for seconds in point]
    seconds = costs.job + costs.look * sum(points) / FILE + scheduled(tasks, cores)
    read = sum(size * len(point) for size, point in zip(points, of_points, strict=True))
    return Hour(cores, seconds, max(tasks), max(points), max(map(len, of_points)), read)


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
        "its tasks",
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
        gigabits = hour.read * 8 / HOUR / 1e9
        lines.append(
            f"| {terabytes} | {points:,} | {hour.cores} | {hour.seconds / 60:.0f} min "
            f"| {hour.longest / 60:.1f} min | {hour.largest / GB:.0f} GB | {hour.most} "
            f"| {gigabits:.1f} Gbit/s | {terabytes * TB / FILE:,.0f} "
            f"| {costs.state * 1e6 / GB:.0f} GB |"
        )
    return lines


def largest(costs: Costs, tasks: int) -> float:
    """The bytes of the largest capture point that so many tasks read in time."""
    left = WITHIN - costs.job - costs.task
    return left / (task_of(1, tasks, costs) - costs.task)


def pays_from(costs: Costs, cores: int) -> float:
    """The bytes from which a job on so many cores ends before one process does."""
    start = costs.job + costs.task
    return start / (1 / ONE_PROCESS - 1 / (costs.rate * cores))


ONE_PROCESS = 0.591 * GB
"""Bytes a second of one process to Arrow, the better of two runs that measured the others."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    defaults = {
        "rate": (MEASURED.rate / 1e6, 1e6, "MB a second of a task"),
        "follow": (MEASURED.follow / 1e6, 1e6, "MB a second of others' connections"),
        "task": (MEASURED.task, 1, "seconds until a task's first row"),
        "job": (MEASURED.job, 1, "seconds until a job's first task"),
        "look": (MEASURED.look, 1, "seconds for each file that the driver finds"),
        "state": (MEASURED.state, 1, "bytes for a live connection"),
        "sigma": (MEASURED.sigma, 1, "of the logarithm of the points' sizes"),
    }
    for name, (default, _, says) in defaults.items():
        parser.add_argument(f"--{name}", type=float, default=default, help=says)
    given = parser.parse_args()
    costs = Costs(**{name: getattr(given, name) * unit for name, (_, unit, _) in defaults.items()})
    print("\n".join(table(costs)))
    print()
    print("| tasks | largest point that they read in time |")
    print("| ---: | ---: |")
    for tasks in (1, 2, 4, 8, 16, MOST_TASKS):
        print(f"| {tasks} | {largest(costs, tasks) / GB:,.0f} GB |")
    print()
    for cores in (4, 16, 64):
        print(f"{cores} cores pay from {pays_from(costs, cores) / GB:.1f} GB on")


MEASURED = Costs(
    rate=0.150 * GB,
    follow=1.54 * GB,
    task=0.5,
    job=21.0,
    look=0.0002,
    state=28.8 * 1024,
    sigma=1.2,
)
"""Mixed traffic, by `benches/spark_rates.py` on 2 cores (AMD EPYC) with a load of 8 to 12, on 30
November 2026: idle cores have more than twice the rates. A job includes the start of its JVM. The
time for a file and the spread of sizes are assumed; the state of a connection is measured in
benches/RESULTS.md."""


if __name__ == "__main__":
    main()
