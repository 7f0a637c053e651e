"""The command `wsdefrag connections`: the table, the accounts, JSON lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from capture_conversation import Conversation, capture_of, close, merged, text
from capture_recordings import LOADED
from cli_captures import (
    DEMO,
    SIDES,
    SNAPPED,
    WHOLE,
    broken,
    damaged,
    gapped,
    invoke_capture,
    plain,
    run_capture,
    truth,
)
from cli_command import objects


def rows(name: Path) -> list[dict[str, Any]]:
    return objects(invoke_capture("connections", name, "--format", "jsonl").stdout_bytes)


@pytest.mark.parametrize("name", WHOLE)
def test_json_line_says_what_is_known_of_the_recording(name: str) -> None:
    expected = truth(name)
    found = rows(LOADED[name].path)
    assert len(found) == len(expected)
    for row in found:
        known = expected[row["client_address"], row["client_port"], row["path"]]
        assert (row["server_address"], row["server_port"]) == known.server
        assert (row["host"], row["subprotocol"]) == (known.host, known.subprotocol)
        assert row["extensions"] == known.extensions
        assert row["method"] == "GET"
        assert row["response_status"] == (known.refused or 101)
        assert row["midstream"] is False
        assert row["problems"] == []
        if known.close is not None:
            side = "client" if row["close_from_client"] else "server"
            assert (side, row["close_reason"]) == (known.close.by, known.close.reason)
            assert row["close_code"] == (1005 if known.close.code is None else known.close.code)
        for _, side in SIDES:
            assert row[f"{side}_messages"] == len(known.messages[side])
            assert row[f"{side}_content"] == sum(one.length for one in known.messages[side])
            assert row[f"{side}_lost"] == row[f"{side}_missing"] == 0


def test_keys_are_the_columns_of_the_arrow_table() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from wsdefrag.capture import Capture

    table = pyarrow.table(Capture(DEMO).to_arrow().connections)
    (first, *_) = rows(DEMO)
    assert list(first) == table.column_names


def test_table_is_aligned_and_in_the_order_of_numbers() -> None:
    done = run_capture("connections", DEMO)
    assert (done.returncode, done.stderr) == (0, b"")
    head, *lines = done.stdout.decode().splitlines()
    assert " ".join(head.split()) == "# client server -> bytes <- bytes ratio end host and path"
    at = head.index("host and path")
    assert [line[at:] for line in lines] == [f"{row['host']}{row['path']}" for row in sorted(
        rows(DEMO), key=lambda row: row["connection"]
    )]  # fmt: skip
    assert [line.split()[0] for line in lines] == ["0", "1", "2", "3", "4"]
    assert all(line[at - 2 : at] == "  " for line in lines)


def test_row_has_counts_bytes_ratio_and_close() -> None:
    _, row = invoke_capture("connections", "-", stdin=plain()).stdout.splitlines()
    assert row.split() == [
        "0", "192.0.2.10:50000", "192.0.2.20:80", "2", "11", "2", "7", "-",
        "->", "1000", "done", "example.com/chat",
    ]  # fmt: skip


def test_ratio_is_that_of_what_was_compressed() -> None:
    expected = {}
    for row in rows(DEMO):
        plain_bytes = row["client_inflated"] + row["server_inflated"]
        small = row["client_compressed"] + row["server_compressed"]
        expected[row["connection"]] = f"{small / plain_bytes:.0%}" if plain_bytes else "-"
    assert "-" in expected.values()
    assert len(set(expected.values())) > 2
    for line in invoke_capture("connections", DEMO).stdout.splitlines()[1:]:
        assert line.split()[7] == expected[int(line.split()[0])]


def test_account_of_a_direction_with_losses_adds_up() -> None:
    result = invoke_capture("connections", SNAPPED)
    assert result.exit_code == 1
    accounts = re.findall(
        r"^ +(->|<-) ([\d,]+) bytes = ([\d,]+) in messages \+ ([\d,]+) control "
        r"\+ ([\d,]+) skipped \+ ([\d,]+) lost \+ ([\d,]+) trailing$",
        result.stdout,
        re.MULTILINE,
    )
    assert [account[0] for account in accounts] == ["->", "<-"]
    for _, total, *parts in accounts:
        assert int(total.replace(",", "")) == sum(int(part.replace(",", "")) for part in parts) > 0


def test_only_directions_with_losses_have_an_account() -> None:
    result = invoke_capture("connections", "-", stdin=gapped())
    assert result.exit_code == 1
    _, _, account, problem = result.stdout.splitlines()
    # 500 bytes of payload and 8 of header, of which 100 were not captured; all are counted.
    assert account.strip() == (
        "-> 531 bytes = 23 in messages + 0 control + 508 skipped + 0 lost + 0 trailing"
    )
    assert problem.strip() == "client: 100 bytes in 1 gaps were not captured"
    assert result.stderr.endswith("lost: 1 message incomplete; 100 bytes not captured\n")
    assert invoke_capture("connections", "-", "--tolerate", "loss", stdin=gapped()).exit_code == 0


def test_violation_has_an_account_and_ends_with_1() -> None:
    result = invoke_capture("connections", "-", stdin=broken())
    assert result.exit_code == 1
    assert "<- 2 bytes = 0 in messages" in result.stdout
    assert "(RFC 6455 section 5.2)" in result.stdout


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("refused", {"refused: 403", "-> 1000 done"}),
        ("midstream", {"-> 1000 done", "<- 1001 going away"}),
    ],
)
def test_refusals_and_missing_handshakes_are_told(name: str, ends: set[str]) -> None:
    shown = invoke_capture("connections", LOADED[name].path).stdout
    assert all(f"  {end}  " in shown for end in ends)
    assert ("(not captured)" in shown) == (name == "midstream")


def test_connection_without_a_close_says_how_it_ended() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "x"))
    stopped = invoke_capture("connections", "-", stdin=capture_of(talk.segments))
    assert "  end of capture  " in stopped.stdout
    talk.reset(False)
    assert "  rst  " in invoke_capture("connections", "-", stdin=capture_of(talk.segments)).stdout


def test_idle_timeout_ends_a_silent_connection() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "before"))
    talk.wait(3_600_000_000_000)
    # Two packets that agree move the clock, so others come first.
    other = Conversation(("192.0.2.11", 50_001), time=talk.time).open()
    talk.time = other.time
    talk.says(True, text(True, "after an hour"))
    data = capture_of(merged(talk, other))
    assert "  end of capture  " in invoke_capture("connections", "-", stdin=data).stdout
    short = ("--idle-timeout", "3599.5")
    assert "  idle  " in invoke_capture("connections", "-", *short, stdin=data).stdout
    for bad in ("-1", "nan", "soon"):
        assert invoke_capture("connections", "-", "--idle-timeout", bad, stdin=data).exit_code == 2


def test_what_comes_from_outside_is_escaped() -> None:
    talk = Conversation().open().upgrade("/\x9b2J\u202e", "evil\u202e.example")
    talk.says(True, close(True, 1000, b"a\x1b[31m\nb"))
    talk.says(False, close(False))
    result = invoke_capture("connections", "-", stdin=capture_of(talk.end().segments))
    assert "\x1b" not in result.stdout
    assert "\x9b" not in result.stdout
    assert "\u202e" not in result.stdout
    assert r"/\x9b2J\u202e" in result.stdout
    assert r"a\x1b[31m\nb" in result.stdout


def test_close_reason_in_a_pipe_is_complete() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, close(True, 1000, b"because " * 15))
    result = invoke_capture("connections", "-", stdin=capture_of(talk.end().segments))
    assert "-> 1000 " + "because " * 15 in result.stdout


def test_filters_choose_connections() -> None:
    expected = [row["connection"] for row in rows(DEMO) if row["server_port"] == 80]
    result = invoke_capture("connections", DEMO, "--port", "80", "--format", "jsonl")
    assert [row["path"] for row in objects(result.stdout_bytes)] == [
        row["path"] for row in rows(DEMO) if row["server_port"] == 80
    ]
    assert 0 < len(expected) < 5
    none = invoke_capture("connections", DEMO, "--host", "nowhere.example")
    assert (none.exit_code, none.stdout) == (0, "")
    assert "nothing matches the filters" in none.stderr


def test_damaged_file_is_read_on_and_named() -> None:
    result = invoke_capture(
        "connections", "-", "--format", "jsonl", stdin=damaged(DEMO.read_bytes())
    )
    assert result.exit_code == 1
    assert len(objects(result.stdout_bytes)) == 5
    first, *_ = result.stderr.splitlines()
    assert first.startswith("wsdefrag: <stdin>: record ")
    assert "a length of 3 bytes is too short; " in first
    assert first.endswith(" bytes were skipped")


def test_raw_dump_is_no_capture() -> None:
    result = invoke_capture("connections", "-", stdin=b"\x81\x02hi")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "<stdin>: not a capture file: it starts with" in result.stderr


@pytest.mark.parametrize("command", ["connections", "convert", "plot"])
def test_help_shows_examples_and_fits_a_terminal(command: str) -> None:
    result = invoke_capture(command, "--help")
    assert result.exit_code == 0
    assert f"\n    wsdefrag {command} day.pcapng" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
