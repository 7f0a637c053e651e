"""Runs the command on captures, and has the expected values for these captures.

For recordings, the expected values are the messages that the applications sent. Captures with
losses are written by the tests, which know what is lost and what must be read.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import IO

from click.testing import CliRunner, Result

from capture_conversation import START, Conversation, binary, capture_of, close, text
from capture_recordings import LOADED, SIDES, WHOLE, recordings
from cli_command import environment
from hang_guard import HANG_SECONDS
from wsdefrag.cli.group import wsdefrag

__all__ = [
    "DEMO",
    "SIDES",
    "SNAPPED",
    "START",
    "WHOLE",
    "broken",
    "cut_short",
    "damaged",
    "feed_live",
    "gapped",
    "invoke_capture",
    "plain",
    "run_capture",
    "truth",
    "truth_of",
]

DEMO = LOADED["demo"].path
"""Five connections at once, all of them whole."""

SNAPPED = LOADED["snap-length"].path
"""One connection, much of which was not captured."""

Key = tuple[str, int, str]


def run_capture(
    *arguments: object, stdin: bytes = b"", **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run `wsdefrag` as a process and wait for it."""
    return subprocess.run(
        [sys.executable, "-m", "wsdefrag", *map(str, arguments)],
        input=stdin,
        env=environment(**variables),
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )


def invoke_capture(*arguments: object, stdin: bytes = b"") -> Result:
    """Run `wsdefrag` inside this process."""
    runner = CliRunner(env={"COLUMNS": None, "NO_COLOR": None, "TERM": None})
    return runner.invoke(wsdefrag, list(map(str, arguments)), input=stdin)


def truth(name: str) -> dict[Key, recordings.Connection]:
    """What is known of the connections of a recording, by client address, port and path."""
    return {truth_of(one): one for one in LOADED[name].connections}


def truth_of(connection: recordings.Connection) -> Key:
    return (*connection.client, connection.path)


def plain() -> bytes:
    """Four messages of a whole connection, one a packet and half a second apart."""
    talk = Conversation(step=50_000_000).open().upgrade()
    messages = (
        (True, text(True, "one")),
        (False, binary(False, b"\x00\xff")),
        (True, text(True, "drei €")),
        (False, text(False, "four\n")),
    )
    for number, (from_client, data) in enumerate(messages):
        talk.time = START + 1_000_000_000 + number * 500_000_000
        talk.says(from_client, data, acked=False)
    talk.says(True, close(True, 1000, b"done"))
    talk.says(False, close(False))
    return capture_of(talk.end().segments)


def gapped() -> bytes:
    """A message with 100 of its 500 bytes not captured, between two whole ones."""
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "before"))
    parts = talk.say(True, text(True, "x" * 500), size=100)
    talk.says(True, text(True, "after"))
    talk.end()
    return capture_of(talk.without(parts[2]))


def broken() -> bytes:
    """Two messages, the second no UTF-8, then a server that breaks a rule."""
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "fine"))
    talk.says(True, text(True, b"caf\xe9"))
    talk.says(False, b"\x83\x00")
    return capture_of(talk.end().segments)


def _at_a_block(data: bytes, share: float) -> int:
    """The offset of a block of a little-endian pcapng file, about that far into it."""
    at = 0
    while at < len(data) * share:
        at += int.from_bytes(data[at + 4 : at + 8], "little")
    return at


def damaged(data: bytes) -> bytes:
    """A pcapng file in the middle of which a block has a length that cannot be."""
    at = _at_a_block(data, 0.5)
    return data[: at + 4] + (3).to_bytes(4, "little") + data[at + 8 :]


def cut_short(data: bytes) -> bytes:
    """A pcapng file that ends inside a block in its middle."""
    return data[: _at_a_block(data, 0.5) + 10]


def last_packet(data: bytes) -> int:
    """The offset of the last block of a little-endian pcapng file."""
    at = last = 0
    while at < len(data):
        last, at = at, at + int.from_bytes(data[at + 4 : at + 8], "little")
    return last


def feed_live(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Write a capture, and wait until the process has dealt with all of it but the last packet.

    The last packet is written when the others have been taken out of the pipe. When it has been
    taken out too, the process had come back for more.
    """
    assert process.stdin is not None
    last = last_packet(data)
    for part in (data[:last], data[last:]):
        process.stdin.write(part)
        wait_until_taken(process.stdin)


def wait_until_taken(pipe: IO[bytes]) -> None:
    """Wait until a process has read everything that is in its pipe."""
    import fcntl  # only where pipes are those of POSIX
    import termios

    end = time.monotonic() + HANG_SECONDS
    left = bytearray(4)
    while fcntl.ioctl(pipe, termios.FIONREAD, left) or any(left):
        assert time.monotonic() < end, "nothing was read"
        time.sleep(0.01)
