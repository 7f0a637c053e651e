"""How long our command takes to start, compared with Python importing click."""

import statistics
import subprocess
import sys

from captures.ways import WSDEFRAG
from engine.scaling import Measure
from outputs.writers import seconds_of

START = 1.3
"""How many times the time of `python -c "import click"` a start may take."""

BASE = [sys.executable, "-c", "import click"]
STARTS = {
    "`wsdefrag --version`": [str(WSDEFRAG), "--version"],
    "`wsdefrag messages --help`": [str(WSDEFRAG), "messages", "--help"],
}


def measure_start(rounds: int) -> list[Measure]:
    """Medians, in turns; one round before the others is not counted."""
    commands = {"": BASE, **STARTS}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, command in commands.items():
            taken = seconds_of(
                lambda command=command: subprocess.run(  # type: ignore[misc]
                    command, stdout=subprocess.DEVNULL, check=True
                )
            )
            seconds[name].append(taken)
    medians = {name: statistics.median(taken[1:]) for name, taken in seconds.items()}
    return [
        Measure(
            f'{name}: time over that of `python -c "import click"`',
            f"{medians[''] * 1e3:,.1f} ms, {medians[name] * 1e3:,.1f} ms",
            medians[name] / medians[""],
            "x",
            START,
        )
        for name in STARTS
    ]
