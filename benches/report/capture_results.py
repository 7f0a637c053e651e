"""The numbers of `captures.measure`, read back, and the targets they are held to.

A timing is the median of its rounds; a ratio is one of two medians of the same run, on the same
file. A rate counts the complete messages of the file, also those that a reader did not give.
"""

import statistics
from dataclasses import dataclass
from typing import Any

from captures.files import LARGE, MANY, SLICE, SMALL, File
from captures.sharing_model import Shared
from captures.ways import ARROW, JSONL, LISTING, MITMPROXY, OBJECTS, TSHARK_FIELDS, TSHARK_JSON
from engine.scaling import Measure

COMPARED = (SMALL, SLICE)
"""The files that others read too."""

READERS = (ARROW, OBJECTS, JSONL, LISTING, MITMPROXY, TSHARK_FIELDS, TSHARK_JSON)


@dataclass(frozen=True)
class Target:
    """How many times the messages a second of `peer` `way` should read of `file`."""

    file: str
    way: str
    peer: str
    ratio: float


TARGETS = (
    Target(SMALL, JSONL, TSHARK_JSON, 60),
    Target(SMALL, JSONL, TSHARK_FIELDS, 25),
    Target(SMALL, ARROW, TSHARK_FIELDS, 60),
    Target(SMALL, ARROW, TSHARK_JSON, 250),
    Target(SMALL, OBJECTS, TSHARK_FIELDS, 30),
    Target(SMALL, OBJECTS, TSHARK_JSON, 120),
    Target(SLICE, ARROW, TSHARK_FIELDS, 60),
    Target(SLICE, ARROW, TSHARK_JSON, 150),
    Target(SLICE, OBJECTS, TSHARK_FIELDS, 30),
    Target(SLICE, OBJECTS, TSHARK_JSON, 120),
)

THROUGHPUTS = ((LARGE, ARROW, 1.5), (MANY, ARROW, 0.8))
"""A file, a way, and how many 10^9 bytes of pcap it should read a second."""

RATES = ((SMALL, OBJECTS, 4e6),)
"""A file, a way, and how many messages it should read a second."""


@dataclass(frozen=True)
class CaptureRun:
    """One run of the benchmark.

    Attributes:
        date: when it was, `YYYY-MM-DD`.
        machine: labels and values, besides those of the engine's run.
        files: by name, in the order of the tables.
        seconds: medians by file and way.
        failures: what programs said that did not work, by file and way.
        found: how many messages tshark found, by file.
        scaling: memory and threads.
        sharing: several threads in one capture.
    """

    date: str
    machine: dict[str, str]
    files: dict[str, File]
    seconds: dict[tuple[str, str], float]
    failures: dict[tuple[str, str], str]
    found: dict[str, int]
    scaling: list[Measure]
    sharing: list[Shared]

    def rate(self, file: str, way: str) -> float | None:
        """Messages a second; None where it was not measured."""
        seconds = self.seconds.get((file, way))
        return None if seconds is None else self.files[file].whole / seconds

    def throughput(self, file: str, way: str) -> float:
        """10^9 bytes of pcap a second."""
        return self.files[file].size / self.seconds[file, way] / 1e9

    def ratio(self, target: Target) -> float | None:
        """How much faster we are; None where one of both was not measured."""
        ours, theirs = self.rate(target.file, target.way), self.rate(target.file, target.peer)
        return None if ours is None or theirs is None else ours / theirs


def load(data: dict[str, Any]) -> CaptureRun:
    """Reads what `captures.measure` wrote."""
    return CaptureRun(
        data["date"],
        data["machine"],
        {fields["name"]: File(**fields) for fields in data["files"]},
        {(one["file"], one["way"]): statistics.median(one["seconds"]) for one in data["timings"]},
        {(one["file"], one["way"]): one["why"] for one in data["failures"]},
        data["tshark_found"],
        [Measure(**fields) for fields in data["scaling"]],
        [Shared(**fields) for fields in data.get("sharing", [])],
    )
