"""The part of `RESULTS.md` about proxies and sending."""

from dataclasses import dataclass
from typing import Any

from engine.scaling import Measure
from proxies import whole_proxies
from proxies.turns import Comparison
from report.capture_targets import of_measures
from report.duration import duration
from report.tables import table, verdict


@dataclass(frozen=True)
class ProxyRun:
    """What `proxies.measure` wrote.

    Attributes:
        lines: labels and values: the date, and what the machine did besides.
        parts: comparisons by heading.
        measures: single numbers, with their limits.
    """

    lines: dict[str, str]
    parts: dict[str, list[Comparison]]
    measures: list[Measure]


def load(data: dict[str, Any]) -> ProxyRun:
    """Reads what `proxies.measure` wrote."""
    parts = {
        heading: [Comparison(**fields) for fields in comparisons]
        for heading, comparisons in data["parts"].items()
    }
    measures = [Measure(**fields) for fields in data.get("measures", [])]
    return ProxyRun({"Date": data["date"], **data["machine"]}, parts, measures)


def render(run: ProxyRun) -> str:
    """Headings and tables of the parts; whole programs have a section of their own."""
    head = "\n".join(f"- {label}: {value}" for label, value in run.lines.items())
    body = "\n\n".join(
        f"### {heading}\n\n{part(comparisons)}"
        for heading, comparisons in run.parts.items()
        if heading != whole_proxies.HEADING
    )
    return f"## Proxies and sending\n\n{head}\n\n{targets(run)}\n\n{body}\n"


def targets(run: ProxyRun) -> str:
    """Every target, how many were reached, and what was measured; whole proxies among them."""
    rows = [
        [
            f"{comparison.ours}: {comparison.what}, beside {peer}",
            f"at most {1 / wanted:.3g}x its time",
            f"{1 / comparison.ratio(peer):.3g}x",
            verdict(comparison.ratio(peer) >= wanted),
        ]
        for comparison in (one for part in run.parts.values() for one in part)
        for peer, wanted in comparison.targets.items()
    ]
    rows += of_measures(run.measures)
    reached = sum(row[-1] == verdict(True) for row in rows)
    head = ["what", "target", "measured", ""]
    return f"{reached} of {len(rows)} targets reached.\n\n{table(head, rows)}"


def part(comparisons: list[Comparison]) -> str:
    """A line for each peer, with the note about it."""
    rows = []
    for comparison in comparisons:
        ours = comparison.nanoseconds[comparison.ours]
        for peer, nanoseconds in comparison.nanoseconds.items():
            if peer == comparison.ours:
                continue
            ratio, wanted = comparison.ratio(peer), comparison.targets.get(peer)
            rows.append(
                [
                    comparison.what,
                    f"{duration(ours)} a {comparison.unit}",
                    peer,
                    duration(nanoseconds),
                    f"{ratio:.3g}x",
                    "" if wanted is None else f"{wanted:g}x",
                    "" if wanted is None else verdict(ratio >= wanted),
                ]
            )
    head = ["what", "ours", "against", "its time", "ratio", "target, at least", ""]
    notes = dict.fromkeys(comparison.note for comparison in comparisons if comparison.note)
    return "\n\n".join([table(head, rows), *notes])
