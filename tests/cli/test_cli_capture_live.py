"""`wsdefrag messages` on a capture that is still being written, and on a pipe that breaks."""

from __future__ import annotations

import select
import signal
import sys
from pathlib import Path

import pytest

from capture_conversation import Conversation, capture_of, close, text
from cli_captures import feed_live, gapped
from cli_command import started
from hang_guard import HANG_SECONDS
from wire_writer import pieces

LIVE = {
    "text": ["messages", "-"],
    "jsonl": ["messages", "-", "--format", "jsonl"],
    "convert": ["convert", "-", "-o", "-", "--format", "jsonl"],
}


@pytest.mark.parametrize("form", LIVE)
def test_live_capture_is_printed_as_its_packets_arrive(form: str) -> None:
    talk = Conversation().open().upgrade()
    before = capture_of(talk.segments)
    with started(*LIVE[form]) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(before)
        written = len(before)
        for word in ("first", "second", "third"):
            talk.says(True, text(True, word))
            data = capture_of(talk.segments)
            # A slow pipe divides packets anywhere.
            for piece in pieces(data[written:], 50):
                process.stdin.write(piece)
            written = len(data)
            ready, _, _ = select.select([process.stdout], [], [], HANG_SECONDS)
            assert ready, "nothing was printed"
            assert word.encode() in process.stdout.readline()
        output, _ = process.communicate(timeout=HANG_SECONDS)
    assert (output, process.returncode) == (b"", 0)


def test_live_connection_is_a_json_line_when_it_has_ended() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "x"))
    talk.says(True, close(True, 1000, b"done"))
    talk.says(False, close(False))
    with started("connections", "-", "--format", "jsonl") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        feed_live(process, capture_of(talk.end().segments))
        other = Conversation(("192.0.2.11", 50_000), time=talk.time + 3_600_000_000_000).open()
        process.stdin.write(capture_of(other.segments))
        ready, _, _ = select.select([process.stdout], [], [], HANG_SECONDS)
        assert ready, "nothing was printed"
        assert b'"close_reason": "done"' in process.stdout.readline()
        process.communicate(timeout=HANG_SECONDS)


def test_interrupt_of_a_live_capture_ends_with_what_was_lost() -> None:
    with started("messages", "-", "--summary") as process:
        feed_live(process, gapped())
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=HANG_SECONDS)
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
        assert process.wait(HANG_SECONDS) == -signal.SIGPIPE
        assert process.stderr.read() == b""
