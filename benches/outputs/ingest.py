"""The time of `wsdefrag ingest`, compared with that of `wsdefrag convert` to all tables as Parquet.

Both are whole commands and read the same files of a rotated capture, whose packets are those of one
file, into folders of their own on the same disk. They take turns, and every second turn begins with
the other one.
"""

import shutil
import statistics
from pathlib import Path

from captures.packets import rotate
from captures.ways import WSDEFRAG, time_command
from engine.corpus import MIB
from engine.scaling import Measure

LENGTHS = (16, 64)
"""MiB of a file of the rotated captures."""
OVER = 1.2
"""How many times the time of `convert` an ingest may take."""


def seconds(command: list[str], made: Path) -> float:
    """The seconds that a command takes, which makes a folder."""
    shutil.rmtree(made, ignore_errors=True)
    return time_command(command)


def measure_ingest(name: str, capture: Path, directory: Path, rounds: int) -> list[Measure]:
    """The time of an ingest over that of a conversion, for short files and for long ones.

    Args:
        name: What the tables call the capture.
        capture: A pcap file.
        directory: Where files are written.
        rounds: How often each command is timed; once more before that is not counted.
    """
    measures = []
    for length in LENGTHS:
        folder, lake, tables = (directory / name for name in ("rotated", "lake", "tables"))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        files = [str(path) for path in rotate(capture, folder, length * MIB)]
        wsdefrag = str(WSDEFRAG)
        ingest = [wsdefrag, "ingest", str(folder), "--to", str(lake), "--quiet", "0", "--end"]
        convert = [wsdefrag, "convert", *files, "--format", "parquet", "-o", f"{tables}/"]
        turns: list[tuple[float, float]] = []
        for turn in range(rounds + 1):
            if turn % 2:
                converted = seconds(convert, tables)
                turns.append((seconds(ingest, lake), converted))
            else:
                turns.append((seconds(ingest, lake), seconds(convert, tables)))
        ours, theirs = (statistics.median(times) for times in zip(*turns[1:], strict=True))
        size = capture.stat().st_size / MIB
        measures.append(
            Measure(
                f"{size:,.0f} MiB of {name} in files of {length} MiB: `wsdefrag ingest`, "
                "time over that of `wsdefrag convert` to Parquet",
                f"{len(files)} files; {theirs:.2f} s, {ours:.2f} s",
                ours / theirs,
                "x",
                OVER,
            )
        )
    return measures
