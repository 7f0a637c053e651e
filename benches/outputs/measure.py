"""Measures what is made of captures: the time, the memory and the size of each output.

    python -m outputs.measure RESULTS.json            about four minutes
    python -m outputs.measure --quick RESULTS.json    half a minute; shows that everything works

Run it in `benches/`. The files go to a temporary directory: 1 GiB in a full run (`TMPDIR` says
where).
"""

import argparse
import datetime as dt
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from captures.corpus import Network, Traffic
from captures.files import SMALL
from captures.fresh import in_new_process
from captures.packets import cut_pcap, write_pcap
from captures.ways import compile_package
from engine.corpus import MIB
from engine.scaling import Measure
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
    yield from measure_peaks([short, long], directory)
    yield from measure_instructions(directory, sizes.counted)


def main() -> None:
    """Measures, and writes the file that the command line names."""
    parser = argparse.ArgumentParser(description="Measure what is made of captures.")
    parser.add_argument("--quick", action="store_true", help="small files, for a smoke run")
    parser.add_argument("output", type=Path, help="where the numbers go, as JSON")
    arguments = parser.parse_args()
    # numpy, which pyarrow imports, would start threads that wait busily.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    compile_package()
    load, date = os.getloadavg()[0], dt.datetime.now(dt.UTC).date()
    found = []
    with tempfile.TemporaryDirectory(prefix="wsdefrag-bench-") as directory:
        for measure in measures(Path(directory), QUICK if arguments.quick else FULL):
            print(f"{measure.what}: {measure.value:,.4g} {measure.unit}", flush=True)
            found.append(asdict(measure))
    machine = {"Load before": f"{load:.2f} (one minute's average)"}
    result = {"date": str(date), "machine": machine, "measures": found}
    arguments.output.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
