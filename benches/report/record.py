"""The numbers of one run in one file, `RESULTS.json`, and two such files compared.

    python -m report.record OLD.json NEW.json    prints the ratio old/new of every number

Run it in `benches/`. The file is committed, so that a run can be compared with an older one.
`engine` holds the medians of `engine/bench_messages.py`; `scaling`, `captures` and `proxies` hold
what those benchmarks wrote.
"""

import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from report import engine_results
from report.tables import table

NAME = "RESULTS.json"


def join(messages: Path, scaling: Path, captures: Path, proxies: Path) -> dict[str, Any]:
    """What the four files of one run hold; of the engine's, what the report shows."""
    run = engine_results.load(messages)
    timings = [
        {
            "workload": workload,
            "reader": reader,
            "nanoseconds": timing.nanoseconds,
            "message_size": timing.message_size,
            "rounds": timing.rounds,
        }
        for (workload, reader), timing in run.timings.items()
    ]
    return {
        "engine": {"date": run.date, "machine": run.machine, "timings": timings},
        "scaling": json.loads(scaling.read_text()),
        "captures": json.loads(captures.read_text()),
        "proxies": json.loads(proxies.read_text()),
    }


def numbers(record: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Each number's name, its unit and its value."""
    for one in record["engine"]["timings"]:
        yield f"{one['workload']}: {one['reader']}", "ns a message", one["nanoseconds"]
    for one in [*record["scaling"], *record["captures"]["scaling"]]:
        yield one["what"], one["unit"], one["value"]
    for one in record["captures"]["timings"]:
        yield f"capture {one['file']}: {one['way']}", "s", statistics.median(one["seconds"])
    for heading, comparisons in record["proxies"]["parts"].items():
        for one in comparisons:
            for way, nanoseconds in one["nanoseconds"].items():
                yield f"{heading}: {one['what']}: {way}", f"ns a {one['unit']}", nanoseconds


def compare(old: dict[str, Any], new: dict[str, Any]) -> str:
    """A table of the numbers that both records have; a ratio above 1 means that time fell."""
    before = {(name, unit): value for name, unit, value in numbers(old)}
    rows = []
    for name, unit, value in numbers(new):
        was = before.get((name, unit))
        if was is not None:
            ratio = f"{was / value:.3f}" if value else ""
            rows.append([name, f"{was:,.4g}", f"{value:,.4g}", unit, ratio])
    return table(["number", "old", "new", "unit", "old/new"], rows)


def load(path: Path) -> dict[str, Any]:
    """Reads what `save` wrote."""
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def save(record: dict[str, Any], path: Path) -> None:
    """Writes a record, a number a line, so that two of them can be read side by side."""
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    print(compare(*(load(Path(argument)) for argument in sys.argv[1:3])))
