"""Judging the suite's report: only OK passes, except for the informational cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from case_outcome import AGENT, Outcome, load, table


@pytest.mark.parametrize(
    ("case", "behavior", "closing", "kind", "passed"),
    [
        ("1.1.1", "OK", "OK", "OK", True),
        ("6.4.1", "NON-STRICT", "OK", "NON-STRICT", False),
        ("6.4.1", "OK", "UNCLEAN", "UNCLEAN", False),
        ("6.4.1", "FAILED", "OK", "FAILED", False),
        ("6.4.1", "OK", "FAILED", "FAILED", False),
        ("6.4.1", "NON-STRICT", "FAILED", "FAILED", False),
        ("6.4.1", "NON-STRICT", "UNCLEAN", "other", False),
        ("6.4.1", "OK", "WRONG CODE", "other", False),
        ("6.4.1", "OK", "FAILED BY CLIENT", "other", False),
        ("12.1.1", "UNIMPLEMENTED", "OK", "other", False),
        ("7.1.6", "INFORMATIONAL", "INFORMATIONAL", "INFORMATIONAL", True),
        # If the suite judges this case, the list of informational cases is wrong.
        ("7.1.6", "OK", "OK", "OK", False),
        ("7.1.5", "INFORMATIONAL", "INFORMATIONAL", "INFORMATIONAL", False),
    ],
)
def test_results_are_judged(
    case: str, behavior: str, closing: str, kind: str, passed: bool
) -> None:
    outcome = Outcome(case, behavior, closing)
    assert (outcome.kind, outcome.passed) == (kind, passed)


@pytest.mark.parametrize(
    ("case", "behavior", "closing", "passed"),
    [
        ("1.1.1", "OK", "OK", True),
        ("3.2", "OK", "OK", True),
        ("3.2", "NON-STRICT", "OK", True),
        ("3.2", "NON-STRICT", "UNCLEAN", False),
        ("3.2", "FAILED", "OK", False),
        ("3.1", "NON-STRICT", "OK", False),
        ("7.1.6", "INFORMATIONAL", "INFORMATIONAL", True),
    ],
)
def test_results_through_a_proxy_are_judged(
    case: str, behavior: str, closing: str, passed: bool
) -> None:
    assert Outcome(case, behavior, closing).passed_through_proxy == passed


def test_report_is_read_and_counted(tmp_path: Path) -> None:
    results = {
        "1.1.1": "OK",
        "10.1.1": "OK",
        "2.1": "OK",
        "2.2": "FAILED",
        "7.1.6": "INFORMATIONAL",
    }
    report = {
        AGENT: {
            case: {"behavior": result, "behaviorClose": result, "duration": 1}
            for case, result in results.items()
        }
    }
    (tmp_path / "index.json").write_text(json.dumps(report), encoding="utf-8")
    outcomes = load(tmp_path)
    assert [one.case for one in outcomes if not one.passed] == ["2.2"]
    rows = [line.split() for line in table(outcomes).splitlines()]
    assert rows[0] == [
        "section",
        "cases",
        "ok",
        "informational",
        "non-strict",
        "unclean",
        "failed",
        "other",
    ]
    assert rows[1:] == [
        ["1", "1", "1", ".", ".", ".", ".", "."],
        ["2", "2", "1", ".", ".", ".", "1", "."],
        ["7", "1", ".", "1", ".", ".", ".", "."],
        ["10", "1", "1", ".", ".", ".", ".", "."],
        ["all", "5", "3", "1", ".", ".", "1", "."],
    ]
