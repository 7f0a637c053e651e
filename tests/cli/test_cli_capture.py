"""The command `wsdefrag messages` on captures: what it prints, says and ends with."""

from __future__ import annotations

import base64
import gzip
import os
import select
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from capture_conversation import (
    CLIENT,
    SERVER,
    START,
    Conversation,
    capture_of,
    request_head,
    text,
)
from capture_craft import Captured
from capture_files import pcap, pcapng
from capture_recordings import LOADED
from cli_captures import (
    DEMO,
    SIDES,
    SNAPPED,
    WHOLE,
    broken,
    cut_short,
    damaged,
    gapped,
    invoke_capture,
    plain,
    run_capture,
    truth,
)
from cli_command import GOOD, SECONDS, environment, objects
from wire_writer import TEXT, frame


def content(entry: dict[str, Any]) -> bytes:
    if "text" in entry:
        return str(entry["text"]).encode()
    return base64.b64decode(entry["base64"], validate=True)


@pytest.mark.parametrize("name", WHOLE)
def test_recording_gives_what_the_applications_sent(name: str) -> None:
    path = LOADED[name].path
    rows = invoke_capture("connections", path, "--format", "jsonl")
    result = invoke_capture("messages", path, "--format", "jsonl")
    assert (rows.exit_code, rows.stderr) == (result.exit_code, result.stderr) == (0, "")
    keys = {
        row["connection"]: (row["client_address"], row["client_port"], row["path"])
        for row in objects(rows.stdout_bytes)
    }
    expected = truth(name)
    assert sorted(keys.values()) == sorted(expected)
    entries = objects(result.stdout_bytes)
    for number, key in keys.items():
        for from_client, side in SIDES:
            sent = expected[key].messages[side]
            got = [
                entry
                for entry in entries
                if (entry["connection"], entry["from_client"]) == (number, from_client)
            ]
            assert [entry["seq"] for entry in got] == list(range(len(sent)))
            assert all(
                one.matches(content(entry))
                and entry["type"] == one.type
                and entry["path"] == key[2]
                for one, entry in zip(sent, got, strict=True)
            )


def test_text_line_has_time_connection_arrow_type_size_and_content() -> None:
    result = run_capture("messages", "-", stdin=plain())
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode().splitlines() == [
        "22:13:21.000    0 -> text         3 B  one",
        "22:13:21.500    0 <- binary       2 B  00ff",
        "22:13:22.000    0 -> text         8 B  drei €",
        r"22:13:22.500    0 <- text         5 B  four\n",
    ]


def test_line_is_cut_to_the_width() -> None:
    for columns in (60, 80, 132):
        asked = invoke_capture("messages", DEMO, "--width", columns)
        lengths = [len(line) for line in asked.stdout.splitlines() if line.endswith("...")]
        # Some end a little earlier: half a wide character or half a byte cannot be shown.
        assert max(lengths) == columns
        known = run_capture("messages", DEMO, COLUMNS=str(columns))
        assert len(known.stdout.decode().splitlines()) == 502
    whole = invoke_capture("messages", DEMO, "--width", "0").stdout
    assert not any(line.endswith("...") for line in whole.splitlines())


def test_json_line_has_the_promised_keys() -> None:
    result = invoke_capture("messages", "-", "--format", "jsonl", stdin=plain())
    first, second, *_ = objects(result.stdout_bytes)
    assert first == {
        "connection": 0,
        "seq": 0,
        "host": "example.com",
        "path": "/chat",
        "type": "text",
        "from_client": True,
        "timestamp": 1700000001.0,
        "first_timestamp": 1700000001.0,
        "text": "one",
        "dropped": False,
        "injected": False,
        "frames": 1,
        "wire_length": 9,
        "payload_length": 3,
        "compressed": False,
        "status": "ok",
        "missing_bytes": 0,
        "resynced": False,
        "first_packet": 8,
        "last_packet": 8,
    }
    assert (second["type"], second["base64"], second["from_client"]) == ("binary", "AP8=", False)


