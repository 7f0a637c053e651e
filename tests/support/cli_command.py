"""Runs the command in a new process or in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from click.testing import CliRunner, Result

import recorded_streams
from hang_guard import HANG_SECONDS
from wire_writer import BINARY, TEXT, frame
from wsdefrag.cli.group import wsdefrag

DATA = recorded_streams.DIRECTORY

__all__ = [
    "DATA",
    "GOOD",
    "command",
    "environment",
    "header_options",
    "invoke",
    "objects",
    "recorded_streams",
    "run",
    "started",
]

GOOD = frame(TEXT, b"one") + frame(BINARY, b"\x00\xff") + frame(TEXT, "drei €".encode())
"""Three messages from a server, in frames of 5, 4 and 10 bytes."""

# Whatever the machine that runs the tests is set to.
_PLAIN = {"TZ": "UTC", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
_UNSET = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING", "TERM")


def environment(**more: str) -> dict[str, str]:
    """The variables of a run, the same everywhere."""
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return kept | _PLAIN | more


def command(*arguments: object) -> list[str]:
    """The command line of `wsdefrag messages`."""
    return [sys.executable, "-m", "wsdefrag", "messages", *map(str, arguments)]


def run(
    *arguments: object, stdin: bytes = b"", **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run `wsdefrag messages` as a process and wait for it."""
    return subprocess.run(
        command(*arguments),
        input=stdin,
        env=environment(**variables),
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )


def invoke(*arguments: object, stdin: bytes = b"") -> Result:
    """Run `wsdefrag messages` inside this process."""
    runner = CliRunner(env=dict.fromkeys(_UNSET))
    return runner.invoke(wsdefrag, ["messages", *map(str, arguments)], input=stdin)


def objects(lines: bytes) -> list[dict[str, Any]]:
    """Read JSON lines."""
    return [json.loads(line) for line in lines.decode().split("\n")[:-1]]


def header_options(recording: recorded_streams.Recording) -> list[str]:
    """The options that tell what was agreed in a recording's handshake."""
    return ["--deflate", recording.extensions] if recording.extensions else []


def started(*arguments: object) -> subprocess.Popen[bytes]:
    """The command as a process whose input and outputs are pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "wsdefrag", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment(),
    )
