"""The subcommand `follow`: a connection as a conversation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from capture_conversation import Conversation, binary, capture_of, close, ping, text
from cli_captures import DEMO, gapped, invoke_capture, run_capture
from wsdefrag.capture import Capture


def talk(tmp_path: Path) -> Path:
    """A conversation with all that `follow` shows."""
    one = Conversation().open().upgrade()
    one.says(True, text(True, 'two\nlines, a tab\there, "C:\\dir" and \x1b[31m'))
    one.says(False, binary(False, bytes(range(20))))
    one.says(False, ping(False, b"there?"))
    one.says(False, text(False, ""))
    one.says(False, text(False, "grüße 世界"))
    one.says(True, close(True, 1000, b"bye"))
    one.end()
    path = tmp_path / "talk.pcapng"
    path.write_bytes(capture_of(one.segments))
    return path


def without_times(output: str) -> str:
    return re.sub(r"(?m)^\d\d:\d\d:\d\d\.\d{3} ", "", output)


def test_conversation_has_whole_contents_in_order(tmp_path: Path) -> None:
    result = invoke_capture("follow", talk(tmp_path), "0")
    assert (result.exit_code, result.stderr) == (0, "")
    assert without_times(result.stdout) == (
        "    c0 -> text        41 B\n"
        'two\nlines, a tab\there, "C:\\dir" and \\x1b[31m\n\n'
        "    s0 <- binary      20 B\n"
        "00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|\n"
        "00000010  10 11 12 13                                       |....|\n\n"
        "       <- ping         6 B  there?\n\n"
        "    s1 <- text         0 B\n\n"
        "    s2 <- text        14 B\n"
        "grüße 世界\n\n"
        "       -> close             1000 bye\n\n"
    )


def test_hex_dumps_all_contents(tmp_path: Path) -> None:
    result = invoke_capture("follow", talk(tmp_path), "0", "--hex", "--from", "server")
    assert "|gr....e ......|" in result.stdout
    assert "-> text" not in result.stdout


@pytest.mark.parametrize("sender", ["client", "server"])
def test_raw_is_the_contents_alone(sender: str) -> None:
    for number in range(5):
        messages = Capture(DEMO, connections=[number], from_client=sender == "client")
        expected = b"".join(message.content for message in messages)
        result = run_capture("follow", DEMO, number, "--raw", "--from", sender)
        assert (result.returncode, result.stdout, result.stderr) == (0, expected, b"")


def test_gap_stands_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "gapped.pcapng"
    path.write_bytes(gapped())
    result = invoke_capture("follow", path, "0")
    assert result.exit_code == 1
    kinds = re.findall(r"(?m)^\S+ .* -> (\w+)", result.stdout)
    assert kinds == ["text", "gap", "text", "text"]
    assert "[incomplete, 100 B missing]" in result.stdout


def test_conditions_choose_messages(tmp_path: Path) -> None:
    result = invoke_capture("follow", talk(tmp_path), "0", "--grep", "lines", "--around", "1")
    assert re.findall(r"[cs]\d+ (?:->|<-)", result.stdout) == ["c0 ->", "s0 <-"]


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        ([DEMO, "99"], 1, "no WebSocket has the number 99 (`wsdefrag connections` lists them)"),
        ([DEMO, "x"], 2, "x is not the number of a connection; give one at the end"),
        ([DEMO], 2, f"{DEMO} is not the number of a connection; give one at the end"),
        (["3"], 2, "3 is the number of a connection; the captures come first."),
        (["3", DEMO], 2, f"the captures come before the number of the connection: {DEMO} 3."),
        (["no file", "1"], 2, "does not exist"),
    ],
)
def test_wrong_arguments_are_one_line(arguments: list[object], status: int, error: str) -> None:
    result = invoke_capture("follow", *arguments)
    assert result.exit_code == status
    assert error in result.stderr.splitlines()[-1]
