"""Measures memory and cores of reading captures, and speed compared with tshark and mitmproxy.

    python -m captures.measure RESULTS.json            about six minutes
    python -m captures.measure --quick RESULTS.json    seconds; shows that everything works

Run it in `benches/`. The files go to a temporary directory: 3 GiB in a full run (`TMPDIR` says
where).
"""

import datetime as dt
import os
from dataclasses import asdict
from pathlib import Path

from captures.files import FULL, LARGE, MANY, MIXED, QUICK, SLICE, SMALL, File, write_files
from captures.fresh import in_new_process
from captures.memory import measure_memory, measure_threads
from captures.part import run_part
from captures.sharing import measure_sharing, shared_files
from captures.ways import (
    ARROW,
    HAR,
    JSONL,
    LISTING,
    MITM,
    MITMPROXY,
    MITMPROXY_PYTHON,
    NO_CONTENT,
    OBJECTS,
    PARQUET,
    REPORT,
    TSHARK_FIELDS,
    TSHARK_JSON,
    Failed,
    commands,
    count_tshark,
    time_command,
    time_mitmproxy,
    time_ours,
    versions,
    write_flows,
)

ROUNDS = 5
LAPS = 3
"""Ways that are compared take turns: so many times `ROUNDS` of ours and one of each program."""


class Record:
    """The seconds of every way on every file, as they come in."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str], list[float]] = {}
        self.failed: dict[tuple[str, str], str] = {}

    def ours(self, file: File, way: str, rounds: int = ROUNDS) -> None:
        """Takes the time of a way of ours, in a new process."""
        seconds = in_new_process(time_ours, way, file.path, rounds)
        self._add(file, way, seconds)

    def program(self, file: File, way: str) -> None:
        """Takes the time of a program, if it is there and works."""
        command = commands().get(way)
        if command is None or (file.name, way) in self.failed:
            return
        try:
            self._add(file, way, [time_command(command(file.path))])
        except Failed as failure:
            self.failed[file.name, way] = str(failure)
            print(f"{file.name}: {way} failed: {failure}", flush=True)

    def mitmproxy(self, file: File, directory: Path) -> None:
        """Takes the time of mitmproxy's reader, if it is there."""
        if MITMPROXY_PYTHON.exists():
            flows = directory / "flows.mitm"
            write_flows(file.path, flows)
            seconds, messages = time_mitmproxy(flows, LAPS)
            assert messages == file.whole
            self._add(file, MITMPROXY, seconds)

    def _add(self, file: File, way: str, seconds: list[float]) -> None:
        self.seconds.setdefault((file.name, way), []).extend(seconds)
        print(f"{file.name}: {way}: {min(seconds) * 1e3:,.1f} ms", flush=True)


def compare(record: Record, file: File) -> None:
    """Ours and the programs in turns."""
    for _ in range(LAPS):
        for way in (ARROW, OBJECTS):
            record.ours(file, way)
        for way in (LISTING, JSONL, HAR, MITM, PARQUET, REPORT, TSHARK_FIELDS, TSHARK_JSON):
            record.program(file, way)


def measure(directory: Path, quick: bool) -> dict[str, object]:
    """Everything, as it goes into the file."""
    load, date = os.getloadavg()[0], dt.datetime.now(dt.UTC).date()
    sizes = QUICK if quick else FULL
    files = write_files(directory, sizes)
    by_name = {file.name: file for file in files}
    record = Record()
    found = {}
    for name in (SMALL, SLICE):
        compare(record, by_name[name])
        record.mitmproxy(by_name[name], directory)
        if TSHARK_FIELDS in commands():
            found[name] = count_tshark(by_name[name].path)
    for file in files:
        rounds = 3 if file.name == MIXED else 2 * ROUNDS
        for way in (ARROW, OBJECTS):
            if (file.name, way) not in record.seconds:
                record.ours(file, way, rounds)
        record.ours(file, NO_CONTENT, rounds)
    scaling = measure_threads([by_name[SMALL], by_name[LARGE]])
    scaling += measure_memory(directory, by_name[MIXED], sizes)
    shared = [by_name[name] for name in (SLICE, LARGE, MANY)]
    sharing = measure_sharing(shared_files(directory, shared, quick), 1 if quick else ROUNDS)
    scaling += [one.measure() for one in sharing]
    timings = [
        {"file": file, "way": way, "seconds": seconds}
        for (file, way), seconds in record.seconds.items()
    ]
    return {
        "date": str(date),
        "machine": {**versions(), "Load before": f"{load:.2f} (one minute's average)"},
        "files": [file.as_json() for file in files],
        "timings": timings,
        "failures": [
            {"file": file, "way": way, "why": why} for (file, way), why in record.failed.items()
        ],
        "tshark_found": found,
        "scaling": [asdict(measured) for measured in scaling],
        "sharing": [asdict(one) for one in sharing],
    }


if __name__ == "__main__":
    run_part("Measure how captures are read.", measure)
