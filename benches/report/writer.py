"""Turns the measured numbers into `RESULTS.md`, `chart.svg` and `captures.svg`.

    python -m report.writer RESULTS.json DIRECTORY

Run it in `benches/`. `NOTES.md`, written by hand, becomes the last part of `RESULTS.md`.
"""

import sys
from pathlib import Path

from engine.scaling import Measure
from proxies import whole_proxies
from report import (
    capture_chart,
    capture_report,
    capture_results,
    capture_targets,
    engine_chart,
    engine_report,
    engine_results,
    output_report,
    proxy_report,
    record,
    whole_programs,
)
from report.record import Record

NOTES = Path(__file__).resolve().parents[1] / "NOTES.md"
NAMES = ("RESULTS.md", record.NAME, "chart.svg", "captures.svg")

INTRODUCTION = """\
# Results

Written by `make bench`. Every number is the median of its rounds in one run. Parts may be \
measured on different days, so each has its date."""


def render(record: Record) -> str:
    """The whole of `RESULTS.md`; a part that was never measured is left out."""
    engine = engine_results.load(record["engine"]) if "engine" in record else None
    captures = capture_results.load(record["captures"]) if "captures" in record else None
    outputs = output_report.load(record["outputs"]) if "outputs" in record else None
    proxies = proxy_report.load(record["proxies"]) if "proxies" in record else None
    scaling = [Measure(**fields) for fields in record.get("scaling", [])]
    programs = proxies.parts.get(whole_proxies.HEADING, []) if proxies else []
    sections = [
        INTRODUCTION,
        engine_report.machine_table(engine) if engine else None,
        whole_programs.render(captures, programs),
        engine_report.render(engine, scaling) if engine else None,
        capture_targets.render(captures, outputs.measures if outputs else []),
        capture_report.render(captures) if captures else None,
        output_report.render(outputs) if outputs else None,
        proxy_report.render(proxies) if proxies else None,
        NOTES.read_text(),
    ]
    return "\n\n".join(section.strip("\n") for section in sections if section) + "\n"


def write(record: Record, directory: Path) -> None:
    """Writes the report and the charts into a directory."""
    (directory / "RESULTS.md").write_text(render(record))
    if "engine" in record:
        engine_chart.draw(engine_results.load(record["engine"]), directory / "chart.svg")
    if "captures" in record:
        capture_chart.draw(capture_results.load(record["captures"]), directory / "captures.svg")


if __name__ == "__main__":
    write(record.load(Path(sys.argv[1])), Path(sys.argv[2]))