def test_json_times_keep_the_nanoseconds() -> None:
    talk = Conversation(time=START + 123_456_789, step=0).open().upgrade()
    talk.says(True, text(True, "x"))
    result = invoke_capture("messages", "-", "--format", "jsonl", stdin=capture_of(talk.segments))
    assert '"timestamp": 1700000000.123456789,' in result.stdout


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (["--from", "client"], ["one", "drei €"]),
        (["--from", "server"], [b"\x00\xff", "four\n"]),
        (["--type", "text"], ["one", "drei €", "four\n"]),
        (["--type", "binary"], [b"\x00\xff"]),
        (["--since", "1700000001.5"], [b"\x00\xff", "drei €", "four\n"]),
        (["--until", "1700000001.5"], ["one"]),
        (["--since", "2023-11-14T22:13:21.5Z", "--until", "2023-11-14 22:13:22Z"], [b"\x00\xff"]),
        (["--since", "2023-11-14T23:13:22.5+01:00"], ["four\n"]),
        (["--host", "example.*", "--path", "/ch*"], ["one", b"\x00\xff", "drei €", "four\n"]),
        (["--host", "elsewhere.example"], []),
        (["--path", "/other"], []),
        (["--port", CLIENT[1]], ["one", b"\x00\xff", "drei €", "four\n"]),
        (["--port", "81"], []),
        (["--address", SERVER[0], "--type", "binary"], [b"\x00\xff"]),
        (["--address", "2001:db8::1"], []),
    ],
)  # fmt: skip
def test_filters_leave_what_was_asked_for(options: list[object], kept: list[str | bytes]) -> None:
    result = invoke_capture("messages", "-", "--format", "jsonl", *options, stdin=plain())
    assert result.exit_code == 0
    expected = [one.encode() if isinstance(one, str) else one for one in kept]
    assert [content(entry) for entry in objects(result.stdout_bytes)] == expected
    if not kept:
        assert result.stderr == "wsdefrag: <stdin>: nothing that was asked for in 19 packets\n"


def test_since_without_a_zone_is_local_time(tmp_path: Path) -> None:
    path = tmp_path / "plain.pcapng"
    path.write_bytes(plain())
    for zone, at in (("UTC", "2023-11-14T22:13:22.5"), ("UTC-1", "2023-11-14T23:13:22.5")):
        result = run_capture("messages", path, "--since", at, TZ=zone)
        assert result.stdout.count(b"\n") == 1
        assert result.stdout.startswith(f"{at[11:]}00 ".encode())


def test_contents_can_be_left_out() -> None:
    lines = run_capture("messages", "-", "--no-content", stdin=plain()).stdout.splitlines()
    assert lines[0] == b"22:13:21.000    0 -> text         3 B"
    result = invoke_capture("messages", "-", "--no-content", "--format", "jsonl", stdin=plain())
    for entry in objects(result.stdout_bytes):
        assert not entry.keys() & {"text", "base64"}
    sizes = [entry["payload_length"] for entry in objects(result.stdout_bytes)]
    assert sizes == [3, 2, 8, 5]


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
        "gzip": gzip.compress(pcapng(packets, 1)),
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
        (["-"], "is no capture (pcap or pcapng). If it holds the raw bytes"),
        (["-", str(DEMO)], "Standard input (-) is read alone."),
        ([str(DEMO), str(Path(__file__))], "is no capture"),
        ([str(DEMO), "--deflate", "permessage-deflate"], "--deflate is for raw dumps."),
        ([str(DEMO), "--timestamp", "1"], "--timestamp is for raw dumps."),
        ([str(DEMO), "--address", "localhost"], "'localhost' does not appear to be"),
        ([str(DEMO), "--port", "65536"], "65536 is not in the range"),
        ([str(DEMO), "--since", "yesterday"], "'yesterday' is neither an ISO 8601 time nor"),
        ([str(DEMO), "--since", "nan"], "'nan' is neither an ISO 8601 time nor"),
        ([str(DEMO), "--tolerate", "everything"], "'everything' is not one of"),
        (["-", "--from", "server", "--host", "x"], "--host is for captures."),
        (["-", "--from", "server", "--since", "0"], "--since is for captures."),
        (["-", "--from", "server", "--resync"], "--resync is for captures."),
        (["-", "--from", "server", "--no-content"], "--no-content is for captures."),
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
    assert "capture (pcap or pcapng)" in stderr
    assert "--from client or --from server" in stderr


@pytest.mark.parametrize("start", [b"", b"\x0a", b"\x0a\x0d\x0d", b"\xa1\xb2", b"\x1f"])
def test_beginning_of_a_magic_number_makes_no_capture(start: bytes) -> None:
    result = invoke_capture("messages", "-", stdin=start)
    assert (result.exit_code, result.stdout) == (2, "")
    raw = invoke_capture("messages", "-", "--from", "server", stdin=start)
    assert raw.exit_code == (1 if start else 0)


