"""The command ended by a signal while it writes: its exit status, and which files are left."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture_conversation import Conversation, binary, capture_of, text
from capture_recordings import LOADED
from cli_captures import DEMO, feed_live, plain, wait_until_taken
from cli_command import command, environment, started
from hang_guard import HANG_SECONDS
from wsdefrag.cli.signals import given_to

if sys.platform == "win32":
    pytest.skip("signals of this kind are those of POSIX", allow_module_level=True)


@pytest.fixture(autouse=True)
def hangups_are_not_ignored() -> Iterator[None]:
    """A program that ignores SIGHUP, such as `nohup`, may have started the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


FORMATS = ["jsonl", "har", "mitm", "parquet", "arrow", "png"]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

# Runs the command with an output file that sends the signal at the given write.
AT_A_WRITE = """
import os, sys
from contextlib import contextmanager

import wsdefrag.cli
from wsdefrag.cli.output import files

number, left, *sys.argv[1:] = sys.argv[1:]
replaced = files._replaced


class File:
    def __init__(self, file):
        self.file = file

    def write(self, data):
        global left
        left = int(left) - 1
        if left == 0:
            os.kill(os.getpid(), int(number))
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


@contextmanager
def replacing(path):
    with replaced(path) as file:
        yield File(file)


files._replaced = replacing
wsdefrag.cli.main()
"""


def convert_to(output: Path) -> list[str]:
    return ["plot" if output.suffix == ".png" else "convert", "-o", str(output)]


def noise() -> bytes:
    """A capture with 1 MiB that cannot be compressed."""
    talk = Conversation().open().upgrade()
    content = random.Random(13).randbytes(1 << 20)
    talk.say(False, binary(False, content), size=60_000, acked=False)
    return capture_of(talk.segments)


def left_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("format", FORMATS)
def test_signal_in_the_middle_of_a_file_leaves_nothing(
    tmp_path: Path, format: str, write: int, number: signal.Signals
) -> None:
    if format == "png":
        pytest.importorskip("matplotlib")
    source = tmp_path / "many.pcapng"
    many = LOADED["cable-many"].path
    # Files of columns are written in large blocks.
    source.write_bytes(noise() if format in ("parquet", "arrow") else many.read_bytes())
    output = tmp_path / f"out.{format}"
    code = [sys.executable, "-c", AT_A_WRITE, str(int(number)), str(write)]
    done = subprocess.run(
        [*code, *convert_to(output), str(source)],
        capture_output=True,
        env=environment(),
        timeout=HANG_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, b"", b"")
    assert left_in(tmp_path) == ["many.pcapng"]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_signal_ends_the_reading_of_several_files_before_a_batch_is_full(
    tmp_path: Path, format: str, number: signal.Signals
) -> None:
    """One of them is a named pipe that gives nothing, so no batch ever comes."""
    pipe, output = tmp_path / "pipe", tmp_path / f"out.{format}"
    os.mkfifo(pipe)
    # Opening the pipe waits until the command has opened it, too.
    with started(*convert_to(output), DEMO, pipe) as process, pipe.open("wb"):
        process.send_signal(number)
        _, error = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, error) == (128 + number, b"")
    assert left_in(tmp_path) == [pipe.name]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("format", FORMATS)
def test_signal_ends_a_live_capture_and_its_file_is_complete(
    tmp_path: Path, format: str, number: signal.Signals
) -> None:
    if format == "png":
        pytest.importorskip("matplotlib")
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "kept"))
    output = tmp_path / f"out.{format}"
    with started(*convert_to(output), "-") as process:
        feed_live(process, capture_of(talk.segments))
        process.send_signal(number)
        _, error = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, error) == (128 + number, b"")
    assert left_in(tmp_path) == [output.name]
    if format == "parquet":
        pyarrow = pytest.importorskip("pyarrow.parquet")
        assert pyarrow.read_table(output).num_rows == 1
    elif format == "png":
        assert output.read_bytes().endswith(b"IEND\xaeB`\x82")
    elif format != "arrow":  # whose columns are compressed
        assert b"kept" in output.read_bytes()


@pytest.mark.parametrize("number", SIGNALS)
def test_live_connections_are_printed_when_a_signal_ends_them(number: signal.Signals) -> None:
    with started("connections", "-") as process:
        feed_live(process, plain())
        process.send_signal(number)
        output, error = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, error) == (128 + number, b"")
    assert output.count(b"example.com/chat") == 1


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_before_any_packet_is_no_error_of_the_input(number: signal.Signals) -> None:
    with started("messages", "-") as process:
        assert process.stdin is not None
        # The first bytes tell the format. When more have been taken, the capture is being read.
        for part in (plain()[:8], plain()[8:12]):
            process.stdin.write(part)
            wait_until_taken(process.stdin)
        process.send_signal(number)
        output, error = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, output) == (128 + number, b"")
    assert b"no WebSocket in 0 packets" in error
    assert b"not a capture" not in error


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_that_the_parent_ignores_stays_ignored(number: signal.Signals) -> None:
    with subprocess.Popen(
        command("-"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment(),
        preexec_fn=lambda: signal.signal(number, signal.SIG_IGN),
    ) as process:
        feed_live(process, plain())
        process.send_signal(number)
        output, error = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, output.count(b"\n"), error) == (0, 6, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_goes_to_a_loop_and_afterwards_where_it_went_before(number: signal.Signals) -> None:
    own: list[int] = []
    taken: list[int] = []
    before = signal.signal(number, lambda number, _: own.append(number))
    try:
        loop = asyncio.new_event_loop()
        ended = asyncio.Event()

        def take(number: int) -> None:
            taken.append(number)
            ended.set()

        with given_to(loop, take):
            signal.raise_signal(number)
            loop.run_until_complete(ended.wait())
        assert loop.is_closed()
        signal.raise_signal(number)
    finally:
        signal.signal(number, before)
    assert (taken, own) == ([number], [number])
