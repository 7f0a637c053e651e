"""Measures relays and encoders and their peers in turns.

    python -m proxies.measure RESULTS.json            about six minutes
    python -m proxies.measure --quick RESULTS.json    seconds; shows that everything works

Run it in `benches/`. It prints each measurement when it has it.
"""

import argparse
import datetime as dt
import json
import os
from dataclasses import asdict
from pathlib import Path

from proxies import (
    echo_round_trip,
    idle_connections,
    relay_mitmproxy,
    relay_pass_through,
    sending,
    whole_proxies,
    wsproto_dropin,
)
from proxies.turns import Comparison

PARTS = (
    ("The drop-in, beside wsproto", wsproto_dropin.measure),
    ("Sending, masked", sending.measure),
    ("Relaying, beside mitmproxy", relay_mitmproxy.measure),
    ("Watching, beside deciding", relay_pass_through.measure),
    ("An echo round trip through asyncio", echo_round_trip.measure),
    (whole_proxies.HEADING, whole_proxies.measure),
)
"""Headings, and what measures them."""


def show(comparison: Comparison) -> None:
    """Prints a measurement while the others run."""
    for way, nanoseconds in comparison.nanoseconds.items():
        ratio = comparison.ratio(way)
        print(f"{comparison.what}: {way}: {nanoseconds:,.0f} ns, {ratio:.3g}x", flush=True)


def main() -> None:
    """Measures all parts and writes them into a file."""
    parser = argparse.ArgumentParser(description="Measure relays, the drop-in and sending.")
    parser.add_argument("--quick", action="store_true", help="a smoke run of seconds")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    load, date = os.getloadavg()[0], dt.datetime.now(dt.UTC).date()
    parts = {}
    relays: list[Comparison] = []
    for heading, compared in PARTS:
        comparisons = compared(arguments.quick)
        if compared is relay_mitmproxy.measure:
            relays = comparisons
        for comparison in comparisons:
            show(comparison)
        parts[heading] = [asdict(comparison) for comparison in comparisons]
    machine = {"Load before": f"{load:.2f} (one minute's average)"}
    measures = relay_mitmproxy.measures(relays) + idle_connections.measure(arguments.quick)
    for measure in measures:
        print(f"{measure.what}: {measure.value:,.4g} {measure.unit}", flush=True)
    result = {
        "date": str(date),
        "machine": machine,
        "parts": parts,
        "measures": [asdict(measure) for measure in measures],
    }
    arguments.output.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
