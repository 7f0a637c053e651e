"""The subcommand `extract`: contents of messages as files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cli_captures import DEMO, gapped, invoke_capture, run_capture
from cli_command import environment, objects
from hang_guard import HANG_SECONDS
from wsdefrag.capture import Capture, CapturedMessage


def messages(connection: int) -> list[CapturedMessage]:
    return list(Capture(DEMO, connections=[connection]))


def test_one_message_is_its_content(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for wanted in messages(3):
        side = "c" if wanted.from_client else "s"
        result = invoke_capture("extract", DEMO, f"3/{side}{wanted.seq}", "-o", out, "--force")
        assert (result.exit_code, result.output) == (0, "")
        assert out.read_bytes() == wanted.content


def test_summary_says_what_was_written(tmp_path: Path) -> None:
    wanted = messages(3)
    size = len(next(one for one in wanted if one.from_client).content)
    result = invoke_capture("extract", DEMO, "3/c0", "-o", tmp_path / "out", "--summary")
    start = f"1 message with {size} bytes written; of {len(wanted)} messages with "
    assert f": {start}" in result.stderr


def test_standard_output_gets_the_content() -> None:
    first = next(one for one in messages(3) if not one.from_client)
    result = run_capture("extract", DEMO, "3/s0", "-o", "-")
    assert (result.returncode, result.stdout, result.stderr) == (0, first.content, b"")


def test_number_without_a_side_counts_both() -> None:
    for number, wanted in enumerate(messages(3)):
        result = invoke_capture("extract", DEMO, f"3/{number}", "-o", "-")
        assert (result.exit_code, result.stdout_bytes) == (0, wanted.content)


def test_folder_has_a_file_for_each_message_and_a_list(tmp_path: Path) -> None:
    out = tmp_path / "all"
    result = invoke_capture("extract", DEMO, "-o", out)
    assert (result.exit_code, result.output) == (0, "")
    rows = objects((out / "index.jsonl").read_bytes())
    every = list(Capture(DEMO))
    assert len(rows) == len(every)
    for row, message in zip(rows, every, strict=True):
        assert (row["connection"], row["from_client"], row["seq"]) == (
            message.connection.connection,
            message.from_client,
            message.seq,
        )
        path = out / row["name"]
        assert path.read_bytes() == message.content
        assert path.suffix in ((".txt", ".json") if message.is_text else (".bin",))
    assert len({row["name"] for row in rows}) == len(rows)


def test_connection_alone_writes_its_messages(tmp_path: Path) -> None:
    out = tmp_path / "one"
    assert invoke_capture("extract", DEMO, "2", "-o", out, "--grep-not", "^$").exit_code == 0
    assert {path.name for path in out.iterdir()} == {"2", "index.jsonl"}


def test_file_with_the_name_of_a_message_is_a_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "3").write_bytes(DEMO.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert invoke_capture("extract", "3", "3/c0", "-o", "out").exit_code == 0
    assert (tmp_path / "out").read_bytes() == next(iter(messages(3))).content


def test_lossy_messages_are_written_as_bytes_and_the_loss_is_said(tmp_path: Path) -> None:
    capture = tmp_path / "gapped.pcapng"
    capture.write_bytes(gapped())
    result = invoke_capture("extract", capture, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "lost: " in result.stderr
    rows = objects((tmp_path / "out" / "index.jsonl").read_bytes())
    assert any(row["status"] != "ok" for row in rows)
    assert all(row["name"].endswith(".bin") for row in rows if row["status"] != "ok")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["3/c0"], "3/c0 names a message; give a capture before it."),
        ([DEMO, "3/c99999"], "connection 3 has no message 99999 of the client; it has 12"),
        ([DEMO, "3/x1"], "3/x1 does not exist, and names no message."),
        (["3/c1", DEMO], "3/c1 names a message; the captures come before it."),
        ([DEMO, "77/0"], "no WebSocket has the number 77 (`wsdefrag connections` lists them)"),
        ([DEMO, "3/0", "--from", "client"], "3/0 names one message; --from chooses among several."),
        ([DEMO, "."], ". is a directory; give its files."),
    ],
)
def test_wrong_arguments_are_one_line_that_says_why(
    arguments: list[object], error: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = invoke_capture("extract", *arguments, "-o", out)
    assert result.exit_code == 2
    assert error in result.stderr.splitlines()[-1]
    assert not out.exists()


def test_nothing_is_replaced_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "all"
    assert invoke_capture("extract", DEMO, "2", "-o", out).exit_code == 0
    again = invoke_capture("extract", DEMO, "2", "-o", out)
    assert (again.exit_code, "--force replaces them" in again.stderr) == (2, True)
    assert invoke_capture("extract", DEMO, "2", "-o", out, "--force").exit_code == 0
    file = tmp_path / "file"
    file.write_bytes(b"")
    assert "several messages need a folder" in invoke_capture("extract", DEMO, "-o", file).stderr
    assert "need a folder" in invoke_capture("extract", DEMO, "-o", "-").stderr


def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    result = invoke_capture("extract", DEMO, "-o", file / "out")
    assert (result.exit_code, "Not a directory" in result.stderr) == (2, True)


@pytest.mark.unmeasured
def test_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    """A file may have 3,000 bytes, so a longer content is refused in its middle."""
    script = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
from wsdefrag.cli import main
main()
"""
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", script, "extract", str(DEMO), "-o", f"{out}/"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"wsdefrag: {out}/")
    assert "File too large" in line
    entries = objects((out / "index.jsonl").read_bytes())
    files = {path for path in out.rglob("*") if path.is_file()} - {out / "index.jsonl"}
    assert files == {out / entry["name"] for entry in entries}
    assert all(path.stat().st_size < 3_000 for path in files)
