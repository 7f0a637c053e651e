"""The part of `RESULTS.md` about outputs: lines, archives, tables, reports."""

from dataclasses import dataclass
from typing import Any

from engine.scaling import Measure
from report.tables import table


@dataclass(frozen=True)
class OutputRun:
    """What `outputs.measure` wrote.

    Attributes:
        lines: labels and values: the date, and what the machine did besides.
        measures: all numbers.
    """

    lines: dict[str, str]
    measures: list[Measure]


def load(data: dict[str, Any]) -> OutputRun:
    """Reads the part of a record."""
    lines = {"Date": data["date"], **data["machine"]}
    return OutputRun(lines, [Measure(**fields) for fields in data["measures"]])


def render(run: OutputRun) -> str:
    """The heading, the machine and every number."""
    head = "\n".join(f"- {label}: {value}" for label, value in run.lines.items())
    rows = ([one.what, one.detail, f"{one.value:,.4g} {one.unit}"] for one in run.measures)
    return f"## Outputs\n\n{head}\n\n{table(['what', 'numbers', 'measured'], rows)}\n"
