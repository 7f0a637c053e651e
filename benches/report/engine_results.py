"""The engine's numbers, and the targets they are held to.

Everything the report and the chart show is a median per message; a ratio is one of two medians of
the same run.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OURS = "wsdefrag"
WSPROTO = "wsproto message"
AIOHTTP = "aiohttp"
COPY = "copy floor"
INFLATE = "flate2 floor"


@dataclass(frozen=True)
class Timing:
    """One reader on one workload: the median of `rounds` rounds."""

    nanoseconds: float
    message_size: float
    rounds: int

    @property
    def gigabytes_per_second(self) -> float:
        """Decoded payload bytes, in 10^9 a second."""
        return self.message_size / self.nanoseconds


@dataclass(frozen=True)
class Target:
    """How much faster than `peer` we want to be on `workload`: at least `ratio` times."""

    workload: str
    peer: str
    ratio: float


TARGETS = (
    Target("32 B text", WSPROTO, 90),
    Target("32 B text", AIOHTTP, 5),
    Target("300 B JSON", WSPROTO, 90),
    Target("300 B JSON", AIOHTTP, 4),
    Target("1 KiB binary", WSPROTO, 45),
    Target("1 KiB binary", AIOHTTP, 3),
    Target("4 KiB UTF-8", WSPROTO, 35),
    Target("4 KiB UTF-8", AIOHTTP, 8),
    Target("64 KiB binary", WSPROTO, 18),
    Target("64 KiB binary", AIOHTTP, 2.8),
    Target("64 KiB binary", COPY, 0.7),
    Target("1 MiB binary", WSPROTO, 12),
    Target("1 MiB binary", AIOHTTP, 2.2),
    Target("1 MiB binary", COPY, 0.7),
    Target("16 KiB in 8 fragments", WSPROTO, 25),
    Target("16 KiB in 8 fragments", AIOHTTP, 1.5),
    Target("1 KiB JSON, deflate", WSPROTO, 4),
    Target("1 KiB JSON, deflate", AIOHTTP, 1.3),
    Target("1 KiB JSON, deflate", INFLATE, 1 / 1.3),
)


@dataclass(frozen=True)
class Run:
    """One run of the benchmark.

    Attributes:
        date: when it was, `YYYY-MM-DD`.
        machine: labels and values (`machine.describe`).
        timings: by workload and reader, both in the order of measurement.
    """

    date: str
    machine: dict[str, str]
    timings: dict[tuple[str, str], Timing]

    @property
    def workloads(self) -> list[str]:
        """The workloads in the order of measurement."""
        return list(dict.fromkeys(workload for workload, _ in self.timings))

    @property
    def readers(self) -> list[str]:
        """The readers in the order of measurement."""
        return list(dict.fromkeys(reader for _, reader in self.timings))

    def speedup(self, workload: str, peer: str) -> float:
        """The peer's median over ours: how many times faster we are."""
        ours, theirs = self.timings[workload, OURS], self.timings[workload, peer]
        return theirs.nanoseconds / ours.nanoseconds


def summary(path: Path) -> dict[str, Any]:
    """What the record keeps of the file that `pytest --benchmark-json` wrote."""
    data = json.loads(path.read_text())
    timings = []
    for benchmark in data["benchmarks"]:
        info, stats = benchmark["extra_info"], benchmark["stats"]
        timings.append(
            {
                "workload": info["workload"],
                "reader": info["reader"],
                "nanoseconds": stats["median"] * 1e9 / info["messages"],
                "message_size": info["payload_bytes"] / info["messages"],
                "rounds": stats["rounds"],
            }
        )
    machine = data["machine_info"]["wsdefrag"]
    return {"date": data["datetime"][:10], "machine": machine, "timings": timings}


def load(data: dict[str, Any]) -> Run:
    """Reads the part of a record."""
    timings = {
        (one["workload"], one["reader"]): Timing(
            one["nanoseconds"], one["message_size"], one["rounds"]
        )
        for one in data["timings"]
    }
    return Run(data["date"], data["machine"], timings)
