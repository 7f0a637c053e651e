"""Compares the files of a rotated capture with one file of the same packets.

    python -m captures.rotated [MIB]

MIB is the size of the one file (1,024); the others have 1 MiB each. Both are read to Arrow in turn,
in both orders, and the processor's time is compared: it depends less on what else a machine does.
Also printed is how many files of the capture were open at most.
"""

import resource
import statistics
import sys
import tempfile
from pathlib import Path

import pyarrow as pa

from captures.corpus import Network, Traffic
from captures.packets import rotate, write_pcap
from engine.corpus import MIB
from wsdefrag.capture import Capture

ROUNDS = 6


def seconds(source: Path | list[Path]) -> tuple[float, int]:
    """The processor's time that a pass over the messages takes, and how many there were."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    rows = sum(batch.num_rows for batch in pa.RecordBatchReader.from_stream(Capture(source)))
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, rows


def most_open(paths: list[Path]) -> int:
    """How many of the files were open at a time, looked up after each batch."""
    most = 0
    for _ in pa.RecordBatchReader.from_stream(Capture(paths)):
        targets = [
            link.readlink().name for link in Path("/proc/self/fd").iterdir() if link.exists()
        ]
        most = max(most, sum(target.startswith("part") for target in targets))
    return most


def main() -> None:
    """Measures and prints."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    with tempfile.TemporaryDirectory() as directory:
        whole = Path(directory, "whole.pcap")
        write_pcap(whole, Traffic("mixed").mixed(Network()), size * MIB)
        parts = rotate(whole, Path(directory), MIB)
        ratios = []
        for turn in range(ROUNDS + 1):
            first, second = (whole, parts) if turn % 2 else (parts, whole)
            (one, rows), (other, others) = seconds(first), seconds(second)
            assert rows == others, "the same messages"
            if turn:
                ratios.append(other / one if turn % 2 else one / other)
        print(f"{len(parts):,} files: {statistics.median(ratios):.3f} of the time of one file")
        print(f"of {min(ratios):.3f} to {max(ratios):.3f}; at most {most_open(parts)} open")


if __name__ == "__main__":
    main()
