"""RESULTS.md is written from the reports of all ways, whichever run made them."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest

import run
from case_outcome import AGENT
from through import WAYS

DAY = dt.datetime(2026, 2, 3, 12, tzinfo=dt.timezone.utc)


def report(directory: Path, *, result: str = "OK", later: int = 0) -> None:
    """Write a report of one case, of a day that many days later."""
    directory.mkdir(parents=True)
    case = {"behavior": result, "behaviorClose": "OK"}
    path = directory / "index.json"
    path.write_text(json.dumps({AGENT: {"9.1.1": case}}), encoding="utf-8")
    seconds = (DAY + dt.timedelta(days=later)).timestamp()
    os.utime(path, (seconds, seconds))


def test_results_of_several_runs_are_written_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "RESULTS", tmp_path / "RESULTS.md")
    for way in WAYS:
        report(tmp_path / way / "server", result="FAILED" if way == "frames" else "OK")
        report(tmp_path / way / "client", later=1 if way == "bytes" else 0)
    run.write_results(tmp_path, tmp_path)
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "- Date: 2026-02-03 to 2026-02-04\n" in text
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "As a server, directly",
        "As a client, directly",
        *(
            f"As a {name}, through a proxy of {way}"
            for way in ("messages", "frames", "bytes")
            for name in ("server", "client")
        ),
    ]
    assert text.count("case 9.1.1: FAILED, closing OK") == 1
    assert text.count("517 cases are expected, 1 were run") == 2 * len(WAYS)


def test_nothing_is_written_before_all_ways_were_run(tmp_path: Path) -> None:
    for way in WAYS[1:]:
        report(tmp_path / way / "server")
        report(tmp_path / way / "client")
    report(tmp_path / "directly" / "server")
    assert run.dates(tmp_path) == ""
    report(tmp_path / "directly" / "client")
    assert run.dates(tmp_path) == "2026-02-03"
