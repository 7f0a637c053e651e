"""The command `wsdefrag messages`: its output, its notes and its exit status."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli_command import (
    DATA,
    GOOD,
    command,
    environment,
    header_options,
    invoke,
    objects,
    recorded_streams,
    run,
)
from hang_guard import HANG_SECONDS
from wire_writer import (
    BINARY,
    KEY,
    PING,
    TEXT,
    close_frame,
    frame,
)

AT = ("--timestamp", "1700000000.25")
CLOCK = "22:13:20.250"

STREAMS = [(name, side) for name in recorded_streams.names() for side in ("client", "server")]


def content(entry: dict[str, Any]) -> bytes:
    if entry["text"] is not None:
        return str(entry["text"]).encode()
    return base64.b64decode(entry["content"], validate=True)


@pytest.mark.parametrize(("name", "side"), STREAMS)
def test_recorded_stream_gives_what_was_sent(name: str, side: recorded_streams.Side) -> None:
    recording = recorded_streams.load(name)
    path = DATA / f"{name}.{side}.bin"
    result = invoke(path, "--from", side, "--format", "jsonl", *header_options(recording), *AT)
    entries = objects(result.stdout_bytes)
    assert len(entries) == len(recording.messages[side])
    for entry, sent in zip(entries, recording.messages[side], strict=True):
        assert entry["type"] == sent.type
        assert (entry["text"] is not None) == (sent.type == "text")
        assert sent.matches(content(entry))
        assert entry["from_client"] is (side == "client")
        assert entry["timestamp"] == 1700000000.25
    if recording.partial is not None and recording.partial.by == side:
        assert result.exit_code == 1
        assert "stream ended inside" in result.stderr
    else:
        assert (result.exit_code, result.stderr) == (0, "")


def test_json_line_has_the_promised_keys(tmp_path: Path) -> None:
    path = tmp_path / "good.bin"
    path.write_bytes(GOOD)
    result = invoke(path, "--from", "server", "--format", "jsonl", *AT)
    common = {"from_client": False, "timestamp": 1700000000.25, "dropped": False, "injected": False}
    assert objects(result.stdout_bytes) == [
        {"type": "text", "text": "one", "content": None, **common},
        {"type": "binary", "text": None, "content": "AP8=", **common},
        {"type": "text", "text": "drei €", "content": None, **common},
    ]


def test_text_lines_are_numbered_and_aligned(tmp_path: Path) -> None:
    path = tmp_path / "good.bin"
    path.write_bytes(GOOD)
    done = run(path, "--from", "server", *AT)
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [
        f"    1 {CLOCK} <- text         3 B  one",
        f"    2 {CLOCK} <- binary       2 B  00ff",
        f"    3 {CLOCK} <- text         8 B  drei €",
    ]


def test_arrow_of_the_client_points_to_the_server() -> None:
    result = invoke("-", "--from", "client", stdin=frame(TEXT, b"up", key=KEY))
    assert " -> text " in result.stdout


def test_line_is_cut_to_the_width() -> None:
    wire = frame(TEXT, b"x" * 500) + frame(BINARY, bytes(500))
    for columns in (60, 80, 132):
        asked = invoke("-", "--from", "server", "--width", str(columns), stdin=wire)
        # A byte is two digits, so a line of hexadecimal may be one column shorter.
        lengths = [len(line) for line in asked.stdout.splitlines()]
        assert lengths in ([columns, columns], [columns, columns - 1])


@pytest.mark.parametrize("width", [[], ["--width", "0"]])
def test_pipe_and_width_0_show_everything(width: list[str]) -> None:
    wire = frame(TEXT, b"x" * 500) + frame(BINARY, bytes(500))
    done = run("-", "--from", "server", *width, stdin=wire, COLUMNS="60")
    text, binary = done.stdout.splitlines()
    assert text.endswith(b"  " + b"x" * 500)
    assert binary.endswith(b"  " + b"00" * 500)


@pytest.mark.parametrize("form", ["text", "jsonl"])
@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (frame(PING, b"", fin=False), "fragmented PING at byte 16 (RFC 6455 section 5.5)"),
        (frame(TEXT, b"\xc0\x80"), "byte 16 (RFC 6455 section 8.1)"),
        (frame(TEXT, b"masked", key=KEY), "byte 16 (RFC 6455 section 5.1)"),
        (frame(BINARY, announced=1 << 40), "max_frame_size is 67108864 at byte 16"),
        (frame(TEXT, b"half", announced=9), "stream ended inside a TEXT at byte 16"),
        (frame(TEXT, b"half", fin=False), "stream ended inside a TEXT at byte 16"),
        (b"\x81", "stream ended inside a TEXT at byte 16"),
    ],
)
def test_good_messages_come_before_one_line_of_error(
    tmp_path: Path, bad: bytes, says: str, form: str
) -> None:
    path = tmp_path / "bad.bin"
    path.write_bytes(GOOD[:-10] + frame(TEXT, b"four!") + bad)
    result = run(path, "--from", "server", "--format", form)
    assert result.returncode == 1
    assert result.stdout.count(b"\n") == 3
    line = result.stderr.decode()
    assert line.startswith(f"wsdefrag: {path}: ")
    assert says in line
    assert line.endswith("\n")
    assert line.count("\n") == 1


def test_error_comes_after_the_messages_where_both_go_to_one_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.bin"
    path.write_bytes(GOOD * 2000 + b"\x83\x00")
    both = subprocess.run(
        command(path, "--from", "server"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(),
        timeout=HANG_SECONDS,
        check=False,
    )
    *messages, last = both.stdout.decode().splitlines()
    assert len(messages) == 6000
    assert last.startswith("wsdefrag: ")


def test_bytes_after_a_close_are_no_error() -> None:
    result = invoke(
        "-", "--from", "server", "--summary", stdin=GOOD + close_frame(1000) + b"\xff" * 7
    )
    assert result.exit_code == 0
    assert "Close 1000; 7 bytes after the Close discarded\n" in result.stderr


def test_lax_text_is_kept_and_not_invented() -> None:
    wire = frame(TEXT, b"caf\xe9 \xff") + frame(TEXT, b"fine")
    text = invoke("-", "--from", "server", "--tolerate", "utf8", stdin=wire)
    assert text.exit_code == 0
    assert text.stdout.splitlines()[0].endswith(r"6 B  caf\xe9 \xff")
    lines = invoke("-", "--from", "server", "--tolerate", "utf8", "--format", "jsonl", stdin=wire)
    broken, fine = objects(lines.stdout_bytes)
    assert (broken["type"], content(broken)) == ("text", b"caf\xe9 \xff")
    assert broken["text"] is None
    assert fine["text"] == "fine"


def test_summary_counts_and_tells_the_close() -> None:
    wire = GOOD + close_frame(4000, "so l\x1bong €".encode())
    result = invoke("-", "--from", "server", "--summary", stdin=wire)
    assert result.exit_code == 0
    assert re.fullmatch(
        rf"wsdefrag: <stdin>: 3 messages with 13 bytes; {len(wire)} bytes read in \d+\.\d+ s; "
        r"[\d,]+ messages/s, [\d,.]+ MB/s; "
        r'Close 4000 "so l\\x1bong €"\n',
        result.stderr,
    )


@pytest.mark.parametrize(
    ("wire", "says"),
    [(b"", "no Close"), (b"\x88\x00", "Close without a code"), (close_frame(1001), "Close 1001")],
)
def test_summary_tells_how_it_ends(wire: bytes, says: str) -> None:
    result = invoke("-", "--from", "server", "--summary", stdin=wire)
    assert result.stderr.endswith(f"; {says}\n")


def test_summary_stands_before_the_error() -> None:
    result = invoke("-", "--from", "server", "--summary", stdin=GOOD + b"\x83\x00")
    summary, error = result.stderr.splitlines()
    assert "3 messages" in summary
    assert "at byte 19" in error
    assert result.exit_code == 1
