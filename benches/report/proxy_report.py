"""The part of `RESULTS.md` about proxies and sending."""

import json
from pathlib import Path

from proxies.turns import Comparison
from report.tables import table, verdict


def render(path: Path) -> str:
    """Headings and tables of what `proxies.measure` wrote."""
    data = json.loads(path.read_text())
    parts = {
        heading: [Comparison(**fields) for fields in comparisons]
        for heading, comparisons in data["parts"].items()
    }
    lines = {"Date": data["date"], **data["machine"]}
    head = "\n".join(f"- {label}: {value}" for label, value in lines.items())
    body = "\n\n".join(
        f"### {heading}\n\n{part(comparisons)}" for heading, comparisons in parts.items()
    )
    return f"## Proxies and sending\n\n{head}\n\n{body}\n"


def part(comparisons: list[Comparison]) -> str:
    """A line for each peer that something was compared with, and what is to be said about it."""
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
                    f"{time(ours)} a {comparison.unit}",
                    peer,
                    f"{time(nanoseconds)}",
                    f"{ratio:.3g}x",
                    "" if wanted is None else f"{wanted:g}x",
                    "" if wanted is None else verdict(ratio >= wanted),
                ]
            )
    head = ["what", "ours", "against", "its time", "ratio", "target, at least", ""]
    notes = dict.fromkeys(comparison.note for comparison in comparisons if comparison.note)
    return "\n\n".join([table(head, rows), *notes])


def time(nanoseconds: float) -> str:
    """A time with three digits, in a unit that suits it."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:,.3g} {unit}"
    return f"{nanoseconds:,.0f} ns"
