"""The option `--connection` of all commands: connections by their numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli_captures import DEMO, invoke_capture
from cli_command import GOOD, objects

NUMBERS = [0, 1, 2, 3, 4]
"""Those of DEMO."""

NOT_FOUND = "(`wsdefrag connections` lists them)\n"


def rows(*options: str, command: str = "messages") -> list[dict[str, Any]]:
    result = invoke_capture(command, DEMO, "--format", "jsonl", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    return objects(result.stdout_bytes)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (["--connection", "2"], {2}),
        (["--connection", "0,3"], {0, 3}),
        (["--connection", "0", "--connection", "3"], {0, 3}),
        (["--connection", "1-3"], {1, 2, 3}),
        (["--connection", "3-"], {3, 4}),
        (["--connection", "0, 2-2 ,4"], {0, 2, 4}),
        (["--connection", "0-1,1-2"], {0, 1, 2}),
    ],
)
def test_rows_are_those_of_the_numbers(options: list[str], kept: set[int]) -> None:
    everything = rows()
    assert {row["connection"] for row in everything} == set(NUMBERS)
    assert rows(*options) == [row for row in everything if row["connection"] in kept]
    connections = rows(*options, command="connections")
    assert connections == [row for row in rows(command="connections") if row["connection"] in kept]


@pytest.mark.parametrize("format", ["jsonl", "har", "parquet"])
def test_file_has_only_the_connection(tmp_path: Path, format: str) -> None:
    output = tmp_path / f"out.{format}"
    result = invoke_capture("convert", DEMO, "-o", output, "--connection", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    expected = rows("--connection", "1")
    if format == "jsonl":
        assert objects(output.read_bytes()) == expected
        return
    expected = [row for row in expected if "kind" not in row]
    if format == "har":
        (entry,) = json.loads(output.read_bytes())["log"]["entries"]
        assert len(entry["_webSocketMessages"]) == len(expected)
    else:
        parquet = pytest.importorskip("pyarrow.parquet")
        column = parquet.read_table(output).column("connection").to_pylist()
        assert column == [1] * len(expected)


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ("99", "no WebSocket has the number 99 " + NOT_FOUND),
        ("7,0,5", "no WebSocket has the number 7, 5 " + NOT_FOUND),
        ("4-9,20-30", "no WebSocket has the number 20 to 30 " + NOT_FOUND),
    ],
)
@pytest.mark.parametrize("command", ["messages", "connections", "convert"])
def test_number_that_does_not_exist_is_said_and_ends_with_1(
    tmp_path: Path, command: str, numbers: str, says: str
) -> None:
    options = ["-o", tmp_path / "out.parquet"] if command == "convert" else []
    result = invoke_capture(command, DEMO, "--connection", numbers, *options)
    assert result.exit_code == 1
    assert result.stderr.endswith(f"wsdefrag: {DEMO}: {says}")


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ("first", "'first' is neither a number nor a range of numbers, such as 4-7."),
        ("1,,2", "'' is neither"),
        ("-1", "'-1' is neither"),
        ("5-3", "'5-3' ends before it begins."),
        ("1" * 19, "is neither"),
    ],
)
def test_what_is_no_number_ends_with_2(numbers: str, says: str) -> None:
    result = invoke_capture("messages", DEMO, "--connection", numbers)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in " ".join(result.stderr.split())


def test_raw_dump_has_no_connections() -> None:
    options = ("--from", "server", "--connection", "0")
    result = invoke_capture("messages", "-", *options, stdin=GOOD)
    assert result.exit_code == 2
    assert "--connection is only for captures." in result.stderr
