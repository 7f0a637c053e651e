"""The command as a process: pipes, terminals, signals, memory."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli_command import DATA, GOOD, command, environment, run
from hang_guard import HANG_SECONDS
from wire_writer import TEXT, frame, pieces

pty = pytest.importorskip("pty", reason="terminals and signals of this kind are those of POSIX")

MESSAGES = frame(TEXT, b"x" * 60) * 20_000
STREAM = DATA / "prices-plain.server.bin"


def start(*arguments: object, **variables: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(*arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment(**variables),
    )


def line_of(process: subprocess.Popen[bytes]) -> bytes:
    """The next line, which has to come while the process still waits for input."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], HANG_SECONDS)
    assert ready, "nothing was printed"
    return process.stdout.readline()


def on_terminal(
    *arguments: object, stdout: bool = True, code: str | None = None, **variables: str
) -> tuple[int, str]:
    """Run the command with standard error, and perhaps standard output, on a terminal."""
    line = command(*arguments)
    if code is not None:
        line[1:3] = ["-c", code]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=theirs if stdout else subprocess.DEVNULL,
        stderr=theirs,
        env=environment(**{"TERM": "xterm"} | variables),
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 1 << 16):
            shown += data
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    return process.wait(HANG_SECONDS), shown.decode()


def test_stdin_is_read_like_a_file() -> None:
    wire = STREAM.read_bytes()
    at = ("--timestamp", "1.5")
    for form in ("text", "jsonl"):
        file = run(STREAM, "--from", "server", "--format", form, *at)
        piped = run("-", "--from", "server", "--format", form, *at, stdin=wire)
        assert piped.stdout == file.stdout
        assert piped.stdout.count(b"\n") == 3000
        assert piped.returncode == 0


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_message_is_printed_as_soon_as_it_is_there(form: str) -> None:
    with start("-", "--from", "server", "--format", form) as process:
        assert process.stdin is not None
        for word in (b"first", b"second"):
            for piece in pieces(frame(TEXT, word), 3):
                process.stdin.write(piece)
            assert word in line_of(process)
        output, error = process.communicate(timeout=HANG_SECONDS)
    assert (output, error, process.returncode) == (b"", b"", 0)


def test_violation_ends_the_command_while_the_pipe_is_open() -> None:
    with start("-", "--from", "server") as process:
        assert process.stdin is not None
        process.stdin.write(GOOD + b"\x83\x00")
        assert process.wait(HANG_SECONDS) == 1
        assert process.stderr is not None
        assert b"at byte 19" in process.stderr.read()


def test_interrupt_ends_with_the_summary() -> None:
    with start("-", "--from", "server", "--summary") as process:
        assert process.stdin is not None
        process.stdin.write(GOOD + b"\x81")
        for word in (b"one", b"00ff", b"drei"):
            assert word in line_of(process)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 130
    assert output == b""
    assert error.startswith(b"wsdefrag: <stdin>: 3 messages with 13 bytes; 20 bytes read")
    assert error.count(b"\n") == 1


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_broken_pipe_is_no_traceback(tmp_path: Path, form: str) -> None:
    path = tmp_path / "long.bin"
    path.write_bytes(MESSAGES)
    process = start(path, "--from", "server", "--format", form)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin, process.stderr:
        assert b"xxx" in line_of(process)
        process.stdout.close()
        assert process.wait(HANG_SECONDS) == -signal.SIGPIPE
        assert process.stderr.read() == b""


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_output_that_cannot_be_written_is_one_line(form: str) -> None:
    with Path(os.devnull).open("rb") as unwritable:
        done = subprocess.run(
            command(STREAM, "--from", "server", "--format", form),
            stdin=subprocess.DEVNULL,
            stdout=unwritable,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=HANG_SECONDS,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"wsdefrag: standard output: ")
    assert done.stderr.count(b"\n") == 1


def test_pipe_has_no_colours_even_if_the_terminal_could() -> None:
    done = run(STREAM, "--from", "server", TERM="xterm-256color")
    assert b"\x1b" not in done.stdout


