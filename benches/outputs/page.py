"""The time and the size of `wsdefrag report` on a capture with many messages."""

import statistics
from pathlib import Path

from captures.corpus import SMALL_SIZE, Traffic
from captures.packets import write_pcap
from captures.ways import WSDEFRAG, time_command
from engine.scaling import Measure

SECONDS = 2.0
"""What the command may take, from its start to its end."""

SIZE = 1.3
"""How many times the bytes of the contents the page may have."""


def measure_page(directory: Path, messages: int, rounds: int) -> list[Measure]:
    """Writes the report of a capture of texts of 200 B."""
    path, page = directory / "page.pcap", directory / "page.html"
    write_pcap(path, Traffic("small").small(messages))
    command = [str(WSDEFRAG), "report", str(path), "--force", "-o", str(page)]
    taken = [time_command(command) for _ in range(rounds)]
    size, contents = page.stat().st_size, messages * SMALL_SIZE
    what = f"`wsdefrag report` of {messages:,} texts of {SMALL_SIZE} B"
    return [
        Measure(
            what,
            ", ".join(f"{one:.2f} s" for one in taken),
            statistics.median(taken),
            "s",
            SECONDS,
        ),
        Measure(
            f"{what}: size of the page over that of the contents",
            f"{size / 1e6:,.1f} MB, {contents / 1e6:,.1f} MB",
            size / contents,
            "x",
            SIZE,
        ),
    ]