def test_gap_is_marked_said_and_ends_with_1() -> None:
    result = invoke_capture("messages", "-", "--width", "100", stdin=gapped())
    before, lossy, behind = result.stdout.splitlines()
    assert before.endswith("-> text         6 B  before")
    assert " -> text " in lossy
    assert "  [incomplete, 100 B missing] xxxxx" in lossy
    assert len(lossy) == 100
    assert behind.endswith("-> text         6 B  behind")
    assert result.exit_code == 1
    assert result.stderr == (
        "wsdefrag: <stdin>: lost: 1 message incomplete; 100 bytes not captured\n"
    )


def test_violation_is_said_and_ends_with_1() -> None:
    result = invoke_capture("messages", "-", stdin=broken())
    assert result.exit_code == 1
    assert r"[invalid utf8] caf\xe9" in result.stdout
    first, second = result.stderr.splitlines()
    assert first.startswith("wsdefrag: <stdin>: violated: connection 0, server: ")
    assert "at byte 0 (RFC 6455 section 5.2)" in first
    assert second == "wsdefrag: <stdin>: violated: 1 message invalid utf8"


def test_lax_text_is_no_violation() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, b"caf\xe9"))
    data = capture_of(talk.segments)
    assert invoke_capture("messages", "-", stdin=data).exit_code == 1
    lax = invoke_capture("messages", "-", "--lax", stdin=data)
    assert (lax.exit_code, lax.stderr) == (0, "")


@pytest.mark.parametrize(
    ("made", "tolerated", "code"),
    [
        (gapped, [], 1),
        (gapped, ["loss"], 0),
        (gapped, ["all"], 0),
        (gapped, ["reserved-bits", "close-codes"], 1),
        (broken, [], 1),
        (broken, ["loss"], 1),
        (broken, ["all"], 0),
        (lambda: cut_short(DEMO.read_bytes()), [], 1),
        (lambda: cut_short(DEMO.read_bytes()), ["loss"], 0),
        (lambda: damaged(DEMO.read_bytes()), ["all"], 1),
    ],
)
def test_what_is_tolerated_is_said_and_does_not_count(
    made: Any, tolerated: list[str], code: int
) -> None:
    options = [part for what in tolerated for part in ("--tolerate", what)]
    strict = invoke_capture("messages", "-", stdin=made())
    result = invoke_capture("messages", "-", *options, stdin=made())
    assert result.exit_code == code
    assert (result.stdout, result.stderr) == (strict.stdout, strict.stderr)


def test_tolerated_rule_lets_messages_pass() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, frame(TEXT, b"not masked"))
    data = capture_of(talk.segments)
    strict = invoke_capture("messages", "-", stdin=data)
    assert (strict.exit_code, strict.stdout) == (1, "")
    for what in ("mask-direction", "all"):
        sloppy = invoke_capture("messages", "-", "--tolerate", what, stdin=data)
        assert (sloppy.exit_code, sloppy.stderr) == (0, "")
        assert sloppy.stdout.endswith("  not masked\n")


def test_loss_of_a_raw_dump_can_be_tolerated() -> None:
    wire = GOOD + frame(TEXT, b"half", announced=9)
    strict = invoke_capture("messages", "-", "--from", "server", stdin=wire)
    assert strict.exit_code == 1
    for what in ("loss", "all"):
        result = invoke_capture("messages", "-", "--from", "server", "--tolerate", what, stdin=wire)
        assert (result.exit_code, result.stderr) == (0, strict.stderr)
    violated = invoke_capture(
        "messages", "-", "--from", "server", "--tolerate", "loss", stdin=GOOD + b"\x83\x00"
    )
    assert violated.exit_code == 1


def test_loss_of_the_side_that_is_not_wanted_does_not_count() -> None:
    assert invoke_capture("messages", "-", "--from", "client", stdin=gapped()).exit_code == 1
    other = invoke_capture("messages", "-", "--from", "server", stdin=gapped())
    assert (other.exit_code, other.stderr) == (0, "")


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_damaged_file_gives_what_was_complete_before(tmp_path: Path, form: str) -> None:
    path = tmp_path / "damaged\n.pcapng"
    path.write_bytes(damaged(DEMO.read_bytes()))
    result = invoke_capture("messages", path, "--format", form, "--width", "0")
    whole = invoke_capture("messages", DEMO, "--format", form, "--width", "0")
    assert result.exit_code == 1
    lines = whole.stdout.splitlines()
    good = [line for line in result.stdout.splitlines() if "incomplete" not in line]
    assert 100 < len(good) < len(lines)
    assert good == lines[: len(good)]
    *_, last = result.stderr.splitlines()
    assert last.startswith(f"wsdefrag: {str(path)!r}: record ")
    assert last.endswith("a length of 3 bytes is too short")