def test_terminal_has_colours_unless_they_are_unwanted() -> None:
    code, shown = on_terminal(STREAM, "--from", "server")
    assert code == 0
    assert shown.count("\x1b[") == 4 * 3000
    for code, plain in (
        on_terminal(STREAM, "--from", "server", NO_COLOR="1"),
        on_terminal(STREAM, "--from", "server", TERM="dumb"),
    ):
        assert code == 0
        assert "\x1b" not in plain
        assert plain.count("\n") == 3000
    # An empty NO_COLOR has no effect.
    assert "\x1b[" in on_terminal(STREAM, "--from", "server", NO_COLOR="")[1]


def test_terminal_cuts_lines_to_its_width_and_a_pipe_does_not(tmp_path: Path) -> None:
    path = tmp_path / "long.bin"
    path.write_bytes(frame(TEXT, b"x" * 300 + b" needle"))
    code, shown = on_terminal(path, "--from", "server", TERM="dumb", COLUMNS="60")
    assert code == 0
    assert [len(line) for line in shown.splitlines()] == [60]
    assert shown.endswith("xxx...\r\n")
    whole = on_terminal(path, "--from", "server", "--width", "0", TERM="dumb", COLUMNS="60")[1]
    assert whole.endswith("xxx needle\r\n")
    assert run(path, "--from", "server", COLUMNS="60").stdout.endswith(b"xxx needle\n")


def test_json_lines_have_no_colours() -> None:
    shown = on_terminal(STREAM, "--from", "server", "--format", "jsonl")[1]
    assert "\x1b" not in shown


# The file is read too fast for a progress bar, so its minimum size is lowered.
SHORT_IS_LONG = """
import wsdefrag.cli.input.source
wsdefrag.cli.input.source._LONG_FILE = 1
wsdefrag.cli.main()
"""


def test_progress_is_shown_where_the_messages_are_not(tmp_path: Path) -> None:
    path = tmp_path / "long.bin"
    path.write_bytes(MESSAGES + b"\x83\x00")
    code, shown = on_terminal(path, "--from", "server", stdout=False, code=SHORT_IS_LONG)
    assert code == 1
    bar, _, error = shown.rpartition("wsdefrag: ")
    assert "%" in bar
    assert bar.endswith("\n")
    assert "reserved opcode" in error
    assert "%" not in on_terminal(path, "--from", "server", code=SHORT_IS_LONG)[1]
    assert "%" not in on_terminal(path, "--from", "server", stdout=False)[1]


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_any_output_encoding_will_do(encoding: str) -> None:
    wire = frame(TEXT, "grün 水".encode())
    done = run("-", "--from", "server", stdin=wire, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(
        b"gr\xfcn \\u6c34\n" if encoding == "latin-1" else "grün 水\n".encode()
    )


def test_name_of_the_stream_cannot_forge_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a\nb\x1b[2J"
    path.write_bytes(b"\x83\x00")
    done = run(path, "--from", "server")
    assert done.stderr.count(b"\n") == 1
    assert b"\x1b" not in done.stderr


MEASURED = """
import resource
import sys
from wsdefrag.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def test_memory_does_not_grow_with_the_stream(tmp_path: Path) -> None:
    peaks = []
    for name, repeated in (("short", 1), ("long", 16)):
        path = tmp_path / name
        path.write_bytes(MESSAGES * repeated)  # 1.2 MiB each
        line = command(path, "--from", "server")
        line[1:3] = ["-c", MEASURED]
        done = subprocess.run(
            line, capture_output=True, env=environment(), timeout=HANG_SECONDS, check=True
        )
        peaks.append(int(done.stderr))
    assert peaks[1] < 1.5 * peaks[0]


def test_module_and_script_are_one_command() -> None:
    script = Path(sys.executable).with_name("wsdefrag")
    for start_of_line in ([sys.executable, "-m", "wsdefrag"], [str(script)]):
        done = subprocess.run(
            [*start_of_line, "messages", str(STREAM), "--from", "server"],
            capture_output=True,
            env=environment(),
            timeout=HANG_SECONDS,
            check=True,
        )
        assert done.stdout.count(b"\n") == 3000
