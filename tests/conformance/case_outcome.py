"""Reads the Autobahn TestSuite's report about an endpoint, judges it and makes a table.

Each case has two results: for the behaviour and for the closing of the connection. Both must be OK.
The cases in ``INFORMATIONAL`` are not judged, because the RFC does not say what must happen: the
suite always gives them that result, and any other result is an error.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

AGENT = "wsdefrag"

# 7.1.6: a message of 256 KiB, a Close and a Ping at once, where it is open how much comes back
# before the Close; 7.13.1 and 7.13.2: the close codes 5000 and 65535, which no RFC has a rule for.
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}

# A message, and then a frame that breaks a rule. A proxy fails the connection at that frame
# (RFC 6455 section 7.1.7), before the echo of the message has come back to it: NON-STRICT.
ENDED_BEFORE_ECHO = {
    *("3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"),
}

KINDS = ("OK", "INFORMATIONAL", "NON-STRICT", "UNCLEAN", "FAILED", "other")


@dataclass(frozen=True)
class Outcome:
    """One case.

    Attributes:
        case: Its number, such as ``"7.1.6"``.
        behavior: The result for what happened.
        behavior_close: The result for the closing.
    """

    case: str
    behavior: str
    behavior_close: str

    @property
    def section(self) -> int:
        """The section of the suite that it belongs to."""
        return int(self.case.split(".")[0])

    @property
    def kind(self) -> str:
        """The worse of the two results, or ``"other"`` for those that no column is for."""
        results = {self.behavior, self.behavior_close} - {"OK"}
        if not results:
            return "OK"
        if len(results) > 1:
            return "FAILED" if "FAILED" in results else "other"
        (result,) = results
        return result if result in KINDS else "other"

    @property
    def passed(self) -> bool:
        """Whether it is as it has to be."""
        return self.kind == ("INFORMATIONAL" if self.case in INFORMATIONAL else "OK")

    @property
    def passed_through_proxy(self) -> bool:
        """Whether it is as it has to be if a proxy stands before the endpoint."""
        early = self.case in ENDED_BEFORE_ECHO and self.behavior_close == "OK"
        return self.passed or (early and self.behavior == "NON-STRICT")


def load(directory: Path) -> list[Outcome]:
    """Read the suite's report."""
    report = json.loads((directory / "index.json").read_text(encoding="utf-8"))
    return [
        Outcome(case, result["behavior"], result["behaviorClose"])
        for case, result in report[AGENT].items()
    ]


def table(outcomes: Iterable[Outcome]) -> str:
    """Count the kinds of results by section; zeros are dots."""
    counts: dict[int, Counter[str]] = {}
    for outcome in outcomes:
        counts.setdefault(outcome.section, Counter())[outcome.kind] += 1
    total: Counter[str] = sum(counts.values(), Counter())
    rows = [(str(section), counts[section]) for section in sorted(counts)] + [("all", total)]
    lines = ["section  cases" + "".join(f"  {kind.lower():>13}" for kind in KINDS)]
    lines += [
        f"{name:>7}  {sum(row.values()):>5}"
        + "".join(f"  {row[kind] or '.':>13}" for kind in KINDS)
        for name, row in rows
    ]
    return "\n".join(lines)
