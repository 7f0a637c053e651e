"""Measures what is made of captures: the time, the memory and the size of each output.

    python -m outputs.measure RESULTS.json            about six minutes
    python -m outputs.measure --quick RESULTS.json    half a minute; shows that everything works

Run it in `benches/`. The files go to a temporary directory: 1 GiB in a full run (`TMPDIR` says
where).
"""

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from captures.corpus import Network, Traffic
from captures.files import SMALL
from captures.fresh import in_new_process
from captures.packets import cut_pcap, write_pcap
from captures.part import run_part
from engine.corpus import MIB
from engine.scaling import Measure
from outputs.ingest import measure_ingest
from outputs.instructions import measure_instructions
from outputs.page import measure_page
from outputs.peaks import measure_peaks
from outputs.start import measure_start
from outputs.writers import parquet_measure, time_parquet, time_writers, writer_measures


@dataclass(frozen=True)
class Sizes:
    """How much a run measures.

    Attributes:
        small: messages of the file of small texts.
        mixed: bytes of the files of mixed traffic.
        page: messages of the capture that is reported.
        counted: messages whose instructions are counted, at least.
        rounds: how often a call is timed.
        starts: how often the start of the command is timed.
    """

    small: int
    mixed: tuple[int, int]
    page: int
    counted: int
    rounds: int
    starts: int


FEEDS = 200

FULL = Sizes(100_000, (64 * MIB, 256 * MIB), 344_500, 20_000, 7, 20)
QUICK = Sizes(4_000, (4 * MIB, 16 * MIB), 10_000, 1_000, 2, 3)


def measures(directory: Path, sizes: Sizes) -> Iterator[Measure]:
    """All numbers, as they come in."""
    yield from measure_start(sizes.starts)
    yield from measure_page(directory, sizes.page, min(sizes.rounds, 3))
    small, long, short = (str(directory / f"{name}.pcap") for name in ("small", "long", "short"))
    write_pcap(Path(small), Traffic("small").small(sizes.small))
    write_pcap(Path(long), Traffic("mixed").mixed(Network()), sizes.mixed[1])
    cut_pcap(Path(long), Path(short), sizes.mixed[0])
    for name, path, judged in ((SMALL, small, True), ("mixed traffic", short, False)):
        medians = in_new_process(time_writers, path, sizes.rounds)
        yield from writer_measures(name, medians, judged=judged)
        yield parquet_measure(name, in_new_process(time_parquet, path, sizes.rounds))
    feeds = directory / "feeds.pcap"
    write_pcap(feeds, Traffic("feeds").feeds(FEEDS), sizes.mixed[1])
    rounds = min(sizes.rounds, 3)
    yield from measure_ingest(f"small texts of {FEEDS} connections", feeds, directory, rounds)
    yield from measure_ingest("mixed traffic", Path(long), directory, rounds)
    yield from measure_peaks([short, long], directory)
    yield from measure_instructions(directory, sizes.counted)


def measure(directory: Path, quick: bool) -> dict[str, object]:
    """Everything, as it goes into the file."""
    load, date = os.getloadavg()[0], dt.datetime.now(dt.UTC).date()
    found = []
    for one in measures(directory, QUICK if quick else FULL):
        print(f"{one.what}: {one.value:,.4g} {one.unit}", flush=True)
        found.append(asdict(one))
    machine = {"Load before": f"{load:.2f} (one minute's average)"}
    return {"date": str(date), "machine": machine, "measures": found}


if __name__ == "__main__":
    run_part("Measure what is made of captures.", measure)