def test_file_cut_at_its_end_is_told_by_record_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng"
    path.write_bytes(cut_short(DEMO.read_bytes()))
    result = invoke_capture("messages", path)
    assert result.exit_code == 1
    first, *_ = result.stderr.splitlines()
    assert first.startswith(f"wsdefrag: {path}: record ")
    assert first.endswith("the file ends 10 bytes into it")


def test_file_without_a_readable_record_ends_with_2(tmp_path: Path) -> None:
    path = tmp_path / "none.pcapng"
    path.write_bytes(b"\x0a\x0d\x0d\x0a" + b"nothing of a section")
    result = invoke_capture("messages", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"wsdefrag: {path}: record 1 at byte 0: ")
    assert result.stderr.count("\n") == 1


def test_capture_without_a_websocket_says_so() -> None:
    talk = Conversation().open()
    talk.says(True, request_head().replace(b"Upgrade: websocket\r\n", b""))
    talk.says(False, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    result = invoke_capture("messages", "-", stdin=capture_of(talk.end().segments))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "wsdefrag: <stdin>: no WebSocket in 11 packets, 11 of them TCP\n"


def test_link_type_that_is_not_read_is_said_and_ends_with_1() -> None:
    data = pcapng([Captured(START, bytes(64))] * 3, 147)
    result = invoke_capture("messages", "-", stdin=data)
    assert result.exit_code == 1
    assert "3 packets of link type 147, which is not read\n" in result.stderr
    assert invoke_capture("messages", "-", "--tolerate", "loss", stdin=data).exit_code == 0


def test_summary_counts() -> None:
    result = invoke_capture("messages", "-", "--summary", stdin=plain())
    start = "wsdefrag: <stdin>: 4 messages with 18 bytes; 1 connection; "
    assert result.stderr.startswith(start)
    assert f"; {len(plain()):,} bytes read in " in result.stderr


def started(*arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "wsdefrag", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment(),
    )


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_live_capture_is_printed_as_its_packets_arrive(form: str) -> None:
    talk = Conversation().open().upgrade()
    before = capture_of(talk.segments)
    with started("messages", "-", "--format", form) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(before)
        written = len(before)
        for word in ("first", "second", "third"):
            talk.says(True, text(True, word))
            data = capture_of(talk.segments)
            process.stdin.write(data[written:])
            written = len(data)
            ready, _, _ = select.select([process.stdout], [], [], SECONDS)
            assert ready, "nothing was printed"
            assert word.encode() in process.stdout.readline()
        output, _ = process.communicate(timeout=SECONDS)
    assert (output, process.returncode) == (b"", 0)


def test_interrupt_of_a_live_capture_ends_with_what_was_lost() -> None:
    with started("messages", "-", "--summary") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(gapped())
        for _ in range(2):
            ready, _, _ = select.select([process.stdout], [], [], SECONDS)
            assert ready, "nothing was printed"
            process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert b"Traceback" not in error
    assert b"100 bytes not captured" in error
    assert b"3 messages with" in error


@pytest.mark.skipif(sys.platform == "win32", reason="signals of this kind are those of POSIX")
def test_broken_pipe_is_no_traceback(tmp_path: Path) -> None:
    talk = Conversation().open().upgrade()
    for _ in range(3000):
        talk.says(True, text(True, "x" * 60), acked=False)
    path = tmp_path / "long.pcapng"
    path.write_bytes(capture_of(talk.segments))
    process = started("messages", path)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin, process.stderr:
        assert b"xxx" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(SECONDS) == -signal.SIGPIPE
        assert process.stderr.read() == b""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are those of POSIX")
def test_named_pipe_is_read_once_and_as_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with started("messages", path) as process:
        path.write_bytes(plain())
        output, error = process.communicate(timeout=SECONDS)
    assert (output.count(b"\n"), error, process.returncode) == (4, b"", 0)


def test_local_times_are_those_of_the_terminal() -> None:
    at = datetime.fromtimestamp(START // 10**9 + 1, timezone.utc)
    for zone, hours in (("UTC", 0), ("UTC-5", 5)):
        result = run_capture("messages", "-", stdin=plain(), TZ=zone)
        clock = f"{(at.hour + hours) % 24:02}:{at:%M:%S}.000"
        assert result.stdout.startswith(clock.encode())


def test_losses_of_a_recording_are_told() -> None:
    result = invoke_capture("messages", SNAPPED)
    assert result.exit_code == 1
    assert "bytes not captured" in result.stderr
    assert invoke_capture("messages", SNAPPED, "--tolerate", "loss").exit_code == 0
