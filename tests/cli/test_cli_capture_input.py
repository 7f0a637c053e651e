"""Which files `wsdefrag messages` reads as captures, and its errors for other files."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import pytest

from capture_conversation import Conversation, capture_of, request_head, text
from capture_files import pcap, pcapng
from cli_captures import DEMO, invoke_capture, plain
from cli_command import GOOD, started
from hang_guard import HANG_SECONDS


@pytest.mark.parametrize("form", ["pcapng", "pcap", "pcap nanoseconds", "big", "gzip"])
def test_every_form_of_a_capture_is_known_by_its_start(tmp_path: Path, form: str) -> None:
    talk = Conversation().open().upgrade()
    talk.says(False, text(False, "hello"))
    packets = [segment.captured() for segment in talk.segments]
    data = {
        "pcapng": pcapng(packets, 1),
        "pcap": pcap(packets, 1),
        "pcap nanoseconds": pcap(packets, 1, nanoseconds=True),
        "big": pcap(packets, 1, order="big"),
        "gzip": gzip.compress(pcapng(packets, 1), mtime=0),
    }[form]
    path = tmp_path / "any.name"
    path.write_bytes(data)
    for named, stdin in ((path, b""), ("-", data)):
        result = invoke_capture("messages", named, "--from", "server", stdin=stdin)
        assert (result.exit_code, result.stdout.count("  hello\n")) == (0, 1)


def test_several_files_are_one_capture(tmp_path: Path) -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "first"))
    half = len(talk.segments)
    talk.says(True, text(True, "second"))
    for name, segments in (("1", talk.segments[:half]), ("2", talk.segments[half:])):
        (tmp_path / name).write_bytes(capture_of(segments))
    result = invoke_capture("messages", tmp_path / "1", tmp_path / "2")
    assert [line.split()[-1] for line in result.stdout.splitlines()] == ["first", "second"]
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-"], "; for a raw dump of one direction, give --from"),
        ([str(Path(__file__))], "not a capture file: it looks like text; for a raw dump"),
        (["-", str(DEMO)], "Standard input (-) cannot be combined with files."),
        ([str(DEMO.parent)], f"is a directory; give its files: {DEMO.parent}/*"),
        ([str(DEMO), str(DEMO.parent)], "is a directory; give its files:"),
        ([str(DEMO), "--deflate", "deflate"], "does not name permessage-deflate."),
        ([str(DEMO), "--timestamp", "1"], "--timestamp is only for raw dumps."),
        ([str(DEMO), "--address", "localhost"], "'localhost' does not appear to be"),
        ([str(DEMO), "--port", "65536"], "65536 is not in the range"),
        ([str(DEMO), "--since", "yesterday"], "'yesterday' is neither an ISO 8601 time nor"),
        ([str(DEMO), "--since", "03:49:38.824"], "has no date; `wsdefrag stats` prints it."),
        ([str(DEMO), "--since", "nan"], "'nan' is neither an ISO 8601 time nor"),
        ([str(DEMO), "--tolerate", "everything"], "'everything' is not one of"),
        (["-", "--from", "server", "--host", "x"], "--host is only for captures."),
        (["-", "--from", "server", "--since", "0"], "--since is only for captures."),
        (["-", "--from", "server", "--resync"], "--resync is only for captures."),
        (["-", "--from", "server", "--no-content"], "--no-content is only for captures."),
    ],
    ids=lambda value: " ".join(value[-2:])[-30:] if isinstance(value, list) else "",
)  # fmt: skip
def test_unusable_input_ends_with_2(arguments: list[str], says: str) -> None:
    result = invoke_capture("messages", *arguments, stdin=GOOD)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in " ".join(result.stderr.split())
    assert len(result.stderr) < 600


def test_message_says_both_ways_to_read_what_is_no_capture() -> None:
    stderr = " ".join(invoke_capture("messages", "-", stdin=GOOD).stderr.split())
    assert stderr.startswith('wsdefrag: <stdin>: not a capture file: it starts with "')
    assert "--from client or --from server" in stderr


@pytest.mark.parametrize("start", [b"", b"\x0a", b"\x0a\x0d\x0d", b"\xa1\xb2", b"\x1f"])
def test_beginning_of_a_magic_number_makes_no_capture(start: bytes) -> None:
    result = invoke_capture("messages", "-", stdin=start)
    assert (result.exit_code, result.stdout) == (2, "")
    raw = invoke_capture("messages", "-", "--from", "server", stdin=start)
    assert raw.exit_code == (1 if start else 0)


def test_capture_without_a_websocket_says_so() -> None:
    talk = Conversation().open()
    talk.says(True, request_head().replace(b"Upgrade: websocket\r\n", b""))
    talk.says(False, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    result = invoke_capture("messages", "-", stdin=capture_of(talk.end().segments))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "wsdefrag: <stdin>: no WebSocket in 11 packets: 11 HTTP\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are those of POSIX")
def test_named_pipe_is_read_once_and_as_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with started("messages", path) as process:
        path.write_bytes(plain())
        output, error = process.communicate(timeout=HANG_SECONDS)
    assert (output.count(b"\n"), error, process.returncode) == (6, b"", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_file_whose_name_is_no_text_is_named_on_one_line(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.pcap", Path(os.fsdecode(bytes(tmp_path) + b"/em\xffpty\n.pcap"))
    good.write_bytes(capture_of(Conversation().open().upgrade().segments))
    bad.write_bytes(b"")
    result = invoke_capture("connections", bad, good)
    assert result.exit_code == 1
    name = repr(f"{tmp_path}/em\ufffdpty\n.pcap")
    assert result.stderr == f"wsdefrag: {name}: not a capture file: it is empty\n"
