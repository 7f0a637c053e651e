"""The command `wsdefrag messages` on captures: the lines that it prints."""

from __future__ import annotations

import base64
import io
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from capture_conversation import CLIENT, SERVER, START, Conversation, binary, capture_of, text
from capture_recordings import LOADED
from cli_captures import DEMO, SIDES, WHOLE, invoke_capture, plain, run_capture, truth
from cli_command import objects
from terminal_columns import terminal_columns
from wsdefrag.capture import Capture


def content(entry: dict[str, Any]) -> bytes:
    if entry["text"] is not None:
        return str(entry["text"]).encode()
    return base64.b64decode(entry["content"], validate=True)


def messages_of(lines: bytes) -> list[dict[str, Any]]:
    """The messages among JSON lines, without the events between them."""
    return [entry for entry in objects(lines) if "kind" not in entry]


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
    entries = messages_of(result.stdout_bytes)
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
        "22:13:21.000    0/c0    -> text         3 B  one",
        "22:13:21.500    0/s0    <- binary       2 B  00ff",
        "22:13:22.000    0/c1    -> text         8 B  drei €",
        r"22:13:22.500    0/s1    <- text         5 B  four\n",
        "22:13:22.550    0       -> close             1000 done",
        "22:13:22.650    0       <- close             1000",
    ]


def test_line_is_cut_to_the_width() -> None:
    for columns in (66, 80, 132):
        asked = invoke_capture("messages", DEMO, "--no-events", "--width", columns)
        cut = [line for line in asked.stdout.splitlines() if line.endswith("...")]
        # Some lines are shorter, because half a wide character or half a byte cannot be shown.
        assert max(map(terminal_columns, cut)) == columns
        assert asked.stdout.count("\n") == 502


def test_line_in_a_pipe_is_never_cut() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "x" * 300 + " needle"))
    talk.says(False, text(False, "\x1b[2J水\\" * 60 + "needle"))
    talk.says(False, binary(False, b"\xab" * 200))
    for width in ((), ("--width", "0")):
        done = run_capture(
            "messages", "-", *width, stdin=capture_of(talk.segments), COLUMNS="40", PYTHONUTF8="1"
        )
        long, odd, hexadecimal = done.stdout.decode().splitlines()
        assert long.endswith("  " + "x" * 300 + " needle")
        assert odd.endswith("  " + r"\x1b[2J水\\" * 60 + "needle")
        assert hexadecimal.endswith("  " + "ab" * 200)


def test_json_line_has_the_promised_keys() -> None:
    result = invoke_capture("messages", "-", "--format", "jsonl", stdin=plain())
    first, second, *_ = objects(result.stdout_bytes)
    (message, *_) = Capture(io.BytesIO(plain()))
    assert first == {
        "uid": message.uid.hex(),
        "connection": 0,
        "seq": 0,
        "host": "example.com",
        "path": "/chat",
        "type": "text",
        "from_client": True,
        "timestamp": 1700000001.0,
        "first_timestamp": 1700000001.0,
        "text": "one",
        "content": None,
        "length": 3,
        "file": "<stdin>",
        "dropped": False,
        "injected": False,
        "frames": 1,
        "wire_length": 9,
        "payload_length": 3,
        "compressed": False,
        "status": "ok",
        "missing_bytes": 0,
        "resynced": False,
        "unauthenticated": False,
        "first_packet": 8,
        "last_packet": 8,
    }
    assert (second["type"], second["content"], second["from_client"]) == ("binary", "AP8=", False)


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
        (["--connection", "0"], ["one", b"\x00\xff", "drei €", "four\n"]),
        (["--connection", "0-0,0"], ["one", b"\x00\xff", "drei €", "four\n"]),
        (["--address", SERVER[0], "--type", "binary"], [b"\x00\xff"]),
        (["--address", "2001:db8::1"], []),
    ],
)  # fmt: skip
def test_filters_leave_what_was_asked_for(options: list[object], kept: list[str | bytes]) -> None:
    result = invoke_capture("messages", "-", "--format", "jsonl", *options, stdin=plain())
    assert result.exit_code == 0
    expected = [one.encode() if isinstance(one, str) else one for one in kept]
    assert [content(entry) for entry in messages_of(result.stdout_bytes)] == expected
    if not kept:
        assert result.stderr == "wsdefrag: <stdin>: nothing matches the filters in 19 packets\n"


def test_since_without_a_zone_is_local_time(tmp_path: Path) -> None:
    path = tmp_path / "plain.pcapng"
    path.write_bytes(plain())
    for zone, at in (("UTC", "2023-11-14T22:13:22.5"), ("UTC-1", "2023-11-14T23:13:22.5")):
        result = run_capture("messages", path, "--no-events", "--since", at, TZ=zone)
        assert result.stdout.count(b"\n") == 1
        assert result.stdout.startswith(f"{at[11:]}00 ".encode())


def test_contents_can_be_left_out() -> None:
    lines = run_capture("messages", "-", "--no-content", stdin=plain()).stdout.splitlines()
    assert lines[0] == b"22:13:21.000    0/c0    -> text         3 B"
    result = invoke_capture("messages", "-", "--no-content", "--format", "jsonl", stdin=plain())
    for entry in objects(result.stdout_bytes):
        assert not entry.keys() & {"text", "content"}
    sizes = [entry["payload_length"] for entry in messages_of(result.stdout_bytes)]
    assert sizes == [3, 2, 8, 5]


def test_summary_counts() -> None:
    result = invoke_capture("messages", "-", "--summary", stdin=plain())
    start = "wsdefrag: <stdin>: 4 messages with 18 bytes; 1 connection; "
    assert result.stderr.startswith(start)
    assert f"; {len(plain()):,} bytes read in " in result.stderr


def test_local_times_are_those_of_the_terminal() -> None:
    at = datetime.fromtimestamp(START // 10**9 + 1, timezone.utc)
    for zone, hours in (("UTC", 0), ("UTC-5", 5)):
        result = run_capture("messages", "-", stdin=plain(), TZ=zone)
        clock = f"{(at.hour + hours) % 24:02}:{at:%M:%S}.000"
        assert result.stdout.startswith(clock.encode())
