"""The command `wsdefrag convert`: the files it writes, its errors and its notes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_captures import (
    DEMO,
    SNAPPED,
    damaged,
    gapped,
    invoke_capture,
    plain,
    run_capture,
)
from cli_command import environment, objects
from flow_reader import flows
from hang_guard import HANG_SECONDS
from wsdefrag.capture import Capture
from wsdefrag.formats.har import write_har
from wsdefrag.formats.jsonl import write_jsonl
from wsdefrag.formats.mitm import write_mitm

WRITERS: dict[str, Callable[..., int]] = {
    "jsonl": write_jsonl,
    "har": write_har,
    "mitm": write_mitm,
}
FORMATS = [*WRITERS, "parquet", "arrow"]


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


class Named(io.BytesIO):
    """What the command reads from standard input."""

    name = "<stdin>"


@pytest.mark.parametrize("format", WRITERS)
def test_file_is_what_the_library_writes(tmp_path: Path, format: str) -> None:
    expected = io.BytesIO()
    WRITERS[format](Capture(DEMO), expected)
    of_stdin = io.BytesIO()
    WRITERS[format](Capture(Named(DEMO.read_bytes())), of_stdin)
    output = tmp_path / f"out.{format.upper()}"
    result = invoke_capture("convert", DEMO, "-o", output)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert output.read_bytes() == expected.getvalue()
    piped = run_capture("convert", "-", "-o", "-", "--format", format, stdin=DEMO.read_bytes())
    assert (piped.returncode, piped.stdout) == (0, of_stdin.getvalue())


def test_connections_can_be_written_as_lines(tmp_path: Path) -> None:
    output = tmp_path / "c.jsonl"
    invoke_capture("convert", DEMO, "-o", output, "--table", "connections")
    shown = invoke_capture("connections", DEMO, "--format", "jsonl")
    assert output.read_bytes() == shown.stdout_bytes


@pytest.mark.parametrize("options", [[], ["--no-events"], ["--type", "text"]])
def test_lines_are_those_that_messages_prints(tmp_path: Path, options: list[str]) -> None:
    output = tmp_path / "m.jsonl"
    invoke_capture("convert", DEMO, "-o", output, *options)
    shown = invoke_capture("messages", DEMO, "--format", "jsonl", *options)
    assert output.read_bytes() == shown.stdout_bytes


def test_filters_choose_what_is_written(tmp_path: Path) -> None:
    output = tmp_path / "some.mitm"
    invoke_capture("convert", DEMO, "-o", output, "--path", "/chat", "--from", "server")
    (flow,) = flows(output.read_bytes())
    states = flow["websocket"]["messages"]
    assert len(states) == 58
    assert not any(state[1] for state in states)


@pytest.mark.parametrize("format", FORMATS)
def test_file_that_exists_is_left_alone_unless_forced(tmp_path: Path, format: str) -> None:
    output = tmp_path / f"out.{format}"
    output.write_bytes(b"precious")
    result = invoke_capture("convert", DEMO, "-o", output)
    assert result.exit_code == 2
    assert "exists; --force replaces it." in " ".join(result.stderr.split())
    assert output.read_bytes() == b"precious"
    forced = invoke_capture("convert", DEMO, "-o", output, "--force")
    assert (forced.exit_code, forced.stderr) == (0, "")
    assert output.read_bytes() != b"precious"
    assert names(tmp_path) == [output.name]


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are those of POSIX")
def test_replaced_file_keeps_links_and_follows_the_umask(tmp_path: Path) -> None:
    target, link = tmp_path / "target.har", tmp_path / "link.har"
    target.write_bytes(b"old")
    link.symlink_to(target)
    old = os.umask(0o027)
    try:
        assert invoke_capture("convert", DEMO, "-o", link, "--force").exit_code == 0
    finally:
        os.umask(old)
    assert link.is_symlink()
    assert json.loads(target.read_bytes())["log"]["version"] == "1.2"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="that device is POSIX's")
def test_what_is_no_regular_file_is_written_to_and_not_replaced() -> None:
    before = Path(os.devnull).stat()
    result = invoke_capture("convert", DEMO, "-o", os.devnull, "--format", "mitm")
    assert (result.exit_code, result.stderr) == (0, "")
    assert Path(os.devnull).stat().st_ino == before.st_ino


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_capture_gives_a_whole_file_and_1(tmp_path: Path, format: str) -> None:
    source = tmp_path / "damaged.pcapng"
    source.write_bytes(damaged(DEMO.read_bytes()))
    output = tmp_path / f"out.{format}"
    result = invoke_capture("convert", source, "-o", output)
    assert result.exit_code == 1
    first, *_ = result.stderr.splitlines()
    assert first.startswith(f"wsdefrag: {source}: record ")
    assert names(tmp_path) == ["damaged.pcapng", output.name]
    if format == "har":
        assert len(json.loads(output.read_bytes())["log"]["entries"]) == 5
    if format == "mitm":
        assert len(flows(output.read_bytes())) == 5
    if format == "jsonl":
        assert len(objects(output.read_bytes())) > 100


@pytest.mark.parametrize("format", FORMATS)
def test_losses_are_said_and_can_be_tolerated(tmp_path: Path, format: str) -> None:
    output = tmp_path / f"out.{format}"
    result = invoke_capture("convert", "-", "-o", output, stdin=gapped())
    assert (result.exit_code, result.stderr) == (
        1,
        "wsdefrag: <stdin>: lost: 1 message incomplete; 100 bytes not captured\n",
    )
    again = invoke_capture(
        "convert", "-", "-o", output, "--force", "--tolerate", "loss", stdin=gapped()
    )
    assert (again.exit_code, again.stderr) == (0, result.stderr)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["-o", "out.txt"], "has no known format: give --format, or a name that"),
        (["-o", "-"], "has no known format"),
        (["-o", "out.txt", "--format", "csv"], "'csv' is not one of"),
        (["-o", "out.har", "--table", "messages"], "--table needs a format with rows"),
        (["-o", "out.mitm", "--no-content"], "--no-content needs a format with rows"),
        (["-o", "out.har", "--no-events"], "--no-events is only for messages as jsonl"),
        (["-o", "out.parquet", "--no-events"], "--no-events is only for messages as jsonl"),
        (
            ["-o", "out.jsonl", "--table", "events", "--no-events"],
            "--no-events is only for messages as jsonl",
        ),
        (["-o", "-", "--format", "parquet"], "parquet cannot be written to standard output."),
        (["-o", "nowhere/out.har"], "the directory nowhere does not exist."),
        (["-o", "."], "is a directory"),
        ([], "Missing option '-o'"),
    ],
)  # fmt: skip
def test_unusable_options_end_with_2_and_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke_capture("convert", DEMO, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in " ".join(result.stderr.split())
    assert names(tmp_path) == []


def test_capture_is_never_written_over(tmp_path: Path) -> None:
    source = tmp_path / "capture.jsonl"
    source.write_bytes(plain())
    result = invoke_capture("convert", source, "-o", source, "--force")
    assert result.exit_code == 2
    assert "is one of the captures." in " ".join(result.stderr.split())
    assert source.read_bytes() == plain()


def test_what_is_no_capture_writes_nothing(tmp_path: Path) -> None:
    result = invoke_capture("convert", "-", "-o", tmp_path / "out.har", stdin=b"\x81\x02hi")
    assert result.exit_code == 2
    assert "<stdin>: not a capture file: it starts with" in result.stderr
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="that device is Linux's")
@pytest.mark.parametrize("format", FORMATS)
def test_output_that_cannot_be_written_is_one_line(format: str) -> None:
    done = run_capture("convert", DEMO, "-o", "/dev/full", "--format", format)
    assert done.returncode == 2
    assert done.stderr.startswith(b"wsdefrag: /dev/full: ")
    assert done.stderr.count(b"\n") == 1


# The file is read too fast for a progress bar, so its minimum size is lowered.
SHORT_IS_LONG = """
import wsdefrag.cli.input.source
wsdefrag.cli.input.source._LONG_FILE = 1
wsdefrag.cli.main()
"""


@pytest.mark.parametrize("format", FORMATS)
def test_progress_is_shown_on_a_terminal_only(tmp_path: Path, format: str) -> None:
    pty = pytest.importorskip("pty", reason="terminals of this kind are those of POSIX")
    ours, theirs = pty.openpty()
    line = [sys.executable, "-c", SHORT_IS_LONG, "convert", str(SNAPPED), "-o"]
    process = subprocess.Popen(
        [*line, str(tmp_path / f"a.{format}")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=environment(TERM="xterm"),
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 1 << 16):
            shown += data
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert process.wait(HANG_SECONDS) == 1
    bar, _, said = shown.decode().partition("wsdefrag: ")
    assert "%" in bar
    assert "MB/s" in bar
    assert "lost" in said
    line.append(str(tmp_path / f"b.{format}"))
    done = subprocess.run(
        line, capture_output=True, env=environment(), timeout=HANG_SECONDS, check=False
    )
    assert b"%" not in done.stderr
