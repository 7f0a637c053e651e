"""The peak memory of each output, compared with that of reading alone.

Every way is a process of its own. `small_parent` starts it: a process that is forked by a large one
begins with the peak of that one (`ru_maxrss` of getrusage(2) is kept by execve).
"""

import subprocess
import sys
from pathlib import Path

from captures.ways import LOSSES, WSDEFRAG, Failed
from engine.corpus import KIB, MIB
from engine.scaling import Measure

OVER = 64
"""MiB that an output may take over what reading takes."""

SMALL_PARENT = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""

READ = """
import sys
import click
from wsdefrag.capture import Capture
with Capture(sys.argv[1]).read() as reader:
    while reader.next_batch() is not None:
        pass
"""

READER = "reading alone"


def outputs(path: str, directory: Path) -> dict[str, list[str]]:
    """For each output the command that makes it of a capture."""
    command = str(WSDEFRAG)
    convert = [command, "convert", path, "--force", "-o"]
    return {
        "`messages`": [command, "messages", path],
        "`messages --format jsonl`": [command, "messages", "--format", "jsonl", path],
        "`connections`": [command, "connections", path],
        "`follow`": [command, "follow", path, "0"],
        "`extract`": [command, "extract", path, "--force", "-o", f"{directory / 'contents'}/"],
        "`stats`": [command, "stats", path],
        "`convert`, JSON lines": [*convert, str(directory / "x.jsonl")],
        "`convert`, HAR": [*convert, str(directory / "x.har")],
        "`convert`, mitmproxy flows": [*convert, str(directory / "x.mitm")],
        "`convert`, Parquet": [*convert, str(directory / "x.parquet")],
        "`convert`, Arrow": [*convert, str(directory / "x.arrow")],
        "`convert`, all tables as Parquet": [
            *convert,
            f"{directory / 'tables'}/",
            "--format",
            "parquet",
        ],
        "`report`": [command, "report", path, "--force", "-o", str(directory / "x.html")],
        "`plot`": [command, "plot", path, "--force", "-o", str(directory / "x.svg")],
    }


def peak(command: list[str]) -> int:
    """The most bytes that were resident while a command ran."""
    done = subprocess.run(
        [sys.executable, "-c", SMALL_PARENT, *command], capture_output=True, text=True, check=True
    )
    # The command writes to the same pipe, before its parent does.
    status, kib = done.stdout.splitlines()[-1].split()
    if int(status) not in (0, LOSSES):
        raise Failed(done.stderr.strip().splitlines()[-1])
    return int(kib) * KIB


def measure_peaks(paths: list[str], directory: Path) -> list[Measure]:
    """The peaks of all outputs over that of the reader, for files of growing length.

    Args:
        paths: The captures.
        directory: Where files are written, and then replaced.
    """
    sizes = [f"{Path(path).stat().st_size / MIB:,.0f} MiB" for path in paths]
    reader = [peak([sys.executable, "-c", READ, path]) for path in paths]
    found: dict[str, list[int]] = {}
    for path in paths:
        for name, command in outputs(path, directory).items():
            found.setdefault(name, []).append(peak(command))
    measures = [
        Measure(f"peak memory, {READER}", listed(sizes, reader), reader[-1] / MIB, "MiB", None)
    ]
    for name, peaks in found.items():
        over = max(one - base for one, base in zip(peaks, reader, strict=True)) / MIB
        what = f"peak memory, {name}: over that of {READER}"
        measures.append(Measure(what, listed(sizes, peaks), over, "MiB", OVER))
    return measures


def listed(sizes: list[str], peaks: list[int]) -> str:
    """The peak for each size of the file."""
    parts = zip(sizes, peaks, strict=True)
    return ", ".join(f"{size}: {one / MIB:,.1f} MiB" for size, one in parts)
