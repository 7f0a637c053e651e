"""Times several ways of doing the same in turns, so that other load slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

LAPS = 11
"""Turns of each way; the median of them counts."""

LAP_SECONDS = 0.03
"""How long a turn takes at least, unless one call takes longer."""


@dataclass(frozen=True)
class Comparison:
    """One thing done by us and by others.

    Attributes:
        what: what is done.
        unit: what the times are of, such as "message".
        nanoseconds: the median time of each way, ours first.
        targets: how many times faster than a peer we want to be, by its name.
        note: what has to be said with it.
    """

    what: str
    unit: str
    nanoseconds: dict[str, float]
    targets: dict[str, float]
    note: str = ""

    @property
    def ours(self) -> str:
        """The first way, which is ours."""
        return next(iter(self.nanoseconds))

    def ratio(self, peer: str) -> float:
        """The peer's time over ours."""
        return self.nanoseconds[peer] / self.nanoseconds[self.ours]


def in_turns(
    ways: Mapping[str, Callable[[], object]], per_call: int = 1, quick: bool = False
) -> dict[str, float]:
    """The median nanoseconds of each way, over `per_call` things that a call of it does."""
    calls = {}
    for name, way in ways.items():
        way()
        calls[name] = max(1, int((LAP_SECONDS / 10 if quick else LAP_SECONDS) / lap(way, 1)))
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(2 if quick else LAPS):
        for name, way in ways.items():
            times[name].append(lap(way, calls[name]) / calls[name])
    return {name: statistics.median(laps) * 1e9 / per_call for name, laps in times.items()}


def lap(way: Callable[[], object], calls: int) -> float:
    """Seconds that so many calls take."""
    start = time.perf_counter()
    for _ in range(calls):
        way()
    return time.perf_counter() - start
