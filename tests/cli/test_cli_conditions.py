"""The options that choose messages by their contents."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli_captures import DEMO, SNAPPED, invoke_capture
from cli_command import objects


def rows(*options: str, capture: Path = DEMO) -> list[dict[str, Any]]:
    result = invoke_capture("messages", capture, "--format", "jsonl", *options)
    assert result.exit_code in (0, 1), result.stderr
    return objects(result.stdout_bytes)


def test_grep_prints_the_messages_that_contain_it() -> None:
    expected = [
        row for row in rows() if "kind" not in row and 'side": "sell' in (row["text"] or "")
    ]
    assert expected
    assert rows("--grep", '"side": "SELL"', "-i", "--type", "text") == expected


def test_json_prints_the_messages_that_meet_it() -> None:
    def size(row: dict[str, Any]) -> float:
        try:
            said = json.loads(row["text"] or "null")
        except ValueError:
            return 0
        return said.get("size", 0) if isinstance(said, dict) else 0

    expected = [row for row in rows("--no-events", "--type", "text") if size(row) > 15]
    assert expected
    assert rows("--json", ".size > 15", "--type", "text") == expected


def test_status_prints_the_messages_that_have_it() -> None:
    every = rows("--no-events", capture=SNAPPED)
    expected = [row for row in every if row["status"] == "incomplete"]
    assert 0 < len(expected) < len(every)
    assert rows("--status", "incomplete", capture=SNAPPED) == expected


def test_converted_file_has_the_same_rows(tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    options = ("--grep", "AMBER", "--around", "1")
    assert invoke_capture("convert", DEMO, "-o", out, *options).exit_code == 0
    assert objects(out.read_bytes()) == rows(*options)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--grep", "("], "is no regular expression: unclosed group."),
        (["--json", ".a = 1"], "an operator is missing at character 4."),
        (["--status", "fine"], "'fine' is not one of"),
        (["--min-size", "-1"], "'-1' is not a number of bytes, such as 512 or 64K."),
        (["--max-message-size", "9E"], "'9E' is not a number of bytes, such as 512 or 64K."),
        (
            ["--min-size", "1", "--no-content"],
            "--no-content does not inflate, so the sizes of contents are not known; --width 60",
        ),
        (["--grep", "a", "--no-content"], "--no-content leaves no contents to search."),
    ],
)
def test_wrong_option_is_one_line_that_says_why(options: list[str], error: str) -> None:
    result = invoke_capture("messages", DEMO, *options)
    assert result.exit_code == 2
    assert error in result.stderr.splitlines()[-1]
    assert result.stdout == ""


def test_sizes_may_have_units() -> None:
    plain = invoke_capture("messages", DEMO, "--min-size", "4096", "--max-size", "65536")
    units = invoke_capture("messages", DEMO, "--min-size", "4K", "--max-size", "64k")
    assert plain.stdout == units.stdout != ""


@pytest.mark.parametrize("options", [["--grep", "zzz"], ["--status", "incomplete"]])
def test_conditions_that_no_message_meets_are_said(options: list[str]) -> None:
    result = invoke_capture("messages", DEMO, *options, "--no-events")
    assert (result.exit_code, result.stdout) == (0, "")
    assert re.search(r": no message matches the filters in [\d,]+ packets$", result.stderr, re.M)


def test_raw_dump_takes_no_conditions(tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    dump.write_bytes(b"\x81\x02hi")
    result = invoke_capture("messages", dump, "--from", "server", "--grep", "hi")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--grep is only for captures." in result.stderr
