"""The first part of `RESULTS.md`: whole programs, from their start to their end."""

from captures.ways import (
    HAR,
    JSONL,
    LISTING,
    MITM,
    PARQUET,
    REPORT,
    TSHARK_FIELDS,
    TSHARK_JSON,
)
from proxies.turns import Comparison
from proxies.whole_proxies import ROUND_TRIP
from report.capture_results import COMPARED, CaptureRun
from report.duration import duration
from report.tables import table

COMMANDS = (
    (JSONL, TSHARK_JSON),
    (JSONL, TSHARK_FIELDS),
    (LISTING, TSHARK_FIELDS),
    (HAR, TSHARK_JSON),
    (MITM, TSHARK_JSON),
    (PARQUET, TSHARK_JSON),
    (REPORT, TSHARK_JSON),
)
"""Commands that read a capture file, ours and theirs."""

INTRODUCTION = """\
What a user waits for. The tables below this one measure parts: a reader, a relay, an encoder. A \
whole program also starts, reads files, opens sockets, parses HTTP and prints, which costs both \
sides of a comparison about the same, so its ratio is smaller. Commands are timed from their start \
to their end, the start of the interpreter included, and write to `/dev/null`. A ratio above 1 \
means that ours is faster."""

ON_PROXIES = """\
Round trips a second are those of all connections together. The client, the proxy and the echo \
server share the machine's cores, so the rate depends on how many there are; the CPU time is that \
of the proxy alone, user and system. Both mitmdumps keep the messages of an open flow, as always. \
Beside "no proxy", the ratio says what share of that rate is left. The picows pipe passes frames \
on and has no limits, no back-pressure and no end in order; nginx and haproxy pass bytes on."""


def render(captures: CaptureRun | None, proxies: list[Comparison]) -> str:
    """The heading, the table and what is to be said about it."""
    rows = [*(command_rows(captures) if captures else []), *proxy_rows(proxies)]
    head = ["what", "ours", "against", "its number", "ratio"]
    notes = [INTRODUCTION, table(head, rows), *([ON_PROXIES] if proxies else [])]
    return "\n\n".join(["## Whole programs", *notes])


def command_rows(run: CaptureRun) -> list[list[str]]:
    """Our command beside tshark; no row where one of them was not measured."""
    rows = []
    for name in COMPARED:
        for way, peer in COMMANDS:
            ours, theirs = run.rate(name, way), run.rate(name, peer)
            if ours is not None and theirs is not None:
                rates = (f"{rate:,.0f} messages/s" for rate in (ours, theirs))
                rows.append(row(f"{way}: {name}", next(rates), peer, next(rates), ours / theirs))
    return rows


def proxy_rows(comparisons: list[Comparison]) -> list[list[str]]:
    """Proxies, by the clock as a rate and by CPU time as a time."""
    rows = []
    for comparison in comparisons:
        for peer in list(comparison.nanoseconds)[1:]:
            numbers = [
                number(comparison.nanoseconds[way], comparison.unit)
                for way in (comparison.ours, peer)
            ]
            what = f"{comparison.ours}: {comparison.what}"
            rows.append(row(what, numbers[0], peer, numbers[1], comparison.ratio(peer)))
    return rows


def number(nanoseconds: float, unit: str) -> str:
    """Round trips a second, or the CPU time of one."""
    if unit == ROUND_TRIP:
        return f"{1e9 / nanoseconds:,.0f} round trips/s"
    return f"{duration(nanoseconds)} of CPU a round trip"


def row(what: str, ours: str, peer: str, theirs: str, ratio: float) -> list[str]:
    """A line of the table."""
    return [what, ours, peer, theirs, f"{ratio:.3g}x"]
