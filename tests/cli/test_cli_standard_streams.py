"""The command when its standard streams are closed, and when files cannot be written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cli_captures import DEMO, invoke_capture, plain
from cli_command import environment
from hang_guard import HANG_SECONDS

if sys.platform == "win32":
    pytest.skip("shells and limits of this kind are those of POSIX", allow_module_level=True)

FORMATS = ["jsonl", "har", "mitm", "parquet", "arrow", "png"]


def shell(script: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a shell script, in which it is "$@"."""
    line = ["sh", "-c", script, "sh", sys.executable, "-m", "wsdefrag", *map(str, arguments)]
    return subprocess.run(
        line,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(),
        timeout=HANG_SECONDS,
        check=False,
    )


def test_closed_input_is_one_line() -> None:
    done = shell('"$@" <&-', "messages", "-")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"wsdefrag: <stdin>: is closed\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["messages", DEMO],
        ["messages", DEMO, "--format", "jsonl"],
        ["connections", DEMO],
        ["convert", DEMO, "-o", "-", "--format", "jsonl"],
        ["convert", DEMO, "-o", "-", "--format", "har"],
        ["--help"],
    ],
    ids=lambda arguments: " ".join(map(str, arguments)).replace(str(DEMO), "DEMO"),
)
def test_closed_output_is_one_line(arguments: list[object]) -> None:
    done = shell('"$@" >&-', *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"wsdefrag: standard output: is closed\n"


def test_closed_streams_do_not_matter_where_a_file_is_written(tmp_path: Path) -> None:
    output = tmp_path / "out.har"
    done = shell('"$@" <&- >&- 2>&-', "convert", DEMO, "-o", output)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    expected = tmp_path / "expected.har"
    assert invoke_capture("convert", DEMO, "-o", expected).exit_code == 0
    assert output.read_bytes() == expected.read_bytes()


def test_closed_error_leaves_output_and_exit_status() -> None:
    done = shell('"$@" 2>&-', "messages", DEMO)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == shell('"$@"', "messages", DEMO).stdout
    assert shell('"$@" 2>&-', "messages", "no such file").returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="that device is Linux's")
@pytest.mark.parametrize(
    "arguments",
    [
        ["messages"],
        ["messages", "--format", "jsonl"],
        ["connections"],
        ["convert", "-o", "-", "--format", "jsonl"],
        ["convert", "-o", "-", "--format", "mitm"],
    ],
    ids=" ".join,
)
def test_full_disk_of_standard_output_is_one_line(arguments: list[str]) -> None:
    done = shell('"$@" >/dev/full', *arguments, DEMO)
    assert done.returncode == 2
    assert done.stderr == b"wsdefrag: standard output: No space left on device\n"


# The limit for the size of a file stands for a disk that is full.
@pytest.mark.unmeasured
@pytest.mark.parametrize("format", FORMATS)
def test_full_disk_of_a_file_is_one_line_and_leaves_nothing(tmp_path: Path, format: str) -> None:
    if format == "png":
        pytest.importorskip("matplotlib")
    output = tmp_path / f"out.{format}"
    convert = "plot" if format == "png" else "convert"
    done = shell('ulimit -f 8; "$@"', convert, DEMO, "-o", output)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == f"wsdefrag: {output}: File too large\n"
    assert list(tmp_path.iterdir()) == []


def test_unwritable_directory_is_one_line(tmp_path: Path) -> None:
    # /proc takes no files, not even from root, whom permissions do not stop.
    if not Path("/proc/self").exists():
        pytest.skip("that directory is Linux's")
    source = tmp_path / "in.pcapng"
    source.write_bytes(plain())
    done = shell('"$@"', "convert", source, "-o", "/proc/out.har")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"wsdefrag: /proc/out.har: No such file or directory\n"
