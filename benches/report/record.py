"""The numbers of each part's last run in one file, `RESULTS.json`, and two such files compared.

    python -m report.record OLD.json NEW.json    prints the ratio old/new of every number

Run it in `benches/`. The file is committed, so that a run can be compared with an older one, and so
that a run of some parts keeps the numbers of the others. `engine` holds the medians of
`engine/bench_messages.py`; `scaling`, `captures`, `outputs` and `proxies` hold what those
benchmarks wrote. A part that was never run is missing.
"""

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from report.tables import table

NAME = "RESULTS.json"

Record = dict[str, Any]


def numbers(record: Record) -> Iterator[tuple[str, str, float]]:
    """Each number's name, its unit and its value."""
    captures = record.get("captures", {})
    outputs = record.get("outputs", {})
    for one in record.get("engine", {}).get("timings", []):
        yield f"{one['workload']}: {one['reader']}", "ns a message", one["nanoseconds"]
    proxies = record.get("proxies", {})
    measures = (
        record.get("scaling"),
        captures.get("scaling"),
        outputs.get("measures"),
        proxies.get("measures"),
    )
    for one in (one for part in measures for one in part or []):
        yield one["what"], one["unit"], one["value"]
    for one in captures.get("timings", []):
        yield f"capture {one['file']}: {one['way']}", "s", statistics.median(one["seconds"])
    for heading, comparisons in proxies.get("parts", {}).items():
        for one in comparisons:
            for way, nanoseconds in one["nanoseconds"].items():
                yield f"{heading}: {one['what']}: {way}", f"ns a {one['unit']}", nanoseconds


def compare(old: Record, new: Record) -> str:
    """A table of the numbers that both records have; a ratio above 1 means that time fell."""
    before = {(name, unit): value for name, unit, value in numbers(old)}
    rows = []
    for name, unit, value in numbers(new):
        was = before.get((name, unit))
        if was is not None:
            ratio = f"{was / value:.3f}" if value else ""
            rows.append([name, f"{was:,.4g}", f"{value:,.4g}", unit, ratio])
    return table(["number", "old", "new", "unit", "old/new"], rows)


def load(path: Path) -> Record:
    """Reads what `save` wrote; nothing where there is no such file."""
    record: Record = json.loads(path.read_text()) if path.exists() else {}
    return record


def save(record: Record, path: Path) -> None:
    """Writes a record, a number a line, so that two of them can be read side by side."""
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    print(compare(*(load(Path(argument)) for argument in sys.argv[1:3])))
