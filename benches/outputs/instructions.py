"""How many instructions a small message takes to Arrow, counted by Valgrind's callgrind.

Two captures of one connection are read, each in a process of its own, and the difference of the
counts is divided by that of the numbers of messages: what starts Python is in both.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from captures.corpus import Traffic
from captures.packets import write_pcap
from engine.scaling import Measure

INSTRUCTIONS = 1_100
"""What a text of 200 B, four to a packet, may take."""

READ = "import sys; from captures.ways import to_arrow; to_arrow(sys.argv[1])"


def counted(path: Path) -> int:
    """The instructions of a process that reads a capture to Arrow."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    done = subprocess.run(
        [*command, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    collected = re.search(r"Collected : (\d+)", done.stderr)
    assert collected is not None, done.stderr
    return int(collected[1])


def measure_instructions(directory: Path, messages: int) -> list[Measure]:
    """One number; none where there is no Valgrind."""
    if shutil.which("valgrind") is None:
        return []
    counts = []
    for number in (messages, 3 * messages):
        path = directory / f"small-{number}.pcap"
        write_pcap(path, Traffic("small").small(number))
        counts.append(counted(path))
    few, many = counts
    return [
        Measure(
            "a text of 200 B to Arrow, four to a packet",
            f"{few:,} and {many:,} instructions for {messages:,} and {3 * messages:,} messages",
            (many - few) / (2 * messages),
            "instructions",
            INSTRUCTIONS,
        )
    ]
